"""Pages of the shipped documentation, as the admin shows them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import Any, Final

from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import slugify
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token


class _Renderer(RendererHTML):
    """Writes HTML that the admin's styles, its Content-Security-Policy and screen readers get along with."""

    def fence(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        """Return code that scrolls in itself."""
        return format_html('<pre class="document" tabindex="0">{}</pre>\n', tokens[idx].content.rstrip("\n"))

    def table_open(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        """Return the beginning of a table that scrolls in itself."""
        return '<div class="scrolling" tabindex="0" role="region" aria-label="Table"><table>\n'

    def table_close(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return "</table></div>\n"

    def link_open(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        """Return nothing: not every page that is linked from here is in the admin."""
        return ""

    link_close = link_open


_MARKDOWN: Final = MarkdownIt("commonmark", {"html": False}, renderer_cls=_Renderer).enable("table")


@cache
def doc_page(name: str) -> SafeString:
    """Return docs/`name`.md as HTML without its title; each heading has its text as an anchor.

    Cost: reads and renders some ten kilobytes, once for each process.
    """
    _, text = (files("bootstrap_project") / "docs" / f"{name}.md").read_text(encoding="utf-8").split("\n", 1)
    tokens = _MARKDOWN.parse(text)
    for token, following in pairwise(tokens):
        # A column's alignment would be an inline style, which the Content-Security-Policy forbids.
        token.attrs.pop("style", None)
        if token.type == "heading_open":
            token.attrs["id"] = slugify(following.content)
        elif token.type == "th_open":
            token.attrs["scope"] = "col"
    html: str = _MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {})
    # The renderer escapes all that it is given, HTML included.
    return mark_safe(html)  # noqa: S308
