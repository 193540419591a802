"""The API's description, made once, and the page that shows it, under a policy as strict as the admin's."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Final

from csp.utils import build_policy
from django.http import HttpRequest, HttpResponse
from drf_spectacular.views import SpectacularJSONAPIView, SpectacularSwaggerSplitView, SpectacularYAMLAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bootstrap_project.api.renderers import JSONRenderer

_READ_METHODS: Final = frozenset({"GET", "HEAD"})

#: Swagger UI draws its arrows from images written into its style sheet.
_IMAGES: Final = {"img-src": ["data:"]}


class _ErrorsInJson(APIView):
    """Tells errors in the one envelope, whatever the view shows otherwise: a page, or the description as YAML."""

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        if response.exception:
            request.accepted_renderer, request.accepted_media_type = JSONRenderer(), JSONRenderer.media_type
        answer: Response = super().finalize_response(request, response, *args, **kwargs)
        return answer


class JsonDescriptionView(_ErrorsInJson, SpectacularJSONAPIView):
    """The description as JSON."""


class YamlDescriptionView(_ErrorsInJson, SpectacularYAMLAPIView):
    """The description as YAML."""


def made_once(view: Callable[..., Any]) -> Callable[[HttpRequest], HttpResponse]:
    """Return `view` with its first good answer to GET kept for as long as the process lives.

    Anybody may ask for the description, nothing in a request changes it, and making it takes some 100 ms.
    """
    making = threading.Lock()
    kept: list[tuple[bytes, dict[str, str]]] = []

    def answer(request: HttpRequest) -> HttpResponse:
        if request.method not in _READ_METHODS:
            return view(request)  # type: ignore[no-any-return]
        with making:
            if not kept:
                made = view(_plain_get(request)).render()
                if made.status_code != 200:
                    return made  # type: ignore[no-any-return]
                kept.append((made.content, dict(made.headers)))
        content, headers = kept[0]
        return HttpResponse(content, headers=headers)

    # As REST views are: they authenticate by a header, where no browser's cookie counts.
    answer.csrf_exempt = True  # type: ignore[attr-defined]
    return answer


def _plain_get(request: HttpRequest) -> HttpRequest:
    """Return a request for the same page that says nothing else: what the first caller asked is not for the others."""
    plain = HttpRequest()
    plain.method = "GET"
    plain.path, plain.path_info = request.path, request.path_info
    plain.META = {name: request.META.get(name, "") for name in ("SERVER_NAME", "SERVER_PORT")}
    plain.resolver_match = request.resolver_match
    return plain


class ApiDocsView(_ErrorsInJson, SpectacularSwaggerSplitView):
    """Swagger UI from our own files: no script and no style is written into the page."""

    template_name = "api/docs.html"

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        answer: Response = super().finalize_response(request, response, *args, **kwargs)
        answer.headers["Content-Security-Policy"] = build_policy(update=_IMAGES)
        return answer
