"""What the documentation promises is there: every setting, every page that is linked, every command of the README."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "bootstrap_project" / "docs"
PAGES = sorted([*DOCS.glob("*.md"), ROOT / "README.md", ROOT / "bootstrap_project" / "gotemplate" / "README.md"])
SETTINGS = [
    *(ROOT / "bootstrap_project" / "conf").glob("*.py"),
    *(ROOT / "bootstrap_project" / name for name in ("settings.py", "server/options.py")),
]


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


def cited_rules(text):
    """The anchors of "docs/contract.md#a1, #k6 and #k10" and "docs/contract.md#e1 to #e3", those between included."""
    rules = set()
    for run in re.findall(r"docs/contract\.md((?:(?:, | and | to )?#[a-k]\d*)+)", text):
        rules |= {letter + number for letter, number in re.findall(r"#([a-k])(\d*)", run)}
        for letter, first, last in re.findall(r"#([a-k])(\d+) to #[a-k](\d+)", run):
            rules |= {f"{letter}{number}" for number in range(int(first), int(last) + 1)}
    return rules


def test_every_citation_of_the_contract_has_its_rule_and_every_rule_its_citation():
    packages = ("bootstrap_project", "configs", "profiles", "enrollments", "devices", "tests")
    files = [path for package in packages for path in (ROOT / package).rglob("*.py") if path != Path(__file__)]
    cited = set().union(*(cited_rules(path.read_text(encoding="utf-8")) for path in files))
    rules = dict(
        re.findall(r"^### ([A-K]\d*)\n(.*?)(?=^##|\Z)", (DOCS / "contract.md").read_text(), re.MULTILINE | re.DOTALL)
    )

    assert sorted(cited - {name.lower() for name in rules}) == []
    assert [name for name, text in rules.items() if name.lower() not in cited and "*background*" not in text] == []
    assert cited_rules("docs/contract.md#e1 to #e3 and #k1") == {"e1", "e2", "e3", "k1"}


def test_the_contract_is_cited_by_anchors_alone():
    packages = ("bootstrap_project", "configs", "profiles", "enrollments", "devices")
    files = [path for package in packages for path in (ROOT / package).rglob("*.py")]

    assert [path.name for path in files if re.search(r"[Cc]ontract,? (?:section )?[A-K]\d", path.read_text())] == []
