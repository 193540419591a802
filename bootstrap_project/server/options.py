"""Where to listen, read by `conf` without the other settings: the health probe asks every few seconds."""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from environ import Env

from bootstrap_project.conf.reading import read_certificates, read_text, read_whole_number, read_workers


class ServeError(Exception):
    """A reason not to start, as one sentence for the person who started the server."""


@dataclass(frozen=True)
class ServeOptions:
    """Where and how to listen, as the environment says."""

    host: str
    port: int
    workers: int
    certificate: Path | None
    key: Path | None

    @property
    def url(self) -> str:
        """The address as it is typed, with the brackets of IPv6."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.certificate else 'http'}://{host}:{self.port}"


def read_options(env: Env) -> ServeOptions:
    """Return the options that `env` holds.

    Raises: ImproperlyConfigured for a number out of bounds, half a TLS pair or a file that cannot be read.
    Source: docs/contract.md#h3.
    """
    certificate = read_certificates(env, "MG_BOOTSTRAP_HTTP_SERVER_CERT")
    key = read_certificates(env, "MG_BOOTSTRAP_HTTP_SERVER_KEY")
    if bool(certificate) != bool(key):
        raise ImproperlyConfigured(
            "MG_BOOTSTRAP_HTTP_SERVER_CERT and MG_BOOTSTRAP_HTTP_SERVER_KEY go together: set both for TLS, or none."
        )
    return ServeOptions(
        host=read_text(env, "MG_BOOTSTRAP_HTTP_HOST", "localhost").strip("[]"),
        port=read_whole_number(env, "MG_BOOTSTRAP_HTTP_PORT", 9013, minimum=1, maximum=65_535),
        workers=read_workers(env),
        certificate=Path(certificate) if certificate else None,
        key=Path(key) if key else None,
    )


def resolve_address(host: str, port: int) -> str:
    """Return the numeric address that `host` stands for, an IPv4 one where it has both.

    Raises: ServeError when the name is unknown here.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise ServeError(f"MG_BOOTSTRAP_HTTP_HOST is {host!r}, which is no address of this machine.") from error
    found.sort(key=lambda entry: entry[0] != socket.AF_INET)
    return str(found[0][4][0])


def require_free_port(host: str, port: int) -> str:
    """Check that we can listen there: granian would share the port with another server and say nothing.

    Return the numeric address.
    Raises: ServeError with what to do.
    """
    address = resolve_address(host, port)
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
            probe.listen(1)
        except PermissionError as error:
            raise ServeError(
                f"This user may not listen on port {port}; set MG_BOOTSTRAP_HTTP_PORT to one above 1023."
            ) from error
        except OSError as error:
            raise ServeError(
                f"Cannot listen on {host}, port {port} ({(error.strerror or str(error)).lower()}). "
                "Stop the program that uses it, or set MG_BOOTSTRAP_HTTP_PORT to a free port."
            ) from error
    return address


def require_certificate(options: ServeOptions) -> None:
    """Check that the TLS pair loads: granian would ask the terminal for the password of a key that has one.

    Raises: ServeError when it does not.
    """
    if options.certificate is None or options.key is None:
        return
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(options.certificate, options.key, password="")
    except (OSError, ValueError) as error:
        raise ServeError(
            "MG_BOOTSTRAP_HTTP_SERVER_CERT and MG_BOOTSTRAP_HTTP_SERVER_KEY are no pair of PEM files that TLS can use "
            f"({error})."
        ) from error
