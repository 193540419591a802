"""What can go wrong while a profile is rendered."""

from bootstrap_project.errors import BootstrapError, ErrorKind


class RenderError(BootstrapError):
    """Rendering failed. The message is for operators: it may quote the template, never a value."""

    kind = ErrorKind.RENDER_FAILED


class TemplateInvalid(RenderError):
    """A template that does not parse."""

    kind = ErrorKind.INVALID


class TemplateFailed(RenderError):
    """A template that parses and cannot be executed with the data at hand."""


class OutputInvalid(RenderError):
    """A rendered text that is not what its profile's format promises."""
