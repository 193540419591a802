"""Random templates, answered by us and by real Go; `make fuzz` compares many more."""

import json

import pytest

from bootstrap_project.gotemplate import Template, TemplateError, compiler
from bootstrap_project.gotemplate.__main__ import answer
from tests.gotemplate.fuzz.run import compare, requests
from tests.gotemplate.fuzz.toolchain import MISSING, NoGo, Oracle, build_oracle, find_go

COUNT = 1_000


@pytest.fixture(scope="module")
def oracle():
    go = find_go()
    if go is None:
        pytest.skip(MISSING)
    try:
        program = build_oracle(go)
    except NoGo as error:
        pytest.skip(str(error))
    with Oracle(program) as running:
        yield running


def test_random_templates_mean_what_they_mean_to_go(oracle):
    summary = compare(oracle, seed=1, count=COUNT)

    assert [json.dumps([found.request, found.ours, found.go]) for found in summary.disagreements] == []
    assert summary.total == COUNT
    assert summary.same_messages > 0.99 * summary.failures


def test_the_oracle_answers_in_the_protocol_of_our_command(oracle):
    assert oracle.ask({"id": "a", "template": "{{ .Vars.n }}", "data": {"Vars": {"n": 5}}}) == {
        "id": "a",
        "ok": True,
        "output": "5",
    }
    assert oracle.ask({"id": "b", "template": "{{ if }}"})["stage"] == "parse"
    assert oracle.ask({"id": "c", "template": "{{ .Vars.n }}", "data": {"Vars": {}}})["stage"] == "exec"
    assert oracle.ask({"id": "d", "template": '{{"\\xff"}}'})["output_b64"] == "/w=="


def test_random_templates_are_the_same_for_the_same_seed_and_varied_enough():
    drawn = [json.dumps(request) for request in requests(7, 200)]
    text = "".join(drawn)

    assert drawn == [json.dumps(request) for request in requests(7, 200)]
    assert drawn != [json.dumps(request) for request in requests(8, 200)]
    for word in (
        "range",
        "else if",
        "else with",
        "define",
        "block",
        "template",
        "break",
        "/*",
        "printf",
        "slice",
        "toJSON",
    ):
        assert word in text


def test_bodies_that_become_functions_of_their_own_mean_the_same(monkeypatch):
    drawn = list(requests(10, 150))
    flat = [answer(request, "exact") for request in drawn]

    monkeypatch.setattr(compiler, "_HOIST_INDENT", 1)

    assert [answer(request, "exact") for request in drawn] == flat


def test_parts_of_a_long_template_that_become_functions_mean_and_say_the_same(monkeypatch):
    drawn = list(requests(11, 150))
    whole = [answer(request, "exact") for request in drawn]

    monkeypatch.setattr(compiler, "_MAX_PART_STEPS", 2)
    monkeypatch.setattr(compiler, "_MAX_TEXT_LENGTH", 1)

    assert [answer(request, "exact") for request in drawn] == whole


@pytest.mark.parametrize("mode", ["exact", "strict"])
def test_random_templates_parse_to_what_prints_the_same_or_fail_with_a_typed_error(mode):
    for request in requests(9, 150):
        try:
            template = Template(request["template"], mode=mode)
        except TemplateError:
            continue
        assert Template(str(template.tree), mode=mode).tree == template.tree
