"""A small fleet on the sandbox, and the command as a call and as a program."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from bootstrap_project.magistrala.sandbox import seed
from configs.models import Config
from enrollments.models import BindingSnapshot
from profiles.models import Profile
from tests.support.enrollments import make_profile
from tests.support.sandbox import SandboxProcess
from tests.support.server import DEFAULTS, database_url

ROOT = Path(__file__).resolve().parents[2]
SLOTS = [
    {"name": "mqtt_client", "type": "client", "required": True},
    {"name": "telemetry", "type": "channel", "required": True},
]


@dataclass(frozen=True)
class Ended:
    """How a run ended."""

    code: int
    out: str
    err: str

    @property
    def objects(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]

    def outcomes(self) -> dict[str, str]:
        return {one["config_id"]: one["outcome"] for one in self.objects}


def refresh(*arguments: str) -> Ended:
    """Call the command here."""
    out, err = io.StringIO(), io.StringIO()
    code = 0
    try:
        call_command("refresh_bindings", *arguments, stdout=out, stderr=err)
    except SystemExit as end:
        code = int(end.code or 0)
    except CommandError as error:
        code = error.returncode
        err.write(f"{error}\n")
    return Ended(code, out.getvalue(), err.getvalue())


def start(sandbox: SandboxProcess, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    """Start the command as a program on the test's own database."""
    values = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("MG_", "DJANGO_", "DATABASE"))},
        **DEFAULTS,
        **sandbox.settings(),
        "DATABASE_URL": database_url(connection.settings_dict),
        "MG_BOOTSTRAP_TOKEN": sandbox.pat()[0],
        **environment,
    }
    return subprocess.Popen(
        [sys.executable, "manage.py", "refresh_bindings", *arguments],
        cwd=ROOT,
        env=values,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process: subprocess.Popen[str]) -> Ended:
    out, err = process.communicate(timeout=60)
    return Ended(process.returncode, out, err)


def needs_a_file() -> None:
    """Skip where other processes and threads cannot see the database."""
    if "mode=memory" in str(connection.settings_dict["NAME"]):
        pytest.skip("a database in memory belongs to one connection; the file and PostgreSQL are tested")


@dataclass
class SmallFleet:
    """Configs with a client of their own and one of a few channels each."""

    profile: Profile
    configs: list[Config]
    clients: list[str]
    channels: list[str]

    def by_id(self) -> list[Config]:
        return sorted(self.configs, key=lambda config: config.pk)

    def stored(self, config: Config) -> dict[str, BindingSnapshot]:
        return {row.slot: row for row in BindingSnapshot.objects.filter(config=config)}

    def everything(self) -> list[tuple[Any, ...]]:
        return list(BindingSnapshot.objects.order_by("pk").values_list())

    def fresh(self, config: Config) -> list[bool]:
        """Which of a config's bindings hold something."""
        return [bool(row.snapshot) for row in self.stored(config).values()]


def make_fleet(
    sandbox: SandboxProcess,
    number: int = 8,
    *,
    channels: int = 2,
    clients: int = 0,
    domain_id: str = seed.DOMAIN_ID,
    slots: Sequence[dict[str, Any]] = SLOTS,
) -> SmallFleet:
    """Make configs whose bindings hold nothing yet; `clients` limits how many distinct ones there are."""
    ids = sandbox.fleet(clients=clients or number, channels=channels, domain_id=domain_id)
    profile = make_profile(slots=list(slots), domain_id=domain_id)
    configs = Config.objects.bulk_create(
        Config(
            domain_id=domain_id,
            external_id=f"{profile.name}-{index}",
            external_key_hash="unused",
            profile=profile,
        )
        for index in range(number)
    )
    BindingSnapshot.objects.bulk_create(
        BindingSnapshot(config=config, slot=slot, type=kind, resource_id=resource_id, updated_at=timezone.now())
        for index, config in enumerate(configs)
        for slot, kind, resource_id in (
            ("mqtt_client", "client", ids["clients"][index % len(ids["clients"])]),
            ("telemetry", "channel", ids["channels"][index % channels]),
        )
    )
    return SmallFleet(profile, configs, ids["clients"], ids["channels"])
