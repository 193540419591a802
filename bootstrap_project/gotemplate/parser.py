"""Parser: tokens to tree, one function a grammar rule, with Go's wording in its messages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from . import lexer as lx
from . import nodes
from .builtins import FUNCTIONS
from .errors import TemplateSyntaxError
from .go.literals import NumberError, parse_character, parse_complex, parse_number
from .go.strconv import quote, unquote
from .lexer import Source, Token, tokenize
from .limits import Limits
from .token_stream import TokenStream

_OPERANDS: Final = frozenset(
    {
        lx.BOOL, lx.CHARACTER, lx.COMPLEX, lx.DOT, lx.FIELD, lx.IDENTIFIER, lx.NUMBER, lx.NIL, lx.RAW_STRING,
        lx.STRING, lx.VARIABLE, lx.LEFT_PAREN,
    }
)  # fmt: skip
_NOT_EXECUTABLE: Final = (nodes.BoolNode, nodes.DotNode, nodes.NilNode, nodes.NumberNode, nodes.StringNode)
_BRANCHES: Final = {kind.keyword: kind for kind in (nodes.IfNode, nodes.WithNode, nodes.RangeNode)}


def parse(source: str, name: str = "bootstrap", limits: Limits | None = None) -> nodes.Tree:
    """Parse a template and return its tree, without compiling it.

    Raises: TemplateSyntaxError.
    Source: Go text/template/parse.
    """
    limits = limits if limits is not None else Limits()
    if len(source) > limits.max_source:
        reason = f"template is longer than {limits.max_source} characters"
        raise TemplateSyntaxError(f"template: {name}: {reason}", reason=reason, name=name)
    parser = Parser(Source(name, source), limits)
    try:
        return parser.parse()
    except RecursionError:
        # The nesting limit leaves room, but the caller may be near the interpreter's limit already.
        reason = "template is nested too deeply"
        raise TemplateSyntaxError(f"template: {name}: {reason}", reason=reason, name=name) from None


class _Ending:
    """What ended a list: `{{end}}` or `{{else}}`."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text


_END, _ELSE = _Ending("{{end}}"), _Ending("{{else}}")


class Parser:
    """The state of one parse."""

    def __init__(self, source: Source, limits: Limits) -> None:
        """Split the source into tokens; nothing can fail yet."""
        self.tokens = TokenStream(source, tokenize(source.text, limits))
        self.limits = limits
        self.templates: dict[str, nodes.ListNode] = {}
        self.vars = ["$"]
        self.range_depth = 0
        self.parens = 0
        self.blocks = 0
        #: The words that opened the blocks around this point.
        self.open: list[Token] = []

    def parse(self) -> nodes.Tree:
        """template: (define | textOrAction)* EOF."""
        items: list[nodes.Node] = []
        start = self.tokens.peek().pos
        while (token := self.tokens.peek()).kind != lx.EOF:
            if token.kind == lx.LEFT:
                here = self.tokens.index
                self.tokens.next()
                word = self.tokens.next_non_space()
                if word.kind == "define":
                    self.definition(word)
                    continue
                self.tokens.index = here
            item = self.text_or_action()
            if isinstance(item, _Ending):
                self.tokens.fail(f"unexpected {item.text}", token.pos, code="no-block")
            _append(items, item)
        self.add(self.tokens.source.name, nodes.ListNode(*self.tokens.at(start), tuple(items)))
        return nodes.Tree(self.tokens.source.name, self.templates, self.tokens.source.text)

    def add(self, name: str, body: nodes.ListNode) -> None:
        """Keep a definition; only an empty one gives way to another of the same name."""
        if name not in self.templates or _is_empty(self.templates[name]):
            self.templates[name] = body
        elif not _is_empty(body):
            self.tokens.fail(f"template: multiple definition of template {quote(name)}")

    def definition(self, token: Token) -> None:
        """define: "define" string itemList "end"."""
        context = "define clause"
        name = self.template_name(self.tokens.next_non_space(), context)
        self.tokens.expect(lx.RIGHT, context)
        self.add(name, self.scoped(context, token))

    def scoped(self, context: str, opener: Token) -> nodes.ListNode:
        """Parse the body of a definition, which sees no variable from around it."""
        saved = self.vars, self.tokens.action_line, self.range_depth, self.parens
        self.vars, self.tokens.action_line, self.range_depth, self.parens = ["$"], 0, 0, 0
        self.open.append(opener)
        body, ending = self.item_list()
        self.open.pop()
        if ending is not _END:
            self.tokens.fail(f"unexpected {ending.text} in {context}")
        self.vars, self.tokens.action_line, self.range_depth, self.parens = saved
        return body

    def item_list(self) -> tuple[nodes.ListNode, _Ending]:
        """itemList: textOrAction* ("end" | "else")."""
        self.blocks += 1
        if self.blocks > self.limits.max_nesting:
            self.tokens.fail(f"blocks are nested more than {self.limits.max_nesting} deep")
        items: list[nodes.Node] = []
        start = self.tokens.peek_non_space().pos
        while True:
            if self.tokens.peek_non_space().kind == lx.EOF:
                opener = self.open[-1]
                self.tokens.fail("unexpected EOF", opener.pos, code="open-block", about=opener.value)
            item = self.text_or_action()
            if isinstance(item, _Ending):
                self.blocks -= 1
                return nodes.ListNode(*self.tokens.at(start), tuple(items)), item
            _append(items, item)

    def text_or_action(self) -> nodes.Node | _Ending:
        """textOrAction: text | action."""
        token = self.tokens.next_non_space()
        if token.kind == lx.TEXT:
            return nodes.TextNode(*self.tokens.at(token.pos), token.value)
        if token.kind != lx.LEFT:
            self.tokens.unexpected(token, "input")
        self.tokens.action_line, _ = self.tokens.source.position(token.pos)
        token = self.tokens.next_non_space()
        kind = token.kind
        node: nodes.Node | _Ending
        if kind in _BRANCHES:
            # The one call that recurs stays in this frame, to need little of the stack.
            node = self.control(kind, token)
        elif kind in _ACTIONS:
            node = _ACTIONS[kind](self, token)
        else:
            self.tokens.back_up()
            node = nodes.ActionNode(*self.tokens.at(token.pos), self.pipeline("command", lx.RIGHT))
        self.tokens.action_line = 0
        return node

    def control(self, keyword: str, token: Token) -> nodes.Node:
        """control: keyword pipeline itemList ("else" keyword pipeline itemList)* ("else" itemList)? "end"."""
        depth = len(self.vars)
        heads: list[tuple[int, nodes.PipeNode, nodes.ListNode, int]] = []
        last: nodes.ListNode | None = None
        self.open.append(token)
        while True:
            start = token.pos
            pipe = self.pipeline(keyword, lx.RIGHT)
            self.range_depth += keyword == "range"
            body, ending = self.item_list()
            self.range_depth -= keyword == "range"
            heads.append((pipe.pos, pipe, body, start))
            if ending is _END:
                break
            if keyword != "range" and self.tokens.peek().kind == keyword:
                if len(heads) > self.limits.max_branches:
                    self.tokens.fail(f"a block has more than {self.limits.max_branches} branches")
                token = self.tokens.next()
                continue
            last, ending = self.item_list()
            if ending is not _END:
                self.tokens.fail(f"expected end; found {ending.text}")
            break
        self.open.pop()
        del self.vars[depth:]
        make = _BRANCHES[keyword]
        while True:
            pos, pipe, body, start = heads.pop()
            node = make(*self.tokens.at(pos), pipe, body, last, chained=bool(heads))
            if not heads:
                return node
            last = nodes.ListNode(*self.tokens.at(start), (node,))

    def end(self, _token: Token) -> _Ending:
        """end: "end"."""
        self.tokens.expect(lx.RIGHT, "end")
        return _END

    def else_(self, _token: Token) -> _Ending:
        """else: "else" | "else" ("if" | "with"), where the word is left for the block that chains."""
        if self.tokens.peek_non_space().kind not in {"if", "with"}:
            self.tokens.expect(lx.RIGHT, "else")
        return _ELSE

    def leave(self, token: Token) -> nodes.Node:
        """leave: "break" | "continue"."""
        word = f"{{{{{token.kind}}}}}"
        following = self.tokens.next_non_space()
        if following.kind != lx.RIGHT:
            self.tokens.unexpected(following, word)
        if self.range_depth == 0:
            self.tokens.fail(f"{word} outside {{{{range}}}}", token.pos)
        return (nodes.BreakNode if token.kind == "break" else nodes.ContinueNode)(*self.tokens.at(token.pos))

    def block(self, opener: Token) -> nodes.Node:
        """block: "block" string pipeline itemList "end"."""
        context = "block clause"
        token = self.tokens.next_non_space()
        name = self.template_name(token, context)
        pipe = self.pipeline(context, lx.RIGHT)
        self.add(name, self.scoped(context, opener))
        return nodes.TemplateNode(*self.tokens.at(token.pos), name, pipe)

    def template(self, _token: Token) -> nodes.Node:
        """template: "template" string pipeline?."""
        context = "template clause"
        token = self.tokens.next_non_space()
        name = self.template_name(token, context)
        pipe = None
        if self.tokens.next_non_space().kind != lx.RIGHT:
            self.tokens.back_up()
            pipe = self.pipeline(context, lx.RIGHT)
        return nodes.TemplateNode(*self.tokens.at(token.pos), name, pipe)

    def template_name(self, token: Token, context: str) -> str:
        """Return the value of the string that names a template."""
        if token.kind not in (lx.STRING, lx.RAW_STRING):
            self.tokens.unexpected(token, context)
        return self.unquoted(token)

    def unquoted(self, token: Token) -> str:
        """Return the value of a string token."""
        text = unquote(token.value)
        if text is None:
            self.tokens.fail("invalid syntax", token.pos)
        return text

    def pipeline(self, context: str, end: str) -> nodes.PipeNode:
        """pipeline: declarations? command ("|" command)*."""
        start = self.tokens.peek_non_space()
        decl, is_assign = self.declarations(context) if start.kind == lx.VARIABLE else ((), False)
        cmds: list[nodes.CommandNode] = []
        while True:
            token = self.tokens.next_non_space()
            if token.kind == end:
                break
            if token.kind not in _OPERANDS:
                self.tokens.unexpected(token, context)
            self.tokens.back_up()
            cmds.append(self.command())
        if not cmds:
            self.tokens.fail(f"missing value for {context}", start.pos, code="no-value", about=context)
        for stage, cmd in enumerate(cmds[1:], 2):
            if isinstance(cmd.args[0], _NOT_EXECUTABLE):
                self.tokens.fail(f"non executable command in pipeline stage {stage}", cmd.pos, code="no-function")
        return nodes.PipeNode(*self.tokens.at(start.pos), decl, is_assign, tuple(cmds))

    def declarations(self, context: str) -> tuple[tuple[nodes.VariableNode, ...], bool]:
        """Parse declarations: variable ("," variable)? (":=" | "="), or nothing at all."""
        decl: list[nodes.VariableNode] = []
        while (variable := self.tokens.peek_non_space()).kind == lx.VARIABLE:
            here = self.tokens.index
            self.tokens.next()
            following = self.tokens.peek_non_space()
            if following.kind in (lx.ASSIGN, lx.DECLARE):
                self.tokens.next_non_space()
                decl.append(self.declared(variable))
                return tuple(decl), following.kind == lx.ASSIGN
            if following.kind != lx.CHAR or following.value != ",":
                # The variable is an operand, to be read again.
                self.tokens.index = here
                break
            self.tokens.next_non_space()
            decl.append(self.declared(variable))
            if context != "range" or len(decl) > 1:
                self.tokens.fail(f"too many declarations in {context}", following.pos)
            if self.tokens.peek_non_space().kind not in (lx.VARIABLE, lx.RIGHT, lx.RIGHT_PAREN):
                self.tokens.fail("range can only initialize variables", following.pos)
        return tuple(decl), False

    def declared(self, token: Token) -> nodes.VariableNode:
        """Bring a variable into scope."""
        self.vars.append(token.value)
        return nodes.VariableNode(*self.tokens.at(token.pos), tuple(token.value.split(".")), token.pos)

    def command(self) -> nodes.CommandNode:
        """command: operand (space operand)*; goes past the "|" that ends it."""
        args: list[nodes.Node] = []
        start = self.tokens.peek_non_space().pos
        while True:
            self.tokens.peek_non_space()
            operand = self.operand()
            if operand is not None:
                args.append(operand)
            token = self.tokens.next()
            if token.kind == lx.SPACE:
                continue
            if token.kind in (lx.RIGHT, lx.RIGHT_PAREN):
                self.tokens.back_up()
            elif token.kind != lx.PIPE:
                self.tokens.unexpected(token, "operand")
            break
        if not args:
            self.tokens.fail("empty command", start)
        return nodes.CommandNode(*self.tokens.at(start), tuple(args))

    def operand(self) -> nodes.Node | None:
        """operand: term field*."""
        token = self.tokens.next_non_space()
        node: nodes.Node | None
        if token.kind == lx.LEFT_PAREN:
            if self.parens >= self.limits.max_nesting:
                self.tokens.fail("max expression depth exceeded", token.pos)
            self.parens += 1
            node = self.pipeline("parenthesized pipeline", lx.RIGHT_PAREN)
            self.parens -= 1
        elif token.kind in _TERMS:
            node = _TERMS[token.kind](self, token)
        else:
            self.tokens.back_up()
            return None
        if self.tokens.peek().kind == lx.FIELD:
            return self.chain(token.pos, node)
        return node

    def chain(self, start: int, node: nodes.Node) -> nodes.Node:
        """Attach the fields that follow a term to it."""
        pos = self.tokens.peek().pos
        fields: list[str] = []
        while self.tokens.peek().kind == lx.FIELD:
            fields.append(self.tokens.next().value[1:])
            if len(fields) > self.limits.max_nesting:
                self.tokens.fail(f"a chain has more than {self.limits.max_nesting} fields", pos)
        if isinstance(node, nodes.FieldNode):
            return nodes.FieldNode(*self.tokens.at(pos), (*node.ident, *fields), start)
        if isinstance(node, nodes.VariableNode):
            return nodes.VariableNode(*self.tokens.at(pos), (*node.ident, *fields), start)
        if isinstance(node, _NOT_EXECUTABLE):
            self.tokens.fail(f"unexpected . after term {quote(str(node))}", pos)
        return nodes.ChainNode(*self.tokens.at(pos), node, tuple(fields), start)

    # Terms.

    def function(self, token: Token) -> nodes.Node:
        if token.value not in FUNCTIONS:
            self.tokens.fail(
                f"function {quote(token.value)} not defined", token.pos, code="function", about=token.value
            )
        return nodes.IdentifierNode(*self.tokens.at(token.pos), token.value)

    def variable(self, token: Token) -> nodes.Node:
        """Return the node of a variable, which has to be in scope."""
        if token.value not in self.vars:
            self.tokens.fail(f"undefined variable {quote(token.value)}", token.pos, code="variable", about=token.value)
        return nodes.VariableNode(*self.tokens.at(token.pos), (token.value,), token.pos)

    def field(self, token: Token) -> nodes.Node:
        return nodes.FieldNode(*self.tokens.at(token.pos), (token.value[1:],), token.pos)

    def constant(self, token: Token) -> nodes.Node:
        """Return the node of `.`, nil, true or false."""
        if token.kind == lx.BOOL:
            return nodes.BoolNode(*self.tokens.at(token.pos), token.value == "true")
        return (nodes.DotNode if token.kind == lx.DOT else nodes.NilNode)(*self.tokens.at(token.pos))

    def number(self, token: Token) -> nodes.Node:
        """Return the node of a number or a character constant."""
        try:
            value = _READ_NUMBER[token.kind](token.value)
        except NumberError as error:
            self.tokens.fail(str(error), token.pos)
        return nodes.NumberNode(*self.tokens.at(token.pos), token.value, value)

    def string(self, token: Token) -> nodes.Node:
        return nodes.StringNode(*self.tokens.at(token.pos), token.value, self.unquoted(token))


_READ_NUMBER: Final[dict[str, Callable[[str], int | float | complex | None]]] = {
    lx.NUMBER: parse_number,
    lx.COMPLEX: parse_complex,
    lx.CHARACTER: parse_character,
}
_ACTIONS: Final[dict[str, Callable[[Parser, Token], nodes.Node | _Ending]]] = {
    "block": Parser.block,
    "break": Parser.leave,
    "continue": Parser.leave,
    "else": Parser.else_,
    "end": Parser.end,
    "template": Parser.template,
}
_TERMS: Final[dict[str, Callable[[Parser, Token], nodes.Node]]] = {
    lx.IDENTIFIER: Parser.function,
    lx.VARIABLE: Parser.variable,
    lx.FIELD: Parser.field,
    lx.DOT: Parser.constant,
    lx.NIL: Parser.constant,
    lx.BOOL: Parser.constant,
    lx.NUMBER: Parser.number,
    lx.COMPLEX: Parser.number,
    lx.CHARACTER: Parser.number,
    lx.STRING: Parser.string,
    lx.RAW_STRING: Parser.string,
}


def _append(items: list[nodes.Node], node: nodes.Node) -> None:
    """Add a node; text that only a comment or a definition stood between is one text."""
    if isinstance(node, nodes.TextNode) and items and isinstance(items[-1], nodes.TextNode):
        before = items.pop()
        node = nodes.TextNode(before.pos, before.line, before.column, before.text + node.text)  # type: ignore[attr-defined]
    items.append(node)


def _is_empty(body: nodes.ListNode) -> bool:
    """Return whether a definition holds nothing but space."""
    return all(isinstance(node, nodes.TextNode) and not node.text.strip() for node in body.nodes)
