"""What the documentation promises is there: every setting, every page that is linked, every command of the README."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "bootstrap_project" / "docs"
PAGES = sorted([*DOCS.glob("*.md"), ROOT / "README.md", ROOT / "bootstrap_project" / "gotemplate" / "README.md"])
SETTINGS = [ROOT / "bootstrap_project" / name for name in ("settings.py", "environment.py", "serve.py")]


def names_in(text):
    return set(re.findall(r"\b(?:MG_[A-Z0-9_]*[A-Z0-9]|DATABASE_URL)\b", text))


def test_every_setting_that_the_code_reads_is_documented():
    read = set().union(*(names_in(path.read_text(encoding="utf-8")) for path in SETTINGS))
    operations = (DOCS / "operations.md").read_text(encoding="utf-8")
    # Rows of one family name the first member whole and of the others the end alone.
    documented = names_in(operations) | {"MG_BOOTSTRAP_DB" + end for end in re.findall(r"`(_[A-Z_]+)`", operations)}

    assert "MG_BOOTSTRAP_ENCRYPT_KEY" in read
    assert sorted(read - documented - {"MG_BOOTSTRAP_DB"}) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_local_link_leads_somewhere(page):
    targets = re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text(encoding="utf-8"))

    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_the_readme_links_every_page():
    linked = (ROOT / "README.md").read_text(encoding="utf-8")

    assert [page.name for page in DOCS.glob("*.md") if f"docs/{page.name}" not in linked] == []


def test_every_command_of_the_readme_is_a_target_of_the_makefile():
    commands = set(re.findall(r"`?make ([a-z-]+)", (ROOT / "README.md").read_text(encoding="utf-8")))
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))

    assert {"run", "test"} <= commands
    assert sorted(commands - targets) == []
