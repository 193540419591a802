"""What the deployment's files are compared with: the documented settings, and where the files are."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "bootstrap_project" / "deploy"
DOCS = ROOT / "bootstrap_project" / "docs"
PAGE = DOCS / "deploying.md"


def setting_names(text: str) -> set[str]:
    """Return the settings that a text names."""
    return set(re.findall(r"\b(?:MG_[A-Z0-9_]*[A-Z0-9]|DATABASE_[A-Z_]*URL)(?:_FILE)?\b", text))


def documented_settings() -> set[str]:
    """Return the settings of the page on operations, with `_FILE` for those that may come from a file."""
    table = (DOCS / "operations.md").read_text(encoding="utf-8").split("## Settings")[1].split("\n## ")[0]
    names = setting_names(table)
    # Rows of one family name the first member whole and of the others the end alone.
    names |= {"MG_BOOTSTRAP_DB" + end for end in re.findall(r"`(_[A-Z_]+)`", table)}
    return names | {f"{name}_FILE" for name in names if re.search("KEY|PEPPERS|PASS|TOKEN|USERNAME|URL", name)}


def pairs(path: Path) -> dict[str, str]:
    """Return the NAME=value lines of a file of settings."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
