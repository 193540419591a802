"""The editor colours what the engine knows: its keywords; the page tells it the functions."""

import re
from pathlib import Path

from bootstrap_project.admin.profiles.editor_media import editor_media
from bootstrap_project.gotemplate import FUNCTIONS
from bootstrap_project.gotemplate.lexer import KEYWORDS

MODE = (Path(__file__).parents[2] / "bootstrap_project/static/bootstrap/template_mode.js").read_text("utf-8")


def words(name):
    """The words of the script's constant `name`."""
    found = re.search(rf'const {name} =\s+"([^"]+)";', MODE)
    assert found is not None
    return found[1].split("|")


def test_the_editor_colours_every_keyword_and_nothing_else():
    # Nil and the dot have colours of their own.
    assert sorted(words("words")) == sorted(KEYWORDS - {".", "nil"})


def test_the_page_tells_the_editor_every_function():
    (told,) = re.findall(r'template_mode\.js" [^>]*data-functions="([^"]*)"', str(editor_media()))

    assert sorted(told.split("|")) == sorted(FUNCTIONS)
