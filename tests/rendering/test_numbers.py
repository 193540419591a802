"""Number literals: lint and the engine take each of them for the same."""

import pytest

from bootstrap_project.gotemplate import RenderContext, Template, TemplateExecError
from bootstrap_project.rendering.lint.lint import lint

INTEGERS = ["0", "7", "-3", "+4", "0x1F", "-0x1f", "0b101", "0o17", "017", "1_000", "'a'", "0xe"]
FLOATS = ["1.5", "-1.5", ".5", "1e3", "1E3", "0x1p4", "-0xE", "-0e1", "+0e3", "1.0"]


@pytest.mark.parametrize("literal", INTEGERS + FLOATS)
@pytest.mark.parametrize("verb", ["d", "f", "s", "v"])
def test_lint_warns_of_a_verb_where_the_render_fails_for_it(literal, verb):
    source = f'{{{{ printf "%{verb}" {literal} }}}}'

    found = lint(source, slots=(), defaults={}, template_format="go-template")

    try:
        Template(source).execute(RenderContext())
    except TemplateExecError:
        assert [warning.code for warning in found] == ["printf-verb"]
    else:
        assert found == []


def test_the_table_holds_integers_and_floats():
    context = RenderContext()

    assert all(Template(f'{{{{ printf "%d" {literal} }}}}').execute(context) for literal in INTEGERS)
    for literal in FLOATS:
        with pytest.raises(TemplateExecError):
            Template(f'{{{{ printf "%d" {literal} }}}}').execute(context)
