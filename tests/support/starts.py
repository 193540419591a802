"""Read the settings in a process of their own, and over given variables."""

from __future__ import annotations

import os
import subprocess
import sys

from environ import Env

from tests.support.server import ROOT

GOOD = {
    "MG_BOOTSTRAP_SECRET_KEY": "tests-only-secret-key-of-more-than-fifty-characters-0123456789",
    "MG_BOOTSTRAP_ENCRYPT_KEY": "0123456789abcdef0123456789abcdef",
}
READ = """
import json, sys
from django.core.exceptions import ImproperlyConfigured
try:
    from bootstrap_project import settings
except ImproperlyConfigured as error:
    sys.exit(f"ImproperlyConfigured: {error}")
print(json.dumps({name: getattr(settings, name) for name in sys.argv[1:]}, default=repr))
"""


def inherited():
    """Return the environment of this process without settings of ours."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("MG_", "DATABASE_URL"))}


def start(environment, *names):
    """Import the settings in a process of their own; return its exit code, output and error output."""
    environment = {name: value for name, value in (GOOD | environment).items() if value is not None}
    done = subprocess.run(
        [sys.executable, "-c", READ, *names],
        cwd=ROOT,
        env=inherited() | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


class Environment(Env):  # type: ignore[misc]
    """django-environ over given variables instead of the process's own."""

    def __init__(self, **variables: str) -> None:
        super().__init__()
        self.ENVIRON = variables
