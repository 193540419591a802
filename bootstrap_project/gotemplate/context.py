"""The data model: the three structs a device profile is rendered with, and how JSON becomes them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

_LONE_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_MIN_INT, _MAX_INT = -(1 << 63), (1 << 63) - 1


class NilMap(dict[str, Any]):
    """Go's nil map: empty, and equal to nil."""

    __slots__ = ()


NIL_MAP: Final = NilMap()


class Struct:
    """A Go struct as templates see it: nothing but `go_fields` can be reached by name."""

    __slots__ = ()
    go_type: ClassVar[str] = "struct"
    go_fields: ClassVar[tuple[str, ...]] = ()

    def _fix(self, name: str, value: object) -> None:
        # The class is frozen for everyone else; this runs while the object is made.
        object.__setattr__(self, name, value)


@dataclass(frozen=True, slots=True)
class DeviceContext(Struct):
    """The device that a profile is rendered for."""

    go_type: ClassVar[str] = "bootstrap.DeviceContext"
    go_fields: ClassVar[tuple[str, ...]] = ("ID", "ExternalID", "DomainID")

    ID: str = ""
    ExternalID: str = ""
    DomainID: str = ""


@dataclass(frozen=True, slots=True)
class BindingContext(Struct):
    """The stored copy of one bound resource; a map given as None is Go's nil map."""

    go_type: ClassVar[str] = "bootstrap.BindingContext"
    go_fields: ClassVar[tuple[str, ...]] = ("Type", "ID", "Snapshot", "Secret")

    Type: str = ""
    ID: str = ""
    Snapshot: dict[str, Any] = field(default_factory=lambda: NIL_MAP)
    Secret: dict[str, Any] = field(default_factory=lambda: NIL_MAP, repr=False)

    def __post_init__(self) -> None:
        self._fix("Snapshot", _plain_map(self.Snapshot))
        self._fix("Secret", _plain_map(self.Secret))


@dataclass(frozen=True, slots=True)
class RenderContext(Struct):
    """Dot at the top of every profile.

    Values inside the maps are what JSON has: str, int of 64 bits, float, bool, None, list and dict. `from_json` makes
    them so.
    """

    go_type: ClassVar[str] = "bootstrap.RenderContext"
    go_fields: ClassVar[tuple[str, ...]] = ("Device", "Vars", "Bindings")

    Device: DeviceContext = field(default_factory=DeviceContext)
    Vars: dict[str, Any] = field(default_factory=lambda: NIL_MAP)
    Bindings: dict[str, BindingContext] = field(default_factory=lambda: NIL_MAP)

    def __post_init__(self) -> None:
        self._fix("Vars", _plain_map(self.Vars))
        self._fix("Bindings", _plain_map(self.Bindings))

    @classmethod
    def from_json(cls, data: Mapping[str, Any] | None) -> RenderContext:
        """Build the context from decoded JSON with the members `Device`, `Vars` and `Bindings`, all optional.

        Raises: TypeError where a member has the wrong JSON type.
        """
        data = _object(data, "data")
        device = _object(data.get("Device"), "Device")
        bindings = data.get("Bindings")
        return cls(
            Device=DeviceContext(*(_text(device.get(name), f"Device.{name}") for name in DeviceContext.go_fields)),
            Vars=_map(data.get("Vars"), "Vars"),
            Bindings=NIL_MAP
            if bindings is None
            else {_clean(slot): _binding(b, slot) for slot, b in _object(bindings, "Bindings").items()},
        )


def normalize(value: object) -> Any:
    """Return `value` as JSON decoding of the data model has it.

    Integers beyond 64 bits become floats, lone surrogates U+FFFD, and mappings and sequences plain dicts and lists.

    Raises: TypeError for anything that JSON does not have.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _clean(value)
    if isinstance(value, int):
        return int(value) if _MIN_INT <= value <= _MAX_INT else float(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, Mapping):
        return {_clean(str(k)): normalize(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [normalize(v) for v in value]
    raise TypeError(f"a template cannot be given a value of type {type(value).__name__}")


def _plain_map(value: Mapping[str, Any] | None) -> dict[str, Any]:
    if value is None:
        return NIL_MAP
    return value if value.__class__ in (dict, NilMap) else dict(value)


def _clean(text: str) -> str:
    return text if text.isascii() else _LONE_SURROGATE.sub("\ufffd", text)


def _object(value: object, what: str) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise TypeError(f"{what} must be an object")
    return value


def _map(value: object, what: str) -> dict[str, Any]:
    if value is None:
        return NIL_MAP
    result: dict[str, Any] = normalize(_object(value, what))
    return result


def _text(value: object, what: str) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise TypeError(f"{what} must be a string")
    return _clean(value)


def _binding(value: object, slot: str) -> BindingContext:
    data = _object(value, f"Bindings.{slot}")
    return BindingContext(
        Type=_text(data.get("Type"), f"Bindings.{slot}.Type"),
        ID=_text(data.get("ID"), f"Bindings.{slot}.ID"),
        Snapshot=_map(data.get("Snapshot"), f"Bindings.{slot}.Snapshot"),
        Secret=_map(data.get("Secret"), f"Bindings.{slot}.Secret"),
    )


#: What a missing key of `.Bindings` gives to `index`.
ZERO_BINDING: Final = BindingContext()
