"""What `--health` does, for a container's HEALTHCHECK: ask the server on this machine how it is."""

from __future__ import annotations

import http.client
import ssl
import sys

from bootstrap_project.server.options import ServeOptions

#: How long it waits for an answer.
PROBE_TIMEOUT_SECONDS = 4


def probe(options: ServeOptions) -> int:
    """Ask for `/health`; return 0 when the server is well and 1 otherwise."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(options.host, options.host)  # noqa: S104
    connection: http.client.HTTPConnection
    if options.certificate:
        # We ask ourselves over loopback, where the certificate's name is not ours.
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        connection = http.client.HTTPSConnection(host, options.port, timeout=PROBE_TIMEOUT_SECONDS, context=context)
    else:
        connection = http.client.HTTPConnection(host, options.port, timeout=PROBE_TIMEOUT_SECONDS)
    try:
        connection.request("GET", "/health", headers={"Host": f"localhost:{options.port}"})
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        sys.stderr.write(f"No answer from {options.host}, port {options.port}: {error}\n")
        return 1
    finally:
        connection.close()
    sys.stdout.write(f"/health answered {status}\n")
    return 0 if status == http.client.OK else 1
