"""Go's fmt: printing values with verbs, flags, width, precision and argument numbers, and the default printing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from bootstrap_project.gotemplate.context import Struct
from bootstrap_project.gotemplate.faults import ExecFault, LimitFault, NilPrintFault

from .strconv import can_backquote, format_float, is_print, quote, quote_char, rejoin, to_bytes
from .values import Uint8, go_type, is_nil, nil_place, sorted_items, struct_items

_DIGITS: Final = {2: "b", 8: "o", 10: "d", 16: "x"}
_BASES: Final = {"v": 10, "d": 10, "b": 2, "o": 8, "O": 8, "x": 16, "X": 16}
_FLOAT_PRECISION: Final = {"v": -1, "b": -1, "g": -1, "G": -1, "x": -1, "X": -1, "f": 6, "F": 6, "e": 6, "E": 6}
# Every address is this one, so that rendering stays reproducible and reveals nothing of the process.
_ADDRESS: Final = 0xC000010000
#: What is said of a format that the template computes: which of its verbs is wrong may depend on a secret.
MISFIT: Final = "the format does not fit the values"


class Printer:
    """The state of one formatting call: what was written, and the flags of the verb at hand.

    Source: Go fmt, print.go and format.go.
    """

    __slots__ = (
        "check", "count", "erroring", "minus",
        "out", "plus", "plus_v", "precision", "problem", "relaxed", "reordered", "room", "sharp",
        "sharp_v", "space", "width", "zero",
    )  # fmt: skip

    def __init__(self, room: int, check: Callable[[], None] | None = None, *, relaxed: bool = False) -> None:
        """`room` is how many characters may be written.

        `relaxed` is strict mode: float verbs take integers, and `problem` is the first thing that must not be printed.
        `check` is called now and then while long lists are printed, and fails when the time is up.
        """
        self.check = check
        self.count = 0
        self.out: list[str] = []
        self.room = room
        self.relaxed = relaxed
        self.problem: ExecFault | None = None
        self.erroring = False
        self.reordered = False
        self.clear()

    def clear(self) -> None:
        """Forget the flags of the last verb."""
        self.minus = self.plus = self.sharp = self.space = self.zero = self.plus_v = self.sharp_v = False
        self.width: int | None = None
        self.precision: int | None = None

    def text(self) -> str:
        return rejoin("".join(self.out))

    def write(self, text: str) -> None:
        """Append text, as long as there is room."""
        self.room -= len(text)
        if self.room < 0:
            raise LimitFault("functions produced too much text")
        self.out.append(text)

    # Padding.

    def padding(self, count: int, *, zero: bool = False) -> str:
        """Return padding of some characters; asking for more than there is room for fails before it is made."""
        if count <= 0:
            return ""
        if count > self.room:
            raise LimitFault("functions produced too much text")
        return ("0" if zero and not self.minus else " ") * count

    def pad(self, text: str, *, zero: bool | None = None) -> None:
        if self.width:
            fill = self.padding(self.width - len(text), zero=self.zero if zero is None else zero)
            text = text + fill if self.minus else fill + text
        self.write(text)

    # Kinds of value.

    def print_bool(self, value: bool, verb: str) -> None:
        if verb in "tv":
            self.pad("true" if value else "false")
        else:
            self.bad_verb(value, verb)

    def print_int(self, value: int, verb: str) -> None:
        """Print an integer; a Uint8 is unsigned."""
        if verb == "v" and self.sharp_v and isinstance(value, Uint8):
            sharp, self.sharp = self.sharp, True
            self.integer(int(value), 16, verb)
            self.sharp = sharp
        elif verb in _BASES:
            self.integer(int(value), _BASES[verb], verb)
        elif verb == "c":
            self.pad(chr(value) if 0 <= value <= 0x10FFFF and not 0xD800 <= value <= 0xDFFF else "\ufffd")
        elif verb == "q":
            self.pad(quote_char(value, ascii_only=self.plus))
        elif verb == "U":
            self.code_point(int(value))
        elif self.relaxed and verb in "eEfFgG":
            self.print_float(float(value), verb)
        else:
            self.bad_verb(value, verb)

    def integer(self, value: int, base: int, verb: str) -> None:
        """Print digits in a base with everything that flags may add to them."""
        negative = value < 0
        signed = negative or self.plus or self.space
        wanted = 0
        if self.precision is not None:
            wanted = self.precision
            if wanted == 0 and value == 0:
                self.write(self.padding(self.width or 0))
                return
        elif self.zero and not self.minus and self.width:
            wanted = self.width - (1 if signed else 0)
        digits = format(abs(value), _DIGITS[base])
        if verb == "X":
            digits = digits.upper()
        digits = self.padding(wanted - len(digits)).replace(" ", "0") + digits
        if self.sharp:
            if base == 2:
                digits = "0b" + digits
            elif base == 8 and digits[0] != "0":
                digits = "0" + digits
            elif base == 16:
                digits = ("0X" if verb == "X" else "0x") + digits
        if verb == "O":
            digits = "0o" + digits
        sign = "-" if negative else "+" if self.plus else " " if self.space else ""
        self.pad(sign + digits, zero=False)

    def code_point(self, value: int) -> None:
        """Print an integer as `U+0041`."""
        value &= (1 << 64) - 1
        digits = f"{value:04X}"
        if self.precision is not None and self.precision > 4:
            digits = self.padding(self.precision - len(digits)).replace(" ", "0") + digits
        text = f"U+{digits}"
        if self.sharp and value <= 0x10FFFF and is_print(value):
            text += f" '{chr(value)}'"
        self.pad(text, zero=False)

    def print_float(self, value: float, verb: str) -> None:
        if verb not in _FLOAT_PRECISION:
            self.bad_verb(value, verb)
            return
        precision = _FLOAT_PRECISION[verb] if self.precision is None else self.precision
        if precision > self.room:
            raise LimitFault("functions produced too much text")
        self.float(value, {"v": "g", "F": "f"}.get(verb, verb), precision)

    def float(self, value: float, verb: str, precision: int) -> None:
        """Print a float with everything that flags may add to it."""
        text = format_float(value, verb, precision)
        if text[0] in "+-":
            sign, text = text[0], text[1:]
        else:
            sign = "+"
        if self.space and sign == "+" and not self.plus:
            sign = " "
        if text[0] in "IN":
            if text[0] == "N" and not self.space and not self.plus:
                sign = ""
            self.pad(sign + text if sign != "+" or self.plus else text, zero=False)
            return
        if self.sharp and verb != "b":
            text = self.with_point(text, verb, precision)
        if self.plus or sign != "+":
            if self.zero and not self.minus and self.width and self.width > len(text) + 1:
                self.write(sign)
                self.write(self.padding(self.width - len(text) - 1, zero=True))
                self.write(text)
                return
            self.pad(sign + text)
            return
        self.pad(text)

    def with_point(self, text: str, verb: str, precision: int) -> str:
        """Return the text of a float with a decimal point and the zeros that the shortest form leaves out."""
        missing = 0
        if verb in "vgGx":
            missing = 6 if precision == -1 else precision
        marks = "pP" if verb in "xX" else "eEpP"
        cut = next((i for i, c in enumerate(text) if c in marks), len(text))
        number, tail = text[:cut], text[cut:]
        seen = False
        for char in number:
            if char == ".":
                continue
            seen = seen or char != "0"
            missing -= seen
        if "." not in number:
            if number == "0":
                missing -= 1
            number += "."
        return number + self.padding(missing).replace(" ", "0") + tail

    def print_complex(self, value: complex, verb: str) -> None:
        if verb not in _FLOAT_PRECISION:
            self.bad_verb(value, verb)
            return
        plus = self.plus
        self.write("(")
        self.print_float(value.real, verb)
        self.plus = True
        self.print_float(value.imag, verb)
        self.write("i)")
        self.plus = plus

    def print_string(self, value: str, verb: str) -> None:
        if verb == "s" or (verb == "v" and not self.sharp_v):
            self.pad(value if self.precision is None else value[: self.precision])
        elif verb in "vq":
            value = value if self.precision is None else value[: self.precision]
            if self.sharp and can_backquote(value):
                self.pad(f"`{value}`")
            else:
                self.pad(quote(value, ascii_only=self.plus, check=self.check))
        elif verb in "xX":
            self.hexadecimal(value, verb)
        else:
            self.bad_verb(value, verb)

    def hexadecimal(self, value: str, verb: str) -> None:
        """Print the bytes of a string in hexadecimal."""
        data = to_bytes(value)
        if self.precision is not None:
            data = data[: self.precision]
        prefix = ("0" + verb) if self.sharp else ""
        if not data:
            self.write(self.padding(self.width or 0, zero=self.zero))
            return
        text = prefix + (data.hex(" ").replace(" ", " " + prefix) if self.space else data.hex())
        self.pad(text if verb == "x" else text.upper())

    # Values of any kind.

    def bad_verb(self, value: object, verb: str) -> None:
        """Write the marker for a verb that does not fit its value."""
        kind = go_type(value)
        self.erroring = True
        if value is None:
            self.refuse(_no_value(verb))
            self.write(f"%!{verb}(<nil>)")
        else:
            self.refuse(ExecFault(f"%{verb} does not fit a value of type {kind}", MISFIT))
            self.write(f"%!{verb}({kind}=")
            self.value(value, "v")
            self.write(")")
        self.erroring = False

    def refuse(self, fault: ExecFault) -> None:
        """Remember the first thing that strict mode does not print."""
        self.problem = self.problem or fault

    def argument(self, value: object, verb: str) -> None:
        """Print one argument of the call."""
        if value is None:
            if verb == "v":
                self.refuse(_no_value(verb))
            if verb in "Tv":
                self.pad("<nil>")
            else:
                self.bad_verb(value, verb)
        elif verb == "T":
            kind = go_type(value)
            self.pad(kind if self.precision is None else kind[: self.precision])
        elif verb == "p":
            self.pointer(value)
        else:
            if self.relaxed and (place := nil_place(value)):
                self.refuse(_no_value(verb, place))
            self.value(value, verb)

    def pointer(self, value: object) -> None:
        """Print the address of a map or a list."""
        if not isinstance(value, dict | list):
            self.bad_verb(value, "p")
            return
        sharp, self.sharp = self.sharp, not self.sharp
        self.integer(0 if is_nil(value) else _ADDRESS, 16, "v")
        self.sharp = sharp

    def value(self, value: Any, verb: str) -> None:
        """Print any value that is not nil."""
        printer = _PRINTERS.get(value.__class__)
        if printer is not None:
            printer(self, value, verb)
        elif verb == "w" and not self.erroring:
            self.bad_verb(value, verb)
        elif isinstance(value, dict):
            self.print_map(value, verb)
        elif isinstance(value, list):
            self.print_list(value, verb)
        elif isinstance(value, Struct):
            self.print_struct(value, verb)
        elif isinstance(value, str):
            self.print_string(value, verb)
        else:
            raise ExecFault(f"a template cannot print a value of type {type(value).__name__}")

    def nested(self, value: Any, verb: str) -> None:
        """Print a value that stands in a list or a map of interfaces."""
        self.count += 1
        if not self.count & 1023 and self.check is not None:
            self.check()
        if value is not None:
            self.value(value, verb)
        else:
            self.write("interface {}(nil)" if self.sharp_v else "<nil>")

    def print_map(self, value: dict[str, Any], verb: str) -> None:
        """Print a map, its keys in order."""
        if self.sharp_v:
            if is_nil(value):
                self.write(f"{go_type(value)}(nil)")
                return
            self.write(f"{go_type(value)}{{")
        else:
            self.write("map[")
        for index, (key, item) in enumerate(sorted_items(value)):
            if index:
                self.write(", " if self.sharp_v else " ")
            self.value(key, verb)
            self.write(":")
            self.nested(item, verb)
        self.write("}" if self.sharp_v else "]")

    def print_list(self, value: list[Any], verb: str) -> None:
        self.write("[]interface {}{" if self.sharp_v else "[")
        for index, item in enumerate(value):
            if index:
                self.write(", " if self.sharp_v else " ")
            self.nested(item, verb)
        self.write("}" if self.sharp_v else "]")

    def print_struct(self, value: Struct, verb: str) -> None:
        self.write(f"{value.go_type}{{" if self.sharp_v else "{")
        for index, (name, item) in enumerate(struct_items(value)):
            if index:
                self.write(", " if self.sharp_v else " ")
            if self.plus_v or self.sharp_v:
                self.write(f"{name}:")
            if name == "Bindings" and not item and self.sharp_v:
                self.write("map[string]bootstrap.BindingContext" + ("(nil)" if is_nil(item) else "{}"))
            else:
                self.value(item, verb)
        self.write("}")

    # Calls.

    def print(self, args: tuple[Any, ...]) -> None:
        """Print arguments with spaces where neither neighbour is a string."""
        was_string = False
        for index, arg in enumerate(args):
            is_string = isinstance(arg, str)
            if index and not is_string and not was_string:
                self.write(" ")
            self.argument(arg, "v")
            was_string = is_string

    def println(self, args: tuple[Any, ...]) -> None:
        """Print arguments with spaces between them and a newline behind."""
        for index, arg in enumerate(args):
            if index:
                self.write(" ")
            self.argument(arg, "v")
        self.write("\n")


def _no_value(verb: str, place: str = "") -> NilPrintFault:
    return NilPrintFault(f"the value for %{verb}", place, MISFIT)


_PRINTERS: Final[dict[type, Callable[[Printer, Any, str], None]]] = {
    bool: Printer.print_bool,
    int: Printer.print_int,
    Uint8: Printer.print_int,
    float: Printer.print_float,
    complex: Printer.print_complex,
    str: Printer.print_string,
}
