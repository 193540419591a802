"""What can go wrong with profiles."""

from bootstrap_project.errors import BootstrapError, ErrorKind


class InvalidProfile(BootstrapError):
    """A profile that cannot be stored as it was sent."""

    kind = ErrorKind.INVALID


class InvalidTemplate(InvalidProfile):
    """A content template that does not parse."""


class ProfileNotFound(BootstrapError):
    """No profile of that id in the domain."""

    kind = ErrorKind.NOT_FOUND


class ProfileNameTaken(BootstrapError):
    """Another profile of the domain has the name."""

    kind = ErrorKind.CONFLICT


class ProfileChanged(BootstrapError):
    """Somebody saved another version meanwhile."""

    kind = ErrorKind.CONFLICT


class ProfileInUse(BootstrapError):
    """A profile that configs still use cannot be removed (contract K8)."""

    kind = ErrorKind.CONFLICT


class PreviewFailed(BootstrapError):
    """A preview that could not be rendered; the request is at fault, so 400 (contract A.4)."""

    kind = ErrorKind.INVALID
