"""Request bodies: JSON for every call, YAML and TOML for uploads; each strict, safe and of bounded size."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from datetime import date, datetime, time
from typing import IO, Any, ClassVar

import yaml
from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest
from django.http.request import UnreadablePostError
from rest_framework.parsers import BaseParser

from bootstrap_project.documents.json import INVALID_JSON, InvalidDocument, check_storable, parse_json
from bootstrap_project.documents.limits import MAX_DEPTH, MAX_DOTTED_PARTS, MAX_INTEGER_BITS, MAX_VALUES
from bootstrap_project.documents.toml import has_long_dotted_key, has_long_integer, has_too_many_parts
from bootstrap_project.documents.yaml import BoundedLoader
from bootstrap_project.errors import BootstrapError, ErrorKind


class UnsupportedContentType(BootstrapError):
    """A body of a kind that the call does not take."""

    kind = ErrorKind.UNSUPPORTED_MEDIA_TYPE


class BodyTooLarge(BootstrapError):
    """A body above the limit (contract K16)."""

    kind = ErrorKind.TOO_LARGE


class LengthRequired(BootstrapError):
    """A body in chunks where only its length can tell whether it is whole."""

    kind = ErrorKind.LENGTH_REQUIRED


class DocumentParser(BaseParser):
    """Reads one kind of document; which one is found in the content type as upstream looks for it."""

    #: What the content type must contain (contract A.0 and A.4: a search for a part, not a comparison).
    markers: ClassVar[tuple[str, ...]] = ()
    #: Whether the beginning of a document may be a document itself, so that one that broke off would pass for whole.
    needs_length: ClassVar[bool] = False

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """Return the document in `stream`."""
        del media_type, parser_context
        return self.read(stream.read())

    def read(self, body: bytes) -> Any:
        """Return the document in `body`."""
        raise NotImplementedError


class StrictJSONParser(DocumentParser):
    """JSON in UTF-8."""

    media_type = "application/json"
    markers = ("application/json",)

    def read(self, body: bytes) -> Any:
        """Return the document in `body`; raises InvalidDocument."""
        return parse_json(body)


class UploadedJSONParser(StrictJSONParser):
    """JSON as an upload announces it."""

    markers = ("json",)


class YAMLParser(DocumentParser):
    """YAML without tags, with few aliases; dates, and what only YAML 1.1 takes for a number, stay the text they are."""

    media_type = "application/yaml"
    markers = ("yaml", "yml")
    needs_length = True

    def read(self, body: bytes) -> Any:
        """Return the document in `body`; raises InvalidDocument."""
        try:
            text = body.decode("utf-8")
            document = yaml.load(text, Loader=BoundedLoader)  # noqa: S506 - a SafeLoader with bounds.
        except UnicodeDecodeError as error:
            raise InvalidDocument(INVALID_JSON, f"byte {error.start} is not UTF-8") from error
        except yaml.YAMLError as error:
            raise InvalidDocument(INVALID_JSON, _describe_yaml_error(error)) from None
        except RecursionError:
            raise InvalidDocument(INVALID_JSON, f"the YAML is nested deeper than {MAX_DEPTH} levels") from None
        except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError) as error:
            # PyYAML trips over what contradicts its tag, such as `!!int ""` and `!!bool maybe`.
            raise InvalidDocument(INVALID_JSON, "the YAML holds a value that does not fit its tag") from error
        document = {} if document is None else document
        return _as_json(document)


class TOMLParser(DocumentParser):
    """TOML; dates and times become the text that RFC 3339 gives them."""

    media_type = "application/toml"
    markers = ("toml",)
    needs_length = True

    def read(self, body: bytes) -> Any:
        """Return the document in `body`; raises InvalidDocument."""
        try:
            text = body.decode("utf-8")
            if has_too_many_parts(text):
                raise InvalidDocument(INVALID_JSON, f"more than {MAX_VALUES} parts of keys, and values")
            if has_long_dotted_key(text):
                raise InvalidDocument(INVALID_JSON, f"a dotted key has more than {MAX_DOTTED_PARTS} parts")
            document = tomllib.loads(text)
            if has_long_integer(document):
                raise InvalidDocument(INVALID_JSON, "not valid TOML: a whole number has more than 64 bits")
        except UnicodeDecodeError as error:
            raise InvalidDocument(INVALID_JSON, f"byte {error.start} is not UTF-8") from error
        except RecursionError:
            raise InvalidDocument(INVALID_JSON, "the TOML is nested too deep") from None
        except ValueError as error:
            raise InvalidDocument(INVALID_JSON, f"not valid TOML: {error}") from None
        return _as_json(document)


def read_document(request: HttpRequest, parsers: tuple[type[DocumentParser], ...]) -> tuple[dict[str, Any], str]:
    """Return the object in the request's body and the media type of the parser that read it.

    The first parser whose marker the content type contains reads the body.
    Raises: UnsupportedContentType, BodyTooLarge, InvalidDocument; in this order, so that a caller hears of the first
    thing to mend (contract A.0).
    """
    content_type = request.META.get("CONTENT_TYPE", "").lower()
    parser = next((known for known in parsers if any(marker in content_type for marker in known.markers)), None)
    if parser is None:
        known = ", ".join(str(candidate.media_type) for candidate in parsers)
        raise UnsupportedContentType("unsupported content type", f"send the body as {known}")
    if _is_chunked(request) and parser.needs_length:
        detail = f"send {parser.media_type} with its Content-Length: nothing else tells whether all of it has arrived"
        raise LengthRequired("length required", detail)
    try:
        body = _read_chunked(request) if _is_chunked(request) else request.body
    except RequestDataTooBig as error:
        raise BodyTooLarge("request body too large", "a request body has at most 1 MiB") from error
    except (UnreadablePostError, OSError) as error:
        raise InvalidDocument(INVALID_JSON, "the body broke off") from error
    document = parser().read(body)
    if not isinstance(document, dict):
        raise InvalidDocument(INVALID_JSON, "the body must be an object")
    return document, str(parser.media_type)


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


def _describe_yaml_error(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    if mark is None:
        return f"not valid YAML: {error}"
    problem = getattr(error, "problem", None) or "it cannot be read"
    return f"not valid YAML: {problem} at line {mark.line + 1}, column {mark.column + 1}"


def _as_json(document: Any) -> Any:
    """Return `document` with JSON's types alone, checked as JSON bodies are.

    Cost: what aliases point to is copied each time, so the size is bounded while copying.
    """
    budget = [MAX_VALUES]
    converted = _convert(document, budget, depth=1)
    check_storable(converted)
    return converted


def _convert(value: Any, budget: list[int], depth: int) -> Any:
    budget[0] -= 1
    if budget[0] < 0 or depth > MAX_DEPTH:
        raise InvalidDocument(INVALID_JSON, "the document unfolds to too many values")
    if isinstance(value, dict):
        return {_member_name(name): _convert(member, budget, depth + 1) for name, member in value.items()}
    if isinstance(value, list):
        return [_convert(member, budget, depth + 1) for member in value]
    if isinstance(value, int) and value.bit_length() > MAX_INTEGER_BITS:
        raise InvalidDocument(INVALID_JSON, f"a whole number has at most {MAX_INTEGER_BITS} bits")
    if isinstance(value, float) and not math.isfinite(value):
        raise InvalidDocument(INVALID_JSON, "infinite numbers and not-a-number cannot be stored")
    if isinstance(value, datetime | date | time):
        return _rfc_3339(value)
    if value is None or isinstance(value, str | int | float):
        return value
    raise InvalidDocument(INVALID_JSON, f"a value of type {type(value).__name__} has no form in JSON")


def _rfc_3339(value: datetime | date | time) -> str:
    text = value.isoformat()
    if not isinstance(value, date) or isinstance(value, datetime):
        whole, point, rest = text.partition(".")
        if point:
            # Six digits, of which the last may say nothing, and perhaps a zone.
            text = f"{whole}.{rest[:6].rstrip('0')}{rest[6:]}"
    return text.replace("+00:00", "Z")


def _member_name(name: Any) -> str:
    if isinstance(name, str):
        return name
    raise InvalidDocument(INVALID_JSON, "the name of a member must be a text")
