from __future__ import annotations

import subprocess
import sys

import pytest
from django.urls import get_resolver
from prometheus_client import REGISTRY

from bootstrap_project.api.viewsets import DomainScopedViewSet
from bootstrap_project.magistrala.urls import SERVICES
from bootstrap_project.observability import metrics
from enrollments.refresh.run_one import _OUTCOME_OF_KIND


def value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0


def test_latency_is_in_the_unit_of_its_name_and_counts_beside_the_histogram_in_seconds():
    before = value("bootstrap_api_request_latency_microseconds_sum", method="update_cert")
    seconds_before = value("bootstrap_operation_duration_seconds_sum", operation="update_cert", outcome="ok")

    metrics.observe_operation("update_cert", "ok", 0.25)

    microseconds = value("bootstrap_api_request_latency_microseconds_sum", method="update_cert") - before
    assert microseconds == pytest.approx(250_000)
    seconds = value("bootstrap_operation_duration_seconds_sum", operation="update_cert", outcome="ok")
    assert seconds - seconds_before == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("count", "name", "labels"),
    [
        (
            lambda: metrics.count_device_bootstrap("secure", "missing_binding"),
            "bootstrap_device_bootstraps_total",
            {"variant": "secure", "outcome": "missing_binding"},
        ),
        (
            lambda: metrics.observe_magistrala_request("clients", "view_client", "timeout", 2.0),
            "bootstrap_magistrala_requests_total",
            {"service": "clients", "operation": "view_client", "outcome": "timeout"},
        ),
        (
            lambda: metrics.observe_magistrala_request("clients", "view_client", "timeout", 2.0),
            "bootstrap_magistrala_request_duration_seconds_count",
            {"service": "clients", "operation": "view_client"},
        ),
        (lambda: metrics.count_template_cache(hit=True), "bootstrap_template_cache_hits_total", {}),
        (lambda: metrics.count_template_cache(hit=False), "bootstrap_template_cache_misses_total", {}),
        (lambda: metrics.count_binding_refresh("ok"), "bootstrap_binding_refreshes_total", {"outcome": "ok"}),
        (
            lambda: metrics.count_key_verification("digest", "refused"),
            "bootstrap_key_verifications_total",
            {"method": "digest", "outcome": "refused"},
        ),
    ],
)
def test_each_function_counts_one_in_its_own_series(count, name, labels):
    before = value(name, **labels)

    count()

    assert value(name, **labels) - before == 1


def test_refresh_of_several_bindings_counts_each():
    before = value("bootstrap_binding_refreshes_total", outcome="not_found")

    metrics.count_binding_refresh("not_found", 3)

    assert value("bootstrap_binding_refreshes_total", outcome="not_found") - before == 3


def test_names_outside_the_vocabulary_make_no_series_and_take_no_memory():
    known = len(metrics._device_bootstraps)
    before = value("bootstrap_device_bootstraps_total", variant="other", outcome="other")

    for number in range(100):
        metrics.count_device_bootstrap(f"variant-{number}", f"outcome-{number}")

    assert value("bootstrap_device_bootstraps_total", variant="other", outcome="other") - before == 100
    assert len(metrics._device_bootstraps) == known


def test_one_unknown_label_does_not_hide_the_known_one_beside_it():
    before = value("bootstrap_device_bootstraps_total", variant="plain", outcome="other")

    metrics.count_device_bootstrap("plain", "made-up")

    assert value("bootstrap_device_bootstraps_total", variant="plain", outcome="other") - before == 1


def test_upstreams_operations_are_all_known():
    upstream = (
        "add, view, update, update_cert, list, remove, bootstrap, enable_config, disable_config, create_profile, "
        "view_profile, update_profile, list_profiles, delete_profile, assign_profile, bind_resources, list_bindings, "
        "refresh_bindings"
    )

    assert set(upstream.split(", ")) <= metrics.OPERATIONS


def test_every_view_counts_under_a_known_name():
    views = {pattern.callback for pattern in _patterns(get_resolver().url_patterns)}
    counted = {
        view.cls.operations.get(action, action)
        for view in views
        if issubclass(getattr(view, "cls", object), DomainScopedViewSet)
        for action in view.actions.values()
    }

    assert len(counted) > 10
    assert counted <= metrics.OPERATIONS


def _patterns(found):
    for one in found:
        yield from _patterns(one.url_patterns) if hasattr(one, "url_patterns") else [one]


def test_every_end_of_a_refresh_is_counted_under_a_known_name():
    assert {*_OUTCOME_OF_KIND.values(), "gone"} <= metrics.REFRESH_OUTCOMES


def test_every_series_has_a_help_text_that_is_a_sentence():
    families = [family for family in REGISTRY.collect() if family.name.startswith("bootstrap_")]

    assert len(families) == 15
    assert [family.name for family in families if not family.documentation.endswith(".")] == []


def test_counting_does_not_load_django():
    code = "import sys; import bootstrap_project.observability.metrics; print('django' in sys.modules)"

    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert result.stdout.strip() == "False"


def test_every_service_that_is_asked_is_counted():
    assert frozenset(SERVICES) == metrics.MAGISTRALA_SERVICES
