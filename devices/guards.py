"""What stands before slow work in this process: the gate and the limits, made from the settings at the first call."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from django.conf import settings
from django.core.cache import caches

from devices.buckets import Buckets, LocalBuckets, SharedBuckets
from devices.gate import Gate
from devices.limits import Limits, NoLimits
from devices.slow_checks import SlowChecks


@dataclass(frozen=True, slots=True)
class Guards:
    """One process's gate and limits."""

    limits: Limits
    slow_checks: SlowChecks


@cache
def guards() -> Guards:
    """Return this process's guards."""
    limits = _limits()
    gate = Gate(
        at_once=settings.KEY_CHECKS_AT_ONCE,
        waiting=settings.KEY_CHECKS_WAITING,
        wait_seconds=settings.KEY_CHECK_WAIT_SECONDS,
    )
    return Guards(limits, SlowChecks(gate, limits, threads=settings.KEY_CHECKS_AT_ONCE))


def _limits() -> Limits:
    if not settings.DEVICE_LIMITS:
        return NoLimits()
    return Limits(
        by_source=_buckets("source", settings.SOURCE_FAILURES),
        by_device=_buckets("device", settings.DEVICE_FAILURES),
        slow=_buckets("slow", settings.SLOW_FAILURES),
    )


def _buckets(name: str, rate: tuple[float, float]) -> Buckets:
    local = LocalBuckets(*rate)
    return SharedBuckets(name, *rate, shared=caches["default"], fallback=local) if settings.SHARED_LIMITS else local
