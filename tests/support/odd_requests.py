"""Requests that nobody would write, made up from a seed: paths, methods, headers and bodies, whole, cut and mixed."""

from __future__ import annotations

import random
from typing import Any

from tests.support.wsgi import make_environ

PATHS = (
    *("/", "", "*", "//", "/admin", "/admin/", "/admin/login/", "/administration/clients/configs", "/api/", "/api"),
    *(
        "/api/openapi.json",
        "/health",
        "/health/",
        "/metrics",
        "/metrics-eu/clients/configs",
        "/static/x.css",
        "/static",
    ),
    *("/static/../settings.py", "/static-x/clients/configs", "/d/clients/configs", "/d/clients/configs/x/enable"),
    *("/d/clients/bootstrap/profiles", "/d/clients/bootstrap/profiles/upload", "/d/clients/bootstrap/enrollments/x"),
    *("/clients/bootstrap", "/clients/bootstrap/", "/clients/bootstrap/pi-1", "/clients/bootstrap/secure/pi-1"),
    *("/clients/bootstrap/secure/", "/clients/bootstrapping", "/clients/bootstrap/a/b", "/clients/configs"),
)
METHODS = (
    "GET",
    "HEAD",
    "POST",
    "PUT",
    "PATCH",
    "DELETE",
    "OPTIONS",
    "TRACE",
    "CONNECT",
    "get",
    "Post",
    "PROPFIND",
    "X" * 40,
)
PIECES = (
    *(
        "\0",
        "%",
        "%00",
        "%zz",
        "..",
        "/",
        "//",
        "\\",
        ";",
        ",",
        "=",
        '"',
        "'",
        "&",
        "?",
        "#",
        " ",
        "\t",
        "*",
        "+",
        "a" * 300,
    ),
    *(
        "\u00ff",
        "\u00c3",
        "\u00c3\u00a9",
        "\u00f0\u009f\u0098\u0080",
        "\u00ed\u00a0\u0080",
        "\u00c0\u0080",
        "\u0085",
        "\x7f",
        "\x01",
    ),
    *("pi-1", "secure", "true", "-1", "9" * 400, "1e999", "{{", "<script>", "charset", "utf-7", "q=", "boundary"),
)
HEADERS = {
    "Accept": ("*/*", "text/html;q=0.5", "application/json", ";;;"),
    "Accept-Encoding": ("gzip", "br;q=1.0, gzip;q=0.8", "*;q=0"),
    "Accept-Language": ("de", "en;q=0.5"),
    "Authorization": (
        "Client external-key",
        "Client ",
        "Client",
        "Bearer x",
        "Bearer a.b.c",
        "Basic Og==",
        "client 00ff",
    ),
    "Connection": ("close", "keep-alive", "upgrade"),
    "Content-Length": ("0", "5", "-1", "x", "1048577", "9" * 30, "+3", " 3", "\u00b2"),
    "Content-Type": (
        "application/json",
        "application/yaml",
        "multipart/form-data; boundary=x",
        "text/plain; charset=zlib",
    ),
    "Cookie": ("sessionid=" + "a" * 32, "csrftoken=x; sessionid=", 'a="b\\073c', "=;=;="),
    "Expect": ("100-continue",),
    "Forwarded": ("for=192.0.2.1;proto=https", 'for="[::1]:1"', 'for="'),
    "Host": ("localhost", "boot.example.com", "[::1", "a:b:c", ""),
    "If-Match": ("*", '"x"'),
    "If-Modified-Since": ("Sat, 28 Nov 2026 10:00:00 GMT", "yesterday", "Sat, 99 Nov 99999 99:99:99 GMT"),
    "If-None-Match": ("*", '"x"', 'W/"x", "y"', '"', ",,,"),
    "Origin": ("null", "http://localhost", "http://[", "x"),
    "Range": ("bytes=0-1", "bytes=5-1", "bytes=-", "bytes=0-,1-2", "lines=1"),
    "Referer": ("http://localhost/", "http://[", ""),
    "Transfer-Encoding": ("chunked", "gzip, chunked", "identity"),
    "User-Agent": ("agent/1.0", "\u00e9"),
    "X-Csrftoken": ("x",),
    "X-Forwarded-For": ("192.0.2.1", "192.0.2.1, x", ",", "[::1"),
    "X-Forwarded-Proto": ("https", "http,https", "x"),
    "X-Request-ID": ("12345678", "x", "a b"),
}
BODIES = (b"", b"{}", b"[]", b'{"name": "x"}', b"name: x", b"\xff\xfe", b"--x\r\n", b"a=b&c=d", b"0" * 3000, b"\0" * 10)


class OddRequests:
    """An endless source of them; the same ones for the same seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def environ(self) -> dict[str, Any]:
        """Return the next one as a WSGI environment."""
        asked = self.parts()
        return make_environ(**asked)

    def parts(self) -> dict[str, Any]:
        """Return the next one as arguments of `make_environ`."""
        pick = self._random
        names = pick.sample(sorted(HEADERS), pick.choice((0, 1, 2, 3, 6)))
        query = pick.choice(("", "limit=1&offset=0", "next=/admin/", "q=x"))
        return {
            "path": self._bent(pick.choice(PATHS)),
            "method": pick.choice(METHODS) if pick.random() < 0.6 else "GET",
            "query": self._bent(query) if pick.random() < 0.4 else "",
            "headers": {name: self._bent(pick.choice(HEADERS[name])) for name in names},
            "body": pick.choice(BODIES) if pick.random() < 0.4 else b"",
        }

    def _bent(self, text: str) -> str:
        """Return `text`, half of the times with pieces put in, cut out, doubled or repeated many times."""
        pick = self._random
        for _ in range(pick.choice((0, 0, 0, 1, 2, 4))):
            at = pick.randrange(len(text) + 1)
            how = pick.random()
            if how < 0.5:
                text = text[:at] + pick.choice(PIECES) + text[at:]
            elif how < 0.7:
                text = text[:at] + text[at + pick.randrange(5) :]
            elif how < 0.8:
                text = text[:at] + chr(pick.randrange(256)) + text[at:]
            elif how < 0.95:
                text += text[:at]
            else:
                text = text[:at] + pick.choice(PIECES)[:4] * pick.choice((50, 500, 3000)) + text[at:]
        return text
