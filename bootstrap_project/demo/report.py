"""What the demo prints."""

from __future__ import annotations

import json
import sys
import textwrap
from dataclasses import dataclass
from typing import Any

from bootstrap_project.demo import pi

_RULE = "-" * 78


def echo(text: str) -> None:
    """Print one line at once, also into a pipe."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def step(text: str) -> None:
    """Print one step of the scenario."""
    echo(f"    {text}")


def fail(text: str) -> None:
    """Print why the demo stops."""
    sys.stdout.flush()
    sys.stderr.write(f"\nbootstrap demo: {text}\n")


@dataclass(frozen=True)
class Access:
    """How a person gets at what is running."""

    service_url: str
    platform_url: str
    admin_name: str
    admin_password: str
    token: str
    logs: str


def delivered(configuration: Any) -> str:
    """Return the paragraph about the Pi's configuration."""
    text = _indented(json.dumps(configuration, indent=2))
    return f"The Raspberry Pi asked for its configuration and received:\n\n{text}"


def refused(status: int, message: str) -> str:
    """Return the paragraph about a refusal."""
    return f"The Raspberry Pi asked for its configuration and was refused with {status}: {message}"


def access(to: Access) -> str:
    """Return the paragraphs that say where to go from here."""
    return f"""{_RULE}
Ask again as the Pi:

    curl -s -S -H "Authorization: Client {pi.EXTERNAL_KEY}" \\
      {to.service_url}/clients/bootstrap/{pi.EXTERNAL_ID}

Admin:     {to.service_url}/admin/
           user {to.admin_name}, password {to.admin_password}

Operator:  {pi.OPERATOR}, password {pi.OPERATOR_PASSWORD} at the sandbox.
           With this token, which is good for an hour, list the configs:

    TOKEN={to.token}
    curl -s -S -H "Authorization: Bearer $TOKEN" \\
      {to.service_url}/{pi.DOMAIN_ID}/clients/configs

Sandbox:   {to.platform_url} (the platform's counterpart, in memory)
Logs:      {to.logs}
{_RULE}"""


def _indented(text: str) -> str:
    return textwrap.indent(text, "    ")
