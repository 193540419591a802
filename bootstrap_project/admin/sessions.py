"""The admin's sessions in the database, under a digest of their key: what a backup holds opens none of them."""

from __future__ import annotations

import hashlib
from typing import Any, Final

from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.contrib.sessions.base_session import AbstractBaseSession
from django.utils import timezone

#: What the column takes; 160 bits of SHA-256.
_LENGTH: Final = 40


def digest_session_key(session_key: str) -> str:
    """Return what a session is stored under: a key is random enough for a digest without a key of its own."""
    return hashlib.sha256(session_key.encode()).hexdigest()[:_LENGTH]


class SessionStore(DatabaseStore):
    """Django's store with a digest where it keeps the cookie's very value.

    Whatever Django does with a row goes through these four, but for its asynchronous twins, which nobody calls here.
    """

    def _get_session_from_db(self) -> AbstractBaseSession | None:
        rows = self.model.objects.filter(session_key=digest_session_key(self.session_key or ""))
        row: AbstractBaseSession | None = rows.filter(expire_date__gt=timezone.now()).first()
        if row is None:
            self._session_key = None
        return row

    def exists(self, session_key: str) -> bool:
        return super().exists(digest_session_key(session_key))

    def create_model_instance(self, data: dict[str, Any]) -> AbstractBaseSession:
        row = super().create_model_instance(data)
        row.session_key = digest_session_key(row.session_key)
        return row

    def delete(self, session_key: str | None = None) -> None:
        """Remove the session of `session_key`, this one by default."""
        key = session_key or self.session_key
        if key is not None:
            super().delete(digest_session_key(key))
