"""Finding every missing value of a render, after it has failed for one.

The program runs once more, over data that notes what is looked for in it in vain and goes on with a placeholder. Data
stands behind `Watched`, which copies nothing and makes a part of it `Watched` when that part is reached.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, partial
from time import thread_time
from typing import Any, Final, Literal

from . import builtins, runtime
from .codegen import Last
from .compiler import FILENAME, Program
from .context import RenderContext, Struct
from .errors import MissingValue
from .faults import ExecFault, NilPrintFault, RequiredFault
from .go.values import Slice, nil_place, spelled_step, typed_bindings
from .lexer import Source
from .limits import Limits
from .nodes import CommandNode, Node, StringNode
from .registry import functions
from .state import State
from .suggestions import Suggestions

_MAX_FOUND: Final = 100
#: Of an execution's time, how much the search may take.
_TIME_SHARE: Final = 1 / 3


@dataclass(frozen=True, slots=True)
class DataPath:
    """Where in the data a value is: its path from the root, and how people write that."""

    path: tuple[str, ...] = ()
    text: str = ""

    @property
    def name(self) -> str:
        return self.path[-1] if self.path else ""

    def member(self, name: str) -> DataPath:
        """Return the place of a member that the template names."""
        return DataPath((*self.path, name), self.text + spelled_step(name))

    def item(self, key: str | int, *, is_named: bool) -> DataPath:
        """Return the place of a member that the data names, or that the template computes."""
        if is_named:
            return DataPath((*self.path, str(key)), self.text + spelled_step(key))
        return DataPath((*self.path, "[]"), f"{self.text}[]")


class Placeholder:
    """Stands in for a missing value: empty, printed as nothing, and all its members are missing too."""

    __slots__ = ()

    def __bool__(self) -> bool:
        return False

    def __len__(self) -> int:
        return 0

    def __str__(self) -> str:
        return ""

    def __getitem__(self, _key: str) -> Placeholder:
        return self

    def get(self, _key: str, _default: object = None) -> Placeholder:
        """Return what every member is."""
        return self

    Type = ID = Snapshot = Secret = property(lambda self: self)


PLACEHOLDER: Final = Placeholder()


class Nil:
    """A nil that knows where it was read: `name` was looked up among `names`, if that is why it is nil."""

    __slots__ = ("expression", "name", "names", "place")

    def __init__(self, place: DataPath, expression: str, name: str = "", names: Iterable[str] = ()) -> None:
        self.place = place
        self.expression = expression
        self.name = name
        self.names = names

    def __bool__(self) -> bool:
        return False

    def __eq__(self, other: object) -> bool:
        # Generated code asks whether a value is nil or the empty string, for `default`; it is something like both.
        return other == ""

    __hash__ = None  # type: ignore[assignment]


class Watched:
    """A map, a list or a struct of the data, for generated code; the functions get the original."""

    __slots__ = ("original", "place", "search")

    def __init__(self, original: Any, place: DataPath, search: Search) -> None:
        self.original = original
        self.place = place
        self.search = search

    def __bool__(self) -> bool:
        return bool(self.original)

    def __len__(self) -> int:
        return len(self.original)

    def __getattr__(self, name: str) -> Any:
        original = self.original
        if not isinstance(original, Struct) or name not in original.go_fields:
            raise AttributeError(name)
        if name == "Bindings" and isinstance(original, RenderContext):
            return self.search.watched(typed_bindings(original), self.place.member(name))
        return self.search.watched(getattr(original, name), self.place.member(name))

    def __getitem__(self, name: str) -> Any:
        """Return the entry of a map that a field names."""
        if name in self.original:
            return self.search.watched(self.original[name], self.place.member(name))
        return self.search.note_key(self.place.member(name), name, self.original)

    def get(self, key: str, default: object = None) -> Any:
        """Return the entry of a map that `index` names."""
        return self.search.looked_up(self, (key,), self.original.get(key, default), is_named=True)

    def field(self, name: str, *, wrapped: bool) -> Any:
        """Return the field of a map or a struct; fail for anything else."""
        original = self.original
        if isinstance(original, dict):
            return self[name]
        if isinstance(original, Struct) and name in original.go_fields:
            return getattr(self, name)
        return runtime.field(original, name, wrapped=wrapped)

    def pairs(self, steps: int) -> Iterator[tuple[Any, Any]] | None:
        """Return what `range` goes over, paid for as always."""
        found = runtime.pairs(self.search, self.original, steps)
        if found is None:
            return None
        start = self.original.start if isinstance(self.original, Slice) else 0
        return ((key, self._item(key + start if isinstance(key, int) else key, item)) for key, item in found)

    def _item(self, key: str | int, item: Any) -> Any:
        return self.search.watched(item, self.place.item(key, is_named=self.search.quotes))


def _plain(value: Any) -> Any:
    """Return a value as the functions know it."""
    if isinstance(value, Watched):
        return value.original
    return None if isinstance(value, Nil) else value


class Search(State):
    """The state of the second run, with all that was found."""

    __slots__ = ("found", "program", "quotes", "seen", "source", "suggestions")

    def __init__(self, limits: Limits, program: Program, source: Source, *, deadline: float, quotes: bool) -> None:
        super().__init__(limits)
        self.deadline = deadline
        self.quotes = quotes
        self.suggestions = Suggestions(self.has_time)
        self.program = program
        self.source = source
        self.found: list[MissingValue] = []
        self.seen: set[tuple[int, str]] = set()

    def run(self, data: RenderContext, *, strict: bool) -> str:
        """Execute the program; what it returns is of interest only where nothing is missing."""
        field, wrapped_field = partial(_field, self), partial(_field, self, wrapped=True)
        names = {**_functions(strict=strict), "field": field, "wrapped_field": wrapped_field}
        return self.program.load(strict=strict, instead=names)(self, Watched(data, DataPath(), self))

    def node(self) -> Node:
        """Return the node that the innermost line of generated code stands for."""
        frame = sys._getframe(1)  # noqa: SLF001 - The interpreter's way to the line that is executed.
        while frame.f_code.co_filename != FILENAME and frame.f_back is not None:
            frame = frame.f_back
        at = self.program.lines[frame.f_lineno]
        if at is None:
            raise AssertionError("only lines of the template look for values")
        return at[1].node(frame.f_locals) if isinstance(at[1], Last) else at[1]

    def watched(self, value: Any, place: DataPath) -> Any:
        """Return a value of the data as generated code is to have it."""
        if isinstance(value, dict | list | Struct):
            return Watched(value, place, self)
        return value if value is not None else Nil(place, self.spelled(place), place.name)

    def spelled(self, place: DataPath) -> str:
        """Return a place as people write it, with the `$` that the template has before it."""
        return f"${place.text}" if place.text and f"${place.text}" in str(self.node()) else place.text

    def looked_up(self, item: Watched, keys: tuple[Any, ...], result: Any, *, is_named: bool) -> Any:
        """Return what `index` has found under some keys; where there is nothing, a nil that knows what was meant."""
        place, inside = item.place, item.original
        name, names = "", dict[str, Any]()
        for key in keys:
            place = place.member(key) if is_named and isinstance(key, str) else place.item(key, is_named=self.quotes)
            if isinstance(inside, dict) and isinstance(key, str):
                if key not in inside and not names and (is_named or self.quotes):
                    name, names = key, inside
                inside = inside.get(key)
            else:
                inside = inside[key] if isinstance(inside, list) else None
        return Nil(place, str(self.node()), name, names) if result is None else self.watched(result, place)

    # Notes.

    def note_key(self, place: DataPath, name: str, names: Iterable[str]) -> Placeholder:
        """Remember a field that is not there."""
        return self.note("key", place, self.spelled(place), name, label=name, wanted=name, names=names)

    def note_nil(self, value: Any, fault: NilPrintFault) -> Placeholder:
        """Remember a nil that was to be printed, or a value that holds one."""
        if isinstance(value, Nil):
            return self.note("null", value.place, value.expression, value.name, wanted=value.name, names=value.names)
        place = value.place if isinstance(value, Watched) else DataPath()
        expression = self.spelled(place) or str(self.node())
        return self.note("null", place, expression, place.name, null_at=fault.place)

    def note_required(self, value: Any, fault: RequiredFault) -> Placeholder:
        """Remember a value that is required and empty."""
        node = self.node()
        place, wanted, names = (
            (value.place, value.name, value.names) if isinstance(value, Nil) else (DataPath(), "", ())
        )
        if self.quotes or has_literal(node):
            expression, name = f'required "{fault.name}"', fault.name
        else:
            # A name that the template computes may be made of a secret, so it is shown as it is written there.
            expression, name = str(node), ""
        return self.note("required", place, expression, name, label=name, wanted=wanted or name, names=names)

    def note(
        self,
        kind: Literal["key", "null", "required"],
        place: DataPath,
        expression: str,
        name: str,
        *,
        label: str = "",
        wanted: str = "",
        names: Iterable[str] = (),
        null_at: str = "",
    ) -> Placeholder:
        """Remember a missing value, once for each place in the template and each `label`; return its stand-in.

        `names` are there, and `wanted` may be one misspelt.
        """
        node = self.node()
        key = (node.start, label)
        if key not in self.seen and len(self.found) < _MAX_FOUND:
            self.seen.add(key)
            location = self.source.location(node.start, expression)
            if location.width == 1:
                location = self.source.location(node.start, str(node))
            suggestion = self.suggestions.closest(wanted, names)
            self.found.append(
                MissingValue(location, place.path, expression, name, kind, suggestion, null_at, str(node))
            )
        return PLACEHOLDER


# What stands in the place of the runtime's functions in generated code.


def _field(search: Search, value: Any, name: str, *, wrapped: bool = False) -> Any:
    if value is PLACEHOLDER:
        return PLACEHOLDER
    if isinstance(value, Watched):
        return value.field(name, wrapped=wrapped)
    if value is None:
        return search.note("key", DataPath(), str(search.node()), name, label=name)
    if isinstance(value, Nil):
        return search.note_key(value.place.member(name), name, ())
    return runtime.field(value, name, wrapped=wrapped)


def _with_arguments(value: Any, name: str, *, wrapped: bool = False) -> Any:
    return PLACEHOLDER if value is PLACEHOLDER else runtime.with_arguments(_plain(value), name, wrapped=wrapped)


def _need_string(value: Any, *, wrapped: bool = False) -> Any:
    return PLACEHOLDER if value is PLACEHOLDER else runtime.need_string(_plain(value), wrapped=wrapped)


def _elements(search: Search, value: Any, steps: int) -> Iterable[Any] | None:
    if isinstance(value, Watched):
        found = value.pairs(steps)
        return None if found is None else (item for _, item in found)
    return None if value is PLACEHOLDER else runtime.elements(search, _plain(value), steps)


def _pairs(search: Search, value: Any, steps: int) -> Iterable[tuple[Any, Any]] | None:
    if isinstance(value, Watched):
        return value.pairs(steps)
    return None if value is PLACEHOLDER else runtime.pairs(search, _plain(value), steps)


def _text(text: Callable[[Search, Any], str], search: Search, value: Any) -> str:
    if value is PLACEHOLDER:
        return ""
    try:
        return text(search, _plain(value))
    except NilPrintFault as fault:
        return str(search.note_nil(value, fault))


def _function(function: Callable[..., Any], search: Search, *args: Any) -> Any:
    if any(arg is PLACEHOLDER for arg in args):
        return PLACEHOLDER
    plain = [_plain(arg) for arg in args]
    try:
        result = function(search, *plain)
    except RequiredFault as fault:
        return search.note_required(args[-1], fault)
    except NilPrintFault as fault:
        culprit = next((arg for arg in args if isinstance(arg, Nil) or nil_place(_plain(arg))), None)
        return search.note_nil(culprit, fault)
    if result is None or isinstance(result, dict | list | Struct):
        # It is one of the arguments, or a part of one.
        same = (arg for arg, known in zip(args, plain, strict=True) if known is result)
        parts = (Watched(result, arg.place, search) for arg in args if isinstance(arg, Watched))
        return next(same, next(parts, result)) if result is not None else next(same, None)
    return result


def _index(search: Search, item: Any, *keys: Any) -> Any:
    if item is PLACEHOLDER or any(key is PLACEHOLDER for key in keys):
        return PLACEHOLDER
    plain = tuple(map(_plain, keys))
    result = builtins.index(search, _plain(item), *plain)
    if not isinstance(item, Watched) or not keys:
        return item if not keys else result
    return search.looked_up(item, plain, result, is_named=_has_literal_keys(search.node(), len(keys)))


@cache
def _functions(*, strict: bool) -> Mapping[str, Any]:
    """Return the functions by their names in generated code."""
    return {
        **{f"f_{name}": partial(_function, function) for name, function in functions(strict=strict).items()},
        "f_index": _index,
        "f_wrapped_len": partial(_function, builtins.wrapped_length),
        "text": partial(_text, builtins.text_strict if strict else builtins.text_exact),
        "elements": _elements,
        "pairs": _pairs,
        "with_arguments": _with_arguments,
        "need_string": _need_string,
        "is_wrapped": lambda value: runtime.is_wrapped(_plain(value)),
        "typed_bindings": lambda root: root.Bindings,
    }


def find_missing(
    program: Program,
    source: Source,
    data: RenderContext,
    limits: Limits,
    *,
    strict: bool,
    deadline: float,
    quotes: bool = True,
) -> tuple[MissingValue, ...]:
    """Return every missing value that an execution meets, as far as it can go on until `deadline`.

    Without `quotes` no name is quoted that the data has or the template computes.
    Cost: a part of the time that an execution may take; only failed ones come here.
    """
    deadline = min(deadline, thread_time() + limits.max_seconds * _TIME_SHARE)
    search = Search(limits, program, source, deadline=deadline, quotes=quotes)
    # Another kind of failure ends the search; what was found until then still helps.
    with contextlib.suppress(ExecFault, KeyError, TypeError, AttributeError, NameError, RecursionError, MemoryError):
        search.run(data, strict=strict)
    return tuple(sorted(search.found, key=lambda found: (found.location.line, found.location.column)))


def has_literal(node: Node) -> bool:
    """Return whether the first argument of a call stands in the template: what it says is the template's own word."""
    return isinstance(node, CommandNode) and len(node.args) > 1 and isinstance(node.args[1], StringNode)


def _has_literal_keys(node: Node, count: int) -> bool:
    """Return whether all `count` keys of an `index` stand in the template."""
    keys = node.args[2:] if isinstance(node, CommandNode) else ()
    return len(keys) == count and all(isinstance(key, StringNode) for key in keys)
