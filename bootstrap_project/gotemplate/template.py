"""Façade: one template, parsed and compiled, that any number of threads may execute."""

from __future__ import annotations

from types import TracebackType
from typing import Final, Literal

from . import builtins, compare
from .codegen import Last
from .compiler import FILENAME, compile_tree
from .context import RenderContext
from .errors import MissingValue, TemplateError, TemplateExecError, TemplateLimitError, TemplateSyntaxError
from .faults import (
    MAX_QUOTED_LENGTH,
    ExecFault,
    LimitFault,
    NilFault,
    NilPrintFault,
    RequiredFault,
    shortened,
)
from .go import json as go_json
from .go.strconv import printable, quote, to_bytes
from .lexer import Source
from .limits import Limits
from .missing import find_missing, has_literal
from .nodes import CommandNode, IdentifierNode, ListNode, Node
from .parser import parse
from .state import State

_FUNCTION_FILES: Final = frozenset([compare.__file__, builtins.__file__, go_json.__file__])

Mode = Literal["exact", "strict"]

_FAILURES: Final = (ExecFault, KeyError, RecursionError, MemoryError)
_MISSING_FAULTS: Final = (KeyError, NilFault, NilPrintFault, RequiredFault)


class Template:
    """A template, ready to be executed; immutable, and safe to share between threads.

    Mode "strict" is for rendering: printing nil or a formatting error fails, float verbs take integers, and integers
    compare with floats by value. Mode "exact" is Go's text/template with missingkey=error. `program` is the generated
    code.
    """

    __slots__ = ("_main", "limits", "mode", "name", "program", "source", "tree")

    def __init__(
        self, source: str, *, name: str = "bootstrap", mode: Mode = "strict", limits: Limits | None = None
    ) -> None:
        """Parse and compile.

        Raises: TemplateSyntaxError.
        Cost: some 50 µs per action; keep the object.
        """
        if mode not in {"exact", "strict"}:
            raise ValueError(f"mode must be 'exact' or 'strict', not {mode!r}")
        self.name: Final = name
        self.mode: Final[Mode] = mode
        self.limits: Final = limits if limits is not None else Limits()
        self.tree: Final = parse(source, name, self.limits)
        self.source: Final = source
        try:
            self.program: Final = compile_tree(self.tree)
        except (RecursionError, MemoryError):
            # The limits leave room, but the caller may be near the interpreter's own limits already.
            reason = "template is too large or nested too deeply"
            raise TemplateSyntaxError(f"template: {name}: {reason}", reason=reason, name=name) from None
        self._main: Final = self.program.load(strict=mode == "strict")

    def execute(self, data: RenderContext, *, explain: bool = True, quotes: bool = False) -> str:
        """Return the text of the template for some data; bytes that are not valid UTF-8 become U+FFFD.

        With `explain` a failure names everything that is missing, in what the execution left of its time;
        without, only what failed and where, in the template's own words. Strict mode's errors quote no value; `quotes`
        lets them quote the names that the template computed for `required`, where nothing was computed from a secret.
        Raises: TemplateExecError; TemplateLimitError where a budget was used up.
        """
        text = self.run(data, explain=explain, quotes=quotes)
        return text if text.isascii() else printable(text)

    def run(self, data: RenderContext, *, explain: bool = True, quotes: bool = False) -> str:
        """Return what `execute` does, with a lone surrogate for each byte that is no UTF-8 (see go.strconv)."""
        if not isinstance(data, RenderContext):
            raise TypeError(f"a template is executed with a RenderContext, not with {type(data).__name__}")
        limits = self.limits
        state = State(limits)
        try:
            text = self._main(state, data)
            if len(text) > limits.max_output or (not text.isascii() and len(to_bytes(text)) > limits.max_output):
                raise LimitFault(f"output is larger than {limits.max_output} bytes")
        except _FAILURES as failure:
            error = self._error(failure, data, state, explain=explain, quotes=quotes)
        else:
            return text
        raise error from None

    # Errors: nothing below runs unless an execution has failed.

    def _error(
        self, failure: BaseException, data: RenderContext, state: State, *, explain: bool, quotes: bool
    ) -> TemplateError:
        template, node, called = self._where(failure.__traceback__)
        reason, safe = _reason(failure)
        quotes = quotes or self.mode == "exact"
        if (quotes and called == "required") or _is_in_own_words(failure, node, called, explain=explain):
            safe = reason
        if called and isinstance(failure, ExecFault) and not isinstance(failure, LimitFault):
            reason, safe = f"error calling {called}: {reason}", f"error calling {called}: {safe}"
        strict = self.mode == "strict"
        source = Source(self.name, self.source)
        expression = "" if isinstance(node, ListNode) else str(node)
        location = source.location(node.start, expression)
        go_column = source.byte_column(node.pos)
        shown = safe if strict else reason
        executing, at = quote(template), expression
        if strict:
            shown, executing, at = shortened(shown, 2 * MAX_QUOTED_LENGTH), shortened(executing), shortened(at)
        words = printable(f"executing {executing} at <{at}>: {shown}")
        message, shown = printable(f"template: {self.name}:{node.line}:{go_column}: ") + words, printable(shown)
        if isinstance(failure, LimitFault | RecursionError | MemoryError):
            return TemplateLimitError(message, reason=shown, name=template, location=location, expression=expression)
        missing: tuple[MissingValue, ...] = ()
        if explain and isinstance(failure, _MISSING_FAULTS):
            deadline = state.time_is_up_at()
            missing = find_missing(
                self.program, source, data, self.limits, strict=strict, deadline=deadline, quotes=quotes
            )
        return TemplateExecError(
            message,
            reason=shown,
            name=template,
            location=location,
            expression=expression,
            missing=missing,
            code=failure.code if isinstance(failure, ExecFault) else "",
            # The name of `required` may be made of a secret.
            about=failure.name if isinstance(failure, ExecFault) and failure.code else "",
            unplaced=printable(f"template: {self.name}:{node.line}: ") + words,
        )

    def _where(self, traceback: TracebackType | None) -> tuple[str, Node, str]:
        """Return the template and node of the innermost line of generated code, and the function it had called."""
        found: tuple[str, Node] | None = None
        called = ""
        lines = self.program.lines
        while traceback is not None:
            code = traceback.tb_frame.f_code
            if code.co_filename == FILENAME and traceback.tb_lineno < len(lines):
                at = lines[traceback.tb_lineno]
                if at is not None:
                    node = at[1]
                    found = at[0], node.node(traceback.tb_frame.f_locals) if isinstance(node, Last) else node
                called = ""
            elif code.co_filename in _FUNCTION_FILES and not called and found is not None:
                called = _function_name(found[1])
            traceback = traceback.tb_next
        template, node = found if found is not None else (self.name, self.tree.root)
        return template, node, called


def _function_name(node: Node) -> str:
    """Return the name of the function that a command calls; nothing for other nodes."""
    first = node.args[0] if isinstance(node, CommandNode) else node
    return first.ident if isinstance(first, IdentifierNode) else ""


def _is_in_own_words(failure: BaseException, node: Node, called: str, *, explain: bool) -> bool:
    """Return whether all that a reason quotes stands in the template: a name or a format that nothing computed.

    With `explain` the names of the members that lead to a nil may be quoted, too.
    """
    if isinstance(failure, NilPrintFault):
        return explain and (called != "printf" or has_literal(node))
    return called in {"required", "printf"} and has_literal(node)


def _reason(failure: BaseException) -> tuple[str, str]:
    """Return Go's reason, and one that holds no values."""
    if isinstance(failure, ExecFault):
        return failure.reason, failure.safe
    if isinstance(failure, KeyError):
        reason = f"map has no entry for key {quote(str(failure.args[0]))}"
    else:
        reason = "values or templates are nested too deeply" if isinstance(failure, RecursionError) else "out of memory"
    return reason, reason
