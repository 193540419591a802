"""What the domains service says of a token and a domain, asked once for all who want to know at the same time."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, field
from typing import Final

from django.conf import settings

from bootstrap_project.api.flights import Flights
from bootstrap_project.api.operators_beliefs import Outage
from bootstrap_project.api.operators_cache import DecisionCache
from bootstrap_project.api.operators_junk import JunkTokens
from bootstrap_project.api.tokens import TokenKind
from bootstrap_project.magistrala.errors import Forbidden, MagistralaError, Unauthorized, Unverified
from bootstrap_project.magistrala.factory import get_client, get_quick_client
from bootstrap_project.magistrala.resources import DomainMembership
from bootstrap_project.observability.request_id import current_request_id

#: Whatever is no web token can be a personal access token, whose scopes nobody can read.
_PERSONAL: Final = frozenset({TokenKind.PERSONAL, TokenKind.OPAQUE})


@dataclass(frozen=True, slots=True)
class Word:
    """What the domains service says; `may_read` is false for a token without the scope that the settings ask for."""

    membership: DomainMembership | None
    may_read: bool = True


@dataclass(frozen=True, slots=True)
class Question:
    """Who wants to know what of whom.

    `genuine`: the token is known to be signed by the platform; `may_wait`: there is nothing else to answer by.
    """

    token: str = field(repr=False)
    domain_id: str
    kind: TokenKind
    source: str
    _: KW_ONLY
    genuine: bool
    may_wait: bool


class Questions:
    """The questions that are under way, the tokens that were refused a moment ago, and whether the platform answers."""

    def __init__(self) -> None:
        self.junk: Final = JunkTokens()
        self.outage: Final = Outage()
        self._flights: Flights[Word | MagistralaError] = Flights()
        self._tags: DecisionCache[None] = DecisionCache(size=0)

    def ask(self, question: Question, now: float) -> Word:
        """Return what the domains service says, to everybody who asks the same at the same time.

        A refused token that is not known to be genuine is asked about again after a while only.

        Raises: MagistralaError.
        Cost: one call, two for a personal access token that must have a scope; none for one that was refused just now.
        While the platform fails, whoever may not wait does so for some seconds at the most.
        """
        tag = self._tags.tag(question.token, question.domain_id)
        word = self._flights.share(tag, lambda: self._answer(question, now))
        if isinstance(word, Word):
            return word
        # Each thread hangs its own traceback on what it raises.
        raise word.again()

    def clear(self) -> None:
        """Forget everything but the questions that are under way."""
        self.junk.clear()
        self.outage.clear()

    def _answer(self, question: Question, now: float) -> Word | MagistralaError:
        # Looked at here, where nobody else asks about the token meanwhile.
        refusal = self.junk.refusal(question.token, now)
        if refusal is not None:
            return refusal
        try:
            word = _ask(question, quick=self.outage.lasts and not question.may_wait)
        except MagistralaError as error:
            if isinstance(error, Unauthorized | Forbidden):
                self.outage.end(now)
            # Somebody may verify his address in the next second, and no junk is signed by the platform.
            if isinstance(error, Unauthorized) and not (question.genuine or isinstance(error, Unverified)):
                self.junk.refuse(question.token, error, question.source, now)
            return error
        self.outage.end(now)
        return word


def _ask(question: Question, *, quick: bool) -> Word:
    client, request_id = get_quick_client() if quick else get_client(), current_request_id()
    membership = client.membership(question.domain_id, question.token, request_id=request_id)
    if membership is None or question.kind not in _PERSONAL or not settings.MG_PAT_REQUIRE_DOMAIN_READ:
        return Word(membership)
    return Word(membership, client.reads_domain(question.domain_id, question.token, request_id=request_id))
