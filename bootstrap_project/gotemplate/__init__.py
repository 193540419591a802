"""Go's text/template in Python: exact, bounded and fast; see README.md in this directory."""

from __future__ import annotations

from .builtins import FUNCTIONS
from .compiler import Program, compile_tree
from .context import BindingContext, DeviceContext, RenderContext, normalize
from .errors import MissingValue, TemplateError, TemplateExecError, TemplateLimitError, TemplateSyntaxError
from .faults import shortened
from .go.strconv import quote
from .lexer import Source
from .limits import Limits
from .nodes import Tree
from .parser import parse
from .suggestions import Suggestions
from .template import Mode, Template

__all__ = [
    "FUNCTIONS",
    "BindingContext",
    "DeviceContext",
    "Limits",
    "MissingValue",
    "Mode",
    "Program",
    "RenderContext",
    "Source",
    "Suggestions",
    "Template",
    "TemplateError",
    "TemplateExecError",
    "TemplateLimitError",
    "TemplateSyntaxError",
    "Tree",
    "compile_tree",
    "normalize",
    "parse",
    "quote",
    "shortened",
]
