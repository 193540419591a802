"""The editor colours what the engine knows: its functions and keywords."""

import re
from pathlib import Path

from bootstrap_project.gotemplate import FUNCTIONS
from bootstrap_project.gotemplate.lexer import KEYWORDS

MODE = (Path(__file__).parents[2] / "bootstrap_project/static/bootstrap/template_mode.js").read_text("utf-8")


def words(name):
    """The words of the script's constant `name`."""
    found = re.search(rf'const {name} =\s+"([^"]+)";', MODE)
    assert found is not None
    return found[1].split("|")


def test_the_editor_colours_every_function_and_nothing_else():
    listed = words("functions")

    assert sorted(listed) == sorted(FUNCTIONS)


def test_the_editor_colours_every_keyword_and_nothing_else():
    # Nil and the dot have colours of their own.
    assert sorted(words("words")) == sorted(KEYWORDS - {".", "nil"})
