"""The credential with which admin pages and commands ask Magistrala: they have no operator's token to pass on."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import ClassVar, Final, TypeVar

from django.conf import settings

from bootstrap_project.errors import ErrorKind
from bootstrap_project.magistrala.credential_keeper import TokenKeeper
from bootstrap_project.magistrala.errors import MagistralaError, Unauthorized, Unverified
from bootstrap_project.magistrala.factory import get_client
from bootstrap_project.magistrala.resources import TokenPair
from bootstrap_project.observability.request_id import current_request_id

Result = TypeVar("Result")

HINT: Final = (
    "set MG_BOOTSTRAP_TOKEN (a personal access token), or MG_BOOTSTRAP_USERNAME and MG_BOOTSTRAP_PASSWORD;"
    " each may come from a file (…_FILE)"
)

NOT_ACCEPTED: Final = (
    "The Magistrala users service does not accept this service's user name and password; correct MG_BOOTSTRAP_USERNAME"
    " or MG_BOOTSTRAP_PASSWORD."
)


class CredentialMissing(MagistralaError):
    """This service was given nothing to sign in to the platform with."""

    kind: ClassVar[ErrorKind] = ErrorKind.UNAVAILABLE
    permanent_by_default: ClassVar[bool] = True


_lock = threading.Lock()
_keeper: tuple[int, TokenKeeper] | None = None
_refusal = ""


def is_configured() -> bool:
    """Return whether there is something to sign in with."""
    return bool(settings.SERVICE_TOKEN or (settings.SERVICE_USERNAME and settings.SERVICE_PASSWORD))


def service_token() -> str:
    """Return a token with which this service may ask the platform: the personal access token, or one issued for it.

    Raises: CredentialMissing when nothing is configured; Unauthorized when the platform refuses the user name and
    password; Unavailable, TimedOut.
    Cost: usually nothing; a call to the users service about once in a token's life, by one thread for all.
    """
    if settings.SERVICE_TOKEN:
        return str(settings.SERVICE_TOKEN)
    if not is_configured():
        raise CredentialMissing(f"This service has no credential for Magistrala; {HINT}.", service="users")
    return _get_keeper().token()


def forget_service_token(token: str) -> None:
    """Give up an issued token that the platform has refused, so that the next one is new."""
    keeper = _keeper
    if keeper is not None:
        keeper[1].forget(token)


def with_service_token(call: Callable[[str], Result]) -> Result:
    """Return what `call` returns for the service's token; when that is refused, try once more with a new one.

    Raises: what `service_token` and `call` raise; Unauthorized at once when there can be no new one.
    """
    global _refusal  # noqa: PLW0603
    try:
        result = _with_token(call)
    except Unauthorized as error:
        _refusal = error.message
        raise
    _refusal = ""
    return result


def last_refusal() -> str:
    """Return why the platform refused the credential when it was used last in this process; "" when it did not."""
    return _refusal


def _with_token(call: Callable[[str], Result]) -> Result:
    token = service_token()
    try:
        return call(token)
    except Unauthorized as error:
        if settings.SERVICE_TOKEN and not isinstance(error, Unverified):
            raise Unauthorized(
                f"The Magistrala {error.service} service refuses the service credential;"
                " MG_BOOTSTRAP_TOKEN may be revoked or expired.",
                service=error.service,
                status=error.status,
            ) from error
        forget_service_token(token)
    return call(service_token())


def reset_credential() -> None:
    """Forget everything, so that the next call reads the settings again."""
    global _keeper, _refusal
    with _lock:
        _keeper, _refusal = None, ""


def _get_keeper() -> TokenKeeper:
    global _keeper  # noqa: PLW0603
    made = _keeper
    # A forked process signs in for itself: the parent's lock may be held by a thread that the child does not have.
    if made is not None and made[0] == os.getpid():
        return made[1]
    with _lock:
        if _keeper is None or _keeper[0] != os.getpid():
            _keeper = (os.getpid(), TokenKeeper(_Platform(), settings.SERVICE_USERNAME, settings.SERVICE_PASSWORD))
        return _keeper[1]


class _Platform:
    """The client of the moment: it is rebuilt when settings change."""

    def issue_token(self, username: str, password: str) -> TokenPair:
        try:
            return get_client().issue_token(username, password, request_id=current_request_id())
        except Unauthorized as error:
            # Whoever reads this has typed neither: pages and commands sign in with what the settings say.
            raise Unauthorized(NOT_ACCEPTED, service=error.service, status=error.status) from error

    def refresh_token(self, refresh_token: str) -> TokenPair:
        return get_client().refresh_token(refresh_token, request_id=current_request_id())
