"""Whose a request's path is: compared by whole segments, so that `/admin-eu` is a domain's and not the admin's."""

from __future__ import annotations

from typing import Final

ADMIN: Final = "/admin"
STATIC: Final = "/static"
DEVICES: Final = "/clients/bootstrap"


def is_below(path: str, top: str) -> bool:
    """Return whether `path` is `top`, or goes on below it.

    Shape: `top` begins with a slash and does not end with one. Percent-encodings are decoded in both.
    Cost: a comparison or two.
    """
    return path.startswith(top) and path[len(top) : len(top) + 1] in {"", "/"}
