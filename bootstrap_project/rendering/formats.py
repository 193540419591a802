"""What "valid output" means for each template format; checking never changes a byte (docs/contract.md#d5)."""

from __future__ import annotations

from typing import Final

from bootstrap_project.documents.defects import NEEDS_QUOTES, Defect, TooLarge
from bootstrap_project.documents.kinds import kind_of_format
from bootstrap_project.rendering.errors import OutputInvalid

#: A template has a function that quotes.
_WITH_FUNCTION: Final = "write values as {{ toJSON … }}"


def check_output(template_format: str, text: str) -> None:
    """Check that `text` is what `template_format` promises, by the reader that reads uploads of that kind.

    Raises: OutputInvalid that names the place in the output and quotes none of it, because values may be secrets.
    """
    kind = kind_of_format(template_format)
    if kind is None:
        return
    try:
        kind.check(text)
    except Defect as defect:
        what = "too large for" if isinstance(defect, TooLarge) else "not valid"
        hint = defect.hint.replace(NEEDS_QUOTES, _WITH_FUNCTION)
        message = f"the rendered text is {what} {kind.name.upper()}"
        raise OutputInvalid(message, defect.problem, location=defect.location, hint=hint) from None
