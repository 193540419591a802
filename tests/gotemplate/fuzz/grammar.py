"""Random templates: most of them right, some wrong in one place, some broken by force."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from tests.gotemplate.fuzz.formats import Formats
from tests.gotemplate.fuzz.literals import Literals
from tests.gotemplate.fuzz.values import FIELDS, KEYS, KINDS, SLOTS

_KINDS: Final = ("string", "string", "int", "int", "float", "bool", "list", "list", "map", "any", "nil")
_TEXTS: Final = (
    "x",
    " ",
    "\n",
    "  \n\t",
    "a: ",
    "é",
    "☕",
    "{x",
    "}",
    "} }",
    '"',
    "-",
    "{ {x",
    "\\",
    "'",
    "",
    "\r\n",
    "%d",
    "- }}",
)
_DAMAGE: Final = (
    "{{", "}}", "{{-", "-}}", "{{- ", " -}}", "{{/*", "*/}}", "/*", "*/", "(", ")", "|", ".", ",", "$", "$x", ":=",
    "=", ".Vars", "..",
    "nil", "true", "1", "-", "+", "if", "else", "end", "range", "with", "define", "block", "template", "break",
    "continue",
    "{{end}}", "{{else}}", "{{if 1}}", "{{range .}}", "{{break}}", "{{define `d`}}", "\\", '"', "'", "`", "é", "\x00",
    "\n", "\t", " ",
    "1_0", "0x", "'a", "!", "@", "#", "%", "^", "&", "*", "[", "]", "<", ">", "?", ";", ":", "~", "☕", "\u00a0",
    "\u2028", "print", "len", "x",
    "{{else if 1}}", "{{else with 1}}", "{{template `d`}}", ".x", "$.x", "nil.x", "(1).x", "i", "e5", "\r", "\ufeff",
    "{{nil}}", "{{ }}",
)  # fmt: skip


class Grammar(Literals, Formats):
    """Draws one template; an object is good for one template."""

    def __init__(self, chance: random.Random) -> None:
        """Draw from this source of chance."""
        self.chance = chance
        self.scope: list[tuple[str, str]] = []
        self.dot = "root"
        self.root = True
        self.loops = 0
        #: Names that may be called here; each definition calls only those before it, so that none calls itself.
        self.callable = 0
        self.defined = 0
        #: Most templates make no mistake on purpose.
        self.careful = chance.random() < 0.6

    # Drawing.

    def maybe(self, share: float) -> bool:
        """Return true in this share of cases."""
        return self.chance.random() < share

    def slip(self, share: float) -> bool:
        """Return whether to make a mistake here."""
        return not self.careful and self.maybe(share)

    def kind(self) -> str:
        """Return a kind of value."""
        return self.chance.choice(_KINDS)

    def template(self) -> str:
        """Return a template."""
        text = self.body(3, top=True)
        if self.slip(0.3):
            text = self.damaged(text)
        return text

    def damaged(self, text: str) -> str:
        """Return a text with a few pieces lost, doubled or put in."""
        chance = self.chance
        for _ in range(chance.choice((1, 1, 1, 2, 3))):
            at = chance.randrange(len(text) + 1)
            until = min(len(text), at + chance.choice((0, 0, 1, 1, 2, 5, 20)))
            # Nearly all of what matters stands near a brace.
            if self.maybe(0.5) and "{{" in text:
                at = text.find("{{", at) if text.find("{{", at) >= 0 else text.rfind("{{")
                at += chance.choice((0, 1, 2, 2, 3))
                until = max(at, until)
            again = text[at:until] * 2 if self.maybe(0.1) else ""
            text = text[:at] + again + (chance.choice(_DAMAGE) if self.maybe(0.7) else "") + text[until:]
        return text

    # Statements.

    def body(self, depth: int, *, top: bool = False) -> str:
        """Return a run of statements with a scope of its own."""
        mark = len(self.scope)
        count = self.chance.choice((1, 2, 2, 3, 3, 4, 5) if top else (0, 1, 1, 2, 2, 3))
        text = "".join(self.statement(depth, top=top) for _ in range(count))
        del self.scope[mark:]
        return text

    def statement(self, depth: int, *, top: bool) -> str:
        """Return one statement."""
        roll = self.chance.random()
        if roll < 0.17:
            return "{" if self.slip(0.1) else self.chance.choice(_TEXTS)
        if roll < 0.20:
            return self.tag(
                self.chance.choice(("/**/", "/* x */", "/* }} */", "/*\n*/", "/* \" ' ` */", "/***/")), tight=True
            )
        if roll < 0.52 or not depth:
            return self.tag(self.pipeline(self.kind(), 3))
        if roll < 0.62:
            return self.declaration()
        if roll < 0.67 and self.scope:
            name, kind = ("$", "any") if self.maybe(0.02) else self.chance.choice(self.scope)
            return self.tag(
                f"{name}{self.gap()}={self.gap()}{self.pipeline(kind if self.maybe(0.7) else self.kind(), 2)}"
            )
        if roll < 0.76:
            return self.branch(depth)
        if roll < 0.82:
            return self.with_(depth)
        if roll < 0.92:
            return self.range_(depth)
        if self.loops and self.maybe(0.6):
            return (
                self.tag("if " + self.pipeline("bool", 1))
                + self.tag(self.chance.choice(("break", "continue")))
                + self.tag("end")
            )
        return self.named(depth, top=top)

    def declaration(self) -> str:
        """Return an action that declares a variable."""
        kind = self.kind()
        name = self.chance.choice(("$x", "$y", "$z", "$é", "$x1", "$Long_name", "$" if self.maybe(0.1) else "$x"))
        text = self.tag(f"{name}{self.gap()}:={self.gap()}{self.pipeline(kind, 2)}")
        self.scope.append((name, kind))
        return text

    def branch(self, depth: int) -> str:
        """Return an if."""
        mark = len(self.scope)
        text = self.tag(f"if {self.condition()}") + self.body(depth - 1)
        while self.maybe(0.25):
            text += self.tag(f"else if {self.condition()}") + self.body(depth - 1)
        if self.maybe(0.4):
            text += self.tag("else") + self.body(depth - 1)
        del self.scope[mark:]
        return text + self.tag("end")

    def condition(self) -> str:
        """Return the pipeline of an if, which may declare."""
        kind = "bool" if self.maybe(0.5) else self.kind()
        pipeline = self.pipeline(kind, 2)
        if self.maybe(0.12):
            name = self.chance.choice(("$c", "$x"))
            self.scope.append((name, kind))
            return f"{name} := {pipeline}"
        return pipeline

    def with_(self, depth: int) -> str:
        """Return a with."""
        mark = len(self.scope)
        text, word = "", "with"
        while True:
            kind = self.chance.choice(("map", "string", "list", "binding", self.kind()))
            pipeline = self.pipeline(kind, 2)
            if self.maybe(0.2):
                self.scope.append(("$w", kind))
                pipeline = f"$w := {pipeline}"
            with self.inside(kind):
                text += self.tag(f"{word} {pipeline}") + self.body(depth - 1)
            word = "else with"
            if not self.maybe(0.2):
                break
        if self.maybe(0.4):
            text += self.tag("else") + self.body(depth - 1)
        del self.scope[mark:]
        return text + self.tag("end")

    def range_(self, depth: int) -> str:
        """Return a range."""
        mark = len(self.scope)
        kind = self.chance.choice(("list", "list", "list", "map", "int", self.kind() if self.slip(0.5) else "list"))
        pipeline = self.small() if kind == "int" else self.pipeline(kind, 2)
        roll = self.chance.random()
        if kind == "int" and not self.slip(0.3):
            roll = max(roll, 0.3) if roll < 0.6 else 1
        if roll < 0.3:
            self.scope += [("$i", "int"), ("$v", "any")]
            head = self.chance.choice(("$i, $v := ", "$i,$v:=", "$i , $v  :=  "))
        elif roll < 0.5:
            self.scope.append(("$v", "any"))
            head = "$v := "
        elif roll < 0.6 and self.scope:
            head = f"{self.chance.choice(self.scope)[0]} = "
        elif roll < 0.65 and self.scope:
            head = f"{self.chance.choice(self.scope)[0]}, {self.chance.choice(self.scope)[0]} = "
        else:
            head = ""
        item = "row" if ".rows" in pipeline else "int" if kind == "int" or ".nums" in pipeline else "any"
        self.loops += 1
        with self.inside(item):
            text = self.tag(f"range {head}{pipeline}") + self.body(depth - 1)
        self.loops -= 1
        if self.maybe(0.3):
            text += self.tag("else") + self.body(depth - 1)
        del self.scope[mark:]
        return text + self.tag("end")

    def small(self) -> str:
        """Return an integer that is sensible to count to."""
        return self.chance.choice(
            (
                "0",
                "1",
                "2",
                "3",
                "5",
                "-1",
                "$.Vars.m",
                ".Vars.m",
                "(len $.Vars.nums)",
                "'\\x03'",
                "0x3",
                "1.5" if self.slip(0.5) else "4",
            )
        )

    def named(self, depth: int, *, top: bool) -> str:
        """Return a definition, a block or a call of a template."""
        roll = self.chance.random()
        if (top and roll < 0.5) or (self.defined == 0 and roll < 0.7):
            number = self.defined
            name = f"`t{self.chance.randrange(3)}`" if self.slip(0.3) else f'"t{number}"'
            saved = self.scope, self.dot, self.root, self.loops, self.callable
            self.scope, self.dot, self.root, self.loops, self.callable = [], "any", False, 0, number
            is_block = not top or self.maybe(0.3)
            text = self.body(depth - 1)
            self.scope, self.dot, self.root, self.loops, self.callable = saved
            self.defined += 1
            head = f"block {name} {self.pipeline(self.kind(), 1)}" if is_block else f"define {name}"
            self.callable = max(self.callable, number + 1)
            return self.tag(head) + text + self.tag("end")
        if not self.callable and not self.slip(0.3):
            return ""
        name = f'"t{self.chance.randrange(self.callable)}"' if self.callable and not self.slip(0.1) else '"nowhere"'
        argument = "" if self.maybe(0.2) else self.chance.choice((" .", " $", f" {self.pipeline(self.kind(), 2)}"))
        return self.tag(f"template {name}{argument}")

    @contextmanager
    def inside(self, dot: str) -> Iterator[None]:
        """Draw with another dot."""
        saved, self.dot = self.dot, dot
        yield
        self.dot = saved

    def tag(self, text: str, *, tight: bool = False) -> str:
        """Return an action with its delimiters, which may trim."""
        left = "{{- " if self.maybe(0.1) else "{{" if tight or self.maybe(0.8) else "{{ "
        right = " -}}" if self.maybe(0.1) else "}}" if tight or self.maybe(0.8) else " }}"
        return left + text + right

    def gap(self) -> str:
        """Return the space around a sign."""
        return self.chance.choice(("", " ", " ", " ", "\n", "\t "))

    # Expressions.

    def pipeline(self, kind: str, depth: int) -> str:
        """Return a pipeline that gives this kind, in most cases."""
        if self.slip(0.06):
            kind = self.kind()
        if kind == "nil" and not self.slip(0.1):
            return (
                self.chance.choice(("$.Vars.nil", 'index $.Vars "gone"', "print nil", "default nil nil"))
                if self.root
                else "."
            )
        roll = self.chance.random()
        if depth and roll < 0.5:
            words = self.call(kind, depth)
            if len(words) > 1 and self.maybe(0.3) and not words[-1].startswith("("):
                return f"{words[-1]}{self.gap()}|{self.gap()}{' '.join(words[:-1])}"
            return self.chance.choice((" ", " ", " ", "  ")).join(words)
        if depth and roll < 0.6:
            inner = self.pipeline(kind, depth - 1)
            filters = ["print", "html", "printf `%v`", "js", "not", "toJSON", "println", "urlquery", "default 1"]
            if kind in ("string", "list", "map") or self.slip(0.3):
                filters.append("len")
            return f"{inner} | {self.chance.choice(filters)}"
        return self.operand(kind, depth)

    def operand(self, kind: str, depth: int) -> str:
        """Return something that can stand as an argument."""
        if self.slip(0.08):
            kind = self.kind()
        options = [name for name, known in self.scope if kind in ("any", known)]
        roll = self.chance.random()
        if options and roll < 0.3:
            name = self.chance.choice(options)
            return f"{name}.{self.chance.choice(('name', 'a', 'ID', 'Vars.s'))}" if self.slip(0.15) else name
        if depth and roll < 0.45:
            text = f"({self.pipeline(kind, depth - 1)})"
            if self.slip(0.15):
                text += f".{self.chance.choice(('name', 'a', 'ID', 'x', 'Vars'))}"
            return text
        if roll < 0.65 or (kind in ("binding", "list", "map") and not self.slip(0.1)):
            return self.path(kind)
        if self.dot == kind and roll < 0.7:
            return "."
        return self.literal(kind)

    def path(self, kind: str) -> str:
        """Return a path to a value of this kind."""
        chance = self.chance
        if self.dot == "row" and self.maybe(0.5):
            return chance.choice((".name", ".value", ".a", ".gone" if self.slip(0.3) else ".", "."))
        if self.dot == "binding" and self.maybe(0.5):
            fields = (
                (".ID", ".Type", ".Snapshot") if self.careful else (".ID", ".Snapshot.name", ".Secret.secret", ".Gone")
            )
            return chance.choice(fields)
        if self.dot not in ("root", "row", "binding") and self.maybe(0.2):
            return chance.choice((".name", ".a", "$")) if self.slip(0.3) else "."
        start = "" if self.dot == "root" and self.maybe(0.6) else "$"
        if not self.root and not self.slip(0.3):
            return (
                chance.choice((".", "$")) if self.careful else chance.choice((".", "$", ".name", "$.Vars.s", ".Vars.n"))
            )
        roll = chance.random()
        if kind == "binding" or roll < 0.1:
            slot = chance.choice(SLOTS)
            binding = (
                f'(index {start}.Bindings "{slot}")'
                if "-" in slot or self.careful or self.maybe(0.5)
                else f"{start}.Bindings.{slot}"
            )
            if kind == "binding" and self.maybe(0.8):
                return binding
            field = chance.choice(FIELDS)
            if self.careful:
                return chance.choice(
                    (f"{binding}.ID", f"{binding}.Type", f"{binding}.Snapshot", f'(index {binding}.Snapshot "{field}")')
                )
            return binding + chance.choice(
                (".ID", ".Type", ".Snapshot", f".Snapshot.{field}", ".Secret.secret", ".Secret", ".Nope")
            )
        if kind == "string" and roll < 0.25:
            return f"{start}.Device.{chance.choice(('ID', 'ExternalID', 'DomainID'))}"
        if roll > 0.96:
            if self.careful:
                return chance.choice((f"{start}.Device", f"{start}.Vars", f"{start}.Bindings", start or "."))
            return chance.choice(
                (
                    f"{start}.Device",
                    f"{start}.Vars",
                    f"{start}.Bindings",
                    start or ".",
                    f"{start}.Nope",
                    f"{start}.Vars.gone",
                )
            )
        names = KINDS.get(kind) or KINDS[chance.choice(list(KINDS))]
        path = f"{start}.Vars.{chance.choice(names)}"
        if kind in ("any", "map") and self.slip(0.3):
            path += f".{chance.choice(('a', 'name', 'b', 'a.b', 'list'))}"
        return path

    def call(self, kind: str, depth: int) -> list[str]:
        """Return the words of a call whose result is of this kind, in most cases."""
        calls = {
            "string": self.text_call,
            "bool": self.bool_call,
            "int": self.int_call,
            "float": self.choice_call,
            "list": self.list_call,
            "map": self.map_call,
        }
        draw = calls.get(kind, self.choice_call)
        if self.slip(0.15):
            draw = self.choice_call
        return draw(kind, depth - 1)

    def arguments(self, depth: int, most: int = 4) -> list[str]:
        """Return some arguments of any kind."""
        return [self.operand(self.kind(), depth) for _ in range(self.chance.randrange(most))]

    def text_call(self, kind: str, depth: int) -> list[str]:
        """Return a call that gives a string."""
        chance = self.chance
        roll = chance.random()
        if roll < 0.45:
            form, wanted = self.form()
            arguments = [self.operand(each if self.maybe(0.85) else self.kind(), depth) for each in wanted]
            if self.maybe(0.04):
                arguments = arguments[1:] or self.arguments(depth)
            return ["printf", self.quoted(form), *arguments]
        if roll < 0.75:
            name = chance.choice(("print", "println", "html", "js", "urlquery", "print"))
            return [name, *self.arguments(depth)]
        if roll < 0.85:
            return ["toJSON", self.operand(self.kind(), depth)]
        if roll < 0.93:
            return ["slice", self.operand("string", depth), *self.bounds(2)]
        return ["required", self.operand("string", 0), self.operand("string", depth)]

    def bounds(self, most: int) -> list[str]:
        """Return indexes for slice, more or less in order."""
        count = self.chance.choice((0, 1, 1, 2, 2, most, most + 1 if self.slip(0.5) else 1))
        numbers = sorted(
            self.chance.choice((0, 0, 0, 1, 1 if self.careful else 9, 0 if self.careful else -1, 2))
            for _ in range(count)
        )
        return [self.operand("int", 1) if self.slip(0.2) else str(number) for number in numbers]

    def bool_call(self, kind: str, depth: int) -> list[str]:
        """Return a call that gives a bool."""
        chance = self.chance
        roll = chance.random()
        if roll < 0.15:
            return ["not", self.operand(self.kind(), depth)]
        if roll < 0.35:
            return self.choice_call("bool", depth)
        name = chance.choice(("eq", "eq", "eq", "ne", "lt", "le", "gt", "ge"))
        both = chance.choice(("int", "float", "string")) if self.careful else self.kind()
        others = chance.choice((1, 1, 1, 2, 3) if name == "eq" else (1,))
        if self.slip(0.1):
            others = chance.choice((0, 2))
        return [name, *(self.operand(self.kind() if self.slip(0.3) else both, depth) for _ in range(others + 1))]

    def int_call(self, kind: str, depth: int) -> list[str]:
        """Return a call that gives an integer."""
        chance = self.chance
        roll = chance.random()
        if roll < 0.5:
            return [
                "len",
                self.operand(
                    chance.choice(("string", "list", "map", self.kind() if self.slip(0.5) else "list")), depth
                ),
            ]
        if roll < 0.8:
            return ["index", self.operand(chance.choice(("list", "string")), depth), *self.indexes("int")]
        return self.choice_call(kind, depth)

    def list_call(self, kind: str, depth: int) -> list[str]:
        """Return a call that gives a list."""
        if self.maybe(0.6):
            return ["slice", self.operand("list", depth), *self.bounds(3)]
        return self.choice_call(kind, depth)

    def map_call(self, kind: str, depth: int) -> list[str]:
        """Return a call that gives a map, or what one holds."""
        start = "$" if self.maybe(0.5) else ""
        item = self.chance.choice(
            (
                f"{start}.Vars",
                f"{start}.Vars.rows" if self.slip(0.3) else f"{start}.Vars.deep",
                f"{start}.Bindings",
                self.operand("map", depth),
            )
        )
        return ["index", item, *self.indexes("string")]

    def indexes(self, kind: str) -> list[str]:
        """Return what index looks up."""
        chance = self.chance
        found = []
        for _ in range(chance.choice((0, 2)) if self.slip(0.2) else 1):
            if self.slip(0.3):
                found.append(self.operand(self.kind(), 1))
            elif kind == "int":
                found.append(
                    chance.choice(
                        ("0", "0", "1", "2", "-1", "9", "1.0", "'\\x01'", "0x1", ".Vars.m", "$.Vars.zero")[
                            : 2 if self.careful else 11
                        ]
                    )
                )
            else:
                found.append(f'"{chance.choice((*KEYS, *SLOTS, "s", "rows", "map", "gone", "nil"))}"')
        return found

    def choice_call(self, kind: str, depth: int) -> list[str]:
        """Return a call that gives what it is given, or nothing sensible."""
        chance = self.chance
        roll = chance.random()
        if roll < 0.6:
            arguments = [
                self.operand(kind if self.maybe(0.6) else self.kind(), depth)
                for _ in range(0 if self.slip(0.1) else chance.choice((1, 2, 2, 2, 3)))
            ]
            if self.maybe(0.06):
                name = chance.choice(("$a", "$x"))
                arguments.append(f"({name} := {self.operand(kind, 0)})")
                self.scope.append((name, kind))
            return [chance.choice(("and", "or")), *arguments]
        if roll < 0.85:
            return ["default", self.operand(kind, depth), self.operand(kind if self.maybe(0.6) else "nil", depth)]
        if self.careful:
            return ["index", self.operand("map", 0), *self.indexes("string")]
        if roll < 0.93:
            return [
                "index",
                self.operand(chance.choice(("list", "map", "any")), depth),
                *self.indexes(chance.choice(("int", "string"))),
            ]
        return [
            chance.choice(("call", "html", "printf", "index", "slice", "len", "not", "toJSON", "eq")),
            *self.arguments(depth),
        ]
