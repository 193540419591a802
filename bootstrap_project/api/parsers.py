"""Bodies of requests: found by content type, read within the limit, parsed by `documents`."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Mapping
from typing import IO, Any, ClassVar, Final

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest
from django.http.request import UnreadablePostError
from rest_framework.parsers import BaseParser

from bootstrap_project.api.messages import COMPRESSED, TOO_LARGE, UNSUPPORTED_TYPE
from bootstrap_project.documents.errors import INVALID_JSON, InvalidDocument
from bootstrap_project.documents.kinds import JSON, KINDS, DocumentKind
from bootstrap_project.errors import BootstrapError, ErrorKind
from bootstrap_project.wsgi_middleware.content_type import FOREIGN_CHARSET

#: The body of every call but uploads: its content type names JSON in full (docs/contract.md#a0).
JSON_BODY: Final = JSON._replace(markers=(JSON.media_type,))


class UnsupportedContentType(BootstrapError):
    """A body of a kind that the call does not take."""

    kind = ErrorKind.UNSUPPORTED_MEDIA_TYPE


class BodyTooLarge(BootstrapError):
    """A body above the limit (docs/contract.md#k16)."""

    kind = ErrorKind.TOO_LARGE


class LengthRequired(BootstrapError):
    """A body in chunks where only its length can tell whether it is whole."""

    kind = ErrorKind.LENGTH_REQUIRED


class DocumentParser(BaseParser):
    """A kind of document in DRF's words, which the API's description lists; views read bodies by `read_document`."""

    kind: ClassVar[DocumentKind]

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        del media_type, parser_context
        return self.kind.read(stream.read())


def parser_of(kind: DocumentKind) -> type[DocumentParser]:
    """Return the parser class of a kind."""
    return type(f"{kind.name.upper()}Parser", (DocumentParser,), {"kind": kind, "media_type": kind.media_type})


JSONParser: Final = parser_of(JSON)
#: What an upload may be.
UPLOAD_PARSERS: Final = tuple(map(parser_of, KINDS.values()))


def read_document(request: HttpRequest, kinds: Iterable[DocumentKind]) -> tuple[dict[str, Any], DocumentKind]:
    """Return the object in the request's body and its kind, the first whose marker the content type contains.

    Raises: UnsupportedContentType, LengthRequired, BodyTooLarge, InvalidDocument; in this order, so that a caller hears
    of the first thing to fix (docs/contract.md#a0).
    """
    if is_encoded(request):
        raise UnsupportedContentType(UNSUPPORTED_TYPE, COMPRESSED)
    kinds = tuple(kinds)
    content_type = request.META.get("CONTENT_TYPE", "").lower()
    kind = next((known for known in kinds if any(marker in content_type for marker in known.markers)), None)
    if kind is None:
        known = ", ".join(candidate.media_type for candidate in kinds)
        raise UnsupportedContentType(UNSUPPORTED_TYPE, f"send the body as {known}")
    if _is_chunked(request) and kind.needs_length:
        detail = f"send {kind.media_type} with its Content-Length: nothing else tells whether all of it has arrived"
        raise LengthRequired("length required", detail)
    try:
        body = _read_chunked(request) if _is_chunked(request) else request.body
    except RequestDataTooBig as error:
        limit = f"a request body has at most {settings.MAX_BODY_BYTES >> 20} MiB"
        raise BodyTooLarge(TOO_LARGE, limit) from error
    except (UnreadablePostError, OSError) as error:
        raise InvalidDocument(INVALID_JSON, "the body broke off") from error
    if kind is JSON_BODY and body.startswith(codecs.BOM_UTF8):
        # Editors put one before files; programs must not (RFC 8259, section 8.1).
        raise InvalidDocument(INVALID_JSON, "the body begins with a byte order mark: send it without")
    try:
        document = kind.read(body)
    except InvalidDocument:
        # A body that says another charset and is UTF-8 all the same is taken, as it always was.
        if request.META.get(FOREIGN_CHARSET):
            raise UnsupportedContentType(UNSUPPORTED_TYPE, "send the body in UTF-8") from None
        raise
    if not isinstance(document, dict):
        raise InvalidDocument(INVALID_JSON, "the body must be an object")
    return document, kind


def is_encoded(request: HttpRequest) -> bool:
    """Return whether a body is compressed, or encoded otherwise: nothing here undoes that (RFC 9110, section 8.4)."""
    return request.META.get("HTTP_CONTENT_ENCODING", "").strip().lower() not in {"", "identity"}


def _is_chunked(request: HttpRequest) -> bool:
    return (
        not request.META.get("CONTENT_LENGTH") and "chunked" in request.META.get("HTTP_TRANSFER_ENCODING", "").lower()
    )


def _read_chunked(request: HttpRequest) -> bytes:
    """Return a body that came in chunks, without its length: Django takes such a one for empty.

    Raises: RequestDataTooBig.
    """
    stream, limit = request.META["wsgi.input"], settings.MAX_BODY_BYTES
    body = bytearray()
    while len(body) <= limit and (piece := stream.read(limit + 1 - len(body))):
        body += piece
    if len(body) > limit:
        raise RequestDataTooBig
    return bytes(body)
