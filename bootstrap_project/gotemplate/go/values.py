"""Go's view of Python values: type names, types that Python lacks, order of maps, and nil."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from bootstrap_project.gotemplate.context import NilMap, RenderContext, Struct
from bootstrap_project.gotemplate.faults import ExecFault

from .strconv import quote


class Uint8(int):
    """One byte of a string, which is what `index` gives."""

    __slots__ = ()


class Slice(list[Any]):
    """A part of a list that still reaches into the list it was cut from, as far as its capacity."""

    __slots__ = ("backing", "capacity", "start")

    def __init__(self, backing: Sequence[Any], start: int, end: int, capacity: int) -> None:
        super().__init__(backing[start:end])
        self.backing = backing
        self.start = start
        self.capacity = capacity


def type_name(value: object) -> str:
    """Return the name of a value's Go type; `<nil>` for nil, which has none.

    Source: Go reflect.Type.String.
    """
    name = _TYPE_NAMES.get(value.__class__)
    if name is not None:
        return name
    if isinstance(value, Struct):
        return value.go_type
    for kind, kind_name in _KINDS:
        if isinstance(value, kind):
            return kind_name
    raise ExecFault(f"a template cannot use a value of type {type(value).__name__}")


_TYPE_NAMES: Final[dict[type, str]] = {
    str: "string",
    int: "int",
    float: "float64",
    bool: "bool",
    complex: "complex128",
    Uint8: "uint8",
    list: "[]interface {}",
    Slice: "[]interface {}",
    type(None): "<nil>",
}
_KINDS: Final = ((str, "string"), (bool, "bool"), (int, "int"), (float, "float64"), (list, "[]interface {}"))

BINDINGS_TYPE: Final = "map[string]bootstrap.BindingContext"


def go_type(value: object) -> str:
    """Return the name of a value's Go type; what a map holds says which it is, and an empty one's class."""
    if not isinstance(value, dict):
        return type_name(value)
    is_bindings = isinstance(value, BindingsMap) or isinstance(next(iter(value.values()), None), Struct)
    return BINDINGS_TYPE if is_bindings else "map[string]interface {}"


class BindingsMap(dict[str, Any]):
    """An empty map of bindings where it is handled as a value, so that it keeps its type."""

    __slots__ = ("is_nil",)
    is_nil: bool


def typed_bindings(context: RenderContext) -> dict[str, Any]:
    """Return `.Bindings` as a value; an empty one is marked, since nothing in it shows its type."""
    if context.Bindings:
        return context.Bindings
    marked = BindingsMap()
    marked.is_nil = isinstance(context.Bindings, NilMap)
    return marked


def is_nil(value: object) -> bool:
    """Return whether a value is nil: no value at all, or a nil map."""
    return value is None or isinstance(value, NilMap) or (isinstance(value, BindingsMap) and value.is_nil)


def struct_items(value: Struct) -> list[tuple[str, Any]]:
    """Return the declared fields of a struct, and nothing else of it."""
    return [(name, getattr(value, name)) for name in value.go_fields]


def spelled_step(key: str | int) -> str:
    """Return the step to a member as people write it: `[1]`, `.name`, `["a-name"]`."""
    if isinstance(key, int):
        return f"[{key}]"
    return f".{key}" if key.isidentifier() else f"[{quote(key)}]"


def nil_place(value: object) -> str:
    """Return where in a list, a map or a struct there is a nil, such as `[1].name`; nothing where there is none."""
    members: Iterable[tuple[Any, Any]]
    if isinstance(value, list):
        members = enumerate(value)
    elif isinstance(value, dict):
        members = sorted_items(value)
    elif isinstance(value, Struct):
        members = struct_items(value)
    else:
        return ""
    for key, item in members:
        if item.__class__ in _SCALARS:
            continue
        # Looked for once: twice at each depth would double the work with every one.
        below = "" if item is None else nil_place(item)
        if item is None or below:
            return spelled_step(key) + below
    return ""


_SCALARS: Final = frozenset({str, int, float, bool})


def sorted_items(value: dict[str, Any]) -> list[tuple[str, Any]]:
    """Return the entries of a map in the order Go visits them in."""
    return [(key, value[key]) for key in sorted(value)]
