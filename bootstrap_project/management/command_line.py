"""Django's command line with the product's settings; what cannot be used is told in one sentence."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> None:
    """Run the management command that the arguments name."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bootstrap_project.settings")
    from django.core.exceptions import ImproperlyConfigured  # noqa: PLC0415 - the setting must be there first.
    from django.core.management import execute_from_command_line  # noqa: PLC0415 - the same.

    from bootstrap_project.database.complaint import DATABASE_ERRORS, complaint  # noqa: PLC0415 - the same.

    arguments = list(sys.argv if argv is None else argv)
    try:
        execute_from_command_line(arguments)
    except ImproperlyConfigured as error:
        # A setting that cannot be used: its sentence says all there is to say, a traceback hides it.
        sys.exit(f"bootstrap: {error}")
    except DATABASE_ERRORS as error:
        if "--traceback" in arguments:
            raise
        sys.exit(f"bootstrap: {complaint(error)}")
