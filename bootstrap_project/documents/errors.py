"""What the readers and writers of documents raise."""

from __future__ import annotations

from typing import Final

from bootstrap_project.diagnostics import NOWHERE, Location
from bootstrap_project.documents.defects import Defect
from bootstrap_project.errors import BootstrapError, ErrorKind

#: The contract's words for every document that cannot be taken, whatever its kind (docs/contract.md#b).
INVALID_JSON: Final = "request body is not a valid JSON, expecting a valid JSON"


class InvalidDocument(BootstrapError):
    """A body that is no document of the announced kind, or that holds what cannot be stored.

    `location` is the place of a syntax error in its text, where the reader knows it.
    """

    kind = ErrorKind.INVALID

    def __init__(self, message: str, detail: str = "", *, location: Location = NOWHERE) -> None:
        super().__init__(message, detail)
        self.location = location

    @classmethod
    def of(cls, defect: Defect, language: str = "") -> InvalidDocument:
        """Return the refusal of a text for one defect, after the name of its language where that is not JSON."""
        words = f"not valid {language}: {defect.sentence}" if language else defect.sentence
        return cls(INVALID_JSON, words, location=defect.location)


class EncodeError(ValueError):
    """The document holds what its kind has no form for; says what and where."""
