"""Every example template with what Go itself answers for it."""

import json
from pathlib import Path

import pytest

from bootstrap_project.gotemplate import compiler
from bootstrap_project.gotemplate.__main__ import answer

CASES = Path(__file__).parent / "cases"


def read(name):
    return [json.loads(line) for line in (CASES / name).read_text("utf-8").splitlines() if line]


VECTORS = read("vectors.jsonl")
# What once went wrong, or easily could; these too hold what Go answers.
EDGES = read("edges.jsonl") + read("fuzz.jsonl")


@pytest.mark.parametrize("vector", VECTORS + EDGES, ids=lambda vector: vector["id"])
def test_vector_gives_what_go_gives(vector):
    result = answer(vector, "exact")

    assert (result["ok"], result.get("stage")) == (vector["ok"], vector.get("stage")), result.get("error")
    assert result.get("output") == vector.get("output")
    assert result.get("output_b64") == vector.get("output_b64")


def test_nearly_all_error_messages_are_word_for_word_those_of_go():
    failing = [vector for vector in VECTORS if not vector["ok"]]

    same = sum(answer(vector, "exact")["error"] == vector["error"] for vector in failing)

    assert len(failing) == 827
    # Two of the three that differ name our depth limit, which is lower than Go's.
    assert same >= 824


def test_cases_found_by_random_templates_have_gos_own_messages():
    for case in read("fuzz.jsonl"):
        assert answer(case, "exact").get("error") == case.get("error"), case["id"]


@pytest.mark.parametrize("indent", [0, 1, 2])
def test_bodies_that_become_functions_of_their_own_mean_the_same(indent, monkeypatch):
    monkeypatch.setattr(compiler, "_HOIST_INDENT", indent)

    for vector in VECTORS + EDGES:
        if "{{" not in vector["template"] or "end" not in vector["template"]:
            continue
        result = answer(vector, "exact")
        assert (result["ok"], result.get("output")) == (vector["ok"], vector.get("output")), vector["id"]


@pytest.mark.parametrize("steps", [1, 2, 5])
def test_parts_of_a_long_template_that_become_functions_mean_and_say_the_same(steps, monkeypatch):
    whole = [answer(vector, "exact") for vector in VECTORS + EDGES]

    monkeypatch.setattr(compiler, "_MAX_PART_STEPS", steps)
    monkeypatch.setattr(compiler, "_MAX_TEXT_LENGTH", 1)

    for vector, expected in zip(VECTORS + EDGES, whole, strict=True):
        assert answer(vector, "exact") == expected, vector["id"]
