"""Format strings of printf: flags, argument numbers, widths, precisions and verbs.

Source: Go fmt, print.go, doPrintf.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from bootstrap_project.gotemplate.faults import ExecFault

from .fmt import MISFIT, Printer
from .strconv import is_bad
from .values import go_type

_TOO_LARGE: Final = 1_000_000
_FLAGS: Final = {"#": "sharp", "0": "zero", "+": "plus", "-": "minus", " ": "space"}


class Format:
    """One walk over a format string."""

    __slots__ = ("after_index", "arg_num", "args", "end", "form", "good_arg_num", "pos", "printer")

    def __init__(self, printer: Printer, form: str, args: tuple[Any, ...]) -> None:
        self.printer = printer
        self.form = form
        self.args = args
        self.pos = 0
        self.end = len(form)
        self.arg_num = 0
        self.after_index = False
        self.good_arg_num = True

    def run(self) -> None:
        """Write text up to each verb, then the verb, then what was left over."""
        printer, form = self.printer, self.form
        directives = 0
        while self.pos < self.end:
            directives += 1
            if not directives & 255 and printer.check is not None:
                printer.check()
            self.good_arg_num = True
            at = form.find("%", self.pos)
            if at < 0:
                at = self.end
            if at > self.pos:
                printer.write(form[self.pos : at])
            if at == self.end:
                break
            self.pos = at + 1
            printer.clear()
            self.flags()
            if not self.directive():
                break
        if not printer.reordered and self.arg_num < len(self.args):
            self.extra()

    def flags(self) -> None:
        while self.pos < self.end and (flag := _FLAGS.get(self.form[self.pos])):
            setattr(self.printer, flag, True)
            self.pos += 1

    def directive(self) -> bool:
        """Read what follows the flags and print; False where the format ends before its verb."""
        self.arg_number()
        self.read_width()
        if self.pos + 1 < self.end and self.form[self.pos] == ".":
            self.pos += 1
            self.read_precision()
        if not self.after_index:
            self.arg_number()
        if self.pos >= self.end:
            self.mark("%!(NOVERB)", "a format ends before its verb")
            return False
        verb = self.form[self.pos]
        self.pos += 1
        if is_bad(verb):
            verb = "\ufffd"
        if verb == "%":
            self.printer.write("%")
        elif not self.good_arg_num:
            self.mark(f"%!{verb}(BADINDEX)", f"%{verb} has a wrong argument number")
        elif self.arg_num >= len(self.args):
            self.mark(f"%!{verb}(MISSING)", f"%{verb} has no argument")
        else:
            self.print_verb(verb)
        return True

    def print_verb(self, verb: str) -> None:
        printer = self.printer
        if verb in "vw":
            printer.sharp_v, printer.sharp = printer.sharp, False
            printer.plus_v, printer.plus = printer.plus, False
        printer.argument(self.args[self.arg_num], verb)
        self.arg_num += 1

    def mark(self, text: str, problem: str) -> None:
        """Write the marker of a mistake in the format or its arguments."""
        self.printer.refuse(ExecFault(problem, MISFIT))
        self.printer.write(text)

    def arg_number(self) -> None:
        """Read `[3]`, if it stands here."""
        self.after_index = False
        if self.form[self.pos : self.pos + 1] != "[":
            return
        self.printer.reordered = True
        close = self.form.find("]", self.pos + 1) if self.end - self.pos >= 3 else -1
        if close < 0:
            self.good_arg_num = False
            self.pos += 1
            return
        number, found, end = self.number(self.pos + 1, close)
        self.pos = close + 1
        valid = found and end == close
        if valid and 0 <= number - 1 < len(self.args):
            self.arg_num = number - 1
            self.after_index = True
        else:
            self.good_arg_num = False
            self.after_index = valid

    def number(self, start: int, end: int) -> tuple[int, bool, int]:
        """Read digits; a number that is far too large counts as none and swallows the rest."""
        value, found, pos = 0, False, start
        while pos < end and self.form[pos] in "0123456789":
            if value > _TOO_LARGE:
                return 0, False, end
            value = value * 10 + int(self.form[pos])
            found = True
            pos += 1
        return value, found, pos

    def star(self) -> int | None:
        """Take a width or a precision from the arguments; None where it is not a fitting integer."""
        self.pos += 1
        self.after_index = False
        if self.arg_num >= len(self.args):
            return None
        value = self.args[self.arg_num]
        self.arg_num += 1
        if not isinstance(value, int) or isinstance(value, bool) or abs(value) > _TOO_LARGE:
            return None
        return int(value)

    def read_width(self) -> None:
        printer = self.printer
        if self.form[self.pos : self.pos + 1] == "*":
            width = self.star()
            if width is None:
                self.mark("%!(BADWIDTH)", "a width is not an integer of a sensible size")
            elif width < 0:
                width = -width
                printer.minus = True
                printer.zero = False
            printer.width = width
            return
        width, found, self.pos = self.number(self.pos, self.end)
        if found:
            printer.width = width
            if self.after_index:
                self.good_arg_num = False

    def read_precision(self) -> None:
        """Read a precision, whose point has been read."""
        printer = self.printer
        if self.after_index:
            self.good_arg_num = False
        self.arg_number()
        if self.form[self.pos : self.pos + 1] == "*":
            precision = self.star()
            if precision is None or precision < 0:
                precision = None
                self.mark("%!(BADPREC)", "a precision is not an integer of a sensible size")
            printer.precision = precision
            return
        printer.precision, _, self.pos = self.number(self.pos, self.end)

    def extra(self) -> None:
        """Write the marker for arguments that no verb used."""
        printer = self.printer
        printer.clear()
        self.mark("%!(EXTRA ", "printf has more arguments than verbs")
        for index, arg in enumerate(self.args[self.arg_num :]):
            if index:
                printer.write(", ")
            if arg is None:
                printer.write("<nil>")
            else:
                printer.write(f"{go_type(arg)}=")
                printer.argument(arg, "v")
        printer.write(")")


class _Anything:
    """An argument of an unknown type."""


_ANYTHING: Final = _Anything()
#: A value of each type that arguments are known to have; of others nothing is known.
_SAMPLES: Final[Mapping[str, Any]] = {"string": "x", "integer": 1, "float": 1.5, "complex": 2j, "bool": True}


class _Check(Format):
    """A walk over a format that prints nothing and keeps the first mistake."""

    __slots__ = ("found", "verbs")

    def __init__(self, form: str, args: tuple[Any, ...]) -> None:
        self.found = ""
        self.verbs: list[tuple[int, str]] = []
        super().__init__(Printer(len(form) + 1, relaxed=True), form, args)

    def mark(self, text: str, problem: str) -> None:
        self.found = self.found or problem

    def extra(self) -> None:
        self.mark("", "printf has more arguments than verbs")

    def star(self) -> int | None:
        if self.arg_num < len(self.args) and self.args[self.arg_num] is _ANYTHING:
            self.pos += 1
            self.after_index = False
            self.arg_num += 1
            return 0
        return super().star()

    def print_verb(self, verb: str) -> None:
        arg = self.args[self.arg_num]
        self.verbs.append((self.arg_num, verb))
        self.arg_num += 1
        if arg is not _ANYTHING:
            self.mark("", _misfit(arg, verb))
        elif all(_misfit(sample, verb) for sample in (*_SAMPLES.values(), {"key": 1})):
            self.mark("", f"there is no verb %{verb}")


def _misfit(value: Any, verb: str) -> str:
    """Return why a verb does not fit a value; "" if it does."""
    printer = Printer(1_000, relaxed=True)
    printer.argument(value, verb)
    return printer.problem.reason if printer.problem is not None else ""


def check(form: str, kinds: Iterable[str | None]) -> str:
    """Return the first mistake of a printf with arguments of these kinds; "" if there is none.

    Shape: a kind is "string", "integer", "float", "complex" or "bool"; anything else is unknown, and fits every verb
    there is.
    """
    walk = _Check(form, tuple(_SAMPLES.get(kind or "", _ANYTHING) for kind in kinds))
    walk.run()
    return walk.found


def verbs(form: str, count: int) -> list[tuple[int, str]]:
    """Return the verbs of a printf with `count` arguments, each after the index of the argument that it writes."""
    walk = _Check(form, (_ANYTHING,) * count)
    walk.run()
    return walk.verbs
