"""`python -m bootstrap_project.gotemplate`: JSON lines in, JSON lines out."""

import base64
import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "bootstrap_project.gotemplate"]


def run(*lines, mode="exact"):
    text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines) + "\n"
    result = subprocess.run(
        [*COMMAND, "--mode", mode], input=text, capture_output=True, encoding="utf-8", cwd=ROOT, check=True, timeout=60
    )
    assert result.stderr == ""
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_each_line_gets_its_answer_in_order():
    answers = run(
        {"id": "a", "template": "{{ .Vars.n }}", "data": {"Vars": {"n": 5}}},
        {"id": "b", "template": "{{ .Vars.x }}", "data": {}},
        {"id": "c", "template": "{{ if }}", "data": None},
        {"id": "d", "template": "é{{ .Device.ID }}"},
    )

    assert answers == [
        {"id": "a", "ok": True, "output": "5"},
        {
            "id": "b",
            "ok": False,
            "stage": "exec",
            "error": 'template: bootstrap:1:8: executing "bootstrap" at <.Vars.x>: map has no entry for key "x"',
        },
        {"id": "c", "ok": False, "stage": "parse", "error": "template: bootstrap:1: missing value for if"},
        {"id": "d", "ok": True, "output": "é"},
    ]


def test_bytes_that_are_not_utf_8_come_in_base64_as_well():
    (answer,) = run({"id": "x", "template": '{{"a\\xff"}}'})

    assert answer == {"id": "x", "ok": True, "output": "a\ufffd", "output_b64": base64.b64encode(b"a\xff").decode()}


def test_strict_mode_can_be_asked_for():
    request = {"id": "x", "template": "{{ index .Vars `x` }}"}

    assert run(request)[0]["output"] == "<no value>"
    assert run(request, mode="strict")[0]["stage"] == "exec"


def test_a_bad_line_is_answered_and_the_next_one_as_usual():
    good = {"id": "x", "template": "fine"}
    bad = [
        "no json",
        "[]",
        "17",
        '{"id": "y", "template": 5}',
        '{"id": "z", "template": "", "data": {"Vars": []}}',
        "{" * 5000,
    ]
    bad += ['{"id": "w", "template": "\\ud800", "data": {"Vars": {"\\udcff": "\\ud800"}}}', "[" * 100_000]

    answers = run(*[line for each in bad for line in (each, json.dumps(good))])

    assert answers[1::2] == [{"id": "x", "ok": True, "output": "fine"}] * len(bad)
    assert [answer["ok"] for answer in answers[::2]] == [False] * 6 + [True, False]


def test_an_answer_comes_before_the_next_request():
    with subprocess.Popen(COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for number in range(3):
            process.stdin.write(json.dumps({"id": str(number), "template": "{{ 1 }}"}).encode() + b"\n")
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["id"] == str(number)
        process.stdin.close()
        assert process.wait(timeout=60) == 0
