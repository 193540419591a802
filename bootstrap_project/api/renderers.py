"""Answers in JSON, whatever the caller says it accepts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from bootstrap_project.documents.json import dump_json


class JSONRenderer(BaseRenderer):
    """Writes answers as Go's encoder does."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        del accepted_media_type, renderer_context
        return b"" if data is None else dump_json(data)


class JSONOnlyNegotiation(BaseContentNegotiation):
    """Takes the view's first renderer: the SDKs' `Accept` headers were never looked at and must not matter."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser | None:
        """Return the first parser; views read bodies through `api.parsers`, which check the type."""
        del request
        return next(iter(parsers), None)

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        del request, format_suffix
        renderer = next(iter(renderers))
        return renderer, str(renderer.media_type)
