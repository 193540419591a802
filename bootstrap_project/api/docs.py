"""The page that shows the API's description, under a policy as strict as the admin's."""

from __future__ import annotations

from typing import Any, Final

from csp.utils import build_policy
from drf_spectacular.views import SpectacularJSONAPIView, SpectacularSwaggerSplitView, SpectacularYAMLAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bootstrap_project.api.renderers import JSONRenderer

#: Swagger UI draws its arrows from images written into its style sheet.
_IMAGES: Final = {"img-src": ["data:"]}


class _ErrorsInJson(APIView):
    """Tells errors in the one envelope, whatever the view shows otherwise: a page, or the description as YAML."""

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        """Write an error as JSON."""
        if response.exception:
            request.accepted_renderer, request.accepted_media_type = JSONRenderer(), JSONRenderer.media_type
        answer: Response = super().finalize_response(request, response, *args, **kwargs)
        return answer


class JsonDescriptionView(_ErrorsInJson, SpectacularJSONAPIView):
    """The description as JSON."""


class YamlDescriptionView(_ErrorsInJson, SpectacularYAMLAPIView):
    """The description as YAML."""


class ApiDocsView(_ErrorsInJson, SpectacularSwaggerSplitView):
    """Swagger UI from our own files: no script and no style is written into the page."""

    template_name = "api/docs.html"

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        """Add the policy to the page and to its script."""
        answer: Response = super().finalize_response(request, response, *args, **kwargs)
        answer.headers["Content-Security-Policy"] = build_policy(update=_IMAGES)
        return answer
