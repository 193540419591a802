"""Seals stored secrets again under the ring's first key, so that an older one can leave the ring."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Count, Manager, QuerySet, Value
from django.db.models.functions import StrIndex, Substr

from bootstrap_project.security.keyring import ENVELOPE_VERSION, SealError
from configs.models import Config
from enrollments.models import BindingSnapshot

#: Rows that are locked at once, some ten milliseconds.
BATCH: Final = 500


@dataclass(frozen=True)
class _Kind:
    """A column of sealed texts, the property that has them in clear, and what else sealing needs."""

    objects: Manager[Any]
    sealed: str
    clear: str
    columns: tuple[str, ...] = ("pk",)

    def rows(self) -> QuerySet[Any]:
        return self.objects.exclude(**{self.sealed: ""})


_KINDS: Final = (
    _Kind(Config.objects, "client_key_sealed", "client_key"),
    _Kind(BindingSnapshot.objects, "secret_sealed", "secret_snapshot", ("pk", "config_id", "slot")),
)


def count_secrets_by_key() -> Counter[str]:
    """Return how many stored secrets are sealed under each key id, those that are in no ring any more included.

    Cost: reads both tables whole.
    """
    found: Counter[str] = Counter()
    start = len(ENVELOPE_VERSION) + 2
    for kind in _KINDS:
        rest = Substr(kind.sealed, start)
        key_id = Substr(kind.sealed, start, StrIndex(rest, Value(".")) - 1)
        rows = kind.rows().order_by().values(key_id=key_id).annotate(number=Count("pk"))
        found.update({row["key_id"]: row["number"] for row in rows})
    return found


def reseal_secrets(*, batch: int = BATCH) -> Iterator[int]:
    """Seal what an older key of the ring sealed under the first one, and yield how many each transaction wrote.

    Rows locked by others are skipped, which avoids deadlocks: what changes meanwhile is written under the first key
    anyway. A text that no key opens stays as it is.
    """
    for kind in _KINDS:
        last = None
        while True:
            with transaction.atomic():
                rows = _next_rows(kind, last, batch)
                resealed = [row for row in rows if _reseal(row, kind)]
                kind.objects.bulk_update(resealed, [kind.sealed])
            if not rows:
                break
            last = rows[-1].pk
            yield len(resealed)


def _next_rows(kind: _Kind, last: Any, batch: int) -> list[Any]:
    older = kind.rows().exclude(**{f"{kind.sealed}__startswith": settings.SEALING_RING.prefix})
    rows = older.only(*kind.columns, kind.sealed).order_by("pk")
    if last is not None:
        rows = rows.filter(pk__gt=last)
    if connection.features.has_select_for_update_skip_locked:
        rows = rows.select_for_update(skip_locked=True, of=("self",))
    return list(rows[:batch])


def _reseal(row: Any, kind: _Kind) -> bool:
    try:
        setattr(row, kind.clear, getattr(row, kind.clear))
    except SealError:
        return False
    return True
