"""`GET /clients/bootstrap/{external_id}`: every row of docs/contract.md#c2."""

from __future__ import annotations

import json
import logging
from urllib.parse import quote

import pytest
from django.conf import settings as django_settings
from django.db.models import JSONField, Value

from bootstrap_project.security.keyring import Key, SealingRing
from configs.models import Config, Status
from enrollments.models import BindingSnapshot
from profiles.models import Profile
from tests.devices.conftest import SECRETS, make_pi, message_of, without_request_id
from tests.support.lines import request_lines
from tests.support.rows import DOMAIN, EXTERNAL_KEY, make_binding, make_config, make_profile

REFUSED = "failed to get bootstrap configuration for given external key"
pytestmark = pytest.mark.django_db


# --- Success ---------------------------------------------------------------------------------------------------------


def test_a_device_gets_its_rendered_configuration(ask, pi):
    response = ask()

    assert response.status_code == 200
    body = json.loads(response.content)
    assert list(body) == ["id", "content", "client_cert", "client_key", "ca_cert"]
    assert body["id"] == str(pi.id)
    assert (body["client_cert"], body["client_key"], body["ca_cert"]) == ("CERT-PEM", "CLIENT-KEY-PEM", "CA-PEM")
    assert json.loads(body["content"]) == {
        "device_id": str(pi.id),
        "name": "pi-1",
        "domain_id": DOMAIN,
        "interval": 30,
        "ratio": 1,
        "site": "north",
        "mqtt": {"client_id": "client-1", "secret": SECRETS[0]},
        "topic": "telemetry/north",
    }


def test_a_config_without_a_profile_is_answered_its_content_verbatim(ask):
    config = make_config(external_id="pi-1", content='{{ not a template }} <&> "ключ"\r\n')

    body = json.loads(ask().content)

    assert body == {
        "id": str(config.id),
        "content": '{{ not a template }} <&> "ключ"\r\n',
        "client_cert": "",
        "client_key": "",
        "ca_cert": "",
    }


def test_an_empty_config_is_answered_with_all_five_members(ask):
    config = make_config(external_id="pi-1")

    expected = f'{{"id":"{config.id}","content":"","client_cert":"","client_key":"","ca_cert":""}}\n'
    assert ask().content.decode() == expected


@pytest.mark.parametrize(
    ("template_format", "template", "content"),
    [
        ("go-template", "id={{ .Device.ExternalID }}", "id=pi-1"),
        ("json", '{"id": {{ toJSON .Device.ExternalID }} }', '{"id": "pi-1" }'),
        ("yaml", "id: {{ .Device.ExternalID }}\n# kept\n", "id: pi-1\n# kept\n"),
        ("toml", 'id = "{{ .Device.ExternalID }}" # kept\n', 'id = "pi-1" # kept\n'),
        ("raw", "id={{ .Device.ExternalID }} {{ broken", "id={{ .Device.ExternalID }} {{ broken"),
    ],
)
def test_each_format_gives_its_bytes_unchanged(ask, template_format, template, content):
    make_pi(template_format=template_format, content_template=template)

    assert json.loads(ask().content)["content"] == content


def test_whole_numbers_stay_whole_and_others_do_not(ask):
    profile = make_profile(
        content_template="{{ toJSON .Vars }}",
        defaults={"big": 9007199254740993, "million": 1000000, "half": 0.5, "one": 1.0, "huge": 1e16},
    )
    make_config(external_id="pi-1", profile=profile, render_context={"half": 1.5})

    content = json.loads(json.loads(ask().content)["content"])

    assert content["big"] == 9007199254740993
    assert (content["million"], content["half"], content["one"], content["huge"]) == (1000000, 1.5, 1, 1e16)


def test_a_key_with_spaces_inside_is_taken_verbatim(ask):
    make_config(external_id="pi-1", external_key="k 7  7")

    assert ask(key="k 7  7").status_code == 200
    assert ask(key="k 7 7").status_code == 403


@pytest.mark.parametrize("length", [73, 1024, 7000])
def test_a_long_key_is_compared_whole(ask, length):
    make_config(external_id="pi-1", external_key="k" * length)

    assert ask(key="k" * length).status_code == 200
    assert ask(key="k" * (length - 1)).status_code == 403
    assert ask(key="k" * (length - 1) + "x").status_code == 403


def test_a_key_beyond_ascii_is_its_bytes_in_utf_8(ask):
    make_config(external_id="pi-1", external_key="ключ-é")

    as_wsgi_has_it = "ключ-é".encode().decode("latin-1")
    assert ask(key=as_wsgi_has_it).status_code == 200
    assert ask(key="é").status_code == 403


@pytest.mark.parametrize("external_id", ["01:6", "a b", "путь", "100%", "a+b", "secure", "%2F", "..", "a?b#c"])
def test_percent_encoded_ids_are_decoded(ask, external_id):
    config = make_config(external_id=external_id)

    response = ask(quote(external_id, safe=""))

    assert json.loads(response.content)["id"] == str(config.id)


# --- Refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Client",
        "Client ",
        "Client   ",
        "client key",
        "CLIENT key",
        "Bearer key",
        "Basic a2V5",
        "key",
        "Clientkey",
    ],
)
def test_no_client_key_is_401(client, pi, header):
    response = client.get(
        "/clients/bootstrap/pi-1",
        headers={} if header is None else {"authorization": header.replace("key", EXTERNAL_KEY)},
    )

    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == "Client"
    assert message_of(response) == "missing or invalid bearer entity key"


def test_an_unknown_id_and_a_wrong_key_are_refused_alike(ask, pi, django_assert_num_queries):
    with django_assert_num_queries(1):
        wrong_key = ask(key="wrong")
    with django_assert_num_queries(1):
        unknown_id = ask("pi-2", key="wrong")
    unknown_id_right_key = ask("pi-2")

    assert without_request_id(wrong_key) == without_request_id(unknown_id) == without_request_id(unknown_id_right_key)
    assert wrong_key.status_code == 403
    assert message_of(wrong_key) == REFUSED


@pytest.mark.parametrize("external_id", ["%00", "pi-1%00", "%FF", "%ED%A0%80", "x" * 1025, "pi%0A1", "%F0%9F%98%80"])
def test_ids_that_no_config_can_have_are_refused_alike(ask, pi, external_id):
    assert without_request_id(ask(external_id)) == without_request_id(ask(key="wrong"))


@pytest.mark.parametrize(
    "key",
    ["'", "k' OR '1'='1", "\x00", "\xff\xfe", "device-bootstrap-ke", "device-bootstrap-key2", "Device-Bootstrap-Key"],
)
def test_a_wrong_key_is_refused(ask, pi, key):
    assert ask(key=key).status_code == 403


def test_what_is_stored_is_no_key(ask, pi):
    for stored in (pi.external_key_hash, pi.external_key_digest, pi.external_key_pepper, str(pi.id)):
        assert ask(key=stored).status_code == 403


def test_a_disabled_config_is_refused_after_its_key_is_checked(ask, pi):
    Config.objects.filter(pk=pi.pk).update(status=Status.DISABLED)

    right, wrong = ask(), ask(key="wrong")

    assert (right.status_code, message_of(right)) == (403, "bootstrap configuration is disabled")
    assert (wrong.status_code, message_of(wrong)) == (403, REFUSED)


def test_a_disabled_config_reveals_nothing_of_its_bindings(ask, pi):
    Config.objects.filter(pk=pi.pk).update(status=Status.DISABLED)
    pi.bindings.all().delete()

    assert message_of(ask()) == "bootstrap configuration is disabled"


def test_every_error_carries_the_request_id(ask, pi):
    response = ask(key="wrong")

    assert json.loads(response.content)["request_id"] == response.headers["X-Request-ID"]
    assert len(response.headers["X-Request-ID"]) >= 8


# --- Bindings --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("template_format", ["json", "raw"])
def test_a_required_slot_that_is_not_bound_is_422_and_named(ask, template_format):
    config = make_pi(template_format=template_format)
    config.bindings.filter(slot="telemetry").delete()

    response = ask()

    assert response.status_code == 422
    assert json.loads(response.content)["message"] == "required binding is missing"
    assert json.loads(response.content)["error"] == "slot 'telemetry' is not bound"


def test_a_required_slot_bound_with_another_type_is_422(ask, pi):
    pi.bindings.filter(slot="telemetry").update(type="client")

    assert (ask().status_code, message_of(ask())) == (422, "required binding is missing")


def test_an_optional_slot_may_be_unbound(ask):
    make_pi(content_template='{{ if (index .Bindings "commands").ID }}1{{ else }}0{{ end }}')

    assert json.loads(ask().content)["content"] == "0"


def test_an_optional_slot_bound_with_another_type_counts_as_unbound(ask):
    config = make_pi(content_template='{{ if (index .Bindings "commands").ID }}1{{ else }}0{{ end }}')
    make_binding(config=config, slot="commands", type="client")

    assert json.loads(ask().content)["content"] == "0"


def test_a_binding_that_the_profile_no_longer_declares_is_left_out(ask, pi):
    stale = make_binding(config=pi, slot="stale", secret={"secret": "x"})
    BindingSnapshot.objects.filter(pk=stale.pk).update(secret_sealed="v1.gone.AAAA")

    assert ask().status_code == 200


def test_a_template_does_not_see_a_stale_binding(ask):
    config = make_pi(content_template="{{ .Bindings.stale.ID }}", template_format="go-template")
    make_binding(config=config, slot="stale")

    assert ask().status_code == 422


# --- Rendering -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("template_format", "template"),
    [
        ("go-template", "{{ .Vars.nothing }}"),
        ("go-template", "{{ .Vars.site.deeper }}"),
        ("go-template", "{{ .Device.Serial }}"),
        ("go-template", '{{ index .Vars "nothing" }}'),
        ("go-template", "{{ never closed"),
        ("json", '{"secret": {{ .Bindings.mqtt.Secret.secret }} }'),
        ("yaml", "a: [{{ .Bindings.mqtt.Secret.secret }}"),
        ("toml", "a = {{ .Bindings.mqtt.Secret.secret }}"),
    ],
)
def test_what_cannot_be_rendered_is_422_and_explained_to_operators_alone(ask, caplog, template_format, template):
    config = make_pi(template_format=template_format, content_template=template)

    with caplog.at_level(logging.INFO):
        response = ask()

    assert response.status_code == 422
    body = json.loads(response.content)
    assert body == {
        "message": "failed to render bootstrap configuration",
        "request_id": response.headers["X-Request-ID"],
    }
    (record,) = request_lines(caplog)
    assert (record.levelname, record.config_id) == ("WARNING", config.id)
    assert record.reason
    assert SECRETS[0] not in str(vars(record))


def break_secret(config: Config) -> None:
    config.bindings.filter(slot="mqtt").update(secret_sealed="v1.gone.AAAA")


def swap_secret(config: Config) -> None:
    sealed = config.bindings.get(slot="mqtt").secret_sealed
    config.bindings.filter(slot="telemetry").update(secret_sealed=sealed)


def break_client_key(config: Config) -> None:
    Config.objects.filter(pk=config.pk).update(client_key_sealed="v1.gone.AAAA")


@pytest.mark.parametrize("damage", [break_secret, swap_secret, break_client_key])
def test_a_secret_that_does_not_open_is_422_and_logged(ask, pi, caplog, damage):
    damage(pi)

    with caplog.at_level(logging.INFO):
        response = ask()

    assert (response.status_code, message_of(response)) == (422, "failed to render bootstrap configuration")
    (record,) = request_lines(caplog)
    assert "SealError" in record.reason


def test_a_raw_profile_opens_no_binding(ask):
    break_secret(make_pi(template_format="raw", content_template="raw"))

    assert json.loads(ask().content)["content"] == "raw"


def test_secrets_are_opened_after_the_key_is_checked(ask, pi, monkeypatch):
    opened = []
    original = SealingRing.open

    def recorded(ring, envelope, *, purpose):
        opened.append(purpose)
        return original(ring, envelope, purpose=purpose)

    monkeypatch.setattr(SealingRing, "open", recorded)

    ask(key="wrong")
    ask("unknown")
    Config.objects.filter(pk=pi.pk).update(status=Status.DISABLED)
    ask()
    assert opened == []

    Config.objects.filter(pk=pi.pk).update(status=Status.ENABLED)
    ask()
    assert opened == [f"enrollments.secret_snapshot:{pi.id}:mqtt", f"configs.client_key:{pi.id}"]


def test_the_next_call_sees_what_was_changed(ask, pi):
    before = json.loads(json.loads(ask().content)["content"])
    Config.objects.filter(pk=pi.pk).update(render_context={"site": "south", "interval": 5})
    Profile.objects.filter(pk=pi.profile_id).update(content_template='{"site": {{ toJSON .Vars.site }}}')

    after = json.loads(json.loads(ask().content)["content"])

    assert (before["site"], after) == ("north", {"site": "south"})


# --- What is told to nobody ------------------------------------------------------------------------------------------


def test_no_secret_reaches_a_log_or_an_error(ask, ask_secure, pi, caplog):
    stored = (pi.external_key_hash, pi.external_key_digest)
    errors = []
    with caplog.at_level(logging.DEBUG):
        assert ask().status_code == 200
        assert ask_secure().status_code == 200
        errors += [ask(key=EXTERNAL_KEY + "!"), ask("unknown"), ask_secure(raw=EXTERNAL_KEY), ask(key=None)]
        Profile.objects.filter(pk=pi.profile_id).update(
            content_template="{{ .Bindings.mqtt.Secret.secret }}", template_format="json"
        )
        errors += [ask(), ask_secure()]
        pi.bindings.filter(slot="telemetry").delete()
        errors += [ask()]
        Config.objects.filter(pk=pi.pk).update(status=Status.DISABLED)
        errors += [ask()]

    logged = "".join(
        str(vars(record)) + record.getMessage() for record in caplog.records if "db.backends" not in record.name
    )
    told = "".join(response.content.decode() + str(response.headers) for response in errors)
    for secret in (*SECRETS, *stored, "static content", django_settings.TRANSPORT_KEY.decode()):
        assert secret not in logged
        assert secret not in told
    assert all(response.status_code >= 400 for response in errors)


def test_refusals_are_logged_with_what_operators_look_for(ask, pi, caplog):
    with caplog.at_level(logging.INFO):
        wrong, unknown = ask(key="wrong"), ask("x" * 500)

    first, second = request_lines(caplog)
    assert (first.levelname, first.config_id, first.reason) == ("INFO", pi.id, "wrong external key")
    assert (second.levelname, second.reason) == ("INFO", f"unknown external id '{'x' * 128}…'")
    assert not hasattr(second, "config_id")
    assert wrong.status_code == unknown.status_code == 403


def test_a_call_is_one_line_that_tells_device_outcome_and_source(ask, pi, caplog):
    with caplog.at_level(logging.INFO):
        ask(REMOTE_ADDR="198.51.100.7")

    (line,) = request_lines(caplog)
    assert (line.status, line.levelname, line.operation) == (200, "INFO", "bootstrap")
    assert (line.variant, line.outcome, line.config_id, line.source) == ("plain", "ok", pi.id, "198.51.100.7")
    assert not hasattr(line, "reason")


def test_a_lost_sealing_key_does_not_stop_devices_without_secrets(ask, settings):
    make_config(external_id="pi-1", content="static")
    settings.SEALING_RING = SealingRing((Key("other", b"x" * 32),))

    assert json.loads(ask().content)["content"] == "static"


def test_json_null_counts_as_nothing(ask):
    profile = make_profile(content_template="{{ toJSON .Vars }}")
    config = make_config(external_id="pi-1", profile=profile)
    Profile.objects.update(defaults=Value(None, JSONField()), binding_slots=Value(None, JSONField()))
    Config.objects.filter(pk=config.pk).update(render_context=Value(None, JSONField()))

    assert json.loads(ask().content)["content"] == "{}"
