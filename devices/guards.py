"""What stands before slow work in this process: the gate, made from the settings at the first call."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from django.conf import settings

from devices.gate import Gate
from devices.rate_limit import failure_limits
from devices.slow_checks import SlowChecks


@dataclass(frozen=True, slots=True)
class Guards:
    """One process's gate."""

    slow_checks: SlowChecks


@cache
def guards() -> Guards:
    """Return this process's guards."""
    gate = Gate(
        at_once=settings.KEY_CHECKS_AT_ONCE,
        waiting=settings.KEY_CHECKS_WAITING,
        wait_seconds=settings.KEY_CHECK_WAIT_SECONDS,
    )
    return Guards(SlowChecks(gate, failure_limits(), threads=settings.KEY_CHECKS_AT_ONCE))
