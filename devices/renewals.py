"""Digests under an older pepper, renewed as devices call: noted on the request's path, written about a second later."""

from __future__ import annotations

import logging

from django.db import Error

from bootstrap_project.api.database_errors import note_trouble
from configs.external_keys import DigestRenewal, renew_digests
from devices.background import BackgroundQueue

logger = logging.getLogger(__name__)


def _write(renewals: list[DigestRenewal]) -> None:
    try:
        renewed = renew_digests(renewals)
    except Error as error:
        # The old digest still decides, and the device's next call asks again.
        if note_trouble(error) is None:
            extra = {"configs": len(renewals), "error": type(error).__name__}
            logger.warning("digests were not renewed", extra=extra)
    else:
        logger.info("digests renewed", extra={"configs": renewed})


#: What waits to be written in this process; a fleet beyond its capacity takes a second call each.
renewals: BackgroundQueue[DigestRenewal] = BackgroundQueue("renewals", _write, capacity=10_000, batch=200, pause=1.0)


def renew_later(renewal: DigestRenewal) -> None:
    """Note `renewal`; never waits, and drops it when too many are noted."""
    renewals.offer(renewal.config_id, renewal)
