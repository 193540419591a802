"""Writes a synthetic fleet by the fastest way of each database, and removes it again."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any, Final

from django.db import connection, transaction

from bootstrap_project.demo.fleet.plan import Fleet
from bootstrap_project.demo.fleet.rows import Row, Table, table_name, tables
from bootstrap_project.errors import BootstrapError, ErrorKind
from configs.models import Config
from enrollments.models import BindingSnapshot
from profiles.models import Profile

#: Called with a table's title, how many of its rows are written, and how many there will be.
Tell = Callable[[str, int, int], object]
_BATCH: Final = 20_000


class FleetExists(BootstrapError):
    """The database already holds rows where the fleet would go."""

    kind = ErrorKind.CONFLICT


def check_room(fleet: Fleet) -> None:
    """Check that no row of this fleet exists, and that its own domains hold no configs.

    Raises: FleetExists.
    """
    here = Config.objects.filter(external_id__startswith=fleet.prefix)
    if here.exists() or Profile.objects.filter(name__startswith=fleet.prefix).exists():
        raise FleetExists(f"a fleet of seed {fleet.seed} is here already; remove it, or give another --seed")
    if not fleet.domain and Config.objects.filter(domain_id__in=fleet.domain_ids).exists():
        raise FleetExists(f"the domains of seed {fleet.seed} hold configs already; give another --seed")


def load(fleet: Fleet, tell: Tell) -> int:
    """Write the whole fleet or nothing, and return the number of rows.

    Raises: FleetExists.
    """
    check_room(fleet)
    written = 0
    with transaction.atomic():
        for table in tables(fleet):
            columns, constants = table.columns()
            rows = (row + constants for row in table.rows)
            for done in _write(table, columns, rows):
                tell(table.title, done, table.count)
            written += table.count
    _tidy_up()
    return written


def remove(fleet: Fleet) -> int:
    """Delete all rows of the fleet's seed, and return their number.

    A profile that somebody gave to another config stays.
    """
    configs, bindings, profiles = (table_name(model) for model in (Config, BindingSnapshot, Profile))
    own = "substr({}, 1, %s) = %s"
    ids = f"SELECT id FROM {configs} WHERE {own.format('external_id')}"  # noqa: S608 - only names of tables.
    used = f"SELECT profile_id FROM {configs} WHERE profile_id IS NOT NULL"  # noqa: S608
    statements = (
        f"DELETE FROM {bindings} WHERE config_id IN ({ids})",  # noqa: S608
        f"DELETE FROM {configs} WHERE {own.format('external_id')}",  # noqa: S608
        f"DELETE FROM {profiles} WHERE {own.format('name')} AND id NOT IN ({used})",  # noqa: S608
    )
    removed = 0
    with transaction.atomic(), connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement, [len(fleet.prefix), fleet.prefix])
            removed += cursor.rowcount
    _tidy_up()
    return removed


def _write(table: Table, columns: list[str], rows: Iterator[Row]) -> Iterator[int]:
    names = ", ".join(connection.ops.quote_name(column) for column in columns)
    copies = connection.vendor == "postgresql"
    places = ", ".join(["%s"] * len(columns))
    insert = f"INSERT INTO {table.name} ({names}) VALUES ({places})"  # noqa: S608
    done = 0
    while batch := list(itertools.islice(rows, _BATCH)):
        if copies:
            _copy(f"COPY {table.name} ({names}) FROM STDIN", batch)
        else:
            with connection.cursor() as cursor:
                cursor.executemany(insert, batch)
        done += len(batch)
        yield done


def _copy(statement: str, rows: list[Row]) -> None:
    with connection.cursor() as cursor:
        # References are checked batch by batch; at the end, millions of them would wait in memory.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    driver: Any = connection.connection
    with driver.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)


def _tidy_up() -> None:
    # Lists count by the index alone once a table is vacuumed. In somebody's transaction that has to wait.
    if connection.vendor == "postgresql" and not connection.in_atomic_block:
        with connection.cursor() as cursor:
            for model in (Profile, Config, BindingSnapshot):
                cursor.execute(f"VACUUM (ANALYZE) {table_name(model)}")
