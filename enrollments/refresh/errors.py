"""Why a run over a fleet does not begin, or ends before its end."""

from __future__ import annotations

from bootstrap_project.errors import BootstrapError, ErrorKind


class NothingSelected(BootstrapError):
    """No filter was given, and neither was the wish for everything."""

    kind = ErrorKind.INVALID


class UnknownSelection(BootstrapError):
    """A filter names what does not exist."""

    kind = ErrorKind.NOT_FOUND


class AnotherRun(BootstrapError):
    """Somebody else refreshes the same fleet."""

    kind = ErrorKind.CONFLICT


class LockLost(BootstrapError):
    """The connection that keeps other runs out is gone."""

    kind = ErrorKind.UNAVAILABLE
