"""The cache of compiled templates: right, bounded, and safe under threads."""

from __future__ import annotations

import threading

import pytest
from django.conf import settings

from bootstrap_project.gotemplate import RenderContext, Template, TemplateLimitError, TemplateSyntaxError
from bootstrap_project.rendering import cache as cache_module
from bootstrap_project.rendering.cache import TemplateCache, templates


@pytest.fixture
def compiled(monkeypatch):
    """The sources that were compiled, in order."""
    sources = []

    def counting(source, **options):
        sources.append(source)
        return Template(source, **options)

    monkeypatch.setattr(cache_module, "Template", counting)
    return sources


def test_a_template_is_compiled_once(compiled):
    cache = TemplateCache()

    first, second = cache.get("{{ .Vars.a }}"), cache.get("{{ .Vars.a }}")

    assert first is second
    assert compiled == ["{{ .Vars.a }}"]
    assert len(cache) == 1


def test_another_text_is_another_template(compiled):
    cache = TemplateCache()

    assert cache.get("a") is not cache.get("a ")
    assert compiled == ["a", "a "]


def test_what_was_used_least_recently_goes_first(compiled):
    cache = TemplateCache(max_templates=2)
    cache.get("a")
    cache.get("b")
    cache.get("a")
    cache.get("c")

    cache.get("a")
    assert compiled == ["a", "b", "c"]
    cache.get("b")
    assert compiled == ["a", "b", "c", "b"]
    assert len(cache) == 2


def test_large_templates_push_others_out(compiled):
    cache = TemplateCache(max_source=100)
    for letter in "abc":
        cache.get(letter * 40)

    assert len(cache) == 2
    cache.get("d" * 90)
    assert len(cache) == 1


def test_a_template_above_the_bound_works_and_is_not_kept(compiled):
    cache = TemplateCache(max_source=100)
    cache.get("small")

    assert cache.get("x" * 101).source == "x" * 101

    assert len(cache) == 0
    cache.get("small")
    assert len(cache) == 1


def test_a_template_that_does_not_parse_is_not_kept(compiled):
    cache = TemplateCache()

    for _ in range(2):
        with pytest.raises(TemplateSyntaxError):
            cache.get("{{ if")

    assert len(cache) == 0
    assert len(compiled) == 2


def test_many_threads_get_right_templates_and_leave_the_cache_within_its_bounds():
    cache = TemplateCache(max_templates=5, max_source=200)
    failures = []
    ready = threading.Barrier(8)

    def work():
        ready.wait()
        try:
            for step in range(300):
                source = f"template {step % 11}" + "x" * (step % 7)
                assert cache.get(source).source == source
        except Exception as error:  # noqa: BLE001 - reported below.
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    assert len(cache) <= 5
    assert cache._size == sum(len(template.source) for template in cache._templates.values()) <= 200


def test_any_text_has_a_place_in_the_cache():
    cache = TemplateCache()

    for source in ("", "\U0001f600", "\x00", "\ud800"):
        try:
            cache.get(source)
        except TemplateSyntaxError:
            continue


def test_budgets_that_are_set_hold_for_templates_that_were_compiled_before():
    cache = TemplateCache()
    source = "{{ range 100 }}0123456789{{ end }}"
    assert len(cache.get(source).execute(RenderContext())) == 1000

    cache.set_limits(max_output=999)

    assert len(cache) == 0
    with pytest.raises(TemplateLimitError, match="999 bytes"):
        cache.get(source).execute(RenderContext())


def test_the_products_own_cache_obeys_the_settings():
    limits = templates.get("{{ .Device.ID }}").limits

    assert {name: getattr(limits, name) for name in settings.TEMPLATE_LIMITS} == settings.TEMPLATE_LIMITS
