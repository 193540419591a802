"""What stands before slow work in this process: the gate and the limits, made from the settings at the first call."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from django.conf import settings

from devices.buckets import LocalBuckets
from devices.gate import Gate
from devices.limits import Limits
from devices.slow_checks import SlowChecks


@dataclass(frozen=True, slots=True)
class Guards:
    """One process's gate and limits."""

    limits: Limits
    slow_checks: SlowChecks


@cache
def guards() -> Guards:
    """Return this process's guards."""
    limits = Limits(
        by_source=LocalBuckets(*settings.SOURCE_FAILURES),
        by_device=LocalBuckets(*settings.DEVICE_FAILURES),
        slow=LocalBuckets(*settings.SLOW_FAILURES),
    )
    gate = Gate(
        at_once=settings.KEY_CHECKS_AT_ONCE,
        waiting=settings.KEY_CHECKS_WAITING,
        wait_seconds=settings.KEY_CHECK_WAIT_SECONDS,
    )
    return Guards(limits, SlowChecks(gate, limits, threads=settings.KEY_CHECKS_AT_ONCE))
