"""The page that shows the API's description, under a policy as strict as the admin's."""

from __future__ import annotations

from typing import Any, Final

from csp.utils import build_policy
from drf_spectacular.views import SpectacularSwaggerSplitView
from rest_framework.request import Request
from rest_framework.response import Response

#: Swagger UI draws its arrows from images written into its style sheet.
_IMAGES: Final = {"img-src": ["data:"]}


class ApiDocsView(SpectacularSwaggerSplitView):
    """Swagger UI from our own files: no script and no style is written into the page."""

    template_name = "api/docs.html"

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        """Add the policy to the page and to its script."""
        answer: Response = super().finalize_response(request, response, *args, **kwargs)
        answer.headers["Content-Security-Policy"] = build_policy(update=_IMAGES)
        return answer
