"""Finding every missing value of a render, after it has failed for one.

A second program runs that goes on where a value is missing, with a stand-in for it.
"""

from __future__ import annotations

import contextlib
import difflib
import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from . import runtime
from .compiler import Program, compile_tree
from .emit import Site
from .errors import Missing
from .funcs import index, text_exact, text_strict
from .lexer import Source
from .limits import Limits
from .model import RenderContext
from .nodes import FieldNode, Tree, VariableNode
from .values import Fault, NoValueFault, RequiredFault

_MAX_FOUND = 100
_WORD = re.compile(r"\w+")


class _Absent:
    """Stands in for a missing value: empty, printed as nothing, and all its fields are absent as well."""

    __slots__ = ()

    def __bool__(self) -> bool:
        return False


ABSENT = _Absent()


class _Collector(runtime.State):
    """The state of a collecting run: notes what is missing instead of failing."""

    __slots__ = ("found", "looked_up", "program", "seen", "source", "text_of")

    def __init__(self, limits: Limits, program: Program, source: Source, text_of: Callable[..., str]) -> None:
        super().__init__(limits)
        self.program = program
        self.source = source
        self.text_of = text_of
        self.found: list[Missing] = []
        self.seen: set[tuple[int, int, str]] = set()
        self.looked_up: dict[str, tuple[str, list[str]]] = {}

    def note(self, site: Site, name: str, names: Iterable[str], *, hint: str = "", wanted: str = "") -> _Absent:
        """Remember a missing value and return its stand-in; `names` are there, and `wanted` may be one misspelt."""
        node = site.node
        start = node.start if isinstance(node, FieldNode | VariableNode) else node.pos
        line, column = self.source.position(start)
        if (line, column, site.path) not in self.seen and len(self.found) < _MAX_FOUND:
            self.seen.add((line, column, site.path))
            close = difflib.get_close_matches(wanted or name, names, 1)
            suggestion = close[0] if close else None
            hint = hint or _hint(site.path, name, suggestion)
            self.found.append(Missing(site.path, line, column, name, suggestion, hint))
        return ABSENT

    def note_nil(self, number: int, fault: NoValueFault) -> _Absent:
        """Remember a nil that was to be printed and return its stand-in."""
        site = self.program.sites[number]
        name, names = self.looked_up.get(site.path, (_last_word(site.path), []))
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
                self.looked_up[path] = key, list(item)
                return
            item = item[key]

    def field(self, value: Any, name: str, number: int, wrapped: bool) -> Any:
        """Return a field, or its stand-in."""
        if value is ABSENT:
            return ABSENT
        site = self.program.sites[number]
        if isinstance(value, dict):
            return value[name] if name in value else self.note(site, name, list(value))
        if value is None:
            return self.note(site, name, [])
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
            wanted, names = self.looked_up.get(site.path, ("", []))
            site = Site(site.node, f'required "{fault.name}"', fault.name)
            return self.note(site, fault.name, names, wanted=wanted)
        except NoValueFault as fault:
            return self.note_nil(number, fault)
        if function is index and result is None:
            self.remember_lookup(site.path, *args)
        return result

    def items(self, helper: Callable[..., Any], value: Any, steps: int) -> Any:
        """Return what to loop over; nothing for a missing value."""
        return None if value is ABSENT else helper(self, value, steps)


def collect(tree: Tree, data: RenderContext, limits: Limits, *, strict: bool) -> tuple[Missing, ...]:
    """Return every missing value that an execution meets, as far as it can go on.

    Cost: compiles the template once more; only failed executions come here.
    """
    program = compile_tree(tree, strict=strict, collecting=True)
    main = program.load(strict=strict)
    # The execution that failed has had its time; what is missing is worth a part of that again.
    limits = replace(limits, max_seconds=limits.max_seconds / 3)
    state = _Collector(limits, program, Source(tree.name, tree.source), text_strict if strict else text_exact)
    # Another kind of failure ends the search; what was found until then still helps.
    with contextlib.suppress(Fault, KeyError, TypeError, AttributeError, NameError, RecursionError, MemoryError):
        main(state, data)
    return tuple(sorted(state.found, key=lambda m: (m.line, m.column)))


def _last_word(path: str) -> str:
    """Return the name that an expression ends with."""
    words = _WORD.findall(path)
    return words[-1] if words else path


def _quoted(path: str) -> str:
    mark = "'" if "`" in path else "`"
    return f"{mark}{path}{mark}"


def _hint(path: str, name: str, suggestion: str | None) -> str:
    guess = f"; did you mean `{suggestion}`?" if suggestion else "."
    if path.startswith("required "):
        return f"`{name}` is required and empty{guess} Set it in the profile's defaults or the device's render context."
    shown = _quoted(path)
    if ".Snapshot" in path or ".Secret" in path:
        todo = "List the field in the slot and refresh the binding."
        return f"{shown} is not in the stored copy of the resource{guess} {todo}"
    if path.lstrip("$").startswith(".Bindings."):
        return f"{shown} is not bound{guess} Bind a resource to the slot, or correct its name."
    return f"{shown} is not set{guess} Set it in the profile's defaults or the device's render context."
