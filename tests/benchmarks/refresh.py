"""A fleet's refresh: 10,000 configs with three bindings each, the platform answering after 5 ms.

The bound is what the slowness of the platform itself costs: distinct resources times 5 ms, divided by workers. The time
is that of the whole command, from its arguments to its last line; only the interpreter's start is left out.
"""

from __future__ import annotations

import io
import os
import statistics
import subprocess
import sys
import time
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from bootstrap_project.magistrala.credential import reset_credential
from bootstrap_project.magistrala.factory import reset_client
from bootstrap_project.magistrala.sandbox import seed
from configs.models import Config
from enrollments.models import BindingSnapshot
from profiles.models import Profile
from tests.benchmarks.report import Report
from tests.support.sandbox import SandboxProcess

CONFIGS, FEWER = 10_000, 2_000
CLIENTS, CHANNELS = 2_000, 200
LATENCY_SECONDS = 0.005
WORKERS = 16
ROUNDS = 3
SLOTS = [
    {"name": "mqtt_client", "type": "client", "required": True},
    {"name": "telemetry", "type": "channel", "required": True},
    {"name": "commands", "type": "channel", "required": False},
]
ROOT = Path(__file__).resolve().parents[2]


def run(report: Report) -> None:
    with SandboxProcess(latency_ms=1000 * LATENCY_SECONDS) as sandbox:
        ids = sandbox.fleet(clients=CLIENTS, channels=CHANNELS)
        token = sandbox.pat()[0]
        point_at(sandbox, token)
        small = plant(FEWER, ids, "fewer")
        plant(CONFIGS - FEWER, ids, "more")
        refresh()

        bound = (CLIENTS + CHANNELS) * LATENCY_SECONDS / WORKERS
        changed: list[tuple[float, float]] = []
        unchanged: list[tuple[float, float]] = []
        for _ in range(ROUNDS):
            sandbox.change_everything()
            changed.append(timed())
            sandbox.forget_calls()
            unchanged.append(timed())
            calls = sandbox.report()["total"]
        report.add("bound", bound, "s")
        for name, rounds, target in (("all changed", changed, 3.0), ("none changed", unchanged, 2.0)):
            wall = statistics.median(one for one, _processor in rounds)
            report.add(name, wall, "s")
            report.add(f"{name} ÷ bound", wall / bound, target=target)
            report.add(f"{name}, processor time of our process", statistics.median(one for _wall, one in rounds), "s")
        report.add("calls of the platform ÷ distinct resources", calls / (CLIENTS + CHANNELS), target=1)

        environment = sandbox.settings() | {"MG_BOOTSTRAP_TOKEN": token}
        sandbox.change_everything()
        few = peak_memory(["--profile", str(small)], environment)
        sandbox.change_everything()
        many = peak_memory(["--all"], environment)
        report.add(f"peak memory, {FEWER:,} configs", few, "MB")
        report.add(f"peak memory, {CONFIGS:,} configs", many, "MB")
        report.add("peak memory, many ÷ few configs", many / few, target=1.1)
        report.note(f"{WORKERS} workers, {os.cpu_count()} cores shared with the platform's stand-in and PostgreSQL")
        report.note(f"medians of {ROUNDS} rounds: " + ", ".join(f"{one:.2f}" for one, _ in changed + unchanged))
        report.note(f"load of the machine at the end: {os.getloadavg()[0]:.1f}")


def point_at(sandbox: SandboxProcess, token: str) -> None:
    for name, value in (sandbox.settings() | {"SERVICE_TOKEN": token}).items():
        setattr(settings, name, value)
    reset_client()
    reset_credential()


def plant(number: int, ids: Mapping[str, Sequence[str]], name: str) -> uuid.UUID:
    """Make configs that share clients and channels; return their profile's id."""
    profile = Profile.objects.create(domain_id=seed.DOMAIN_ID, name=name, binding_slots=SLOTS)
    configs = [
        Config(domain_id=seed.DOMAIN_ID, external_id=f"{name}-{number}", external_key_hash="unused", profile=profile)
        for number in range(number)
    ]
    Config.objects.bulk_create(configs, batch_size=1000)
    channels = ids["channels"]
    BindingSnapshot.objects.bulk_create(
        (
            BindingSnapshot(config=config, slot=slot, type=kind, resource_id=resource_id, updated_at=timezone.now())
            for index, config in enumerate(configs)
            for slot, kind, resource_id in (
                ("mqtt_client", "client", ids["clients"][index % CLIENTS]),
                ("telemetry", "channel", channels[index % CHANNELS]),
                ("commands", "channel", channels[(index * 7 + 1) % CHANNELS]),
            )
        ),
        batch_size=1000,
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return profile.pk


def refresh() -> str:
    output = io.StringIO()
    call_command("refresh_bindings", "--all", workers=WORKERS, stdout=output, stderr=io.StringIO())
    return output.getvalue()


def timed() -> tuple[float, float]:
    """Refresh, and return the seconds that passed and those of the processor that our own process had."""
    started, processor = time.perf_counter(), time.process_time()
    refresh()
    return time.perf_counter() - started, time.process_time() - processor


def peak_memory(arguments: Sequence[str], environment: Mapping[str, str]) -> float:
    """Run the command as a program and return the most memory that it had, in MB."""
    process = subprocess.Popen(
        [sys.executable, "manage.py", "refresh_bindings", *arguments],
        cwd=ROOT,
        env={**os.environ, **environment, "DJANGO_SETTINGS_MODULE": "bootstrap_project.settings"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _pid, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return usage.ru_maxrss / 1024
