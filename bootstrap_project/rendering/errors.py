"""What can go wrong while a profile is rendered."""

from bootstrap_project.diagnostics import NOWHERE, Diagnostic, Location
from bootstrap_project.errors import BootstrapError, ErrorKind


class RenderError(BootstrapError):
    """Rendering failed. The message is for operators: it may quote the template, never a value.

    `location` is the place of the failure, `diagnostics` are all problems in the order of the text: of the output for
    OutputInvalid, of the template for all others. With a device's secrets they may name keys of a secret: show them
    only to people who may see secrets, to others their places alone.
    """

    kind = ErrorKind.RENDER_FAILED

    def __init__(
        self, message: str, detail: str = "", *, location: Location = NOWHERE, diagnostics: tuple[Diagnostic, ...] = ()
    ) -> None:
        super().__init__(message, detail)
        self.location = location
        self.diagnostics = diagnostics


class TemplateInvalid(RenderError):
    """A template that does not parse."""

    kind = ErrorKind.INVALID


class TemplateFailed(RenderError):
    """A template that parses and cannot be executed with the data at hand."""


class OutputInvalid(RenderError):
    """A rendered text that is not what its profile's format promises."""

    def __init__(self, message: str, problem: str, *, location: Location = NOWHERE, hint: str = "") -> None:
        place = f" at line {location.line}, column {location.column} of the output" if location.line else ""
        defect = f"{problem}{place}"
        diagnostic = Diagnostic("output", "error", problem, hint, location)
        super().__init__(message, f"{defect}; {hint}" if hint else defect, location=location, diagnostics=(diagnostic,))
        #: What is wrong and where, without what to do.
        self.defect = defect
