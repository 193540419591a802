"""`If-None-Match`: a device that has its configuration already is told so, and nothing else (RFC 9110, 13.1.2)."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
from django.db.models import F

from bootstrap_project.security import transport_cipher
from bootstrap_project.security.keyring import Key, SealingRing
from configs.external_keys import PresentedKey
from configs.models import Config, Status
from devices.queries import find_by_external_id
from enrollments.device_config import etag
from enrollments.models import seal_secret_snapshot
from profiles.models import Profile
from tests.devices.conftest import SECRETS, count_of
from tests.support.rows import EXTERNAL_KEY, make_binding, make_config, make_profile

pytestmark = pytest.mark.django_db


@pytest.fixture
def ask_again(ask):
    """Ask with what the device says that it has."""
    return lambda etag, **values: ask(HTTP_IF_NONE_MATCH=etag, **values)


def etag_of(response):
    assert response.status_code == 200, response.content
    return response.headers["ETag"]


def test_an_answer_has_a_strong_tag_and_its_profile_s_version(ask, pi):
    Profile.objects.filter(pk=pi.profile_id).update(version=7)

    response = ask()

    assert re.fullmatch(r'"[0-9a-f]{36}"', response.headers["ETag"])
    assert response.headers["X-Profile-Version"] == "7"
    assert etag_of(ask()) == response.headers["ETag"]


def test_a_config_without_a_profile_has_a_tag_and_no_version(ask, ask_again):
    make_config(external_id="pi-1", content="static")

    response = ask()

    assert "X-Profile-Version" not in response.headers
    again = ask_again(etag_of(response))
    assert again.status_code == 304
    assert "X-Profile-Version" not in again.headers


def test_a_device_that_has_it_is_told_so(ask, ask_again, pi, django_assert_num_queries):
    first = ask()

    with django_assert_num_queries(1):
        again = ask_again(first.headers["ETag"])

    assert (again.status_code, again.content) == (304, b"")
    for name in ("ETag", "X-Profile-Version", "Cache-Control"):
        assert again.headers[name] == first.headers[name]
    assert again.headers["Cache-Control"] == "no-store"
    assert again.headers["X-Request-ID"]
    assert "Content-Type" not in again.headers
    assert "Content-Length" not in again.headers


@pytest.mark.parametrize(
    ("header", "status"),
    [
        ("{tag}", 304),
        ("W/{tag}", 304),
        ('"a", {tag}', 304),
        ('"a" ,W/{tag},"b"', 304),
        ("*", 304),
        (" * ", 304),
        ('"a"', 200),
        ('W/"a", "*"', 200),
        ("{bare}", 200),
        ("", 200),
        ('"', 200),
        ("{tag}x", 200),
        ("w/{tag}", 200),
    ],
)
@pytest.mark.parametrize("method", ["get", "head"])
def test_headers_of_every_form(ask, ask_again, pi, header, status, method):
    tag = etag_of(ask())

    response = ask_again(header.format(tag=tag, bare=tag.strip('"')), method=method)

    assert response.status_code == status
    assert response.headers["ETag"] == tag


def test_nothing_is_opened_or_rendered_for_it(ask, ask_again, pi, monkeypatch):
    tag = etag_of(ask())
    for place in ("enrollments.device_config.assemble.render", "bootstrap_project.security.keyring.SealingRing.open"):
        monkeypatch.setattr(place, lambda *_a, **_k: pytest.fail("not needed"))

    assert ask_again(tag).status_code == 304


def test_it_is_counted(ask, ask_again, pi):
    tag = etag_of(ask())
    before = count_of("bootstrap_device_bootstraps_total", variant="plain", outcome="not_modified")

    ask_again(tag)

    assert count_of("bootstrap_device_bootstraps_total", variant="plain", outcome="not_modified") == before + 1


def test_the_secure_endpoint_has_tags_of_its_own(ask, client, pi, settings):
    plain = etag_of(ask())
    message = transport_cipher.encrypt(settings.TRANSPORT_KEY, EXTERNAL_KEY.encode()).hex()

    def ask_secure(**extra):
        headers = {"authorization": f"Client {message}"}
        return client.get("/clients/bootstrap/secure/pi-1", headers=headers, **extra)

    tag = etag_of(ask_secure())

    assert tag != plain
    assert ask_secure(HTTP_IF_NONE_MATCH=tag).status_code == 304
    assert ask_secure(HTTP_IF_NONE_MATCH=tag).headers["X-Profile-Version"] == "1"
    assert ask_secure(HTTP_IF_NONE_MATCH=plain).status_code == 200


# --- What comes before it --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("header", ["{tag}", "*"])
def test_a_tag_is_no_key(ask, ask_again, pi, header):
    known = header.format(tag=etag_of(ask()))

    assert ask_again(known, key="wrong").status_code == 403
    assert ask_again(known, key=None).status_code == 401
    assert ask_again(known, external_id="nobody").status_code == 403
    for response in (ask_again(known, key="wrong"), ask_again(known, external_id="nobody")):
        assert "ETag" not in response.headers
        assert "X-Profile-Version" not in response.headers


@pytest.mark.parametrize("header", ["{tag}", "*"])
def test_disabled_unbound_and_broken_come_first(ask, ask_again, pi, header):
    known = header.format(tag=etag_of(ask()))

    Config.objects.filter(pk=pi.pk).update(status=Status.DISABLED)
    assert ask_again(known).status_code == 403
    Config.objects.filter(pk=pi.pk).update(status=Status.ENABLED)
    Profile.objects.filter(pk=pi.profile_id).update(content_template="{{ .Vars.nothing }}")
    assert ask_again(known).status_code == 422
    pi.bindings.filter(slot="telemetry").delete()
    assert ask_again(known).status_code == 422


def test_a_rotated_key_makes_the_old_one_s_tag_worthless(ask, ask_again, pi):
    tag = etag_of(ask())
    Config.objects.filter(pk=pi.pk).update(external_key_digest="0" * 64)

    assert ask_again(tag).status_code == 403


# --- What changes it -------------------------------------------------------------------------------------------------


def bound(pi, **values):
    pi.bindings.filter(slot="mqtt").update(**values)


CHANGES = {
    "render context": lambda pi: Config.objects.filter(pk=pi.pk).update(render_context={"site": "south"}),
    "client certificate": lambda pi: Config.objects.filter(pk=pi.pk).update(client_cert="ANOTHER"),
    "ca certificate": lambda pi: Config.objects.filter(pk=pi.pk).update(ca_cert="ANOTHER"),
    "domain": lambda pi: Config.objects.filter(pk=pi.pk).update(domain_id="another"),
    "template": lambda pi: Profile.objects.filter(pk=pi.profile_id).update(content_template='{"a": 1}'),
    "format": lambda pi: Profile.objects.filter(pk=pi.profile_id).update(template_format="go-template"),
    "defaults": lambda pi: Profile.objects.filter(pk=pi.profile_id).update(defaults={"interval": 1, "ratio": 2}),
    "version": lambda pi: Profile.objects.filter(pk=pi.profile_id).update(version=F("version") + 1),
    "slots": lambda pi: Profile.objects.filter(pk=pi.profile_id).update(
        binding_slots=[*pi.profile.binding_slots, {"name": "more", "type": "client"}]
    ),
    "profile": lambda pi: Config.objects.filter(pk=pi.pk).update(profile=make_profile(content_template="{}")),
    "no profile": lambda pi: Config.objects.filter(pk=pi.pk).update(profile=None),
    "resource": lambda pi: bound(pi, resource_id="client-2"),
    "snapshot": lambda pi: bound(pi, snapshot={"id": "client-1", "name": "new"}),
    "secret": lambda pi: bound(pi, secret_sealed=seal_secret_snapshot({"secret": "new"}, config_id=pi.pk, slot="mqtt")),
    "optional binding": lambda pi: make_binding(config=pi, slot="commands", type="channel"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_whatever_changes_the_answer_changes_the_tag(ask, ask_again, pi, change):
    tag = etag_of(ask())
    times = list(Config.objects.values_list("updated_at", flat=True))

    change(pi)

    # As for two changes within one tick of the clock: nothing but the contents tells them apart.
    assert list(Config.objects.values_list("updated_at", flat=True)) == times
    response = ask_again(tag)
    assert response.status_code == 200
    assert etag_of(response) != tag


def test_a_private_key_changes_the_tag(ask, ask_again, pi):
    tag = etag_of(ask())
    pi.client_key = "ANOTHER KEY"
    pi.save(update_fields=["client_key_sealed"])

    assert json.loads(ask_again(tag).content)["client_key"] == "ANOTHER KEY"


def test_content_counts_where_it_is_given_out(ask, ask_again):
    config = make_config(external_id="pi-1", content="one")
    tag = etag_of(ask())

    Config.objects.filter(pk=config.pk).update(content="two")

    assert ask_again(tag).status_code == 200


@pytest.mark.parametrize(
    "change",
    [
        lambda pi: Config.objects.filter(pk=pi.pk).update(name="another name", content="not given out"),
        lambda pi: make_binding(config=pi, slot="stale", secret={"secret": "x"}),
        lambda pi: make_binding(config=pi, slot="commands", type="client"),
        lambda pi: pi.save(),
    ],
    ids=["name", "undeclared binding", "binding of another type", "nothing"],
)
def test_what_does_not_reach_the_device_does_not_change_it(ask, ask_again, pi, change):
    tag = etag_of(ask())

    change(pi)

    assert ask_again(tag).status_code == 304


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECRET_KEY", "another"),
        ("BOOTSTRAP_VERSION", "99"),
        ("BOOTSTRAP_BUILD_COMMIT", "abc"),
        ("SEALING_RING", None),
    ],
)
def test_another_release_or_key_ring_is_another_tag(ask, pi, settings, name, value):
    tag = etag_of(ask())

    setattr(settings, name, value or SealingRing((Key("new", b"n" * 32), *settings.SEALING_RING.keys)))

    assert etag_of(ask()) != tag


def test_another_way_of_rendering_is_another_tag(ask, pi, monkeypatch):
    tag = etag_of(ask())
    monkeypatch.setattr(etag, "RENDERING", etag.RENDERING + 1)
    etag._derived_key.cache_clear()

    assert etag_of(ask()) != tag
    etag._derived_key.cache_clear()


def test_texts_cannot_pass_for_each_other(pi):
    record = find_by_external_id("pi-1", PresentedKey.of(EXTERNAL_KEY))
    assert record is not None
    assert record.answer is not None
    answer = record.answer
    # The same characters in the same order, whatever stands between two texts: the ends alone differ.
    pairs = [("ab", "c"), ("a", "bc"), ("a\0b", "c"), ("a", "b\0c"), ("a\0b\0c", ""), ("", "a\0b\0c")]
    each = [replace(answer, client_cert=cert, client_key_sealed=key) for cert, key in pairs]

    tags = {etag.make_etag(record, one, [], secure=False) for one in each}

    assert len(tags) == len(pairs)


def test_devices_with_the_same_contents_have_different_tags(ask):
    for external_id in ("pi-1", "pi-2"):
        make_config(external_id=external_id, content="same")

    assert etag_of(ask("pi-1")) != etag_of(ask("pi-2"))


def test_a_tag_holds_nothing_of_what_it_names(ask, pi):
    tag = etag_of(ask())

    for secret in (*SECRETS, str(pi.pk).replace("-", ""), "static"):
        assert secret not in tag


def test_the_order_in_which_bindings_are_read_does_not_matter(ask, ask_again, pi):
    tag = etag_of(ask())
    first = pi.bindings.get(slot="mqtt")
    sealed, snapshot, resource = first.secret_sealed, first.snapshot, first.resource_id
    first.delete()
    again = make_binding(config=pi, slot="mqtt", resource_id=resource, snapshot=snapshot)
    pi.bindings.filter(pk=again.pk).update(secret_sealed=sealed)

    assert ask_again(tag).status_code == 304


def test_a_renewed_digest_changes_no_tag(ask, ask_again, pi, settings):
    tag = etag_of(ask())
    Config.objects.filter(pk=pi.pk).update(external_key_digest="", external_key_pepper="")

    assert ask_again(tag).status_code == 304
    assert Config.objects.get(pk=pi.pk).external_key_digest
