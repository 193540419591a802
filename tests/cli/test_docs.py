"""The page about the command line: its examples are run in their order, its tables are complete."""

import os
import re
import shutil
import subprocess
import sys

import pytest

from bootstrap_project.cli.arguments import FLAGS
from bootstrap_project.cli.registry import COMMANDS
from tests.cli.conftest import CRYPTO_KEY, DOMAIN, ROOT, clean_environment

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
    "command", [one for one in COMMANDS if one.run and one.path[0] == "bootstrap"], ids=lambda one: " ".join(one.path)
)
def test_every_command_is_on_the_page(command):
    assert f"`{command.pattern.removeprefix('magistrala-cli bootstrap ')}`" in PAGE


@pytest.mark.parametrize("flag", [flag.name for flag in FLAGS])
def test_every_flag_is_on_the_page(flag):
    assert f"--{flag}" in PAGE
