"""The service below a path of a host: behind a proxy that takes the path away, and behind one that leaves it."""

from __future__ import annotations

import http.client
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from html import unescape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urljoin, urlsplit

import pytest
import requests

from tests.support.server import DEFAULTS, ROOT, ServerProcess
from tests.support.starts import inherited

PREFIX = "/boot"
PASSWORD = "correct horse battery"
_HOP_BY_HOP = {"connection", "transfer-encoding", "content-length"}


class Proxy:
    """Passes on what is below the prefix, and nothing else; a context manager."""

    def __init__(self, port: int, *, strips: bool) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if not self.path.startswith(f"{PREFIX}/"):
                    self.send_error(404, "not below the prefix")
                    return
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
                path = self.path.removeprefix(PREFIX) if strips else self.path
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                connection.request(self.command, path, body or None, dict(self.headers))
                answer = connection.getresponse()
                content = answer.read()
                self.send_response(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in _HOP_BY_HOP | {"date", "server"}:
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)
                connection.close()

            do_POST = do_GET  # noqa: N815

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self.host = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> str:
        self._thread.start()
        return self.host

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """The service with a prefix and somebody who may do everything."""
    environment = {
        "DATABASE_URL": f"sqlite:///{tmp_path_factory.mktemp('prefix') / 'x.sqlite3'}",
        "MG_BOOTSTRAP_URL_PREFIX": f"{PREFIX}/",
        "MG_BOOTSTRAP_WORKERS": "1",
        "DJANGO_SETTINGS_MODULE": "bootstrap_project.settings",
    }
    user = ("createsuperuser", "--noinput", "--username", "ada", "--email", "")
    for command in (("migrate", "--noinput", "-v", "0"), user):
        subprocess.run(
            [sys.executable, "manage.py", *command],
            cwd=ROOT,
            env=inherited() | DEFAULTS | environment | {"DJANGO_SUPERUSER_PASSWORD": PASSWORD},
            check=True,
        )
    with ServerProcess(environment) as server:
        yield server


@pytest.fixture(params=[True, False], ids=["taken away", "left"])
def host(request: pytest.FixtureRequest, service: ServerProcess) -> Iterator[str]:
    with Proxy(service.port, strips=request.param) as proxied:
        yield proxied


def addresses(page: requests.Response) -> set[str]:
    """All that a page leads to or loads on its own host, without queries."""
    found = re.findall(r'(?:href|src|action|data-[\w-]*url|data-check|data-login)="([^"#]+)"', page.text)
    whole = {urlsplit(urljoin(page.url, unescape(one))) for one in found}
    return {one.path for one in whole if one.netloc == urlsplit(page.url).netloc}


def token(page: requests.Response) -> str:
    found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
    assert found
    return found[1]


def log_in(session: requests.Session, host: str) -> requests.Response:
    page = session.get(f"{host}{PREFIX}/admin/")
    assert urlsplit(page.url).path == f"{PREFIX}/admin/login/"
    form = {"username": "ada", "password": PASSWORD, "csrfmiddlewaretoken": token(page), "next": f"{PREFIX}/admin/"}
    return session.post(page.url, form)


def test_people_find_their_way_below_the_prefix(host):
    with requests.Session() as session:
        home = log_in(session, host)
        assert (home.status_code, urlsplit(home.url).path) == (200, f"{PREFIX}/admin/")
        assert {cookie.path for cookie in session.cookies} <= {f"{PREFIX}/", f"{PREFIX}/admin/login/"}

        seen: set[str] = set()
        for path in (
            "",
            "configs/config/",
            "configs/config/add/",
            "profiles/profile/add/",
            "devices/bootstrapattempt/",
        ):
            page = session.get(f"{host}{PREFIX}/admin/{path}")
            assert page.status_code == 200
            seen |= addresses(page)

        outside = {path for path in seen if not path.startswith(f"{PREFIX}/")}
        assert outside == set()
        for path in sorted(seen):
            if path.startswith(f"{PREFIX}/static/"):
                assert session.get(f"{host}{path}").status_code == 200, path
        unslashed = session.get(f"{host}{PREFIX}/admin/configs/config", allow_redirects=False)
        assert unslashed.headers["Location"] == f"{PREFIX}/admin/configs/config/"


def test_the_description_of_the_api_has_the_prefix(host):
    page = requests.get(f"{host}{PREFIX}/api/", timeout=30)
    description = requests.get(f"{host}{PREFIX}/api/openapi.json", timeout=30).json()

    assert page.status_code == 200
    for path in addresses(page):
        assert path.startswith(f"{PREFIX}/")
        assert requests.get(f"{host}{path}", timeout=30).status_code == 200
    script = re.search(r'<script src="([^"]+script[^"]*)"', page.text)
    assert script
    assert f"{PREFIX}/api/openapi.json" in requests.get(urljoin(page.url, unescape(script[1])), timeout=30).text
    assert [server["url"] for server in description["servers"]] == [PREFIX]
    assert "/clients/bootstrap/{external_id}" in description["paths"]


def test_an_installer_is_told_an_address_that_leads_to_the_device(host, service):
    external_id = f"pi {urlsplit(host).port}"
    with requests.Session() as session:
        log_in(session, host)
        add = f"{host}{PREFIX}/admin/configs/config/add/"
        page = session.get(add)
        form = {
            name: unescape(value)
            for name, value in re.findall(r'<input type="hidden" name="([^"]+)"[^>]* value="([^"]*)"', page.text)
        }
        form |= {"domain_id": "d", "external_id": external_id, "status": "enabled", "content": "x"}
        form |= {"key_choice": "typed", "external_key": "a key of 20 letters!", "render_context": "{}"}
        enrolled = session.post(add, form | {"key_choice": "make", "external_key": ""})

    told = re.search(r"http://[^\s\"<>&]+/clients/bootstrap/[^\s\"<>&]+", unescape(enrolled.text))
    assert told, enrolled.text
    assert told[0] == f"{host}{PREFIX}/clients/bootstrap/pi%20{urlsplit(host).port}"
    answer = requests.get(told[0], headers={"Authorization": "Client wrong"}, timeout=30)
    assert (answer.status_code, answer.headers["Content-Type"]) == (403, "application/json")
    # Whoever reaches the service itself is answered as ever.
    plain = requests.get(f"{service.url}/clients/bootstrap/nobody", headers={"Authorization": "Client x"}, timeout=30)
    assert plain.status_code == 403


def test_programs_are_answered_in_json(host):
    answer = requests.get(f"{host}{PREFIX}/d/clients/configs", timeout=30)

    assert (answer.status_code, answer.headers["Content-Type"]) == (401, "application/json")
