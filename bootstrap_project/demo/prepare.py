"""Prepares the demo's database: migrates it and creates the admin's user, in a process with Django."""

from __future__ import annotations

import os
import sys


def main() -> int:
    """Migrate, then create the user of DJANGO_SUPERUSER_* unless it exists."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bootstrap_project.settings")
    import django  # noqa: PLC0415 - only this process of the demo starts Django.

    django.setup()
    from django.contrib.auth import get_user_model  # noqa: PLC0415
    from django.core.management import call_command  # noqa: PLC0415

    call_command("migrate", interactive=False, verbosity=0)
    users = get_user_model()._default_manager  # noqa: SLF001 - the documented way to a swappable model's manager.
    if not users.filter(username=os.environ["DJANGO_SUPERUSER_USERNAME"]).exists():
        call_command("createsuperuser", interactive=False, verbosity=0)
    return 0


if __name__ == "__main__":
    sys.exit(main())
