"""Templates that reach for Python, and the frame that keeps them in Go."""

import re
import threading

import pytest

from bootstrap_project.gotemplate import (
    BindingContext,
    DeviceContext,
    RenderContext,
    Template,
    TemplateError,
    TemplateExecError,
)

DATA = RenderContext.from_json(
    {
        "Device": {"ID": "d"},
        "Vars": {"x": "text", "n": 1, "f": 1.5, "list": [1], "map": {"a": 1}, "t": True, "nil": None},
        "Bindings": {"b": {"ID": "1", "Snapshot": {"a": "b"}}},
    }
)
ATTRIBUTES = [
    "__class__", "__init__", "__dict__", "__globals__", "__getattribute__", "__slots__", "__doc__", "__module__",
    "go_type", "go_fields", "from_json", "_fix", "format", "upper", "keys", "values", "items", "pop", "clear", "append",
    "real", "hex", "__subclasses__", "__mro__", "backing", "capacity",
]  # fmt: skip
RECEIVERS = [
    ".", "$", ".Device", ".Vars", ".Vars.x", ".Vars.n", ".Vars.f", ".Vars.list", ".Vars.map", ".Vars.t", ".Vars.nil",
    ".Bindings", ".Bindings.b", ".Bindings.b.Snapshot", "(index .Bindings `b`)", "(slice .Vars.list 0)", "(1)", "(`s`)",
    "(print 1)", "(len .Vars)", "(and . .Device)",
]  # fmt: skip


@pytest.mark.parametrize("mode", ["exact", "strict"])
@pytest.mark.parametrize("receiver", RECEIVERS)
def test_no_attribute_of_a_python_object_can_be_reached(receiver, mode):
    joint = "" if receiver == "." else "."

    for name in ATTRIBUTES:
        for source in (
            f"{{{{ {receiver}{joint if receiver != '.' else '.'}{name} }}}}",
            f"{{{{ $v := {receiver} }}}}{{{{ $v.{name} }}}}",
            f"{{{{ with {receiver} }}}}{{{{ .{name} }}}}{{{{ else }}}}{{{{ required `k` nil }}}}{{{{ end }}}}",
            f'{{{{ define "t" }}}}{{{{ .{name} }}}}{{{{ end }}}}{{{{ template "t" {receiver} }}}}',
            f"{{{{ range $k := {receiver} }}}}{{{{ end }}}}{{{{ {receiver} | required `k` | html | .{name} }}}}",
        ):
            with pytest.raises(TemplateError):
                Template(source, mode=mode).execute(DATA)


@pytest.mark.parametrize(
    "source",
    [
        "{{ index .Vars `__class__` }}",
        "{{ index .Vars.map `keys` }}",
        "{{ index .Bindings `__init__` | print }}",
        "{{ index (index .Bindings `x`).Snapshot `__dict__` }}",
    ],
)
def test_index_finds_keys_and_nothing_else(source):
    assert Template(source, mode="exact").execute(DATA) in {"<no value>", "{  map[] map[]}"}


@pytest.mark.parametrize("key", ["1", "1.5", "true", "nil", ".", ".Vars", ".Device", "2i", ".Vars.list", "'a'"])
@pytest.mark.parametrize("item", [".Vars", ".Bindings", ".Vars.map", ".Device", ".", ".Vars.n"])
def test_odd_keys_are_refused(item, key):
    with pytest.raises(TemplateExecError):
        Template(f"{{{{ index {item} {key} }}}}").execute(DATA)


NAMES = [
    "a\"b'''", 'a"""b', "a'b", "a\\", "a\nb", "\r", "\0", "{x}", "{{", "}}", "%s", "\\N{DIGIT ONE}", "\\x41",
    "é☕", "\u2028",
    "'); import os; ('", '"""); S.left = 9 #', "__import__('os')", "",
]  # fmt: skip


def go_literal(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r") + '"'


@pytest.mark.parametrize("name", NAMES)
def test_names_and_constants_with_quotes_and_newlines_stay_constants(name):
    quoted = go_literal(name)
    source = (
        f"{{{{ define {quoted} }}}}<{{{{ . }}}}>{{{{ end }}}}{{{{ template {quoted} {quoted} }}}}"
        f"{{{{ printf {go_literal(name.replace('%', '%%') + '%s')} {quoted} }}}}{{{{ index .Vars {quoted} }}}}"
        f"{{{{ $x := {quoted} }}}}{{{{ print $x .Vars.x }}}}{{{{ if eq .Vars.x {quoted} }}}}{{{{ end }}}}"
        f"{{{{ default {quoted} nil }}}}"
    )

    result = Template(source, mode="exact").execute(DATA)

    assert result == f"<{name}>{name}{name}<no value>{name}text{name}"


@pytest.mark.parametrize("text", [name for name in NAMES if "{{" not in name])
def test_text_between_actions_stays_text(text):
    assert Template(f"{text}{{{{ .Vars.x }}}}{text}").execute(DATA) == f"{text}text{text}"


@pytest.mark.parametrize(
    "source", ["{{ .Vars.%s }}", "{{ $%s := 1 }}{{ $%s }}", "{{ range $%s, $v := .Vars.list }}{{ $%s }}{{ end }}"]
)
@pytest.mark.parametrize("word", ["None", "S", "root", "out", "import", "lambda", "v1", "x2", "ünïcode", "field", "n"])
def test_names_of_variables_and_fields_never_meet_names_of_the_generated_code(source, word):
    source = source.replace("%s", word)
    data = RenderContext.from_json({"Vars": {word: "1", "list": [1]}})

    assert Template(source).execute(data) in {"1", "0"}


def test_generated_code_holds_names_of_the_template_only_as_constants():
    template = Template(
        "{{ $secretname := .Vars.hiddenfield }}{{ define `partname` }}{{ end }}{{ template `partname` $secretname }}"
    )

    without_constants = re.sub(r"'(?:[^'\\]|\\.)*'", "''", template.program.source)

    for word in ("secretname", "hiddenfield", "partname"):
        assert word not in without_constants


def test_data_cannot_smuggle_in_objects():
    with pytest.raises(TypeError):
        RenderContext.from_json({"Vars": {"x": object()}})
    with pytest.raises(TypeError):
        Template("x").execute({"Vars": {}})  # type: ignore[arg-type]
    for source in (
        "{{ .Vars.x }}",
        "{{ print .Vars.x }}",
        "{{ .Vars.x.y }}",
        "{{ toJSON .Vars.x }}",
        "{{ len .Vars.x }}",
    ):
        with pytest.raises(TemplateExecError):
            Template(source).execute(RenderContext(Vars={"x": object()}))


def test_one_template_serves_many_threads():
    template = Template("{{ range $i, $v := .Vars.list }}{{ $i }}={{ $v }};{{ end }}{{ .Device.ID }}", mode="strict")
    failures: list[int] = []

    def work(number):
        data = RenderContext(
            Device=DeviceContext(ID=str(number)), Vars={"list": [number] * 50}, Bindings={"b": BindingContext(ID="1")}
        )
        expected = "".join(f"{i}={number};" for i in range(50)) + str(number)
        failures.extend(1 for _ in range(100) if template.execute(data) != expected)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
