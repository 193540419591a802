"""What a worker of the server does before its first request, and beside it in its first seconds."""

from __future__ import annotations

import contextlib
import ctypes
import logging
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from bootstrap_project.observability.shared_flags import LOOKED_AROUND
from bootstrap_project.observability.standard_error import QueuedOutput
from bootstrap_project.server.peers import end_those_who_do_not_read
from bootstrap_project.server.stops import stop_worker_when_told

#: How long a peer may take nothing of an answer.
ANSWER_TIMEOUT_SECONDS = 20
#: How long a worker may go on with what it has begun when it is told to stop.
STOP_TIMEOUT_SECONDS = 10
#: After how long a thread that works gives way to one that waits. A request asks for the interpreter several times, and
#: waits that long each time for every thread that is at something long.
SWITCH_SECONDS = 0.0005

# Of linux/prctl.h.
_PR_SET_PDEATHSIG = 1

logger = logging.getLogger("bootstrap_project.serve")


def load_application() -> Callable[..., Any]:
    """Return the WSGI application; granian calls this in each worker."""
    output = sys.stderr
    if isinstance(output, QueuedOutput):
        output.finish_with_worker()
    end_with_parent()
    from django.conf import settings  # noqa: PLC0415 - the settings stand in the environment only now.

    last_step = output.finish if isinstance(output, QueuedOutput) else output.flush
    stop_worker_when_told(STOP_TIMEOUT_SECONDS, last_step, drain_seconds=settings.DRAIN_SECONDS)
    from bootstrap_project.wsgi import application  # noqa: PLC0415 - the same.

    sys.setswitchinterval(SWITCH_SECONDS)
    for work in (guard_answers, look_around):
        threading.Thread(target=work, name=work.__name__, daemon=True).start()
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
    """Limit how long a peer may take nothing of an answer: granian would keep its connection for ever."""
    for _ in range(100):
        if end_those_who_do_not_read(ANSWER_TIMEOUT_SECONDS):
            return
        time.sleep(0.1)


def look_around() -> None:
    """Log what this release misses: migrations, a database that answers, a worker for runs. One of us is enough.

    Serving needs none of it to begin, and a database that is away takes its time to say so.
    """
    if not LOOKED_AROUND.note(True):
        return
    from django.db import DatabaseError, connection  # noqa: PLC0415

    from bootstrap_project.observability.health import find_database_trouble  # noqa: PLC0415
    from bootstrap_project.runs.services import has_worker  # noqa: PLC0415

    with contextlib.suppress(DatabaseError):
        if find_database_trouble() is None and not has_worker():
            logger.info("no worker is running; what operators start for many devices waits for `manage.py worker`")
    connection.close()
