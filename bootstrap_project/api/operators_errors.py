"""How an operator's request can end before it begins."""

from __future__ import annotations

from typing import Final

from bootstrap_project.errors import BootstrapError, EntityNotFound, ErrorKind

#: What to do about an address that is not verified, as this service and as the platform decides.
VERIFY_HERE: Final = (
    "follow the link in the platform's mail and sign in again; where it sends no mails, whoever runs this service sets"
    " MG_ALLOW_UNVERIFIED_USER to true, as it is on the platform"
)
VERIFY_THERE: Final = (
    "the platform lets in nobody without it: follow the link in its mail and sign in again; where it sends no mails,"
    " whoever runs the platform sets MG_ALLOW_UNVERIFIED_USER to true there"
)


class NotAuthenticated(BootstrapError):
    """No bearer token, or one that is not accepted."""

    kind = ErrorKind.UNAUTHORIZED


class NotAuthorized(BootstrapError):
    """A good token whose user may not act in the domain."""

    kind = ErrorKind.FORBIDDEN


class DomainNotFound(EntityNotFound):
    """A domain that never was, or is no more."""


class PlatformUnavailable(BootstrapError):
    """The platform cannot say who is asking; never taken for a wrong token."""

    kind = ErrorKind.UNAVAILABLE
