"""The three endpoints that devices call: plain views, without the layers that people and programs need."""

from __future__ import annotations

import logging
from typing import Final, Literal

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from bootstrap_project.observability.middleware import set_operation
from bootstrap_project.outcomes import Outcome
from bootstrap_project.paths import DEVICES
from devices.audit import CallAudit
from devices.authentication import count_unreadable_key
from devices.bulkhead import REFUSAL, NoPermit
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
from devices.services import Call, NotModified, bootstrap

Variant = Literal["plain", "secure", "keyless"]

_PATH_BEFORE_ID: Final = {"plain": f"{DEVICES}/", "secure": f"{DEVICES}/secure/"}


def bootstrap_by_external_id(request: HttpRequest, external_id: str) -> HttpResponse:
    """Answer the configuration of the device `external_id`."""
    return _answer(request, "plain", external_id)


def bootstrap_by_external_key(request: HttpRequest) -> HttpResponse:
    """Answer the configuration of the only device that has the presented key (docs/contract.md#k2)."""
    return _answer(request, "keyless", None)


def bootstrap_secure(request: HttpRequest, external_id: str) -> HttpResponse:
    """Answer the configuration encrypted, to a device that sent its key encrypted."""
    return _answer(request, "secure", external_id)


def _answer(request: HttpRequest, variant: Variant, external_id: str | None) -> HttpResponse:
    if request.method not in METHODS:
        return method_not_allowed()
    set_operation(request, "bootstrap")
    audit = CallAudit(variant=variant, source=request.META.get("REMOTE_ADDR", ""), external_id=external_id or "")
    if external_id is not None and request.path_info != f"{_PATH_BEFORE_ID[variant]}{external_id}":
        audit.path = request.path_info
    try:
        try:
            response = _bootstrap(request, external_id, audit)
            audit.level = logging.INFO
        except (DeviceError, NoPermit) as raised:
            error = raised if isinstance(raised, DeviceError) else not_in_time(raised)
            audit.fail(error)
            response = failed_answer(error)
        audit.status = response.status_code
    finally:
        # Also for what is about to become a 500.
        audit.close(request)
    return finished(response, method=request.method)


def _bootstrap(request: HttpRequest, external_id: str | None, audit: CallAudit) -> HttpResponse:
    meta, transport_key, secure = request.META, settings.TRANSPORT_KEY, audit.variant == "secure"
    header = meta.get("HTTP_AUTHORIZATION", "")
    key = _encrypted_key(header, external_id, audit.source) if secure else read_key(header)
    refusal: NoPermit | None = meta.get(REFUSAL)
    if refusal is not None:
        raise refusal
    call = Call(audit.source, secure=secure, if_none_match=meta.get("HTTP_IF_NONE_MATCH", ""))
    answer = bootstrap(external_id=external_id, key=key, call=call, audit=audit)
    if isinstance(answer, NotModified):
        response, outcome = not_modified_answer(), Outcome.NOT_MODIFIED
    else:
        response = secure_answer(answer, transport_key=transport_key) if secure else plain_answer(answer)
        outcome = Outcome.OK if answer.rendered else Outcome.STATIC
    audit.outcome = Outcome.PROBED if request.method == "HEAD" else outcome
    return with_versions(response, etag=audit.etag, profile_version=audit.profile_version)


def _encrypted_key(header: str, external_id: str | None, source: str) -> bytes:
    try:
        return read_encrypted_key(header, transport_key=settings.TRANSPORT_KEY, min_bytes=settings.SECURE_MIN_KEY_BYTES)
    except RefusedEncrypted as error:
        count_unreadable_key(external_id, source, reason=error.reason)
        raise
