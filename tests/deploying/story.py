"""The story of the demo against a running service: the Raspberry Pi enrolled, bound, enabled and bootstrapped."""

from __future__ import annotations

from bootstrap_project.demo import pi, scenario
from tests.support.sandbox import SandboxProcess

#: For a machine that is busy.
PATIENCE = {"MG_CONNECT_TIMEOUT_SECONDS": "20", "MG_READ_TIMEOUT_SECONDS": "20"}


def enrol(url: str, sandbox: SandboxProcess) -> str:
    """Enrol and bind the Pi over REST, and return its config's id."""
    return scenario.Scenario(url, scenario.issue_token(sandbox.url)).enrol(lambda _text: None)


def expect_served(url: str, config_id: str) -> None:
    """Bootstrap the Pi, which must get exactly its configuration."""
    delivery = scenario.bootstrap(url)
    assert delivery.status == 200, delivery.message
    assert delivery.configuration == pi.expected_configuration(config_id)


def credential(sandbox: SandboxProcess) -> dict[str, str]:
    """Return the settings of a service that asks this platform as the operator."""
    user = {"MG_BOOTSTRAP_USERNAME": pi.OPERATOR, "MG_BOOTSTRAP_PASSWORD": pi.OPERATOR_PASSWORD}
    return sandbox.settings() | user | PATIENCE
