"""Whether somebody has signed in, for those who must know it before Django sees the request."""

from __future__ import annotations

import re
from importlib import import_module
from typing import Final

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.http import parse_cookie

# As Django makes them.
_KEY: Final = re.compile(r"[a-z0-9]{32}")


def is_session_key(text: str) -> bool:
    """Return whether `text` may be the key of a session: the database is not asked for just any text."""
    return _KEY.fullmatch(text) is not None


def is_signed_in(cookies: str) -> bool:
    """Return whether the header `cookies` names a session that somebody has signed in with.

    Cost: one query, none without a cookie that may be one.
    """
    key = parse_cookie(cookies).get(settings.SESSION_COOKIE_NAME, "")
    if not is_session_key(key):
        return False
    session = import_module(settings.SESSION_ENGINE).SessionStore(key)
    return SESSION_KEY in session
