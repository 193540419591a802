"""Rows for tests: keyword-only, with sane defaults."""

from __future__ import annotations

import itertools
from typing import Any

from django.utils import timezone

from bootstrap_project.runs.models import Run
from configs.models import Config
from configs.services import set_external_key
from enrollments.models import BindingSnapshot
from profiles.models import Profile

#: The first domain of the sandbox's seed.
DOMAIN = "b2f1c6de-0a55-4c3e-9d10-7a6f0c1d2e3f"
EXTERNAL_KEY = "device-bootstrap-key"

_numbers = itertools.count(1)


def make_profile(*, domain_id: str = DOMAIN, **values: Any) -> Profile:
    values.setdefault("name", f"profile {next(_numbers)}")
    return Profile.objects.create(domain_id=domain_id, **values)


def make_config(*, domain_id: str = DOMAIN, external_key: str = EXTERNAL_KEY, **values: Any) -> Config:
    values.setdefault("external_id", f"device-{next(_numbers)}")
    client_key = values.pop("client_key", "")
    config = Config(domain_id=domain_id, **values)
    config.client_key = client_key
    set_external_key(config, external_key)
    config.save(force_insert=True)
    return config


def make_run(domain_id: str = DOMAIN, title: str = "a run", **values: Any) -> Run:
    values.setdefault("permission", "enrollments.change_bindingsnapshot")
    return Run.objects.create(task="tests.runs.work.count", title=title, actor="", domain_id=domain_id, **values)


def make_binding(*, config: Config, slot: str, secret: dict[str, Any] | None = None, **values: Any) -> BindingSnapshot:
    values.setdefault("type", "client")
    values.setdefault("resource_id", f"resource-{next(_numbers)}")
    values.setdefault("snapshot", {"id": values["resource_id"]})
    values.setdefault("updated_at", timezone.now())
    binding = BindingSnapshot(config=config, slot=slot, **values)
    binding.secret_snapshot = secret or {}
    binding.save(force_insert=True)
    return binding


CLIENT_KEY = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA\n-----END PRIVATE KEY-----\n"


BINDING_SECRET = "s3cr3t-of-the-client"


SLOTS = [
    {"name": "mqtt", "type": "client", "required": True, "fields": ["id", "secret"]},
    {"name": "data", "type": "channel", "required": True},
    {"name": "extra", "type": "channel", "required": False},
]


def stored_secrets() -> list[str]:
    """Everything that no page may ever hold."""
    columns = ("external_key_hash", "external_key_digest", "external_key_pepper", "client_key_sealed")
    texts = {text for row in Config.objects.values_list(*columns) for text in row}
    texts |= set(BindingSnapshot.objects.values_list("secret_sealed", flat=True))
    return [text for text in texts if text] + [EXTERNAL_KEY, BINDING_SECRET, CLIENT_KEY.splitlines()[1]]
