#!/usr/bin/env python
"""Django's command line, with the product's settings."""

import os
import sys


def main() -> None:
    """Run the management command that the arguments name."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bootstrap_project.settings")
    from django.core.exceptions import ImproperlyConfigured  # noqa: PLC0415 - the setting must be there first.
    from django.core.management import execute_from_command_line  # noqa: PLC0415 - the same.
    from django.db import Error  # noqa: PLC0415 - the same.

    from bootstrap_project.database.trouble import find_trouble  # noqa: PLC0415 - the same.

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        # A setting that cannot be used: its sentence says all there is to say, a traceback hides it.
        sys.exit(f"bootstrap: {error}")
    except Error as error:
        if "--traceback" in sys.argv or find_trouble(error) is None:
            raise
        sys.exit(f"bootstrap: the database cannot be used: {str(error).strip()}")


if __name__ == "__main__":
    main()
