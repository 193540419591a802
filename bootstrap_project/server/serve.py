"""The production server, granian, with the settings of the environment and nothing else.

Run as `python -m bootstrap_project.serve`.

It migrates nothing and seeds nothing. What would stop it is looked at before the first worker starts, so that a person
reads one sentence instead of a traceback from every worker.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import functools
import http.client
import logging
import multiprocessing
import os
import resource
import shutil
import signal
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bootstrap_project.observability import multiprocess
from bootstrap_project.observability.standard_error import QueuedOutput, queued_standard_error
from bootstrap_project.server.peers import end_those_who_do_not_read
from bootstrap_project.server.stops import HELD_SIGNALS, Stops, stop_worker_when_told

#: Connections that a worker takes on at once, each with a thread while it asks something. Granian counts idle ones as
#: well, so a small number would let a few hundred silent peers shut everybody out; and what comes on top of it waits
#: where nobody has to hold anything for it, in the kernel. Each thread that starts wants the interpreter for a moment,
#: which all others feel when very many start at once.
CONNECTIONS = 384
#: Connections that may wait to be accepted: what the kernel allows by default, for a site that comes back at once.
BACKLOG = 4096
#: Head of a request: time to arrive (as upstream's), and size from which granian answers 431 (it looks after each read,
#: so up to twice this may pass).
HEADER_TIMEOUT_MILLISECONDS = 5_000
HEADER_BUFFER_BYTES = 65_536
#: How long a peer may take nothing of an answer.
ANSWER_TIMEOUT_SECONDS = 20
#: How long a worker may go on with what it has begun when it is told to stop.
STOP_TIMEOUT_SECONDS = 10
#: After how long a thread that works gives way to one that waits. A request asks for the interpreter several times, and
#: waits that long each time for every thread that is at something long.
SWITCH_SECONDS = 0.0005
#: How long the health probe waits for an answer.
PROBE_TIMEOUT_SECONDS = 4
#: Pieces of memory from this size on go back to the system as soon as they are free, such as the 16 MB of a scrypt.
LARGE_MEMORY_BYTES = 1_048_576

# Of linux/prctl.h.
_PR_SET_PDEATHSIG = 1
# Of malloc.h.
_M_MMAP_THRESHOLD = -3

logger = logging.getLogger("bootstrap_project.serve")


class ServeError(Exception):
    """A reason not to start, as one sentence for the person who started the server."""


class ThreadAdviceFilter(logging.Filter):
    """Drops granian's advice to use fewer threads than we have measured to be right for a crowd of devices."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not str(record.msg).startswith("Configuration allows spawning")


@dataclass(frozen=True)
class ServeOptions:
    """Where and how to listen, as the environment says."""

    host: str
    port: int
    workers: int
    certificate: Path | None
    key: Path | None
    log_level: str

    @property
    def scheme(self) -> str:
        """`https` when a certificate is given, else `http`."""
        return "https" if self.certificate else "http"


def read_options(environ: Mapping[str, str]) -> ServeOptions:
    """Return the options that `environ` holds.

    Raises: ServeError for a number out of bounds, half a TLS pair or a file that cannot be read.
    Source: docs/contract.md#h3.
    """
    certificate = _read_path(environ, "MG_BOOTSTRAP_HTTP_SERVER_CERT")
    key = _read_path(environ, "MG_BOOTSTRAP_HTTP_SERVER_KEY")
    if bool(certificate) != bool(key):
        raise ServeError(
            "MG_BOOTSTRAP_HTTP_SERVER_CERT and MG_BOOTSTRAP_HTTP_SERVER_KEY go together: set both for TLS, or none."
        )
    return ServeOptions(
        host=environ.get("MG_BOOTSTRAP_HTTP_HOST") or "localhost",
        port=_read_integer(environ, "MG_BOOTSTRAP_HTTP_PORT", 9013, maximum=65_535),
        workers=_read_integer(environ, "MG_BOOTSTRAP_WORKERS", 2, maximum=256),
        certificate=certificate,
        key=key,
        log_level=(environ.get("MG_BOOTSTRAP_LOG_LEVEL") or "info").strip().lower(),
    )


def _read_integer(environ: Mapping[str, str], name: str, default: int, *, maximum: int) -> int:
    text = environ.get(name) or str(default)
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= maximum:
        raise ServeError(f"{name} must be a whole number from 1 to {maximum}; it is {text!r}.")
    return int(text)


def _read_path(environ: Mapping[str, str], name: str) -> Path | None:
    text = environ.get(name)
    if not text:
        return None
    if not os.access(text, os.R_OK) or not Path(text).is_file():
        raise ServeError(f"{name} points to a file that cannot be read: {text}")
    return Path(text)


def resolve_address(host: str, port: int) -> str:
    """Return the numeric address that `host` stands for, an IPv4 one where it has both.

    Raises: ServeError when the name is unknown here.
    """
    try:
        found = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise ServeError(f"MG_BOOTSTRAP_HTTP_HOST is {host!r}, which is no address of this machine.") from error
    found.sort(key=lambda entry: entry[0] != socket.AF_INET)
    return str(found[0][4][0])


def require_free_port(options: ServeOptions, address: str) -> None:
    """Check that we can listen there: granian would share the port with another server and say nothing.

    Raises: ServeError with what to do.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, options.port))
            probe.listen(1)
        except PermissionError as error:
            raise ServeError(
                f"This user may not listen on port {options.port}; set MG_BOOTSTRAP_HTTP_PORT to one above 1023."
            ) from error
        except OSError as error:
            raise ServeError(
                f"Cannot listen on {options.host}, port {options.port} ({(error.strerror or str(error)).lower()}). "
                "Stop the program that uses it, or set MG_BOOTSTRAP_HTTP_PORT to a free port."
            ) from error


def require_certificate(options: ServeOptions) -> None:
    """Check that the TLS pair loads.

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


@contextlib.contextmanager
def metrics_directory(workers: int, last_steps: list[Callable[[], object]]) -> Iterator[str]:
    """Give several workers one fresh directory for their counters, so that /metrics adds them up.

    It must be there before prometheus_client is imported. One that the environment names is emptied of the last run's
    counters and kept; otherwise a temporary one is made and removed at the end. Where there is no room for it, each
    worker counts for itself; the sentence that says so is what is yielded, else "". How to remove a temporary one is
    added to `last_steps`.
    """
    given = multiprocess.directory()
    if given is None and workers == 1:
        yield ""
        return
    with contextlib.ExitStack() as stack:
        folder, sentence = given, ""
        try:
            if folder is None:
                folder = stack.enter_context(multiprocess.temporary_directory())
                last_steps.append(functools.partial(shutil.rmtree, folder, ignore_errors=True))
            multiprocess.prepare_directory(folder, processes=workers + 1)
        except OSError as error:
            stack.close()
            sentence = _alone_sentence(folder, error)
            os.environ.pop(multiprocess.VARIABLE, None)
            for number in range(workers if workers > 1 else 0):
                multiprocess.note_alone(True, process=number)
        else:
            os.environ[multiprocess.VARIABLE] = str(folder)
            if given is None:
                stack.callback(os.environ.pop, multiprocess.VARIABLE, None)
        yield sentence


def _alone_sentence(folder: Path | None, error: OSError) -> str:
    return (
        f"no folder for counters ({folder or 'temporary folder'}: {(error.strerror or str(error)).lower()}), so that "
        "/metrics has those of the one worker that answers: name a folder with room in TMPDIR, or in "
        f"{multiprocess.VARIABLE}"
    )


def give_memory_back() -> None:
    """Have the C library return large pieces of memory as soon as they are free.

    It would keep them, in each of the hundreds of threads that ever ran scrypt, once it has seen a few: it raises the
    size from which it asks the system. A size that somebody set stays. Must be called before there are threads.
    """
    if "MALLOC_MMAP_THRESHOLD_" in os.environ or "mmap_threshold" in os.environ.get("GLIBC_TUNABLES", ""):
        return
    with contextlib.suppress(AttributeError, OSError):  # Only glibc has it, and only glibc needs it.
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, LARGE_MEMORY_BYTES)


def load_project() -> dict[str, Any]:
    """Import the whole application once, before the workers are forked from us, and return its logging settings.

    Raises: ServeError when the settings are refused or a system check fails.
    """
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bootstrap_project.settings")
    # Django is imported here and not above, because prometheus_client looks for its directory at that moment.
    import django  # noqa: PLC0415
    from django.conf import settings  # noqa: PLC0415
    from django.core import checks  # noqa: PLC0415
    from django.core.exceptions import ImproperlyConfigured  # noqa: PLC0415
    from django.db import connections  # noqa: PLC0415

    # Before any other package makes a metric.
    import bootstrap_project.observability.metrics  # noqa: PLC0415

    try:
        django.setup()
        messages = [message for message in checks.run_checks() if not message.is_silenced()]
    except (ImproperlyConfigured, ValueError) as error:
        raise ServeError(str(error)) from error
    found = [message for message in messages if message.is_serious()]
    if found:
        raise ServeError("\n".join(str(message) for message in found))
    for message in messages:
        logger.warning("%s", message.msg, extra={"check": message.id})
    report_missing_worker()
    import bootstrap_project.wsgi  # noqa: F401, PLC0415 - workers inherit it.

    connections.close_all()
    return dict(settings.LOGGING)


def load_application() -> Callable[..., Any]:
    """Return the WSGI application; granian calls this in each worker."""
    output = sys.stderr
    if isinstance(output, QueuedOutput):
        output.finish_with_worker()
    end_with_parent()
    stop_worker_when_told(STOP_TIMEOUT_SECONDS, output.finish if isinstance(output, QueuedOutput) else output.flush)
    from bootstrap_project.wsgi import application  # noqa: PLC0415

    sys.setswitchinterval(SWITCH_SECONDS)
    threading.Thread(target=guard_answers, name="guard-answers", daemon=True).start()
    return application


def end_with_parent() -> None:
    """Have the kernel stop this worker when its parent is killed: it would go on, and keep the port from the next."""
    # A worker inherits its parent's handler, which would keep SIGTERM to itself until granian sets the worker's own.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    parent = multiprocessing.parent_process()
    if parent is not None and parent.pid != os.getppid():  # It was killed before the kernel knew.
        os.kill(os.getpid(), signal.SIGTERM)


def guard_answers() -> None:
    """Limit how long a peer may take nothing of an answer, as soon as this worker listens."""
    for _ in range(100):
        if end_those_who_do_not_read(ANSWER_TIMEOUT_SECONDS):
            return
        time.sleep(0.1)


def report_missing_worker() -> None:
    """Log that nobody works on the queue yet, if that can be known: serving does not need it."""
    from django.db import DatabaseError  # noqa: PLC0415

    from bootstrap_project.runs.services import has_worker  # noqa: PLC0415

    with contextlib.suppress(DatabaseError):
        if not has_worker():
            logger.info("no worker is running; what operators start for many devices waits for `manage.py worker`")


def server_logging(project: Mapping[str, Any]) -> dict[str, Any]:
    """Return the project's logging settings for granian, whose messages they send the same way."""
    loggers = dict(project.get("loggers", {}))
    loggers["_granian"] = {**loggers.get("_granian", {}), "filters": ["thread_advice"]}
    filters = {
        **project.get("filters", {}),
        "thread_advice": {"()": "bootstrap_project.server.serve.ThreadAdviceFilter"},
    }
    return {**project, "filters": filters, "loggers": loggers}


def allow_open_files(wanted: int) -> None:
    """Raise this process's limit of open files towards `wanted`; shells often set it to 1,024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def serve(options: ServeOptions, stops: Stops) -> None:
    """Serve until SIGTERM or SIGINT, then let the workers finish what they have begun.

    Raises: ServeError before the start; SystemExit with a code other than 0 when workers crash again and again.
    """
    address = resolve_address(options.host, options.port)
    require_certificate(options)
    require_free_port(options, address)
    allow_open_files(CONNECTIONS + BACKLOG)
    with queued_standard_error() as output, metrics_directory(options.workers, stops.last_steps) as problem:
        project_logging = load_project()
        if output is not None:
            from bootstrap_project.observability.metrics import count_log_lines_dropped  # noqa: PLC0415

            output.count = count_log_lines_dropped
            stops.last_steps.append(output.finish)
        from granian.constants import HTTPModes, Interfaces, SSLProtocols  # noqa: PLC0415
        from granian.http import HTTP1Settings  # noqa: PLC0415
        from granian.log import LogLevels  # noqa: PLC0415
        from granian.server import Server  # noqa: PLC0415

        server = Server(
            "bootstrap_project.wsgi:application",
            address=address,
            port=options.port,
            interface=Interfaces.WSGI,
            http=HTTPModes.http1,
            http1_settings=HTTP1Settings(
                header_read_timeout=HEADER_TIMEOUT_MILLISECONDS, max_buffer_size=HEADER_BUFFER_BYTES
            ),
            websockets=False,
            workers=options.workers,
            # They wait for slots and connections, of which there are as many as the settings say.
            blocking_threads=CONNECTIONS,
            backlog=BACKLOG,
            backpressure=CONNECTIONS,
            ssl_cert=options.certificate,
            ssl_key=options.key,
            # Small devices often stop at TLS 1.2.
            ssl_protocol_min=SSLProtocols.tls12,
            log_dictconfig=server_logging(project_logging),
            log_level=LogLevels(options.log_level),
            respawn_failed_workers=True,
            workers_kill_timeout=STOP_TIMEOUT_SECONDS,
        )
        logger.info(
            "serving",
            extra={
                "url": f"{options.scheme}://{options.host}:{options.port}",
                "workers": options.workers,
            },
        )
        if problem:
            logger.warning(problem)
        stops.watch(server)
        try:
            server.serve(target_loader=load_application, wrap_loader=False)
        except SystemExit:
            # Of a worker that a signal to the whole group ended before our own word.
            if not stops.asked:
                raise


def probe(options: ServeOptions) -> int:
    """Ask the server on this machine for its health; return 0 when it is well and 1 otherwise (for HEALTHCHECK)."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1", "[::]": "::1"}.get(options.host, options.host)  # noqa: S104
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


def main(argv: Sequence[str] | None = None) -> int:
    """Serve, or with `--health` ask the running server how it is."""
    parser = argparse.ArgumentParser(prog="python -m bootstrap_project.serve", description=__doc__)
    parser.add_argument("--health", action="store_true", help="ask the server on this machine for /health and exit")
    arguments = parser.parse_args(argv)
    try:
        options = read_options(os.environ)
        if arguments.health:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, HELD_SIGNALS)
            return probe(options)
        give_memory_back()
        stops = Stops(seconds=STOP_TIMEOUT_SECONDS)
        stops.start()
        serve(options, stops)
    except ServeError as error:
        sys.stderr.write(f"bootstrap: {error}\n")
        return 1
    return 0
