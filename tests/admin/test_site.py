"""The admin as a whole: its name, its login, and who gets in."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import User
from django.db import InterfaceError, OperationalError
from django.test import Client
from psycopg.errors import LockNotAvailable

from tests.support.pages import page_text
from tests.support.people import make_person, make_user
from tests.support.rows import make_config

pytestmark = pytest.mark.sqlite


def test_the_pages_bear_the_products_name(admin):
    text = page_text(admin.get("/admin/"))

    assert "<title>Devices and what they are given | Bootstrap</title>" in text
    for name in ("Devices", "Profiles", "Bindings"):
        assert name in text
    assert "Django administration" not in text


@pytest.mark.parametrize("path", ["profiles/profile/", "enrollments/bindingsnapshot/", "configs/config/"])
def test_lists_offer_to_show_all_only_where_something_is_left_out(device, path):
    looker = make_person("lou", "view_profile", "view_bindingsnapshot", "view_config")

    assert "Show all" not in page_text(looker.get(f"/admin/{path}"))
    for query in ({"q": "no such row"}, {"domain": device.domain_id}):
        assert "Show all" in page_text(looker.get(f"/admin/{path}", **query))


def test_people_log_in_with_csrf_protection():
    make_user("ada", is_superuser=True)
    client = Client(enforce_csrf_checks=True)
    form = {"username": "ada", "password": "correct horse battery", "next": "/admin/"}

    assert client.post("/admin/login/", form).status_code == 403
    page = client.get("/admin/login/")
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.content.decode())
    assert token
    response = client.post("/admin/login/", {**form, "csrfmiddlewaretoken": token[1]})

    assert (response.status_code, response.headers["Location"]) == (302, "/admin/")
    assert client.get("/admin/").status_code == 200


def test_a_wrong_password_and_a_user_who_is_no_staff_stay_out(client):
    make_user("ada")
    User.objects.create_user("guest", password="correct horse battery")

    for name, password, words in (
        ("ada", "wrong", "Please enter the correct username and password"),
        ("guest", "wrong", "Please enter the correct username and password"),
        ("guest", "correct horse battery", "This account may not use the admin."),
    ):
        response = client.post("/admin/login/", {"username": name, "password": password})
        assert words in page_text(response)
    assert client.get("/admin/configs/config/").status_code == 302


def test_pages_hold_no_inline_script_or_style_of_ours(admin, device):
    for url in (
        "/admin/",
        "/admin/configs/config/",
        f"/admin/configs/config/{device.pk}/change/",
        f"/admin/configs/config/{device.pk}/rotate-key/",
        f"/admin/profiles/profile/{device.profile_id}/change/",
        "/admin/profiles/profile/lint-rules/",
        f"/admin/configs/config/{device.pk}/preview/",
        f"/admin/configs/config/{device.pk}/bind/",
        f"/admin/configs/config/{device.pk}/refresh/",
    ):
        text = admin.get(url).content.decode()
        scripts = re.findall(r"<script(?![^>]*\bsrc=)[^>]*>", text)
        assert all('type="application/json"' in script for script in scripts), (url, scripts)
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=\"|javascript:", text), url


CSP = {
    "default-src 'self'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
}


@pytest.mark.parametrize(
    "path", ["/admin/", "/admin/configs/config/", "/admin/login/", "/admin/nowhere/", "/admin/jsi18n/"]
)
def test_every_answer_of_the_admin_is_guarded(admin, path):
    headers = admin.client.get(path).headers

    assert set(headers["Content-Security-Policy"].split("; ")) == CSP
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "camera=()" in headers["Permissions-Policy"]
    assert "no-store" in headers["Cache-Control"]


def test_a_forged_request_is_refused_with_the_same_headers():
    make_user("ada", is_superuser=True)
    client = Client(enforce_csrf_checks=True)

    response = client.post("/admin/login/", {"username": "ada"})

    assert response.status_code == 403
    assert set(response.headers["Content-Security-Policy"].split("; ")) == CSP
    assert "This form is too old" in page_text(response)
    assert "copy it before you load the page again" in page_text(response)
    assert "<style" not in page_text(response)


def test_a_page_by_http_says_so_where_only_https_lets_people_in(settings):
    settings.HTTPS_ONLY = True
    client = Client(enforce_csrf_checks=True)
    make_user("ada", is_superuser=True)

    page = page_text(client.get("/admin/login/"))
    refused = page_text(client.post("/admin/login/", {"username": "ada"}))

    for text in (page, refused):
        assert "Open this page by https" in text
    assert "too old" not in refused
    assert "cookies" not in refused
    for text in (
        page_text(client.get("/admin/login/", secure=True)),
        page_text(client.post("/admin/login/", {"username": "ada"}, secure=True)),
    ):
        assert "by https" not in text


def test_whoever_is_logged_in_came_by_https_whatever_a_proxy_says(settings, admin):
    settings.HTTPS_ONLY = True

    assert "by https" not in page_text(admin.get("/admin/"))


@pytest.mark.parametrize("https_only", [True, False])
def test_http_is_no_matter_where_either_will_do(settings, https_only):
    settings.HTTPS_ONLY = https_only

    text = page_text(Client().get("/admin/login/", secure=https_only))

    assert "by https" not in text


def test_a_form_whose_body_is_compressed_is_refused():
    client = Client(enforce_csrf_checks=True)

    answer = client.post("/admin/login/", {"username": "ada"}, headers={"Content-Encoding": "gzip"})

    assert (answer.status_code, "send the body uncompressed" in answer.content.decode()) == (415, True)


@pytest.mark.parametrize(
    ("path", "queries"), [("/clients/bootstrap/unknown", 1), ("/health", 1), ("/d/clients/configs", 0)]
)
def test_devices_and_programs_pay_nothing_for_it(path, queries, client, django_assert_num_queries, monkeypatch):
    """Neither their answers nor their work know of sessions, logins or policies."""
    for layer in ("csp.middleware.CSPMiddleware.process_response", "axes.middleware.AxesMiddleware.__call__"):
        monkeypatch.setattr(layer, pytest.fail)

    with django_assert_num_queries(queries):
        response = client.get(path, headers={"Authorization": "Client wrong" if "bootstrap" in path else ""})

    for header in ("Content-Security-Policy", "Permissions-Policy", "Set-Cookie"):
        assert header not in response.headers


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/admin/configs/config/", 403, "You may not do this"),
        ("/admin/nowhere/", 404, "There is no such page"),
    ],
)
def test_refusals_are_pages_for_people(path, status, words):
    nobody = make_person("nora")

    response = nobody.get(path)

    text = page_text(response)
    assert response.status_code == status
    assert f"<title>{words} | Bootstrap</title>" in text
    assert f"<h1>{words}</h1>" in text
    assert not re.search(r"<style|\sstyle=|Django", text)


def test_a_name_that_nobody_was_told_of_is_refused_with_the_setting(client, settings, caplog):
    settings.ALLOWED_HOSTS = ["boot.example.com"]

    refused = client.get("/admin/login/", headers={"host": "else.example.com\r" + "x" * 500})
    known = client.get("/admin/login/", headers={"host": "boot.example.com:8443"})

    assert (refused.status_code, known.status_code) == (400, 200)
    assert "MG_BOOTSTRAP_ALLOWED_HOSTS" in page_text(refused)
    assert "else.example" not in page_text(refused)
    (line,) = [one.getMessage() for one in caplog.records if one.name == "django.security.DisallowedHost"]
    assert "MG_BOOTSTRAP_ALLOWED_HOSTS" in line
    assert "'else.example.com\\rxxx" in line
    assert len(line) < 300


def test_an_address_that_is_not_understood_and_a_fault_are_pages_too(admin, monkeypatch):
    text = page_text(admin.client.get("/admin/configs/config/?external_key_hash=x"))
    assert "That address is not understood" in text

    for address in (
        "configs/config/?domain=%00",
        "profiles/profile/?template_format=a%00",
        "autocomplete/?term=%00",
        "find/?q=a%00b",
    ):
        assert admin.client.get(f"/admin/{address}").status_code == 400

    monkeypatch.setattr("bootstrap_project.admin.devices.admin.ConfigAdmin.get_queryset", lambda *_: 1 / 0)
    admin.client.raise_request_exception = False
    response = admin.client.get("/admin/configs/config/")
    assert response.status_code == 500
    assert "Something went wrong here" in page_text(response)
    assert "division" not in page_text(response)


@pytest.mark.parametrize("value", ["x", r'"a\000bcdefghijklmnop"', "ab" * 16 + "!", "A" * 32])
def test_a_session_cookie_that_is_none_of_ours_is_no_session(value, django_assert_num_queries, db):
    with django_assert_num_queries(0):
        answer = Client(headers={"Cookie": f"sessionid={value}"}).get("/admin/")

    assert answer.status_code == 302


def list_that_fails(admin, monkeypatch, fail):
    """Return the answer for the list of devices where reading them does what `fail` does; it must be a 503."""
    monkeypatch.setattr("bootstrap_project.admin.devices.admin.ConfigAdmin.get_queryset", fail)
    admin.client.raise_request_exception = False

    response = admin.client.get("/admin/configs/config/")

    assert (response.status_code, response.headers["Retry-After"]) == (503, "2")
    return page_text(response)


@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
def test_a_database_that_does_not_answer_is_a_page_that_says_so(admin, monkeypatch, error):
    def broken(*_args):
        raise error("could not connect to 10.0.0.5 as user boss")

    words = list_that_fails(admin, monkeypatch, broken)

    assert "The database does not answer" in words
    assert "10.0.0.5" not in words


def test_a_lock_that_somebody_holds_for_too_long_is_a_page_that_says_so(admin, monkeypatch):
    def locked(*_args):
        raise OperationalError("canceling statement due to lock timeout") from LockNotAvailable()

    words = list_that_fails(admin, monkeypatch, locked)

    assert "Another change takes too long" in words
    assert "does not answer" not in words


@pytest.mark.parametrize("term", ['"', "'", '""', "''", "pump '", '" pump'])
def test_a_lone_quotation_mark_is_searched_for(admin, term):
    make_config(external_id="pump")
    found = make_config(external_id=f"7 {term} pump")

    rows = admin.get("/admin/configs/config/", q=term).context["cl"].result_list

    assert [row.pk for row in rows] == [found.pk]


def test_a_phrase_between_quotation_marks_is_searched_for_without_them(admin):
    make_config(external_id="the-pump")
    found = make_config(external_id="the pump 7")

    rows = admin.get("/admin/configs/config/", q='" pump "').context["cl"].result_list

    assert [row.pk for row in rows] == [found.pk]
