"""What the columns of several applications have in common: their lengths, and constraints that are known by name."""

from __future__ import annotations

from typing import Final

#: Names, external ids and the like (docs/contract.md#a1 and #k16), in characters.
NAME_LENGTH: Final = 1024
#: Ids that Magistrala gives out; opaque to us.
PLATFORM_ID_LENGTH: Final = 255


def violated_constraint(error: Exception, *names: str) -> str:
    """Return which of `names` the IntegrityError `error` violated, or "" when it is another one.

    PostgreSQL names the constraint; SQLite names a constraint on expressions in its message.
    """
    cause = error.__cause__
    reported = getattr(getattr(cause, "diag", None), "constraint_name", None) or str(error)
    return next((name for name in names if name in reported), "")
