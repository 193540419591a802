"""Answers as they go over the wire: JSON for devices, the same encrypted, and errors (docs/contract.md#c2 and #c4)."""

from __future__ import annotations

from django.http import HttpResponse

from bootstrap_project.api.errors import error_response, json_error
from bootstrap_project.errors import ErrorKind
from bootstrap_project.security.transport_cipher import encrypt
from devices.errors import DeviceError
from enrollments.device_config.assemble import DeviceAnswer, to_body, to_json

METHODS = ("GET", "HEAD")


def plain_answer(answer: DeviceAnswer) -> HttpResponse:
    """Return the five members as JSON with a newline at its end."""
    return HttpResponse(to_body(answer), content_type="application/json")


def secure_answer(answer: DeviceAnswer, *, transport_key: bytes) -> HttpResponse:
    """Return a fresh IV and the JSON encrypted, without a newline."""
    return HttpResponse(encrypt(transport_key, to_json(answer)), content_type="application/octet-stream")


def not_modified_answer() -> HttpResponse:
    """Return 304: the device has this configuration already."""
    response = HttpResponse(status=304)
    del response.headers["Content-Type"]
    return response


def with_versions(response: HttpResponse, *, etag: str, profile_version: int | None) -> HttpResponse:
    """Return `response` with what it was made from: its tag, and the profile's version where there is a profile."""
    response.headers["ETag"] = etag
    if profile_version is not None:
        response.headers["X-Profile-Version"] = str(profile_version)
    return response


def failed_answer(error: DeviceError) -> HttpResponse:
    """Return an error, as plain JSON on every endpoint."""
    response = error_response(error)
    if error.kind is ErrorKind.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = "Client"
    return response


def method_not_allowed() -> HttpResponse:
    """Return the answer to a method that these endpoints don't have."""
    return finished(json_error(405, headers={"Allow": ", ".join(METHODS)}), method="")


def finished(response: HttpResponse, *, method: str | None) -> HttpResponse:
    """Return `response` with the headers that all answers share, and without its body for HEAD."""
    if response.status_code != 304:
        response.headers["Content-Length"] = str(len(response.content))
    # Nothing between the service and the device may keep a configuration, or a refusal.
    response.headers["Cache-Control"] = "no-store"
    if method == "HEAD":
        response.content = b""
    return response
