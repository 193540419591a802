"""Migrates a database in a chain of processes, each of which ends as it notes one more migration than the one before.

`python -m tests.support.interrupted` with DATABASE_URL; prints how many processes were ended, and fails when one of
them failed by itself. They are forked, so that Django starts once. With `--as-django` they run Django's own command,
which notes some migrations after they were committed, and ours takes up what each of them left.
"""

from __future__ import annotations

import os
import sys
import traceback
from typing import Any

ENDED = 9


def main() -> int:
    """End a process at each migration there is, then let one run to its end."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "bootstrap_project.settings"
    import django  # noqa: PLC0415 - the setting must be there first.
    from django.core.management.commands.migrate import Command  # noqa: PLC0415 - the same.

    django.setup()
    ended = 0
    while (code := migrate_and_end_at(ended + 1, "migrate")) == ENDED:
        ended += 1
        if "--as-django" in sys.argv and migrate_and_end_at(ended, Command()) != ENDED:
            return 1
    print(ended)  # noqa: T201 - for the test.
    return code


def migrate_and_end_at(number: int, command: Any) -> int:
    """Migrate in another process that ends as it is about to note the migration of this number."""
    from django.core.management import call_command  # noqa: PLC0415 - Django must be set up.
    from django.db import connection  # noqa: PLC0415 - the same.
    from django.db.migrations.recorder import MigrationRecorder  # noqa: PLC0415 - the same.

    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    note = MigrationRecorder.record_applied

    def note_or_end(recorder: MigrationRecorder, app: str, name: str) -> None:
        if MigrationRecorder(connection).migration_qs.count() + 1 == number:
            os._exit(ENDED)
        note(recorder, app, name)

    MigrationRecorder.record_applied = note_or_end  # type: ignore[method-assign, assignment]
    try:
        call_command(command, verbosity=0, interactive=False)
    except BaseException:  # noqa: BLE001 - a forked child must not come back.
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
