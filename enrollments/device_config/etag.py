"""Entity tags of device configurations: made from everything that an answer is made from, before anything is opened.

The tag is a keyed digest of the stored texts themselves, sealed ones included, and not of times or version numbers: two
changes within one tick of a clock are still two tags. It tells nothing to whoever lacks the server's keys.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from django.conf import settings
from django.utils.http import parse_etags

from bootstrap_project.security.keyring import SealingRing
from enrollments.device_config.records import AnswerRecord, DeviceRecord

#: Goes up whenever the same inputs make another answer: the engine, the context, the envelope.
RENDERING: Final = 1
_DIGEST_SIZE: Final = 18
_ANY: Final = "*"


def make_etag(record: DeviceRecord, answer: AnswerRecord, bound: Iterable[Iterable[str]], *, secure: bool) -> str:
    """Return the strong entity tag of what `record` is answered, with its quotes.

    Shape: `bound` holds the bindings of declared slots, in the profile's order. On the secure endpoint the tag names
    what is encrypted, as every answer has an IV of its own.
    Cost: some 10 microseconds, and one more for every kilobyte of template and snapshots.
    """
    profile = answer.profile
    parts = [str(record.config_id), answer.client_cert, answer.client_key_sealed, answer.ca_cert]
    if profile is None:
        parts.append(answer.content)
    else:
        parts += (record.external_id, record.domain_id, answer.render_context, str(profile.id), str(profile.version))
        parts += (profile.template_format, profile.content_template, profile.defaults, profile.binding_slots)
        for binding in bound:
            parts += binding
    # With their lengths, so that no text can pass for the end of one and the beginning of the next.
    lengths = ",".join([str(len(part)) for part in parts])
    message = "\0".join([lengths, *parts]).encode("utf-8", "surrogatepass")
    digest = hmac.digest(_tag_key(secure), message, "sha256")
    return f'"{digest[:_DIGEST_SIZE].hex()}"'


def is_known(etag: str, if_none_match: str) -> bool:
    """Return whether the header names `etag`; weak and strong tags are the same here.

    Source: RFC 9110, sections 8.8.3.2 and 13.1.2.
    """
    return bool(if_none_match) and any(known.removeprefix("W/") == etag for known in parse_etags(if_none_match))


def is_any(if_none_match: str) -> bool:
    """Return whether the header names every representation there may be."""
    return if_none_match.strip() == _ANY


def _tag_key(secure: bool) -> bytes:
    transport_key = settings.TRANSPORT_KEY if secure else b""
    release = f"{settings.BOOTSTRAP_VERSION} {settings.BOOTSTRAP_BUILD_COMMIT}"
    return _derived_key(settings.SECRET_KEY, transport_key, settings.SEALING_RING, release)


@lru_cache(maxsize=8)
def _derived_key(secret: str, transport_key: bytes, ring: SealingRing, release: str) -> bytes:
    # What was sealed under a key that is gone cannot be answered any more, so the ring is part of every answer.
    parts = [b"device-etag", str(RENDERING).encode(), release.encode(), secret.encode(), transport_key]
    for key in ring.keys:
        parts += (key.id.encode(), key.secret)
    return hashlib.sha256(b"".join(len(part).to_bytes(4, "big") + part for part in parts)).digest()
