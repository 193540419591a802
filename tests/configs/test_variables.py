"""Effective variables: where each comes from, and what nobody defines."""

from __future__ import annotations

import difflib

import pytest

from bootstrap_project.gotemplate.suggestions import MAX_WORK
from bootstrap_project.rendering.analysis.variables import find_variables
from configs.variables import MAX_ROWS, effective_variables
from profiles.models import Profile


def table(template="", defaults=None, context=None, **values):
    profile = Profile(content_template=template, defaults=defaults or {}, **values)
    return effective_variables(profile=profile, render_context=context or {})


def origins(found):
    return {row.name: row.origin.value for row in found.rows}


def test_each_variable_has_its_origin_and_overridden_ones_their_default():
    found = table("{{ .Vars.a }}", {"a": 1, "b": {"x": 1}}, {"b": {"y": 2}, "c": None})

    assert origins(found) == {"a": "default", "b": "overridden", "c": "device"}
    b = next(row for row in found.rows if row.name == "b")
    # The device's object takes the place of the profile's; nothing is merged inside.
    assert (b.value, b.default) == ('{"y": 2}', '{"x": 1}')
    assert {row.name for row in found.rows if row.is_unread} == {"b", "c"}


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{{ .Vars.site }}", {"site": "missing"}),
        ('{{ index .Vars "site" | default "x" }}', {"site": "unset"}),
        ("{{ .Vars.site | default 3 }}", {"site": "missing"}),
        ('{{ if index .Vars "site" }}{{ .Vars.site }}{{ end }}', {"site": "unset"}),
        ('{{ index .Vars "site" | required "site" }}', {"site": "missing"}),
        ('{{ index .Vars "mqtt" "host" }}', {"mqtt": "missing"}),
        ("{{ range .Vars.list }}{{ .name }}{{ end }}", {"list": "missing"}),
    ],
)
def test_what_nobody_defines_is_needed_or_may_be_left_out(template, expected):
    assert origins(table(template)) == expected


def test_a_member_that_an_override_takes_away_is_missing():
    found = table("{{ .Vars.mqtt.host }}\n{{ .Vars.mqtt.port }}", {"mqtt": {"host": "h", "port": 1}}, {"mqtt": {}})

    assert [row.name for row in found.missing] == ["mqtt.host", "mqtt.port"]
    assert [row.lines for row in found.missing] == [(1,), (2,)]


def test_a_name_that_was_probably_meant_is_offered():
    (missing,) = table("{{ .Vars.sitte }}", {"site": 1}).missing

    assert missing.alike == "site"


def test_nothing_is_called_unread_by_a_template_that_reads_all_or_does_not_parse():
    assert not any(row.is_unread for row in table("{{ toJSON .Vars }}", {"a": 1}).rows)
    broken = table("{{ .Vars.a", {"a": 1})
    assert not broken.is_parsed
    assert origins(broken) == {"a": "default"}


def test_a_raw_profile_reads_nothing_and_without_a_profile_there_is_only_the_device_s_own():
    assert origins(table("{{ .Vars.a }}", {"b": 1}, template_format="raw")) == {"b": "default"}
    alone = effective_variables(profile=None, render_context={"a": 1})
    assert origins(alone) == {"a": "device"}
    assert not alone.rows[0].is_unread


def test_long_values_and_long_lists_are_cut():
    found = table("", {}, {f"v{number}": "x" * 1000 for number in range(MAX_ROWS + 7)})

    assert (len(found.rows), found.left_out) == (MAX_ROWS, 7)
    assert len(found.rows[0].value) < 200


def test_reads_of_the_same_variable_are_one_need():
    needs = find_variables('{{ index .Vars "a" | default 1 }}\n{{ .Vars.a }}')

    assert needs
    assert [(need.path, need.is_needed, need.lines) for need in needs.variables] == [(("a",), True, (1, 2))]


def test_guesses_of_a_device_page_cost_no_more_than_a_few(monkeypatch):
    compared = []
    ratio = difflib.SequenceMatcher.ratio

    def counted(matcher):
        compared.append(len(matcher.a) * len(matcher.b))
        return ratio(matcher)

    monkeypatch.setattr(difflib.SequenceMatcher, "ratio", counted)
    names = [f"x{number:063b}" for number in range(1, 2**24, 2**24 // 1_000)]
    template = "".join(f"{{{{ .Vars.y{name[1:]} }}}}" for name in names[:500])
    profile = Profile(template_format="go-template", content_template=template)

    found = effective_variables(profile=profile, render_context=dict.fromkeys([*names, *(n * 3 for n in names)], 1))

    assert found.missing
    assert sum(compared) <= MAX_WORK
