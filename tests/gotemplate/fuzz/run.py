"""The comparison itself: many random templates, ours and Go's answers side by side."""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from bootstrap_project.gotemplate.__main__ import answer
from tests.gotemplate.fuzz.grammar import Grammar
from tests.gotemplate.fuzz.toolchain import Oracle
from tests.gotemplate.fuzz.values import Values

EXAMPLES: Final = Path(__file__).parents[1] / "cases" / "vectors.jsonl"
#: Addresses of maps and lists differ between runs of Go too, and in length.
_POINTER: Final = re.compile(r"%[^%\"`]*p")
_OWN_LIMITS: Final = (
    ": execution took ",
    ": functions produced ",
    ": output is larger than ",
    ": exceeded maximum template depth ",
    "nested too deeply",
)
_TRIES: Final = 3_000


@dataclass(frozen=True)
class Disagreement:
    """A template, made as small as it goes, with the two answers to it."""

    request: dict[str, Any]
    ours: dict[str, Any]
    go: dict[str, Any]


@dataclass
class Summary:
    """What a run came to."""

    counts: Counter[str] = field(default_factory=Counter)
    failures: int = 0
    same_messages: int = 0
    messages: list[tuple[str, str, str]] = field(default_factory=list)
    disagreements: list[Disagreement] = field(default_factory=list)

    @property
    def total(self) -> int:
        """How many templates were compared."""
        return sum(self.counts.values())

    def __str__(self) -> str:
        share = 100 * self.same_messages / self.failures if self.failures else 100
        kinds = ", ".join(f"{count:,} {name}" for name, count in self.counts.most_common())
        return (
            f"{self.total:,} templates: {kinds}; {share:.2f} % of the error messages identical; "
            f"{len(self.disagreements)} disagreements"
        )


def requests(seed: int, count: int) -> Iterator[dict[str, Any]]:
    """Yield random requests, each eighth of them a damaged example; the same seed gives the same ones."""
    examples = [json.loads(line) for line in EXAMPLES.read_text("utf-8").splitlines() if line]
    for number in range(count):
        chance = random.Random(f"{seed}/{number}")
        data, grammar = Values(chance).data(), Grammar(chance)
        if number % 8 == 7:
            example = chance.choice(examples)
            text = grammar.damaged(example["template"])
            data = example["data"] if chance.random() < 0.8 else data
        else:
            text = grammar.template()
        yield {"id": f"fuzz/{seed}/{number}", "template": text, "data": data}


def essence(result: dict[str, Any]) -> tuple[Any, ...]:
    """Return what has to be the same in both answers."""
    if result["ok"]:
        return True, result["output"], result.get("output_b64")
    return False, result["stage"]


def is_own_limit(result: dict[str, Any]) -> bool:
    """Report whether we refused for a reason that Go does not have."""
    return not result["ok"] and any(words in result["error"] for words in _OWN_LIMITS)


def differ(request: dict[str, Any], ours: dict[str, Any], go: dict[str, Any]) -> bool:
    """Report whether the answers disagree."""
    return essence(ours) != essence(go) and not (ours["ok"] and go["ok"] and _POINTER.search(request["template"]))


def compare(oracle: Oracle, seed: int, count: int, *, keep_messages: bool = False) -> Summary:
    """Compare random templates and return what came of it, disagreements minimised."""
    summary = Summary()
    for number, request in enumerate(requests(seed, count)):
        ours = answer(request, "exact")
        if is_own_limit(ours):
            # Go has no such limits, and might be at it for a very long time.
            summary.counts["beyond our limits"] += 1
            continue
        go = oracle.ask(request)
        kind = "rendered" if go["ok"] else f"{go['stage']} errors"
        if differ(request, ours, go):
            summary.disagreements.append(minimised(oracle, request))
        elif not go["ok"]:
            summary.failures += 1
            summary.same_messages += ours["error"] == go["error"]
            if keep_messages and ours["error"] != go["error"]:
                summary.messages.append((request["template"], ours["error"], go["error"]))
        summary.counts[kind] += 1
        if number % 4 == 0:
            # Strict mode answers differently, but it answers: anything but a typed error would end the run here.
            answer(request, "strict")
    return summary


def minimised(oracle: Oracle, request: dict[str, Any]) -> Disagreement:
    """Return the smallest request around this one that is still answered differently."""
    tries = 0

    def fails(candidate: dict[str, Any]) -> bool:
        nonlocal tries
        tries += 1
        ours = answer(candidate, "exact")
        return not is_own_limit(ours) and differ(candidate, ours, oracle.ask(candidate))

    size = max(1, len(request["template"]) // 2)
    while size and tries < _TRIES:
        at, shrunk = 0, False
        while at < len(request["template"]) and tries < _TRIES:
            text = request["template"]
            candidate = {**request, "template": text[:at] + text[at + size :]}
            if fails(candidate):
                request, shrunk = candidate, True
            else:
                at += max(1, size // 2)
        size = size if shrunk and size == 1 else size // 2
    request = _with_less_data(request, fails)
    return Disagreement(request, answer(request, "exact"), oracle.ask(request))


def _with_less_data(request: dict[str, Any], fails: Any) -> dict[str, Any]:
    for part in list(request["data"] or ()):
        for key in list(request["data"][part] or ()):
            less = {name: value for name, value in request["data"][part].items() if name != key}
            candidate = {**request, "data": {**request["data"], part: less}}
            if fails(candidate):
                request = candidate
        candidate = {**request, "data": {name: value for name, value in request["data"].items() if name != part}}
        if fails(candidate):
            request = candidate
    return request
