"""What can go wrong beside click's UsageError, and the exit code of each kind."""

from __future__ import annotations

from typing import Final

from click import ClickException

REFUSED: Final = 1
USAGE: Final = 2
UNREACHABLE: Final = 3
UNUSABLE: Final = 4
INTERRUPTED: Final = 130
BROKEN_PIPE: Final = 141


class CLIError(ClickException):
    """A reason to stop: one sentence, and lines that say more."""

    exit_code = REFUSED

    def __init__(self, message: str, *details: str) -> None:
        super().__init__(message)
        self.details = details


class APIError(CLIError):
    """The service answered with an error."""


class RemovedCommand(CLIError):
    """A command that upstream had and that no longer does anything."""

    exit_code = USAGE


class Unreachable(CLIError):
    """The service was not reached in time, or is not ready: the same call may succeed later."""

    exit_code = UNREACHABLE


class BadResponse(CLIError):
    """The answer cannot be read, or cannot be printed."""

    exit_code = UNUSABLE
