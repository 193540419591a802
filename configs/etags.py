"""Entity tags of configs: made from what operators can write, bindings included (docs/contract.md#k27)."""

from __future__ import annotations

import uuid

from bootstrap_project.conditions import IfMatch, make_etag
from bootstrap_project.security.keyring import SealError
from configs.models import Config


def config_etag(config: Config) -> str:
    """Return the tag of `config` and of what is bound on it.

    What devices and the clock write is not in it, so that a device's call spoils nobody's change; neither are copies of
    what the platform holds, nor the external key, which is never read.
    Cost: one query for the bindings.
    """
    try:
        # Sealing the same key anew makes another text.
        client_key = config.client_key
    except SealError:
        client_key = config.client_key_sealed
    bound = config.bindings.order_by("slot").values_list("slot", "type", "resource_id")
    return make_etag(
        "configs.etag",
        str(config.pk),
        config.domain_id,
        config.external_id,
        config.name,
        config.status,
        str(config.profile_id or ""),
        config.render_context,
        config.content,
        config.client_cert,
        client_key,
        config.ca_cert,
        [list(binding) for binding in bound],
    )


def check_stored(domain_id: str, config_id: uuid.UUID | None, if_match: IfMatch | None) -> None:
    """Check that the config is as its caller has seen it, and hold it so until the transaction ends.

    Raises: PreconditionFailed, also where there is no such config.
    Cost: nothing without a condition; two queries otherwise.
    """
    if if_match is not None:
        configs = Config.objects.in_domain(domain_id).select_for_update(of=("self",))
        held = configs.filter(pk=config_id).first() if config_id else None
        if_match.check(config_etag(held) if held else None)
