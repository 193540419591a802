"""What can go wrong with profiles."""

from bootstrap_project.diagnostics import Diagnostic
from bootstrap_project.errors import BootstrapError, EntityNotFound, ErrorKind
from bootstrap_project.rendering.errors import TemplateInvalid


class InvalidProfile(BootstrapError):
    """A profile that cannot be stored as it was sent."""

    kind = ErrorKind.INVALID


class InvalidTemplate(InvalidProfile):
    """A content template that does not parse; `diagnostics` say where."""

    def __init__(self, error: TemplateInvalid) -> None:
        super().__init__("invalid content_template", error.detail, field="content_template")
        self.diagnostics = error.diagnostics


class ProfileNotFound(EntityNotFound):
    """No profile of that id in the domain."""

    def __init__(self, detail: str = "the domain has no profile of this id", *, field: str = "") -> None:
        super().__init__(detail, field=field)


class ProfileNameTaken(BootstrapError):
    """Another profile of the domain has the name."""

    kind = ErrorKind.CONFLICT


class ProfileChanged(BootstrapError):
    """Somebody saved another version meanwhile."""

    kind = ErrorKind.CONFLICT


class ProfileInUse(BootstrapError):
    """A profile that configs still use cannot be removed (docs/contract.md#k8)."""

    kind = ErrorKind.CONFLICT


class PreviewFailed(BootstrapError):
    """A preview that could not be rendered; the request is at fault, so 400 (docs/contract.md#a4).

    `diagnostics` are about the template, as in RenderError.
    """

    kind = ErrorKind.INVALID

    def __init__(
        self, message: str, detail: str = "", *, slot: str = "", diagnostics: tuple[Diagnostic, ...] = ()
    ) -> None:
        super().__init__(message, detail, slot=slot)
        self.diagnostics = diagnostics


class PreviewOutputInvalid(PreviewFailed):
    """A preview whose text is not what its profile's format promises; its diagnostics are about that text."""
