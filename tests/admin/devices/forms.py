"""What the forms of a device are sent."""

from __future__ import annotations

from typing import Any

from configs.external_keys import PresentedKey, StoredKey, verify_external_key
from configs.models import Config
from tests.support.rows import DOMAIN

ADD = "/admin/configs/config/add/"


def add_data(**values) -> dict[str, Any]:
    return {
        "domain_id": DOMAIN,
        "external_id": "pump-1",
        "external_key": "a key of 20 letters!",
        "name": "pump",
        "status": "enabled",
        "profile": "",
        "render_context": '{"site": "north"}',
        "content": "",
        "client_cert": "",
        "new_client_key": "",
        "ca_cert": "",
    } | values


def change_data(config: Config, **values) -> dict[str, Any]:
    return {
        "name": config.name,
        "profile": config.profile_id or "",
        "render_context": "",
        "content": config.content,
        "client_cert": config.client_cert,
        "new_client_key": "",
        "ca_cert": config.ca_cert,
    } | values


def verifies(config: Config, key: str) -> bool:
    row = Config.objects.get(pk=config.pk)
    stored = StoredKey(row.external_key_hash, row.external_key_digest, row.external_key_pepper)
    return verify_external_key(PresentedKey.of(key), stored).matched
