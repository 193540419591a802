"""What every REST view of the product shares: the domain in the path, the caller's token, bodies and lists."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, Final

from django.conf import settings
from django.http import HttpResponse
from rest_framework.exceptions import MethodNotAllowed
from rest_framework.request import Request
from rest_framework.viewsets import ViewSet

from bootstrap_project.api.parsers import JSON_BODY, JSONParser, read_document
from bootstrap_project.api.serializers import BodySerializer
from bootstrap_project.conditions import IfMatch
from bootstrap_project.deadline import deadline
from bootstrap_project.documents.kinds import DocumentKind
from bootstrap_project.observability.middleware import set_operation

#: The header that says for how many seconds the platform has not confirmed the caller's membership, because it fails.
MEMBERSHIP_AGE: Final = "X-Membership-Age"


class DomainScopedViewSet(ViewSet):
    """A view under `/{domain_id}/…`: every request is authenticated for that domain before anything else is read."""

    #: Action → the operation's name in the metrics (docs/contract.md#h2).
    operations: ClassVar[dict[str, str]] = {}
    parser_classes = (JSONParser,)
    http_method_names = ["get", "head", "post", "put", "patch", "delete"]  # noqa: RUF012 - Django's declaration.

    @property
    def domain_id(self) -> str:
        return str(self.kwargs["domain_id"])

    @property
    def if_match(self) -> IfMatch | None:
        """Return what the caller wants to be stored for his change to be made, None where he does not mind."""
        return IfMatch.read(self.request.META.get("HTTP_IF_MATCH"))

    @property
    def token(self) -> str:
        return str(self.request.auth)

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """Answer within the time that there is for asking the platform, about the caller and for him."""
        with deadline(settings.PLATFORM_DEADLINE_SECONDS):
            return super().dispatch(request, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuse a wrong method first, as upstream's router does, then authenticate and authorize."""
        method = (request.method or "").lower()
        if method not in self.action_map:
            raise MethodNotAllowed(request.method or "")
        set_operation(request, self.operations.get(self.action_map[method], self.action_map[method]))
        super().initial(request, *args, **kwargs)

    def perform_authentication(self, request: Request) -> None:
        """Find out who is asking, and say so when the platform could not confirm him just now."""
        super().perform_authentication(request)
        # An `Operator`, whose module pages of devices must not reach: it can ask the platform.
        age: int | None = getattr(request.user, "confirmed_seconds_ago", None)
        if age is not None:
            self.headers[MEMBERSHIP_AGE] = str(age)

    def read_document(self, kinds: Iterable[DocumentKind]) -> tuple[dict[str, Any], DocumentKind]:
        """Return the object in the request's body and its kind.

        Raises: UnsupportedContentType, LengthRequired, BodyTooLarge, InvalidDocument.
        """
        # DRF's own reading of the body skips the content type of an empty one and knows no limit.
        return read_document(self.request._request, kinds)  # noqa: SLF001

    def read_body(self, body: type[BodySerializer]) -> dict[str, Any]:
        """Return the checked members of the request's JSON body.

        Raises: what `read_document` raises; InvalidMember.
        """
        document, _kind = self.read_document((JSON_BODY,))
        return body.read(document)


def no_content() -> HttpResponse:
    """Return 204 as upstream sends it (docs/contract.md#a0)."""
    return HttpResponse(status=204, content_type="application/json")
