"""Imports point down: the contracts in pyproject.toml hold, and what a device's call loads cannot reach the network."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("bootstrap_project", "configs", "profiles", "enrollments", "devices")


def test_every_import_contract_holds():
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)

    assert done.returncode == 0, done.stdout[-3000:]
    assert " 0 broken" in done.stdout


@pytest.mark.parametrize(
    "module",
    [
        "gotemplate",
        "security.transport_cipher",
        "security.keyring",
        "documents.json",
        "documents.yaml",
        "documents.toml",
        "slots",
        "errors",
        "ids",
        "magistrala.client",
    ],
)
def test_a_library_works_without_django(module):
    code = (
        f"import sys, bootstrap_project.{module}; sys.exit(any(name.split('.')[0] == 'django' for name in sys.modules))"
    )

    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, timeout=60, check=False).returncode == 0


def test_no_test_module_imports_a_test_module():
    """What two of them share is a module of its own: in tests/support, or beside them."""
    guilty = []
    for path in sorted((ROOT / "tests").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [f"{node.module}.{one.name}" for one in node.names] if isinstance(node, ast.ImportFrom) else []
            guilty += [
                f"{path.relative_to(ROOT)}: {name}"
                for name in names
                if name.startswith("tests.") and any(part.startswith("test_") for part in name.split("."))
            ]

    assert guilty == []


def sources():
    return [path for package in PACKAGES for path in (ROOT / package).rglob("*.py") if "migrations" not in path.parts]


def test_the_product_imports_neither_the_tests_nor_the_sandbox():
    guilty = []
    for path in sources():
        if "sandbox" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [f"{node.module}.{one.name}" for one in node.names] if isinstance(node, ast.ImportFrom) else []
            guilty += [str(path) for name in names if name.split(".")[0] == "tests" or ".sandbox" in name]

    assert guilty == []


def test_every_module_says_what_it_is_for():
    silent = [
        str(path.relative_to(ROOT))
        for path in sources()
        if path.read_text(encoding="utf-8").strip()
        and not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    ]

    assert silent == []
