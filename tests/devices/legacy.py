"""Rows as another service or an earlier release left them: a slow hash of the key, and no digest."""

from __future__ import annotations

import bcrypt

from configs.models import Config
from tests.support.rows import EXTERNAL_KEY

UPSTREAM_SCRYPT = "scrypt$x/PAY/ZmlWfs0vgd27aiOXU3F/EVzTQ6WejHmYmMCB8=.AAECAwQFBgcICQoLDA0ODw=="
BCRYPT = bcrypt.hashpw(EXTERNAL_KEY.encode(), bcrypt.gensalt(4)).decode()


def import_row(config: Config, key_hash: str) -> None:
    Config.objects.filter(pk=config.pk).update(
        external_key_hash=key_hash, external_key_digest="", external_key_pepper=""
    )
