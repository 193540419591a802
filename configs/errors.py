"""What can go wrong with configs."""

from bootstrap_project.errors import BootstrapError, EntityNotFound, ErrorKind


class InvalidConfig(BootstrapError):
    """A config that cannot be stored as it was sent."""

    kind = ErrorKind.INVALID


class ConfigNotFound(EntityNotFound):
    """No config of that id in the domain."""

    def __init__(self, detail: str = "the domain has no config of this id", *, field: str = "") -> None:
        super().__init__(detail, field=field)


class ConfigConflict(BootstrapError):
    """Another config has the external id, or the name within the domain; or the key was rotated meanwhile."""

    kind = ErrorKind.CONFLICT
