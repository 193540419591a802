"""The three endpoints that devices call: plain views, without the layers that people and programs need."""

from __future__ import annotations

import logging
from typing import Literal

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from bootstrap_project.observability.metrics import count_device_bootstrap
from bootstrap_project.observability.middleware import set_operation
from devices.credentials import read_encrypted_key, read_key
from devices.errors import DeviceError
from devices.responses import METHODS, failed_answer, finished, method_not_allowed, plain_answer, secure_answer
from devices.services import bootstrap

logger = logging.getLogger(__name__)

Variant = Literal["plain", "secure", "keyless"]


def bootstrap_by_external_id(request: HttpRequest, external_id: str) -> HttpResponse:
    """Answer the configuration of the device `external_id`."""
    return _answer(request, "plain", external_id)


def bootstrap_by_external_key(request: HttpRequest) -> HttpResponse:
    """Answer the configuration of the only device that has the presented key (contract K2)."""
    return _answer(request, "keyless", None)


def bootstrap_secure(request: HttpRequest, external_id: str) -> HttpResponse:
    """Answer the configuration encrypted, to a device that sent its key encrypted."""
    return _answer(request, "secure", external_id)


def _answer(request: HttpRequest, variant: Variant, external_id: str | None) -> HttpResponse:
    if request.method not in METHODS:
        return method_not_allowed()
    set_operation(request, "bootstrap")
    outcome = "error"
    try:
        response, outcome = _bootstrap(request, variant, external_id)
    except DeviceError as error:
        outcome = error.outcome
        extra = {"variant": variant, "outcome": outcome, "config_id": error.config_id, "reason": error.reason}
        logger.log(error.level, "device got no configuration", extra=extra)
        response = failed_answer(error, request)
    finally:
        # Also for what is about to become a 500.
        count_device_bootstrap(variant, outcome)
    return finished(response, method=request.method)


def _bootstrap(request: HttpRequest, variant: Variant, external_id: str | None) -> tuple[HttpResponse, str]:
    header, transport_key, secure = (
        request.META.get("HTTP_AUTHORIZATION", ""),
        settings.TRANSPORT_KEY,
        variant == "secure",
    )
    key = read_encrypted_key(header, transport_key=transport_key) if secure else read_key(header)
    answer = bootstrap(external_id=external_id, key=key)
    response = secure_answer(answer, transport_key=transport_key) if secure else plain_answer(answer)
    return response, "ok" if answer.rendered else "static"
