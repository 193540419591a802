"""Finding every missing value of a render, after it has failed for one.

A second program runs that goes on where a value is missing, with a stand-in for it.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from . import runtime
from .compiler import Program, compile_tree
from .emit import Site
from .errors import Missing
from .funcs import index, text_exact, text_strict
from .gostrings import shortened
from .lexer import Source
from .limits import Limits
from .model import RenderContext
from .nodes import CommandNode, FieldNode, Node, StringNode, Tree, VariableNode
from .suggestions import Suggestions
from .values import Fault, NoValueFault, RequiredFault

_MAX_FOUND = 100
_TODO = "Set it in the profile's defaults or the device's render context."
_WORD = re.compile(r"\w+")


class _Absent:
    """Stands in for a missing value: empty, printed as nothing, and all its fields are absent as well."""

    __slots__ = ()

    def __bool__(self) -> bool:
        return False


ABSENT = _Absent()


class _Collector(runtime.State):
    """The state of a collecting run: notes what is missing instead of failing."""

    __slots__ = ("found", "looked_up", "program", "quotes", "seen", "source", "suggestions", "text_of")

    def __init__(
        self,
        limits: Limits,
        program: Program,
        source: Source,
        text_of: Callable[..., str],
        *,
        deadline: float,
        quotes: bool,
    ) -> None:
        super().__init__(limits)
        self.deadline = deadline
        self.quotes = quotes
        self.suggestions = Suggestions(self.has_time)
        self.program = program
        self.source = source
        self.text_of = text_of
        self.found: list[Missing] = []
        self.seen: set[tuple[int, int, str]] = set()
        self.looked_up: dict[str, tuple[str, Iterable[str]]] = {}

    def note(self, site: Site, name: str, names: Iterable[str], *, hint: str = "", wanted: str = "") -> _Absent:
        """Remember a missing value and return its stand-in; `names` are there, and `wanted` may be one misspelt."""
        node = site.node
        start = node.start if isinstance(node, FieldNode | VariableNode) else node.pos
        line, column = self.source.position(start)
        if (line, column, site.path) not in self.seen and len(self.found) < _MAX_FOUND:
            self.seen.add((line, column, site.path))
            suggestion = self.suggestions.closest(wanted or name, names)
            hint = hint or _hint(site.path, name, suggestion)
            self.found.append(Missing(site.path, line, column, name, suggestion, hint))
        return ABSENT

    def note_nil(self, number: int, fault: NoValueFault) -> _Absent:
        """Remember a nil that was to be printed and return its stand-in."""
        site = self.program.sites[number]
        name, names = self.looked_up.get(site.path, (_last_word(site.path), ()))
        if site.path in self.looked_up:
            # The parentheses are there for the fields that might have followed.
            site = replace(site, path=site.path[1:-1])
        hint = f"{_quoted(site.path)} holds null at {fault.place}. Write it with toJSON, or its items one by one."
        return self.note(site, name, names, hint=hint if fault.place else "")

    def remember_lookup(self, path: str, item: Any, *keys: Any) -> None:
        """Remember the key that index did not find, and those that there are."""
        for key in keys:
            if not isinstance(item, dict) or not isinstance(key, str):
                return
            if key not in item:
                # The map itself: a copy of its names would cost more than all the rest of the lookup.
                self.looked_up[path] = key, item
                return
            item = item[key]

    def field(self, value: Any, name: str, number: int, wrapped: bool) -> Any:
        """Return a field, or its stand-in."""
        if value is ABSENT:
            return ABSENT
        site = self.program.sites[number]
        if isinstance(value, dict):
            return value[name] if name in value else self.note(site, name, value)
        if value is None:
            return self.note(site, name, ())
        return runtime.field(value, name, wrapped=wrapped)

    def text(self, value: Any, number: int) -> str:
        """Return a printed value; nothing for a missing one."""
        if value is ABSENT:
            return ""
        try:
            return self.text_of(self, value)
        except NoValueFault as fault:
            self.note_nil(number, fault)
            return ""

    def call(self, function: Callable[..., Any], number: int, *args: Any) -> Any:
        """Return what a function gives; a stand-in where an argument is one."""
        if any(arg is ABSENT for arg in args):
            return ABSENT
        site = self.program.sites[number]
        try:
            result = function(self, *args)
        except RequiredFault as fault:
            wanted, names = self.looked_up.get(site.path, ("", ()))
            if self.quotes or has_literal(site.node):
                site = Site(site.node, f'required "{fault.name}"', fault.name)
                return self.note(site, fault.name, names, wanted=wanted)
            # A name that the template computes may be made of a secret, so it is told as it is written there.
            path = str(site.node)
            hint = f"{_quoted(path)} is required and empty. {_TODO}"
            return self.note(Site(site.node, path, ""), "", names, hint=hint, wanted=wanted)
        except NoValueFault as fault:
            return self.note_nil(number, fault)
        if function is index and result is None and (self.quotes or _has_literal_keys(site.node)):
            self.remember_lookup(site.path, *args)
        return result

    def items(self, helper: Callable[..., Any], value: Any, steps: int) -> Any:
        """Return what to loop over; nothing for a missing value."""
        return None if value is ABSENT else helper(self, value, steps)


def collect(
    tree: Tree, data: RenderContext, limits: Limits, *, strict: bool, deadline: float, quotes: bool = True
) -> tuple[Missing, ...]:
    """Return every missing value that an execution meets, as far as it can go on until `deadline`.

    Without `quotes` no name is told that the template computes.
    Cost: compiles the template once more, and what is left of the time that the execution had; only failed executions
    come here.
    """
    program = compile_tree(tree, collecting=True)
    main = program.load(strict=strict)
    source = Source(tree.name, tree.source)
    text_of = text_strict if strict else text_exact
    state = _Collector(limits, program, source, text_of, deadline=deadline, quotes=quotes)
    # Another kind of failure ends the search; what was found until then still helps.
    with contextlib.suppress(Fault, KeyError, TypeError, AttributeError, NameError, RecursionError, MemoryError):
        main(state, data)
    return tuple(sorted(state.found, key=lambda m: (m.line, m.column)))


def has_literal(node: Node) -> bool:
    """Report whether the first argument of a call stands in the template: what it says is the template's own word."""
    return isinstance(node, CommandNode) and len(node.args) > 1 and isinstance(node.args[1], StringNode)


def _has_literal_keys(node: Node) -> bool:
    """Report whether all keys of an `index` stand in the template."""
    keys = node.args[2:] if isinstance(node, CommandNode) else ()
    return bool(keys) and all(isinstance(key, StringNode) for key in keys)


def _last_word(path: str) -> str:
    """Return the name that an expression ends with."""
    words = _WORD.findall(path)
    return words[-1] if words else path


def _quoted(path: str) -> str:
    mark = "'" if "`" in path else "`"
    return f"{mark}{shortened(path)}{mark}"


def _hint(path: str, name: str, suggestion: str | None) -> str:
    guess = f"; did you mean `{suggestion}`?" if suggestion else "."
    if path.startswith("required "):
        return f"`{shortened(name)}` is required and empty{guess} {_TODO}"
    shown = _quoted(path)
    if ".Snapshot" in path or ".Secret" in path:
        todo = "List the field in the slot and refresh the binding."
        return f"{shown} is not in the stored copy of the resource{guess} {todo}"
    if path.lstrip("$").startswith(".Bindings."):
        return f"{shown} is not bound{guess} Bind a resource to the slot, or correct its name."
    return f"{shown} is not set{guess} {_TODO}"
