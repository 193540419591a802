"""The production server, granian, with the settings of the environment and nothing else.

It migrates nothing and seeds nothing. What would stop it is looked at before the first worker starts, so that a person
reads one sentence instead of a traceback from every worker.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import logging
import os
import resource
import signal
import sys
from collections.abc import Sequence

from django.core.exceptions import ImproperlyConfigured
from environ import Env

from bootstrap_project.observability.standard_error import queued_standard_error
from bootstrap_project.server.counters import metrics_directory
from bootstrap_project.server.options import (
    ServeError,
    ServeOptions,
    read_options,
    require_certificate,
    require_free_port,
)
from bootstrap_project.server.probe import probe
from bootstrap_project.server.stops import HELD_SIGNALS, Stops
from bootstrap_project.server.worker import STOP_TIMEOUT_SECONDS, load_application

#: Requests that a worker has threads for. Each thread that starts wants the interpreter for a moment, which all others
#: feel when very many start at once; what comes on top waits its turn.
THREADS = 384
#: Connections that a worker takes on at once. Idle ones count as well, and stay for more than a minute: a small number
#: would let a few hundred of them shut everybody out.
CONNECTIONS = 8192
#: Connections that may wait to be accepted: what the kernel allows by default, for a site that comes back at once.
BACKLOG = 4096
#: Files of a worker that are no connections of its callers: the database, counters, logs, the platform.
OTHER_FILES = 512
#: Size of a request's head from which granian answers 431 (it looks after each read, so up to twice this may pass).
HEADER_BUFFER_BYTES = 65_536
#: Pieces of memory from this size on go back to the system as soon as they are free, such as the 16 MB of a scrypt.
LARGE_MEMORY_BYTES = 1_048_576

# Of malloc.h.
_M_MMAP_THRESHOLD = -3

logger = logging.getLogger("bootstrap_project.serve")


def give_memory_back() -> None:
    """Have the C library return large pieces of memory as soon as they are free.

    It would keep them, in each of the hundreds of threads that ever ran scrypt, once it has seen a few: it raises the
    size from which it asks the system. A size that somebody set stays. Must be called before there are threads.
    """
    if "MALLOC_MMAP_THRESHOLD_" in os.environ or "mmap_threshold" in os.environ.get("GLIBC_TUNABLES", ""):
        return
    with contextlib.suppress(AttributeError, OSError):  # Only glibc has it, and only glibc needs it.
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, LARGE_MEMORY_BYTES)


def load_project() -> None:
    """Import the whole application once, before the workers are forked from us; the database is not asked.

    Raises: ServeError when the settings are refused or a system check fails.
    """
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bootstrap_project.settings")
    # Django is imported here and not above, because prometheus_client looks for its directory at that moment.
    import django  # noqa: PLC0415
    from django.core import checks  # noqa: PLC0415
    from django.db import connections  # noqa: PLC0415

    # Before any other package makes a metric.
    import bootstrap_project.observability.metrics  # noqa: PLC0415
    from bootstrap_project.database.pending_migrations import migrations_of_this_release  # noqa: PLC0415

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
    migrations_of_this_release()
    import bootstrap_project.wsgi  # noqa: F401, PLC0415 - workers inherit it.

    connections.close_all()


def allow_open_files(wanted: int) -> int:
    """Raise this process's limit of open files towards `wanted`, as shells often set it to 1,024; return what it is."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
        soft = most
    return wanted if soft == resource.RLIM_INFINITY else soft


def serve(options: ServeOptions, stops: Stops) -> None:
    """Serve until SIGTERM or SIGINT, then let the workers finish what they have begun.

    Raises: ServeError before the start; SystemExit with a code other than 0 when workers crash again and again.
    """
    require_certificate(options)
    address = require_free_port(options.host, options.port)
    files = allow_open_files(CONNECTIONS + OTHER_FILES)
    with queued_standard_error() as output, metrics_directory(options.workers, stops.last_steps) as problem:
        load_project()
        from django.conf import settings  # noqa: PLC0415
        from granian.constants import HTTPModes, Interfaces, SSLProtocols  # noqa: PLC0415
        from granian.http import HTTP1Settings  # noqa: PLC0415
        from granian.log import LogLevels  # noqa: PLC0415
        from granian.log import logger as granian_logger  # noqa: PLC0415
        from granian.server import Server  # noqa: PLC0415

        from bootstrap_project.database.describe import describe_database  # noqa: PLC0415
        from bootstrap_project.observability.metrics import count_log_lines_dropped  # noqa: PLC0415

        if output is not None:
            output.count = count_log_lines_dropped
            stops.last_steps.append(output.finish)
        server = Server(
            "bootstrap_project.wsgi:application",
            address=address,
            port=options.port,
            interface=Interfaces.WSGI,
            http=HTTPModes.http1,
            http1_settings=HTTP1Settings(
                # The one timer it has between two requests: for the silence, and for the next one's head.
                header_read_timeout=int(settings.IDLE_TIMEOUT_SECONDS * 1000),
                max_buffer_size=HEADER_BUFFER_BYTES,
            ),
            websockets=False,
            workers=options.workers,
            # They wait for permits and connections, of which there are as many as the settings say.
            blocking_threads=THREADS,
            backlog=BACKLOG,
            backpressure=max(THREADS, min(CONNECTIONS, files - OTHER_FILES)),
            ssl_cert=options.certificate,
            ssl_key=options.key,
            # Small devices often stop at TLS 1.2.
            ssl_protocol_min=SSLProtocols.tls12,
            log_dictconfig=settings.LOGGING,
            log_level=LogLevels(logging.getLevelName(settings.LOGGING["loggers"]["_granian"]["level"]).lower()),
            respawn_failed_workers=True,
            workers_kill_timeout=STOP_TIMEOUT_SECONDS,
        )
        # Its advice to use fewer threads than were measured to be right for a crowd of devices, at every start.
        granian_logger.addFilter(lambda record: not str(record.msg).startswith("Configuration allows spawning"))
        facts = {"url": options.url, "workers": options.workers}
        logger.info("serving", extra=facts | {"database": describe_database(settings.DATABASES["default"])})
        if problem:
            logger.warning(problem)
        stops.watch(server, drain_seconds=settings.DRAIN_SECONDS, check_reload=lambda: require_certificate(options))
        try:
            server.serve(target_loader=load_application, wrap_loader=False)
        except SystemExit:
            # Of a worker that a signal to the whole group ended before our own word.
            if not stops.asked:
                raise


def main(argv: Sequence[str] | None = None) -> int:
    """Serve, or with `--health` ask the running server how it is."""
    parser = argparse.ArgumentParser(prog="python -m bootstrap_project.serve", description=__doc__)
    parser.add_argument("--health", action="store_true", help="ask the server on this machine for /health and exit")
    arguments = parser.parse_args(argv)
    try:
        options = read_options(Env())
        if arguments.health:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, HELD_SIGNALS)
            return probe(options)
        give_memory_back()
        stops = Stops(seconds=STOP_TIMEOUT_SECONDS)
        stops.start()
        serve(options, stops)
    except (ServeError, ImproperlyConfigured) as error:
        sys.stderr.write(f"bootstrap: {error}\n")
        return 1
    return 0
