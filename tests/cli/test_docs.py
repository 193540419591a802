"""The page about the command line: its examples are run in their order, its tables are complete."""

import os
import re
import shutil
import subprocess
import sys

import pytest

from bootstrap_project.cli.options import ALL, COMMON
from tests.cli.conftest import CRYPTO_KEY, DOMAIN, ROOT, clean_environment
from tests.cli.tree import RUNNING

PAGE = (ROOT / "bootstrap_project/docs/cli.md").read_text(encoding="utf-8")
#: An example, and what it prints where that is shown.
EXAMPLES = re.findall(r"^```sh\n(.*?)^```\n(?:```text\n(.*?)^```\n)?", PAGE, flags=re.DOTALL | re.MULTILINE)
BOUNDARY = "=== next example ==="


def matches(shown, printed):
    """Whether the output is the one that is shown, `…` standing for anything."""
    return re.fullmatch(".*?".join(map(re.escape, shown.split("…"))), printed, flags=re.DOTALL)


def test_examples_print_what_the_page_shows(service, token, tmp_path):
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("this system has no bash")
    program = tmp_path / "bin" / "magistrala-cli"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m bootstrap_project.cli "$@"\n')
    program.chmod(0o755)
    environment = clean_environment(
        PATH=f"{program.parent}{os.pathsep}{os.environ['PATH']}",
        PYTHONPATH=str(ROOT),
        MG_BOOTSTRAP_URL=service.url,
        MG_DOMAIN_ID=DOMAIN,
        MG_TOKEN=token,
        MG_CRYPTO_KEY=CRYPTO_KEY,
    )
    script = f"\necho '{BOUNDARY}'\n".join(example for example, _ in EXAMPLES)

    done = subprocess.run(
        [bash, "-eu", "-o", "pipefail", "-c", f"exec 2>&1\n{script}"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        timeout=120,
        check=False,
    )

    output = done.stdout.decode()
    assert done.returncode == 0, output
    assert token not in output
    printed = output.split(f"{BOUNDARY}\n")
    for (example, shown), text in zip(EXAMPLES, printed, strict=True):
        assert matches(shown, text), f"{example}\nprinted\n{text}\nand the page shows\n{shown}"


@pytest.mark.parametrize(
    "command", [one for one in RUNNING if one.path[0] == "bootstrap"], ids=lambda one: " ".join(one.path)
)
def test_every_command_is_on_the_page(command):
    assert f"`{command.usage.removeprefix('magistrala-cli bootstrap ')}`" in PAGE


def section(title):
    """Return the page's section of that title."""
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", PAGE, flags=re.DOTALL | re.MULTILINE)
    assert found is not None, title
    return found[1]


def names(text, flag):
    """Whether a text has a flag, in both its forms, as whole words."""
    return all(re.search(rf"(?<![\w-]){form}(?![\w-])", text) for form in flag.opts)


def test_table_of_flags_has_the_common_flags_and_no_other():
    rows = re.findall(r"^\| (`-.*?) \|", section("Flags of every command"), flags=re.MULTILINE)

    assert set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", " ".join(rows))) == {
        name for flag in COMMON for name in flag.opts
    }


@pytest.mark.parametrize(
    ("command", "flag"),
    [
        pytest.param(one, flag, id=f"{' '.join(one.path[1:])} --{flag.name}")
        for one in RUNNING
        for flag in one.command.options
    ],
)
def test_every_other_flag_is_where_its_command_is(command, flag):
    pattern = command.usage.removeprefix("magistrala-cli bootstrap ")
    (row,) = [line for line in section("Commands").splitlines() if line.startswith(f"| `{pattern}` |")]

    assert names(section("Lists") if command.path[-1] == "all" else row, flag)


def test_a_part_of_a_flag_is_not_the_flag():
    assert names("see `--all`/`-a`", ALL)
    assert not names("`--allow`, `--not--all`, `-a`", ALL)
    assert not names("`--all` and an-a", ALL)
