"""What can go wrong with configs."""

from bootstrap_project.errors import BootstrapError, ErrorKind


class InvalidConfig(BootstrapError):
    """A config that cannot be stored as it was sent."""

    kind = ErrorKind.INVALID


class ConfigNotFound(BootstrapError):
    """No config of that id in the domain."""

    kind = ErrorKind.NOT_FOUND


class ConfigConflict(BootstrapError):
    """Another config has the external id, or the name within the domain; or the key was rotated meanwhile."""

    kind = ErrorKind.CONFLICT
