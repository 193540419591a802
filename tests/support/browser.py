"""Chromium for the browser tests: the machine's, or Debian's when we may install it."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping

import pytest

#: The environment variables that tell tests which browser to use, or why there is none.
VARIABLE = "CHROMIUM"
REASON_VARIABLE = "CHROMIUM_MISSING"
CANDIDATES = ("/usr/bin/chromium", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
INSTALL = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium"]
INSTALL_SECONDS = 300

Say = Callable[[str], object]


def find_chromium(environ: Mapping[str, str] = os.environ) -> str | None:
    """Return the path of a browser that starts, or None."""
    for candidate in (environ.get(VARIABLE, ""), *CANDIDATES):
        path = shutil.which(candidate) if candidate else None
        if path and _starts(path):
            return path
    return None


def _starts(path: str) -> bool:
    # Some systems have a program of this name that only says how to get the real one.
    try:
        return subprocess.run([path, "--version"], capture_output=True, timeout=30, check=False).returncode == 0
    except (OSError, subprocess.SubprocessError):
        return False


def provide_chromium(say: Say) -> dict[str, str]:
    """Return the variable that names the browser, installing one when root may; else the variable that says why not."""
    path = find_chromium()
    if path is None and os.geteuid() == 0 and shutil.which("apt-get"):
        say(f"Installing Debian's Chromium for the browser tests: {' '.join(INSTALL)}")
        path = _install(say)
    if path is not None:
        say(f"Browser tests use {path}")
        return {VARIABLE: path}
    reason = "no Chromium on this machine, and none can be installed (on Debian: apt-get install chromium)"
    say(f"Browser tests are skipped: {reason}")
    return {REASON_VARIABLE: reason}


def _install(say: Say) -> str | None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["apt-get", "update", "-qq"], INSTALL):
        try:
            done = subprocess.run(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=INSTALL_SECONDS,
                check=False,
            )
        except (OSError, subprocess.SubprocessError) as error:
            say(f"{command[1]} failed: {error}")
            return None
        if done.returncode != 0:
            say(f"apt-get {command[1]} failed: {done.stderr.strip()[-300:]}")
            return None
    return find_chromium()


def require_chromium() -> str:
    """Return the browser's path inside a test, or skip the test with the reason."""
    path = os.environ.get(VARIABLE) or (None if os.environ.get(REASON_VARIABLE) else find_chromium())
    if path is None:
        pytest.skip(os.environ.get(REASON_VARIABLE, "no Chromium on this machine; `make test` provides one"))
    return path
