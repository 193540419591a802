"""Every Prometheus series of the service, and the functions that count; free of Django, so libraries may count too.

Upstream's two series keep their names, so that its dashboards go on working:

- `bootstrap_api_request_count` has no `_total` suffix upstream. It is an ordinary Counter here; `metrics_view` takes
  the suffix off, the one place that works alike for one process and for many.
- `bootstrap_api_request_latency_microseconds` holds microseconds, as its name says (upstream's held seconds). It has
  `_sum` and `_count` but no quantiles: those of several workers cannot be merged into one. Take quantiles from
  `bootstrap_operation_duration_seconds` with `histogram_quantile`.

A metric is one entry below: kind, name, help, and each label with its vocabulary. Any other value counts as "other", so
that no caller can grow the number of series: add a value here before using it.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Generic, TypeVar

import prometheus_client
from prometheus_client import Counter, Histogram, Summary
from prometheus_client.metrics import MetricWrapperBase

from bootstrap_project.observability import metric_files, multiprocess
from bootstrap_project.outcomes import Outcome

OTHER = "other"
API_REQUEST_COUNT = "bootstrap_api_request_count"

OPERATIONS = frozenset(
    {
        # Upstream's names, so that its dashboards find them.
        *("add", "view", "update", "update_cert", "list", "remove", "bootstrap", "enable_config", "disable_config"),
        *("create_profile", "view_profile", "update_profile", "list_profiles", "delete_profile"),
        *("assign_profile", "bind_resources", "list_bindings", "refresh_bindings"),
        # Operations that upstream does not count.
        *("preview_profile", "list_attempts"),
    }
)
HTTP_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
BOOTSTRAP_VARIANTS = frozenset({"plain", "secure", "keyless"})
BOOTSTRAP_OUTCOMES = frozenset(Outcome)
# Those of `magistrala.urls`, which stands above this module; a test holds them against each other.
MAGISTRALA_SERVICES = frozenset({"auth", "users", "domains", "clients", "channels"})
# The methods of `magistrala.client`.
MAGISTRALA_OPERATIONS = frozenset(
    {
        *("view_client", "view_channel", "connect", "search_clients", "search_channels"),
        *("find_client", "find_channel", "reads_domain"),
        *("membership", "domain_exists", "list_domains", "issue_token", "refresh_token", "jwks", "health"),
    }
)
MAGISTRALA_OUTCOMES = frozenset(
    {"ok", "unauthorized", "forbidden", "not_found", "rejected", "unavailable", "timeout", "error"}
)
# gone: a list of the platform shows that what is bound is not there; not_found: the config itself.
REFRESH_OUTCOMES = MAGISTRALA_OUTCOMES | {"gone"}

# A bootstrap takes about a millisecond, one that has to run scrypt some 50 ms, and a bind waits for the platform.
_DURATION_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)

# The moment of creation doubles the number of series, and does not exist with several processes.
prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]
_shared = multiprocess.directory()
if _shared is not None:
    metric_files.install()
    with suppress(OSError):
        _shared.mkdir(parents=True, exist_ok=True)

_M = TypeVar("_M", bound=MetricWrapperBase)


class _Labelled(dict[tuple[str, ...], _M], Generic[_M]):
    """One labelled metric; its children are found without a lock.

    Shape: each label comes with its vocabulary, or with None when any value is bounded by its caller.
    """

    def __init__(self, kind: Callable[..., _M], name: str, text: str, /, **vocabularies: frozenset[str] | None) -> None:
        super().__init__()
        self._metric = kind(name, text, list(vocabularies))
        self._vocabularies = tuple(vocabularies.values())

    def __missing__(self, labels: tuple[str, ...]) -> _M:
        known = tuple(
            label if words is None or label in words else OTHER
            for label, words in zip(labels, self._vocabularies, strict=True)
        )
        child = self._metric.labels(*known)
        # A name outside the vocabulary is not kept: names made up by callers must not fill the memory.
        if known == labels:
            self[labels] = child
        return child


_histogram = partial(Histogram, buckets=_DURATION_BUCKETS)

_api_request_count = _Labelled(
    Counter, API_REQUEST_COUNT, "Number of requests received, by operation.", method=OPERATIONS
)
_api_request_latency = _Labelled(
    Summary,
    "bootstrap_api_request_latency_microseconds",
    "Total duration of requests in microseconds, by operation.",
    method=OPERATIONS,
)
_operation_duration = _Labelled(
    _histogram,
    "bootstrap_operation_duration_seconds",
    "Duration of an operation in seconds; outcome is ok, rejected (4xx) or failed (5xx).",
    operation=OPERATIONS,
    outcome=frozenset({"ok", "rejected", "failed"}),
)
_http_requests = _Labelled(
    Counter,
    "bootstrap_http_requests_total",
    "Number of HTTP requests answered, by route pattern.",
    route=None,
    method=HTTP_METHODS,
    status=None,
)
_http_request_duration = _Labelled(
    _histogram,
    "bootstrap_http_request_duration_seconds",
    "Time until the headers of an HTTP answer were ready, in seconds, by route pattern.",
    route=None,
    method=HTTP_METHODS,
)
_device_bootstraps = _Labelled(
    Counter,
    "bootstrap_device_bootstraps_total",
    "Number of configurations that devices asked for; refused counts unknown external ids and wrong keys alike.",
    variant=BOOTSTRAP_VARIANTS,
    outcome=BOOTSTRAP_OUTCOMES,
)
_magistrala_requests = _Labelled(
    Counter,
    "bootstrap_magistrala_requests_total",
    "Number of calls to the Magistrala platform, each retry counted.",
    service=MAGISTRALA_SERVICES,
    operation=MAGISTRALA_OPERATIONS,
    outcome=MAGISTRALA_OUTCOMES,
)
_magistrala_request_duration = _Labelled(
    _histogram,
    "bootstrap_magistrala_request_duration_seconds",
    "Duration of one call to the Magistrala platform in seconds.",
    service=MAGISTRALA_SERVICES,
    operation=MAGISTRALA_OPERATIONS,
)
_template_cache_hits = Counter(
    "bootstrap_template_cache_hits_total", "Number of renders that found their template compiled."
)
_template_cache_misses = Counter(
    "bootstrap_template_cache_misses_total", "Number of renders that had to compile their template."
)
_binding_refreshes = _Labelled(
    Counter,
    "bootstrap_binding_refreshes_total",
    "Number of bindings whose snapshot was to be refreshed.",
    outcome=REFRESH_OUTCOMES,
)
_key_verifications = _Labelled(
    Counter,
    "bootstrap_key_verifications_total",
    "Number of external keys verified, by how: against the digest, scrypt, bcrypt, or nothing (no such config).",
    method=frozenset({"digest", "scrypt", "bcrypt", "none"}),
    outcome=frozenset({"ok", "refused", "unknown", "throttled"}),
)
_attempts_dropped = _Labelled(
    Counter,
    "bootstrap_attempts_dropped_total",
    "Number of devices' attempts of which no row is kept: buffer full, limited, rejected by the database, error.",
    # full: the buffer; limited: refused calls beyond their rate; rejected: by the database; error: a bug.
    reason=frozenset({"full", "limited", "rejected", "error"}),
)
count_attempt_flush_failure = Counter(
    "bootstrap_attempt_flush_failures_total", "Number of times that waiting attempts could not be written."
).inc
count_log_lines_dropped = Counter(
    "bootstrap_log_lines_dropped_total", "Number of log lines dropped as nobody took in what was written."
).inc


def observe_operation(operation: str, outcome: str, seconds: float) -> None:
    """Count one operation in upstream's two series and in the histogram beside them."""
    _api_request_count[(operation,)].inc()
    _api_request_latency[(operation,)].observe(seconds * 1_000_000)
    _operation_duration[(operation, outcome)].observe(seconds)


def observe_http_request(route: str, method: str, status: int, seconds: float) -> None:
    """Count one HTTP answer; `route` is the URL pattern, never a path, so that it stays bounded."""
    _http_requests[(route, method, str(status))].inc()
    _http_request_duration[(route, method)].observe(seconds)


def count_device_bootstrap(variant: str, outcome: str) -> None:
    """Count one device's call; both labels as in BOOTSTRAP_VARIANTS and BOOTSTRAP_OUTCOMES."""
    _device_bootstraps[(variant, outcome)].inc()


def observe_magistrala_request(service: str, operation: str, outcome: str, seconds: float) -> None:
    """Count one call to the platform, and how long it took."""
    _magistrala_requests[(service, operation, outcome)].inc()
    _magistrala_request_duration[(service, operation)].observe(seconds)


def count_template_cache(*, hit: bool) -> None:
    """Count one look into the cache of compiled templates."""
    (_template_cache_hits if hit else _template_cache_misses).inc()


def count_binding_refresh(outcome: str, bindings: int = 1) -> None:
    """Count the bindings that a refresh tried to renew, with the same outcome each."""
    _binding_refreshes[(outcome,)].inc(bindings)


def count_key_verification(method: str, outcome: str) -> None:
    """Count one check of an external key; by `method` (none: no such config), with its outcome."""
    _key_verifications[(method, outcome)].inc()


def count_attempts_dropped(reason: str, attempts: int = 1) -> None:
    """Count attempts that were dropped instead of written."""
    _attempts_dropped[(reason,)].inc(attempts)
