"""Parsing: round trips, places, determinism, and text that makes no sense."""

import json
import math
import random
from pathlib import Path

import pytest

from bootstrap_project.gotemplate import (
    RenderContext,
    Template,
    TemplateExecError,
    TemplateSyntaxError,
    compiler,
    parse,
)
from bootstrap_project.gotemplate.lexer import Source
from bootstrap_project.gotemplate.missing import Search
from bootstrap_project.gotemplate.nodes import FieldNode, IfNode, TextNode

VECTORS = [
    json.loads(line)
    for line in (Path(__file__).parent / "cases" / "vectors.jsonl").read_text("utf-8").splitlines()
    if line
]
GOOD = [vector["template"] for vector in VECTORS if vector.get("stage") != "parse"]


def test_canonical_text_of_every_example_parses_to_the_same_tree():
    for source in GOOD:
        tree = parse(source)

        assert parse(str(tree)) == tree, source


@pytest.mark.parametrize(
    ("source", "canonical"),
    [
        ("{{-  .Vars.x   |printf `%s`  -}}  y", "{{.Vars.x | printf `%s`}}y"),
        ("{{if 1}}a{{else if 2}}b{{else}}c{{end}}", "{{if 1}}a{{else if 2}}b{{else}}c{{end}}"),
        ("{{with 1}}a{{else with 2}}b{{end}}", "{{with 1}}a{{else with 2}}b{{end}}"),
        ("{{if 1}}{{else}}{{if 2}}{{end}}{{end}}", "{{if 1}}{{else}}{{if 2}}{{end}}{{end}}"),
        ("{{range $i,$v:=.}}{{break}}{{end}}", "{{range $i, $v := .}}{{break}}{{end}}"),
        ("{{block `b` .}}x{{end}}", '{{define "b"}}x{{end}}{{template "b" .}}'),
        ("a{{/* gone */}}b", "ab"),
        ("{ {{- 1}}", "{ {{- /**/ -}} {{1}}"),
    ],
)
def test_canonical_text(source, canonical):
    assert str(parse(source)) == canonical
    assert parse(canonical) == parse(source)


def test_every_node_has_its_place():
    tree = parse("é\n  {{ if .Vars.a.b }}x{{ end }}")

    nodes = [node for _, node in tree.walk()]
    branch = next(node for node in nodes if isinstance(node, IfNode))
    field = next(node for node in nodes if isinstance(node, FieldNode))

    assert (branch.line, branch.column) == (2, 9)
    assert (field.start, field.pos, field.line, field.column) == (10, 15, 2, 14)
    assert tree.source[field.start :].startswith(".Vars.a.b")
    assert all(node.line >= 1 and node.column >= 1 for node in nodes)


def test_nodes_cannot_be_changed():
    node = parse("text").root.nodes[0]

    assert isinstance(node, TextNode)
    with pytest.raises(AttributeError):
        node.text = "other"  # type: ignore[misc]


@pytest.mark.parametrize(
    "around", ["{}", "{{{{range .Vars.l}}}}{}{{{{end}}}}", "{{{{define `d`}}}}{}{{{{end}}}}{{{{template `d` .}}}}"]
)
def test_python_compiles_no_long_template_at_once(around, monkeypatch):
    texts = []

    def compiling(text, *args, **keywords):
        texts.append(text)
        return compile(text, *args, **keywords)

    monkeypatch.setattr(compiler, "compile", compiling, raising=False)

    Template(around.format("".join(f"{{{{.name{number}}}}}" for number in range(1_900))))

    assert len(texts) > 5
    # Some five milliseconds each; the whole text takes nearly a hundred.
    assert max(map(len, texts)) < 40_000
    assert sum(map(len, texts)) > 200_000


def test_the_same_template_compiles_to_the_same_code():
    for source in GOOD[::20]:
        assert Template(source).program.source == Template(source).program.source


@pytest.mark.parametrize("mode", ["exact", "strict"])
def test_a_search_for_what_is_missing_writes_the_same_where_nothing_is(mode):
    compared = 0
    for vector in VECTORS:
        if not vector["ok"]:
            continue
        data = RenderContext.from_json(vector["data"])
        template = Template(vector["template"], mode=mode)
        try:
            text = template.run(data)
        except TemplateExecError:
            # Strict mode refuses some of what Go prints.
            continue
        search = Search(
            template.limits, template.program, Source(template.name, template.source), deadline=math.inf, quotes=True
        )
        assert search.run(data, strict=mode == "strict") == text, vector["id"]
        assert search.found == [], vector["id"]
        compared += 1
    assert compared > len(VECTORS) // 3


PIECES = [
    *[
        "{{",
        "}}",
        "{{-",
        "-}}",
        "{{/*",
        "*/}}",
        "(",
        ")",
        "|",
        ".",
        ",",
        "$",
        "$x",
        ":=",
        "=",
        ":=",
        ".Vars",
        ".x",
        "nil",
        "true",
        "1",
        "-1",
        "1.5e3",
        "0x1p4",
        "1i",
        "'a'",
        "'\\n'",
        '"s"',
    ],
    *[
        '"\\xff"',
        '"\\q"',
        "`r`",
        "if",
        "else",
        "end",
        "range",
        "with",
        "define",
        "block",
        "template",
        "break",
        "continue",
        "printf",
        "print",
        "index",
        "and",
        "or",
    ],
    *["not", "len", "eq", "1_0", "+", "-", "*", "/", "\\", '"', "'", "`", "é", "☕", "\x00", "\n", "\t"],
    *[" ", "{{end}}", "{{if 1}}", "{{else}}", "{{range .}}"],
]


def refusal(source):
    try:
        Template(source)
    except TemplateSyntaxError as error:
        return error
    return None


@pytest.mark.parametrize("seed", range(20))
def test_any_text_parses_or_raises_a_syntax_error(seed):
    chance = random.Random(seed)

    for _ in range(150):
        source = "".join(
            chance.choice(PIECES) if chance.random() < 0.97 else chr(chance.randrange(0x3000))
            for _ in range(chance.randrange(1, 25))
        )
        if chance.random() < 0.5:
            source = "{{" + source + "}}"
        error = refusal(source)
        if error is not None:
            assert error.reason
        else:
            tree = parse(source)
            assert parse(str(tree)) == tree


@pytest.mark.parametrize("seed", range(10))
def test_a_damaged_example_parses_or_raises_a_syntax_error(seed):
    chance = random.Random(seed)

    for source in chance.sample(GOOD, 100):
        at = chance.randrange(len(source) + 1)
        damaged = (
            source[:at]
            + chance.choice(["", "{{", "}}", '"', "(", ")", "|", "$", "\\"])
            + source[at + chance.randrange(3) :]
        )
        try:
            tree = parse(damaged)
        except TemplateSyntaxError:
            continue
        assert parse(str(tree)) == tree
