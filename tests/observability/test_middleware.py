from __future__ import annotations

import logging

import pytest
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, StreamingHttpResponse
from django.test import Client, RequestFactory
from django.urls import include, path
from prometheus_client import REGISTRY
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request

from bootstrap_project.observability.health import health
from bootstrap_project.observability.metrics_view import metrics_view
from bootstrap_project.observability.middleware import RequestMiddleware, add_to_log, set_operation
from bootstrap_project.observability.request_id import current_request_id
from bootstrap_project.urls import handler400, handler403, handler404, handler500
from tests.support.lines import request_lines

# Errors of these routes are answered as the product's are.
__all__ = ["handler400", "handler403", "handler404", "handler500"]
pytestmark = pytest.mark.urls(__name__)


def show_id(request, number=0):
    return HttpResponse(f"{request.request_id} {current_request_id()}")


def bind(request, config_id):
    set_operation(request, "bind_resources")
    return HttpResponse(status=int(request.GET.get("status", 204)))


def explain(request):
    add_to_log(request, logging.WARNING, {"reason": "no such slot", "source": "192.0.2.7"})
    return HttpResponse(status=422)


def invent_an_operation(request, name):
    set_operation(request, name)
    return HttpResponse()


def fail(request):
    set_operation(request, "bind_resources")
    raise RuntimeError("a bug")


def deny(request):
    raise PermissionDenied


def stream(request):
    return StreamingHttpResponse(iter([b"a", b"b"]))


urlpatterns = [
    path("id", show_id),
    path("configs/<str:config_id>/bindings", bind),
    path("invented/<str:name>", invent_an_operation),
    path("explain", explain),
    path("fail", fail),
    path("deny", deny),
    path("stream", stream),
    path("nested/", include([path("<int:number>/", show_id)])),
    path("health", health),
    path("metrics", metrics_view),
]


@pytest.fixture
def http():
    return Client(raise_request_exception=False)


@pytest.fixture
def counted():
    """Return a function that says how much a series has grown since the test began."""
    before = {(s.name, tuple(sorted(s.labels.items()))): s.value for m in REGISTRY.collect() for s in m.samples}

    def growth(name, **labels):
        now = REGISTRY.get_sample_value(name, labels) or 0
        return now - before.get((name, tuple(sorted(labels.items()))), 0)

    return growth


@pytest.fixture
def lines(caplog):
    caplog.set_level(logging.DEBUG, logger="bootstrap.request")
    return lambda: request_lines(caplog)


def test_view_log_and_answer_share_the_id_of_the_caller(http):
    response = http.get("/id", headers={"X-Request-ID": "caller-0001"})

    assert response.content == b"caller-0001 caller-0001"
    assert response.headers["X-Request-ID"] == "caller-0001"


def test_request_without_an_id_gets_one(http):
    response = http.get("/id")

    assert len(response.headers["X-Request-ID"]) == 32
    assert response.content.decode() == " ".join([response.headers["X-Request-ID"]] * 2)


def test_id_that_could_forge_a_log_line_is_not_echoed(http):
    response = http.get("/id", headers={"X-Request-ID": "abcdefgh\nlevel=ERROR"})

    assert "level" not in response.headers["X-Request-ID"]
    assert "level" not in response.content.decode()


@pytest.mark.parametrize(("address", "status"), [("/id", 200), ("/fail", 500), ("/deny", 403), ("/nowhere", 404)])
def test_every_answer_carries_an_id_and_none_is_left_behind(http, address, status):
    response = http.get(address)

    assert response.status_code == status
    assert len(response.headers["X-Request-ID"]) == 32
    assert current_request_id() == ""


def test_exception_that_passes_through_is_counted_as_500_and_leaves_no_id_behind(counted):
    def broken(request):
        raise SystemExit

    with pytest.raises(SystemExit):
        RequestMiddleware(broken)(RequestFactory().get("/id"))

    assert counted("bootstrap_http_requests_total", route="unmatched", method="GET", status="500") == 1
    assert current_request_id() == ""


def test_streaming_answer_is_counted_when_its_headers_are_ready(http, counted):
    response = http.get("/stream")

    assert b"".join(response.streaming_content) == b"ab"
    assert counted("bootstrap_http_requests_total", route="/stream", method="GET", status="200") == 1


def test_requests_are_counted_by_pattern_and_not_by_path(http, counted):
    http.get("/nested/1/")
    http.get("/nested/2/")

    assert counted("bootstrap_http_requests_total", route="/nested/<int:number>/", method="GET", status="200") == 2
    assert counted("bootstrap_http_request_duration_seconds_count", route="/nested/<int:number>/", method="GET") == 2


def test_wrong_paths_and_made_up_methods_share_one_series_each(http, counted):
    http.get("/one")
    http.get("/two")
    http.generic("BREW", "/id")
    http.generic("STEEP", "/id")

    assert counted("bootstrap_http_requests_total", route="unmatched", method="GET", status="404") == 2
    assert counted("bootstrap_http_requests_total", route="/id", method="other", status="200") == 2


@pytest.mark.parametrize(
    ("status", "outcome"), [(204, "ok"), (304, "ok"), (400, "rejected"), (499, "rejected"), (500, "failed")]
)
def test_operation_is_counted_under_upstreams_names_and_with_its_outcome(http, counted, status, outcome):
    http.put(f"/configs/c1/bindings?status={status}")

    assert counted("bootstrap_api_request_count_total", method="bind_resources") == 1
    assert counted("bootstrap_api_request_latency_microseconds_count", method="bind_resources") == 1
    labels = {"operation": "bind_resources", "outcome": outcome}
    assert counted("bootstrap_operation_duration_seconds_count", **labels) == 1


def test_operation_that_ends_in_a_bug_is_counted_as_failed(http, counted):
    http.get("/fail")

    labels = {"operation": "bind_resources", "outcome": "failed"}
    assert counted("bootstrap_operation_duration_seconds_count", **labels) == 1


def test_request_without_an_operation_counts_no_operation(http, counted):
    http.get("/id")

    assert counted("bootstrap_api_request_count_total", method="other") == 0


def test_operations_outside_the_vocabulary_share_one_series(http, counted):
    http.get("/invented/one")
    http.get("/invented/two")

    assert counted("bootstrap_api_request_count_total", method="other") == 2
    assert counted("bootstrap_api_request_count_total", method="one") == 0


def test_operation_set_on_the_wrapper_of_rest_framework_reaches_the_middleware():
    request = RequestFactory().get("/id")
    # A negotiator of its own keeps the test clear of the project's settings.
    wrapped = Request(request, parsers=[], authenticators=[], negotiator=BaseContentNegotiation())

    set_operation(wrapped, "view")

    assert vars(request)["operation"] == "view"


def test_log_line_names_the_route_and_nothing_that_the_caller_sent(http, lines):
    http.put("/configs/secret-id/bindings?token=secret-token", headers={"Authorization": "Bearer secret-bearer"})

    [record] = lines()
    assert record.levelno == logging.INFO
    assert record.getMessage() == "request"
    assert (record.method, record.route, record.status) == ("PUT", "/configs/<str:config_id>/bindings", 204)
    assert record.operation == "bind_resources"
    assert record.source == "127.0.0.1"
    assert 0 < record.duration_ms < 10_000
    assert "secret" not in repr(vars(record))


def test_a_view_adds_to_the_line_and_sets_its_level(http, lines):
    http.get("/explain")

    [record] = lines()
    assert (record.levelname, record.status) == ("WARNING", 422)
    assert (record.reason, record.source) == ("no such slot", "192.0.2.7")


def test_log_line_is_written_while_its_id_is_current(http):
    seen = []
    handler = logging.Handler()
    handler.emit = lambda record: seen.append(current_request_id())  # type: ignore[method-assign]
    logger = logging.getLogger("bootstrap.request")
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        http.get("/nowhere", headers={"X-Request-ID": "caller-0002"})
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)

    assert seen == ["caller-0002"]


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["/health", "/metrics"])
def test_lines_of_probes_are_for_debugging_only(http, lines, address):
    http.get(address)

    assert [record.levelno for record in lines()] == [logging.DEBUG]
