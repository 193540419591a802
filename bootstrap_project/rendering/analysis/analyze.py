"""Which variables, slots, snapshot and secret fields a template reads, with places."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import Final

from bootstrap_project.gotemplate import parse
from bootstrap_project.rendering.analysis.facts import Facts
from bootstrap_project.rendering.analysis.model import Access, Analysis, Guard, OpenRead, Read, SlotUse, Use
from bootstrap_project.rendering.analysis.paths import Path, Step
from bootstrap_project.rendering.analysis.readings import Reading
from bootstrap_project.rendering.analysis.walker import walk_tree

_NAMED: Final = (Access.FIELD, Access.INDEX)
# What a place is read with may differ from call to call; the one that protects least counts.
_WEAKEST: Final = (Guard.NONE, Guard.DEFAULT, Guard.CONDITION, Guard.REQUIRED)


def analyze(source: str) -> Analysis:
    """Return what the template `source` reads.

    Dot is followed through variables, `with`, `range` and calls of templates. Reads of values that nothing is known of
    are left out; `open_reads` lists those that may concern any member.

    Raises: gotemplate's TemplateSyntaxError.
    Cost: parsing and one walk; bounded by the limits of the parser and of the walk.
    """
    return summarize(walk_tree(parse(source)))


def summarize(facts: Facts) -> Analysis:
    """Return the sum of what a walk has found."""
    named = [reading for reading in facts.readings if reading.access in _NAMED]
    bindings = [reading for reading in named if reading.path[0] == "Bindings" and isinstance(reading.path[1], str)]
    names = sorted({str(reading.path[1]) for reading in bindings})
    by_slot = {name: [reading for reading in bindings if reading.path[1] == name] for name in names}
    return Analysis(
        variables=_uses((reading for reading in named if reading.path[0] == "Vars"), 1),
        slots=tuple(_slot(name, by_slot[name]) for name in names),
        device=_uses((reading for reading in named if reading.path[0] == "Device"), 1),
        open_reads=tuple(
            OpenRead(path, read)
            for path, reads in _grouped((r for r in facts.readings if r.access not in _NAMED), 0)
            for read in reads
        ),
        is_complete=facts.is_complete,
    )


def _slot(name: str, readings: list[Reading]) -> SlotUse:
    inside = [reading for reading in readings if len(reading.path) > 3]
    return SlotUse(
        name=name,
        reads=_reads(reading for reading in readings if len(reading.path) == 2),
        snapshot=_uses((reading for reading in inside if reading.path[2] == "Snapshot"), 3),
        secret=_uses((reading for reading in inside if reading.path[2] == "Secret"), 3),
    )


def _uses(readings: Iterable[Reading], skip: int) -> tuple[Use, ...]:
    return tuple(Use(path, reads) for path, reads in _grouped(readings, skip))


def _grouped(readings: Iterable[Reading], skip: int) -> list[tuple[tuple[str, ...], tuple[Read, ...]]]:
    """Return the readings by their paths without the first `skip` steps."""
    keyed = sorted(((_names(reading.path[skip:]), reading) for reading in readings), key=lambda pair: pair[0])
    return [(path, _reads(reading for _, reading in group)) for path, group in groupby(keyed, key=lambda pair: pair[0])]


def _names(path: Path) -> tuple[str, ...]:
    return tuple(step.value if isinstance(step, Step) else step for step in path)


def _reads(readings: Iterable[Reading]) -> tuple[Read, ...]:
    """Return each place once, in the order of the text."""
    found: dict[tuple[object, ...], Reading] = {}
    for reading in readings:
        key = (reading.spot, reading.access)
        known = found.get(key)
        if known is None or _WEAKEST.index(reading.guard) < _WEAKEST.index(known.guard):
            found[key] = reading
    ordered = sorted(found.values(), key=lambda reading: (reading.spot, reading.access))
    return tuple(
        Read(
            access=reading.access,
            guard=reading.guard,
            line=reading.spot.line,
            column=reading.spot.column,
            expression=reading.spot.expression,
            template=reading.spot.template,
        )
        for reading in ordered
    )
