"""The process that works on the queue: the library's worker, with a heartbeat, resumption and pruning around it."""

from __future__ import annotations

import logging
import os
import secrets
import socket
import threading
import time
import uuid
from types import FrameType
from typing import Final

from django.db import DatabaseError, connection
from django_tasks_db.management.commands.db_worker import Worker as QueueWorker
from django_tasks_db.models import DBTaskResult

from bootstrap_project.runs import services
from bootstrap_project.runs.progress import stopping

logger: Final = logging.getLogger(__name__)

#: How long an idle worker sleeps, in seconds.
INTERVAL_SECONDS: Final = 1.0
_PRUNE_EVERY_SECONDS: Final = 3600.0


class RunWorker(QueueWorker):
    """Works on the queue until it is asked to stop; the run at hand then goes back into it at its next report."""

    def __init__(self) -> None:
        super().__init__(
            queue_names=["*"],
            interval=0,
            batch=True,
            backend_name="default",
            startup_delay=False,
            max_tasks=None,
            worker_id=f"{socket.gethostname()[:40]}-{os.getpid()}-{secrets.token_hex(4)}",
            excluded_queue_names=[],
        )
        self._current: uuid.UUID | None = None
        self._ended = threading.Event()

    def shutdown(self, signum: int, frame: FrameType | None) -> None:
        """Stop after the run's next report, or the statement under way; a second signal ends the run at once.

        An exit from here could leave a statement half done, and with it the connection that the goodbye goes by.
        """
        if not self.running:
            if self.running_task:
                super().shutdown(signum, frame)
            return
        stopping.set()
        self.running = False
        logger.info("the worker stops", extra={"signal": signum})

    def serve(self, *, once: bool = False) -> None:
        """Work until a signal comes, or with `once` until nothing is left.

        Raises: DatabaseError at the start alone; later the worker waits until the database is back.
        """
        services.beat(self.worker_id)
        heart = threading.Thread(target=self._keep_beating, name="heartbeat", daemon=True)
        heart.start()
        pruned = float("-inf")
        try:
            while self.running:
                try:
                    services.resume_lost()
                    if time.monotonic() - pruned >= _PRUNE_EVERY_SECONDS:
                        services.prune()
                        pruned = time.monotonic()
                    self.run()
                except DatabaseError as error:
                    logger.warning("the database does not answer; the worker waits", extra={"reason": str(error)})
                    connection.close()
                    if once:
                        raise
                if once:
                    return
                self._rest()
        finally:
            self._ended.set()
            heart.join()
            services.leave(self.worker_id)

    def _rest(self) -> None:
        end = time.monotonic() + INTERVAL_SECONDS
        # In slices: a sleep goes on after a signal was handled.
        while self.running and time.monotonic() < end:
            time.sleep(INTERVAL_SECONDS / 10)

    def _keep_beating(self) -> None:
        """Report this worker, and the run that it works on, as alive: a task may compute for long between reports."""
        while not self._ended.wait(services.BEAT_SECONDS):
            try:
                services.beat(self.worker_id)
                if self._current is not None:
                    services.beat_run(self._current)
            except DatabaseError:
                # The main thread says so.
                pass
            finally:
                connection.close()

    def run_task(self, db_task_result: DBTaskResult[[str], None]) -> None:
        """Note which row of the queue is worked on, for the heartbeat."""
        self._current = db_task_result.pk
        try:
            super().run_task(db_task_result)
        finally:
            self._current = None
