"""What a run has learnt of each resource: every answer is kept until the run ends, in bounded memory."""

from __future__ import annotations

import json
import os
import sqlite3
from collections import OrderedDict
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Final, TypeAlias

from bootstrap_project.errors import BootstrapError, ErrorKind
from bootstrap_project.magistrala.resources import ChannelResource, ClientResource
from bootstrap_project.security.keyring import Key, SealingRing
from enrollments.binding.fetch import Fetched, ResourceRef
from enrollments.binding.resolve import Resource
from enrollments.models import ResourceType
from enrollments.refresh.diff import FetchedResource
from enrollments.refresh.run_one import outcome_of

#: Answers that stay at hand; at 1 to 2 kB each, some 30 MB.
AT_HAND: Final = 16_384


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a resource could not be had: a word for counting, and a sentence that is safe to show.

    `outage` says that the fault may lie with the service or with the credential, not with this resource.
    """

    reason: str
    message: str
    outage: bool = False

    @classmethod
    def of(cls, error: BootstrapError) -> Failure:
        """Return what to remember of `error`."""
        permanent = getattr(error, "permanent", False)
        down = error.kind in {ErrorKind.UPSTREAM_FAILED, ErrorKind.UPSTREAM_TIMEOUT, ErrorKind.UNAVAILABLE}
        refused = error.kind is ErrorKind.UNAUTHORIZED
        return cls(outcome_of(error), str(error), outage=refused or (down and not permanent))


Answer: TypeAlias = FetchedResource | Failure


@dataclass(slots=True)
class AnswerCache:
    """Answers by resource, each kept once.

    The last `at_hand` that were used are Python objects. Older ones go to an unnamed temporary file that SQLite removes
    by itself, sealed under a key that only this object has: no secret of the platform is ever readable on a disk.
    """

    at_hand: int = AT_HAND
    _near: OrderedDict[ResourceRef, Answer] = field(default_factory=OrderedDict, init=False, repr=False)
    _far: sqlite3.Connection | None = field(default=None, init=False, repr=False)
    _ring: SealingRing = field(
        default_factory=lambda: SealingRing((Key("run", os.urandom(32)),)), init=False, repr=False
    )
    #: How many resources are known, near and far.
    count: int = field(default=0, init=False)

    def get(self, ref: ResourceRef) -> Answer | None:
        """Return the answer for `ref`, or None when it has not been asked for."""
        answer = self._near.get(ref)
        if answer is not None:
            self._near.move_to_end(ref)
            return answer
        if self._far is None:
            return None
        answer = self._read(ref)
        if answer is not None:
            self._keep(ref, answer)
        return answer

    def put(self, ref: ResourceRef, answer: Answer) -> None:
        """Keep the answer for `ref`, which had none."""
        self.count += 1
        self._keep(ref, answer)

    def close(self) -> None:
        """Forget everything."""
        self._near.clear()
        if self._far is not None:
            self._far.close()
            self._far = None

    def _keep(self, ref: ResourceRef, answer: Answer) -> None:
        self._near[ref] = answer
        if len(self._near) > self.at_hand:
            self._put_away(*self._near.popitem(last=False))

    def _put_away(self, ref: ResourceRef, answer: Answer) -> None:
        if self._far is None:
            # An empty name is SQLite's for a private, unlinked file, which is written to once the cache is full.
            self._far = sqlite3.connect("", isolation_level=None)
            self._far.execute("PRAGMA journal_mode=OFF")
            self._far.execute("PRAGMA synchronous=OFF")
            self._far.execute("PRAGMA cache_size=-8192")
            self._far.execute("CREATE TABLE far (name TEXT PRIMARY KEY, answer TEXT) WITHOUT ROWID")
        name = _name(ref)
        sealed = self._ring.seal(_to_text(answer), purpose=name)
        self._far.execute("INSERT OR IGNORE INTO far VALUES (?, ?)", (name, sealed))

    def _read(self, ref: ResourceRef) -> Answer | None:
        assert self._far is not None  # noqa: S101 - for the type checker.
        name = _name(ref)
        row = self._far.execute("SELECT answer FROM far WHERE name = ?", (name,)).fetchone()
        return None if row is None else _from_text(ref, self._ring.open(row[0], purpose=name))


def _name(ref: ResourceRef) -> str:
    return json.dumps((ref.domain_id, ref.type, ref.id))


def _to_text(answer: Answer) -> str:
    if isinstance(answer, Failure):
        return json.dumps({"failure": asdict(answer)})
    return json.dumps({"at": answer.fetched.at.isoformat(), "resource": asdict(answer.fetched.resource)})


def _from_text(ref: ResourceRef, text: str) -> Answer:
    document = json.loads(text)
    if "failure" in document:
        return Failure(**document["failure"])
    members = document["resource"] | {"tags": tuple(document["resource"]["tags"])}
    resource: Resource = ClientResource(**members) if ref.type == ResourceType.CLIENT else ChannelResource(**members)
    return FetchedResource(Fetched(resource, datetime.fromisoformat(document["at"])))
