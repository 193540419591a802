"""Holds the service's own tokens: issued once for all threads, renewed before they expire, given up when refused."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

import jwt

from bootstrap_project.database.pool import connection_released
from bootstrap_project.deadline import acquire
from bootstrap_project.magistrala.errors import DeadlinePassed, MagistralaError, deadline_passed
from bootstrap_project.magistrala.resources import TokenPair

logger = logging.getLogger(__name__)

#: A token is renewed when less than this part of its life is left, and never later than the last seconds of it.
RENEWED_PART: Final = 0.1
RENEWED_SECONDS: Final = 30.0
#: How long a token is believed in that does not say when it ends.
ASSUMED_LIFE_SECONDS: Final = 300.0
#: How long a sign-in that failed is not tried again, so that nobody gets an account locked by looking at pages.
FAILURE_PAUSE_SECONDS: Final = 5.0

#: A token of this age need not be replaced: a new one would be the same.
YOUNG_SECONDS: Final = 1.0


class TokenService(Protocol):
    """What signing in needs of Magistrala's client."""

    def issue_token(self, username: str, password: str) -> TokenPair: ...

    def refresh_token(self, refresh_token: str) -> TokenPair: ...


@dataclass(frozen=True, slots=True)
class _Held:
    """A pair of tokens; times are of the keeper's clock."""

    access: str = field(repr=False)
    refresh: str = field(repr=False)
    issued_at: float
    renew_at: float
    ends_at: float


class TokenKeeper:
    """Gives every thread a token that is still good; whoever first finds it nearly over renews it for all.

    Others go on with the old token while it lasts, and wait for the new one when it is over.
    """

    def __init__(
        self,
        service: TokenService,
        username: str,
        password: str,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`clock` gives seconds since 1970, as the tokens' own times are."""
        self._service = service
        self._username = username
        self._password = password
        self._clock = clock
        self._lock = threading.Lock()
        self._held: _Held | None = None
        self._failure: tuple[float, MagistralaError] | None = None

    def __repr__(self) -> str:
        return f"{type(self).__name__}(signed in: {self._held is not None})"

    def token(self) -> str:
        """Return an access token.

        Raises: Unauthorized when the platform refuses the user name and password; Unavailable, TimedOut and others.
        DeadlinePassed is the caller's own: the next one asks anew.
        Cost: nothing while a token lasts; one or two calls when it has to be renewed.
        """
        held, now = self._held, self._clock()
        if held is not None and now < held.renew_at:
            return held.access
        usable = held is not None and now < held.ends_at
        # Threads wait for each other outside their places: the one that asks the platform needs a place to go on.
        with connection_released():
            if usable and held is not None:
                if not self._lock.acquire(blocking=False):
                    return held.access
            elif not acquire(self._lock):
                raise deadline_passed("users")
            try:
                return self._renewed(asked_at=now)
            finally:
                self._lock.release()

    def forget(self, token: str) -> None:
        """Give up `token`, which somebody refused; a newer one that another thread got meanwhile is kept.

        The platform's tokens hold nothing but the user and the second in which they were made, so one that was made
        just now would only be made again.
        """
        with connection_released():
            if not acquire(self._lock):
                return
            try:
                held = self._held
                is_young = held is not None and 0 <= self._clock() - held.issued_at < YOUNG_SECONDS
                if held is not None and held.access == token and not is_young:
                    # The refresh token belongs to the same session and goes with it.
                    self._held = None
            finally:
                self._lock.release()

    def _renewed(self, asked_at: float) -> str:
        """Return the token that is held if it will do, else a new one; the lock is held."""
        held, now = self._held, self._clock()
        if held is not None and now < held.renew_at:
            return held.access
        usable = held is not None and now < held.ends_at
        recent = self._failure
        if recent is not None and (recent[0] > asked_at or 0 <= now - recent[0] < FAILURE_PAUSE_SECONDS):
            if usable and held is not None:
                return held.access
            raise recent[1].again()
        try:
            pair = self._ask(held)
        except MagistralaError as error:
            # One caller's end is no reason for another not to ask.
            if not isinstance(error, DeadlinePassed):
                self._failure = (self._clock(), error)
            data = {"service": error.service, "status": error.status}
            logger.warning("the service could not sign in to the platform", extra=data)
            if usable and held is not None:
                return held.access
            raise error.again() from error
        self._failure = None
        self._held = _hold(pair, self._clock())
        return pair.access_token

    def _ask(self, held: _Held | None) -> TokenPair:
        if held is not None and held.refresh:
            try:
                return self._service.refresh_token(held.refresh)
            except MagistralaError as error:
                logger.info("refreshing the service's token failed; signing in", extra={"status": error.status})
        return self._service.issue_token(self._username, self._password)


def _hold(pair: TokenPair, now: float) -> _Held:
    ends_at = _end(pair.access_token, now)
    margin = max(RENEWED_SECONDS, RENEWED_PART * (ends_at - now))
    # A token that lives shorter than the margin is used for half of its life.
    renew_at = max(ends_at - margin, now + (ends_at - now) / 2)
    return _Held(pair.access_token, pair.refresh_token, now, renew_at, ends_at)


def _end(token: str, now: float) -> float:
    """Return when a token ends, as it says itself: it came from the platform directly, so nobody else wrote it."""
    try:
        expires = jwt.decode(token, options={"verify_signature": False}).get("exp")
    except jwt.PyJWTError:
        expires = None
    if isinstance(expires, int | float) and expires > now:
        return float(expires)
    # Either no end, or a clock so far off that its words mean nothing here.
    return now + ASSUMED_LIFE_SECONDS
