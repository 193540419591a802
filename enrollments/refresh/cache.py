"""What a run has learnt of each resource, in bounded memory and never on a disk."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final, TypeAlias

from bootstrap_project.errors import BootstrapError, ErrorKind
from enrollments.binding.fetch import ResourceRef
from enrollments.refresh.diff import FetchedResource
from enrollments.refresh.run_one import outcome_of

#: Answers that are kept; at 1 to 2 kB each, some 150 MB.
MAX_ANSWERS: Final = 100_000


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
        permanent = getattr(error, "permanent", False)
        down = error.kind in {ErrorKind.UPSTREAM_FAILED, ErrorKind.UPSTREAM_TIMEOUT, ErrorKind.UNAVAILABLE}
        refused = error.kind is ErrorKind.UNAUTHORIZED
        return cls(outcome_of(error), str(error), outage=refused or (down and not permanent))


Answer: TypeAlias = FetchedResource | Failure


class AnswerCache:
    """The answers that were used last, by resource; one that fell out is asked for again."""

    def __init__(self, size: int = MAX_ANSWERS) -> None:
        self._size = size
        self._answers: OrderedDict[ResourceRef, Answer] = OrderedDict()
        #: How many answers have been put in.
        self.count = 0

    def get(self, ref: ResourceRef) -> Answer | None:
        answer = self._answers.get(ref)
        if answer is not None:
            self._answers.move_to_end(ref)
        return answer

    def put(self, ref: ResourceRef, answer: Answer) -> None:
        self.count += 1
        self._answers[ref] = answer
        if len(self._answers) > self._size:
            self._answers.popitem(last=False)
