"""The three endpoints that devices call: plain views, without the layers that people and programs need."""

from __future__ import annotations

import logging
from time import perf_counter
from typing import Literal

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from bootstrap_project.observability.metrics import count_device_bootstrap
from bootstrap_project.observability.middleware import add_to_log, set_operation
from bootstrap_project.observability.request_id import current_request_id
from bootstrap_project.places import REFUSAL, NoPlace
from devices.attempts.attempt import PROBED, Attempt
from devices.attempts.recorder import record
from devices.authentication import count_unreadable_key
from devices.credentials import read_encrypted_key, read_key
from devices.errors import DeviceError, RefusedEncrypted, not_in_time
from devices.responses import (
    METHODS,
    failed_answer,
    finished,
    method_not_allowed,
    not_modified_answer,
    plain_answer,
    secure_answer,
    with_versions,
)
from devices.services import Call, NotModified, Trace, bootstrap

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
    started = perf_counter()
    source = request.META.get("REMOTE_ADDR", "")
    outcome, status, trace = "error", 500, Trace()
    level, reason = logging.ERROR, ""
    try:
        try:
            response, outcome = _bootstrap(request, variant, external_id, source, trace)
            level = logging.INFO
        except (DeviceError, NoPlace) as raised:
            error = raised if isinstance(raised, DeviceError) else not_in_time(raised)
            outcome, level, reason = error.outcome, error.level, error.reason
            trace.config_id = trace.config_id or error.config_id
            response = failed_answer(error)
        status = response.status_code
    finally:
        # Also for what is about to become a 500.
        count_device_bootstrap(variant, outcome)
        facts: dict[str, object] = {"source": source, "variant": variant, "outcome": outcome}
        if trace.config_id is not None:
            facts["config_id"] = trace.config_id
        if reason:
            facts["reason"] = reason
        add_to_log(request, level, facts)

        def attempt() -> Attempt:
            return Attempt(
                when=timezone.now(),
                config_id=trace.config_id,
                domain_id=trace.domain_id,
                external_id=external_id or trace.external_id,
                variant=variant,
                outcome=outcome,
                status=status,
                error_id=current_request_id() if status >= 400 else "",
                profile_id=trace.profile_id,
                profile_version=trace.profile_version,
                etag=trace.etag,
                duration=perf_counter() - started,
                source=source,
                user_agent=request.META.get("HTTP_USER_AGENT", ""),
            )

        record(outcome, attempt, is_known=trace.config_id is not None)
    return finished(response, method=request.method)


def _bootstrap(
    request: HttpRequest, variant: Variant, external_id: str | None, source: str, trace: Trace
) -> tuple[HttpResponse, str]:
    meta, transport_key, secure = request.META, settings.TRANSPORT_KEY, variant == "secure"
    header = meta.get("HTTP_AUTHORIZATION", "")
    key = _encrypted_key(header, external_id, source) if secure else read_key(header)
    refusal: NoPlace | None = meta.get(REFUSAL)
    if refusal is not None:
        raise refusal
    call = Call(source, secure=secure, if_none_match=meta.get("HTTP_IF_NONE_MATCH", ""))
    answer = bootstrap(external_id=external_id, key=key, call=call, trace=trace)
    if isinstance(answer, NotModified):
        response, outcome = not_modified_answer(), "not_modified"
    else:
        response = secure_answer(answer, transport_key=transport_key) if secure else plain_answer(answer)
        outcome = "ok" if answer.rendered else "static"
    if request.method == "HEAD":
        outcome = PROBED
    return with_versions(response, etag=trace.etag, profile_version=trace.profile_version), outcome


def _encrypted_key(header: str, external_id: str | None, source: str) -> bytes:
    try:
        return read_encrypted_key(header, transport_key=settings.TRANSPORT_KEY, min_bytes=settings.SECURE_MIN_KEY_BYTES)
    except RefusedEncrypted as error:
        count_unreadable_key(external_id, source, reason=error.reason)
        raise
