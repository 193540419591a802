"""The table of built-in functions, and the places that list them beside it."""

import inspect
import re
from pathlib import Path

import pytest

from bootstrap_project.gotemplate import FUNCTIONS
from bootstrap_project.gotemplate.registry import BUILTINS, functions
from bootstrap_project.rendering.analysis import functions as analysis
from tests.gotemplate.fuzz import grammar

ROOT = Path(__file__).parents[2] / "bootstrap_project"


@pytest.mark.parametrize("page", ["docs/templates.md", "gotemplate/README.md"])
def test_a_page_lists_every_function_and_nothing_else(page):
    text = (ROOT / page).read_text("utf-8")
    go_functions = re.search(r"`(and or not [a-z ]+)`", text)
    assert go_functions is not None
    own = re.findall(r'^\| `(\w+) (?:"|\w)', text, re.MULTILINE)

    assert sorted([*go_functions[1].split(), *own]) == sorted(FUNCTIONS)


def test_random_templates_call_every_function():
    words = set(re.findall(r"\w+", inspect.getsource(grammar)))

    assert set(BUILTINS) <= words


def test_lint_follows_every_function_that_gives_something():
    skipped = {"and", "or", "call"}

    assert set(analysis._FUNCTIONS) == set(BUILTINS) - skipped


def test_each_mode_has_every_function_but_those_that_skip_arguments():
    assert functions(strict=True).keys() == functions(strict=False).keys() == BUILTINS.keys() - {"and", "or"}
