"""The folder through which the workers of a server share their counters."""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from bootstrap_project.observability import multiprocess


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
