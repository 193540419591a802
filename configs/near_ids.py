"""External ids that differ from a given one in case, blanks, separators or encoding alone: another device's to us.

A device whose id is spelt otherwise than its config's is refused as any unknown one (docs/contract.md#k12); this is
what operators are told.
"""

from __future__ import annotations

import hashlib
import unicodedata
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Final

from django.db import connection
from django.db.models import Q, QuerySet
from django.db.models.functions import MD5

from bootstrap_project.database.constraints import NAME_LENGTH
from configs.models import Config

_SEPARATORS: Final = ":-_."
#: How far the digits of a MAC address stand together.
_GROUPS: Final = ((":", 2), ("-", 2), (".", 4))
_MAC_LENGTH: Final = 12
#: Ids that are compared without their case in one statement.
_MAX_COMPARED: Final = 25


@dataclass(frozen=True, slots=True)
class NearId:
    """The config whose id is nearly the given one, and what they differ in."""

    config_id: uuid.UUID
    external_id: str
    differs_in: str

    def __str__(self) -> str:
        return f"a device's id differs in {self.differs_in} only"


def find_near_ids(external_ids: Iterable[str], configs: QuerySet[Config] | None = None) -> dict[str, NearId]:
    """Return for each of `external_ids` a config of `configs` (all) whose id is nearly that one, where there is one.

    What is spelt in small or capital letters throughout, or with other separators, is found by the index on digests.
    Mixed case wants the index for search, which not every PostgreSQL has.
    Cost: up to three queries, not for the path of devices.
    """
    configs = Config.objects.all() if configs is None else configs
    wanted = {one for one in external_ids if 0 < len(one) <= NAME_LENGTH and _is_text(one)}
    spellings = {_digest(spelling) for one in wanted for spelling in _spellings(one)}
    found = _matched(wanted, configs.alias(digest=MD5("external_id")).filter(digest__in=spellings)) if wanted else {}
    rest = sorted(wanted - found.keys())[:_MAX_COMPARED]
    if rest and _compares_without_case():
        found |= _matched(rest, configs.filter(reduce(or_, (Q(external_id__iexact=one) for one in rest))))
    return found


def _matched(wanted: Iterable[str], configs: QuerySet[Config]) -> dict[str, NearId]:
    by_fold: dict[str, list[tuple[uuid.UUID, str]]] = {}
    for config_id, external_id in configs.order_by("-pk").values_list("pk", "external_id"):
        by_fold.setdefault(_fold(external_id), []).append((config_id, external_id))
    return {
        one: NearId(config_id, external_id, _difference(one, external_id))
        for one in wanted
        for config_id, external_id in by_fold.get(_fold(one), ())
        if external_id != one
    }


def _difference(one: str, other: str) -> str:
    if _composed(one) == _composed(other):
        return "how letters with marks are encoded (Unicode NFC and NFD)"
    if one.casefold() == other.casefold():
        return "upper and lower case"
    return "blanks" if "".join(one.split()) == "".join(other.split()) else "case, blanks or separators"


def _fold(text: str) -> str:
    return "".join(_composed(text).split()).casefold().translate(dict.fromkeys(map(ord, _SEPARATORS)))


def _spellings(text: str) -> Iterator[str]:
    bare = text.strip()
    joined = "".join(character for character in bare if character not in _SEPARATORS and not character.isspace())
    forms = {text, bare, joined, _composed(bare), unicodedata.normalize("NFD", bare)}
    for separator in _SEPARATORS:
        forms.add("".join(separator if one in _SEPARATORS or one.isspace() else one for one in bare))
    if len(joined) == _MAC_LENGTH:
        for separator, width in _GROUPS:
            forms.add(separator.join(joined[at : at + width] for at in range(0, _MAC_LENGTH, width)))
    for form in forms:
        yield from {form, form.lower(), form.upper()} - {text}


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _digest(text: str) -> str:
    # As the unique index has it.
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def _is_text(text: str) -> bool:
    return "\0" not in text and text.isprintable()


def _compares_without_case() -> bool:
    if connection.vendor != "postgresql":
        return True
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('configs_config_external_id_trigram') IS NOT NULL")
        row = cursor.fetchone()
    return bool(row and row[0])
