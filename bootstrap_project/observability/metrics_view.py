"""`/metrics`: the series of every worker process in Prometheus' text format."""

from __future__ import annotations

import logging
import math
import re
import struct
import threading
from collections.abc import Iterable
from pathlib import Path
from time import monotonic

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, REGISTRY, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from bootstrap_project.observability import metrics, multiprocess
from bootstrap_project.observability.health import READ_METHODS, method_not_allowed

logger = logging.getLogger(__name__)

# Upstream's name, which has no `_total`: the client library adds one to each counter, in samples and in HELP and TYPE.
_WITHOUT_SUFFIX = re.compile(rf"(?m)^((?:# (?:HELP|TYPE) )?{metrics.API_REQUEST_COUNT})_total\b".encode())
_UNREADABLE = (OSError, RuntimeError, ValueError, struct.error)


def metrics_view(request: HttpRequest) -> HttpResponse:
    """Answer every series of the service; those of the process itself (memory, CPU) only where there is a single one.

    Django-prometheus' view is not used, as it would show upstream's counter under another name, and fail as a whole
    over one unreadable file. What django-prometheus counts is in the answer all the same.
    """
    if request.method not in READ_METHODS:
        return method_not_allowed()
    body = _kept.read(settings.METRICS_KEEP_SECONDS)
    return HttpResponse(body, content_type=CONTENT_TYPE_PLAIN_0_0_4, headers={"Cache-Control": "no-store"})


def exposition() -> bytes:
    """Return all series: those of this process, or of all workers, alive or not, where they share a directory."""
    directory = multiprocess.directory()
    collector: Collector = REGISTRY if directory is None else _SharedDirectory(directory)
    return _WITHOUT_SUFFIX.sub(rb"\1", generate_latest(_WithProcessesAlone(collector)))


class _WithProcessesAlone:
    """Adds to another collector how many processes' counts it lacks."""

    def __init__(self, collector: Collector) -> None:
        self._collector = collector

    def collect(self) -> Iterable[Metric]:
        yield from self._collector.collect()
        text = (
            "Processes that count in their own memory, as the folder for counters has no room: some are missing here."
        )
        alone = multiprocess.processes_alone()
        yield GaugeMetricFamily("bootstrap_metrics_processes_alone", text, value=alone)


class _Kept:
    """Cache of the last exposition: one caller at a time makes it, and the others wait for it.

    Anyone may ask, and making one costs as much as about a hundred devices' calls.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._body = b""
        self._made_at = -math.inf

    def read(self, seconds: float) -> bytes:
        """Return an exposition no older than `seconds`."""
        with self._lock:
            if monotonic() - self._made_at >= seconds:
                self._body = exposition()
                self._made_at = monotonic()
            return self._body


_kept = _Kept()


class _SharedDirectory:
    """Sums the files of all workers; a file that cannot be read costs its own numbers, not everyone's."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def collect(self) -> Iterable[Metric]:
        files = sorted(str(file) for file in self._directory.glob("*.db"))
        try:
            return _merge(files)
        except _UNREADABLE:
            # A starting worker has an empty file for an instant, and one that was killed may leave a broken file.
            return _merge([file for file in files if _readable(file)])


def _readable(file: str) -> bool:
    try:
        _merge([file])
    except _UNREADABLE:
        logger.warning("metrics of a worker left out, as its file cannot be read", extra={"file": Path(file).name})
        return False
    return True


def _merge(files: list[str]) -> list[Metric]:
    return list(MultiProcessCollector.merge(files))  # type: ignore[no-untyped-call]
