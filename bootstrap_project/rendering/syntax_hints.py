"""What to write instead, where a template does not parse: most mistakes are habits from another language."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from bootstrap_project.gotemplate import FUNCTIONS, RenderContext, Suggestions, TemplateSyntaxError, quote, shortened

_BRACES: Final = 'Braces that are meant for the device are written `{{ "{{" }}`.'
_ARITHMETIC: Final = "There is no arithmetic: put the result into a variable of the profile."
#: What other languages write, and its name here with an example.
_OPERATORS: Final = {
    "==": "`eq`: `if eq .Vars.a 1`",
    "!=": "`ne`: `if ne .Vars.a 1`",
    "<=": "`le`: `if le .Vars.a 1`",
    ">=": "`ge`: `if ge .Vars.a 1`",
    "<": "`lt`: `if lt .Vars.a 1`",
    ">": "`gt`: `if gt .Vars.a 1`",
    "&&": "`and`: `if and .Vars.a .Vars.b`",
    "&": "`and`: `if and .Vars.a .Vars.b`",
    "||": "`or`: `if or .Vars.a .Vars.b`",
    "!": "`not`: `if not .Vars.a`",
    "=": "`eq`: `if eq .Vars.a 1`",
}
_WORDS: Final = {
    **dict.fromkeys(("elseif", "elif", "elsif", "elseIf"), "Write `{{ else if … }}`, in two words."),
    **dict.fromkeys(("endif", "endfor", "endrange", "endwith", "fi", "done"), "Every block ends with `{{ end }}`."),
    **dict.fromkeys(("for", "foreach", "each"), "Loops are written `{{ range .Vars.list }}…{{ end }}`."),
    **dict.fromkeys(("null", "None", "none", "undefined"), "Nothing is called `nil`."),
    **dict.fromkeys(("True", "TRUE"), "It is written `true`."),
    **dict.fromkeys(("False", "FALSE"), "It is written `false`."),
    "in": "Write `range $i, $x := .Vars.list`.",
}
#: Left and right, single and double, low and pointed ones.
_CURLY_QUOTES: Final = frozenset("\u2018\u2019\u201c\u201d\u201e\u00ab\u00bb")
_OPERATOR: Final = re.compile(r"==|!=|<=|>=|&&|\|\||[<>&!=]")
#: A name with what it runs into, such as `.list[0]`, `.my-key` or `.a==1`.
_NAME: Final = re.compile(r"(?P<name>[.$]?\w*)(?P<sign>[^\w\s])")
_PATH: Final = re.compile(r"(?:[.$][\w.]*)\Z")


def syntax_hint(error: TemplateSyntaxError, source: str) -> str:
    """Return what to write instead; "" where nothing is known.

    Cost: a look at the action in which the error is, and a bounded search for a similar name.
    """
    if error.code in _BY_CODE:
        return _BY_CODE[error.code](error, source)
    if not error.location.line:
        return ""
    lines = source.split("\n")
    pos = sum(len(line) + 1 for line in lines[: error.location.line - 1]) + error.location.column - 1
    start = max(0, source.rfind("{{", 0, pos))
    inside, before, rest = source[start + 2 : start + 200], source[start + 2 : pos][-200:], source[pos : pos + 200]
    return next(filter(None, (look(inside, before, rest) for look in _LOOKS)), "")


# By the kind of error.


def _open_block(error: TemplateSyntaxError, _source: str) -> str:
    return f"The `{error.about}` of line {error.location.line} has no `{{{{ end }}}}`."


def _function(error: TemplateSyntaxError, source: str) -> str:
    name = error.about
    if name in RenderContext.go_fields:
        return f"What the template gets begins with a dot: `.{name}`."
    if name in _WORDS:
        return _WORDS[name]
    plain = {known.casefold(): known for known in FUNCTIONS}
    found = plain.get(name.casefold().replace("_", "")) or Suggestions().closest(name, sorted(FUNCTIONS))
    there_is = f"There is no function `{shortened(name)}`"
    if found:
        return f"{there_is}; did you mean `{found}`?"
    line = source.split("\n")[error.location.line - 1][: error.location.column - 1]
    is_placeholder = re.search(r"\{\{-?\s*\Z", line) is not None
    return f"{there_is}; there are {', '.join(sorted(FUNCTIONS))}.{f' {_BRACES}' if is_placeholder else ''}"


def _variable(error: TemplateSyntaxError, _source: str) -> str:
    name = shortened(error.about)
    return f"Declare it first, `{{{{ {name} := … }}}}`; it ends with the block that it is declared in."


def _no_value(error: TemplateSyntaxError, _source: str) -> str:
    if error.about == "command":
        return f"Write what to print between the braces. {_BRACES}"
    return f"Write what the `{error.about}` is about: `{{{{ {error.about} .Vars.name }}}}`."


def _no_block(_error: TemplateSyntaxError, _source: str) -> str:
    return "No block is open here: look for an `{{ end }}` too many before it, or remove it."


def _no_function(_error: TemplateSyntaxError, _source: str) -> str:
    return "Behind `|` stands a function, which gets the value before it: `.Vars.name | toJSON`."


_BY_CODE: Final[dict[str, Callable[[TemplateSyntaxError, str], str]]] = {
    "open-block": _open_block,
    "function": _function,
    "variable": _variable,
    "no-value": _no_value,
    "no-block": _no_block,
    "no-function": _no_function,
}


# By what stands at the place: the inside of the action, what is before the place in it, and what begins there.


def _comment(inside: str, _before: str, _rest: str) -> str:
    if not inside.lstrip(" -").startswith("/*"):
        return ""
    return "A comment has no spaces beside the braces: `{{/* note */}}`."


def _brace(_inside: str, before: str, rest: str) -> str:
    if not rest.startswith("{"):
        return ""
    if before.strip(" -"):
        return "Actions do not stand inside of actions: use parentheses, `toJSON (index .Vars.list 0)`."
    return f"Put a space between a brace that is text and those of an action: `{{ {{{{ .Vars.name }}}} }}`. {_BRACES}"


def _trim(inside: str, _before: str, rest: str) -> str:
    if re.match(r"-[^\s}]", inside):
        return "A space stands behind the hyphen that trims: `{{- .Vars.name }}`."
    if re.match(r"[.$\w]*-\}\}", rest):
        return "A space stands before the hyphen that trims: `{{ .Vars.name -}}`."
    return ""


def _quotes(_inside: str, _before: str, rest: str) -> str:
    if rest[:1] in _CURLY_QUOTES:
        return 'Texts stand in straight quotes: `"x"`.'
    if rest.startswith("'"):
        return 'Texts stand in `"` or backquotes: `"x"`.'
    return 'The text has no closing `"` on its line.' if rest.startswith('"') else ""


def _unclosed(_inside: str, _before: str, rest: str) -> str:
    return "The action that is open here has no `}}`." if not rest else ""


def _place_of_name(_inside: str, before: str, rest: str) -> str:
    if re.search(r"\b(define|template|block)\s+\Z", before):
        return 'The name of a template stands in quotes: `{{ define "name" }}`.'
    return "`{{ end }}` and `{{ else }}` stand alone." if re.search(r"\b(end|else)\s+\Z", before) and rest else ""


def _name(_inside: str, before: str, rest: str) -> str:
    """Explain a name that runs into a sign: an index, a hyphen, a digit in front, an operator."""
    path = _PATH.search(before)
    owner = path[0] if path else ""
    if found := re.match(r"\.([0-9]\w*)", rest):
        return f"A name that begins with a digit is read by `index {owner or '.Vars'} {quote(found[1])}`."
    if found := re.match(r"((?:[.$]\w*)+)\[([^\]\s]*)\]", rest):
        return f"Items and members are read by `index {owner}{found[1]} {found[2]}`."
    if found := re.match(r"[.$]?(\w+(?:-\w+)+)", rest):
        hint = f"A name with a hyphen is read by `index {owner or '.Vars'} {quote(found[1])}`."
        return f"{hint} {_ARITHMETIC}" if re.search(r"-[0-9]", found[1]) else hint
    found = _NAME.match(rest)
    return _sign("", "", rest[found.start("sign") :]) if found and found["name"] else ""


def _sign(_inside: str, before: str, rest: str) -> str:
    # Of two bars the first one is an empty pipe.
    rest = f"|{rest}" if rest.startswith("|") and before.endswith("|") else rest
    if found := _OPERATOR.match(rest):
        return f"`{found[0]}` is written {_OPERATORS[found[0]]}."
    if rest[:1] == "?":
        return "Write `{{ if .Vars.a }}…{{ else }}…{{ end }}`."
    if rest[:1] and rest[0] in "+-*/%":
        return _ARITHMETIC
    if rest[:1] and rest[0] in ",(":
        return "Arguments stand behind the function, with spaces between: `eq .Vars.a 1`."
    return "Items and members are read by `index .Vars.list 0`." if rest[:1] == "[" else ""


_LOOKS: Final = (_comment, _brace, _trim, _quotes, _unclosed, _place_of_name, _name, _sign)
