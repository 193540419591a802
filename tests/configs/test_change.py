"""View, PATCH, certificates, enable, disable and remove (docs/contract.md#a2, #k6, #k8 and #k9)."""

from __future__ import annotations

import json

import pytest

from bootstrap_project.magistrala.sandbox.seed import OTHER_DOMAIN_ID
from configs.models import Config, Status
from enrollments.models import BindingSnapshot
from tests.support.api import told
from tests.support.attempts import NEVER_CALLED
from tests.support.rows import make_binding, make_config, make_profile


@pytest.fixture
def config(db):
    return make_config(
        external_id="sensor",
        name="name",
        content="content",
        render_context={"site": "north", "deep": {"a": 1}},
        client_cert="cert",
        client_key="key",
        ca_cert="ca",
        profile=make_profile(),
    )


@pytest.fixture
def path(config):
    return f"/clients/configs/{config.pk}"


@pytest.fixture
def certs(config):
    return f"/clients/configs/certs/{config.pk}"


def shown(config):
    return {
        "id": str(config.pk),
        "domain_id": config.domain_id,
        "external_id": "sensor",
        "name": "name",
        "status": "enabled",
        "profile_id": str(config.profile_id),
        "render_context": {"site": "north", "deep": {"a": 1}},
        "content": "content",
        "client_cert": "cert",
        "client_key": "",
        "ca_cert": "ca",
        **NEVER_CALLED,
    }


def row(config):
    return Config.objects.filter(pk=config.pk).values().get()


# View.


def test_a_view_shows_every_member_and_no_secret(api, config, path, django_assert_num_queries):
    # The row, and for the entity tag what is bound.
    with django_assert_num_queries(2):
        answer = api.get(path)

    assert answer.status_code == 200
    assert answer.json() == shown(config)
    assert list(answer.json()) == list(shown(config))


# PATCH.


def test_patch_answers_the_changed_config(api, config, path):
    answer = api.patch(path, {"name": "other", "render_context": {"site": "south"}})

    assert answer.status_code == 200
    assert answer.json() == shown(config) | {"name": "other", "render_context": {"site": "south"}}
    assert api.get(path).json() == answer.json()


@pytest.mark.parametrize(
    ("name", "value"), [("name", "other"), ("content", "other"), ("render_context", {"site": "x"})]
)
def test_patch_changes_what_it_names_and_nothing_else(api, config, path, name, value):
    before = row(config)

    assert api.patch(path, {name: value}).status_code == 200

    after = row(config)
    changed = {column for column in before if before[column] != after[column]}
    assert changed == {name, "updated_at"}
    assert after[name] == value


def test_an_empty_patch_changes_nothing(api, config, path):
    before = row(config)

    answer = api.patch(path, {})

    assert answer.status_code == 200
    assert answer.json() == shown(config)
    assert row(config) == before


@pytest.mark.parametrize(
    "empty", [{"name": "", "content": "", "render_context": {}}, dict.fromkeys(["name", "content", "render_context"])]
)
def test_empty_and_null_clear(api, config, path, empty):
    cleared = {"name": "", "content": "", "render_context": {}}

    assert api.patch(path, empty).json() == shown(config) | cleared


def test_what_patch_may_not_change_is_ignored(api, config, path):
    before = row(config)
    whole = {
        "id": OTHER_DOMAIN_ID,
        "domain_id": OTHER_DOMAIN_ID,
        "external_id": "stolen",
        "external_key": "stolen",
        "status": "disabled",
        "profile_id": str(make_profile().pk),
        "client_cert": "x",
        "client_key": "x",
        "ca_cert": "x",
        "created_at": "0001-01-01T00:00:00Z",
    }

    assert api.patch(path, whole).json() == shown(config)
    assert row(config) == before


def test_a_name_that_another_config_has_is_a_conflict_and_its_own_is_none(api, config, path):
    make_config(name="taken")
    make_config(name="foreign", domain_id=OTHER_DOMAIN_ID)

    answer = api.patch(path, {"name": "taken", "content": "lost"})

    assert "entity already exists" in told(answer, 409)
    assert api.get(path).json() == shown(config)
    assert api.patch(path, {"name": "name"}).status_code == 200
    assert api.patch(path, {"name": "foreign"}).status_code == 200


@pytest.mark.parametrize(
    "body",
    [{"name": 7}, {"name": "x" * 1025}, {"content": []}, {"render_context": []}, {"render_context": "{}"}],
    ids=lambda body: next(iter(body)),
)
def test_a_member_that_cannot_be_stored_changes_nothing(api, config, path, body):
    before = row(config)

    answer = api.patch(path, {"content": "lost"} | body)

    assert f"{next(iter(body))}:" in told(answer, 400)
    assert row(config) == before


def test_the_date_of_a_change_moves(api, config, path):
    before = row(config)

    api.patch(path, {"name": "other"})

    assert row(config)["updated_at"] > before["updated_at"]
    assert row(config)["created_at"] == before["created_at"]


# Certificates.


def test_the_answer_about_certificates_shows_them_with_the_key(api, config, certs):
    answer = api.patch(certs, {"client_cert": "C2", "client_key": "the new key", "ca_cert": "A2"})

    assert answer.status_code == 200
    assert answer.json() == {"id": str(config.pk), "client_cert": "C2", "client_key": "the new key", "ca_cert": "A2"}
    stored = row(config)
    assert (stored["client_cert"], stored["ca_cert"]) == ("C2", "A2")
    assert "the new key" not in stored["client_key_sealed"]
    config.refresh_from_db()
    assert config.client_key == "the new key"


def test_absent_certificates_stay_and_empty_ones_are_cleared_and_left_out(api, config, certs):
    assert api.patch(certs, {"client_cert": "C2"}).json() == {
        "id": str(config.pk),
        "client_cert": "C2",
        "ca_cert": "ca",
    }
    assert row(config)["client_key_sealed"]
    assert api.patch(certs, {}).json()["client_cert"] == "C2"
    assert api.patch(certs, {"client_key": "", "ca_cert": None}).json() == {"id": str(config.pk), "client_cert": "C2"}
    assert row(config)["client_key_sealed"] == ""


def test_a_stored_key_that_nothing_opens_does_not_stop_a_change(api, config, certs):
    Config.objects.filter(pk=config.pk).update(client_key_sealed="v1.gone.AAAA")

    answer = api.patch(certs, {"client_cert": "C2"})

    assert (answer.status_code, answer.json()) == (200, {"id": str(config.pk), "client_cert": "C2", "ca_cert": "ca"})
    assert api.patch(certs, {"client_key": "new"}).json()["client_key"] == "new"


def test_certificates_change_nothing_else(api, config, certs):
    before = row(config)

    api.patch(certs, {"client_cert": "C2", "client_key": "K2", "name": "stolen", "content": "x", "status": "disabled"})

    after = row(config)
    changed = {column for column in before if before[column] != after[column]}
    assert changed == {"client_cert", "client_key_sealed", "updated_at"}


@pytest.mark.parametrize("body", [{"client_cert": 7}, {"client_key": ["x"]}, {"ca_cert": {}}])
def test_a_certificate_that_is_no_text_is_refused(api, config, certs, body):
    before = row(config)

    assert next(iter(body)) in told(api.patch(certs, body), 400)
    assert row(config) == before


@pytest.mark.parametrize(
    "body", [{}, {"client_cert": "C2"}, {"ca_cert": "A2"}, {"unknown": 1}, {"client_key": None}, {"Client_Key": "x"}]
)
def test_a_stored_key_is_not_answered_to_who_did_not_send_it(api, config, certs, body):
    answer = api.patch(certs, body)

    assert answer.status_code == 200
    assert "client_key" not in answer.json()


def test_the_private_key_is_only_in_the_answer_about_certificates(api, config, path, certs):
    secret = "-----BEGIN PRIVATE KEY----- xyz"
    assert secret in api.patch(certs, {"client_key": secret}).json()["client_key"]

    answers = [
        api.get(path),
        api.get("/clients/configs?status=all"),
        api.patch(path, {"content": "x"}),
        api.post(f"{path}/disable"),
        api.post(f"{path}/enable"),
    ]

    for answer in answers:
        assert b"PRIVATE KEY" not in answer.content
        document = answer.json()
        assert (document["configs"][0] if "configs" in document else document)["client_key"] == ""


# Enable and disable.


def test_disable_and_enable_answer_the_whole_config(api, config, path):
    disabled = api.post(f"{path}/disable")
    enabled = api.post(f"{path}/enable")

    assert (disabled.status_code, enabled.status_code) == (200, 200)
    assert disabled.json() == shown(config) | {"status": "disabled"}
    assert enabled.json() == shown(config)


@pytest.mark.parametrize("verb", ["enable", "disable"])
def test_a_status_may_be_set_twice(api, config, path, verb):
    assert api.post(f"{path}/{verb}").status_code == 200
    assert api.post(f"{path}/{verb}").status_code == 200
    assert api.get(path).json()["status"] == f"{verb}d"


@pytest.mark.parametrize("body", ["", "{}", "not json", json.dumps({"status": "disabled", "id": "x"})])
def test_enabling_looks_at_no_body(api, config, path, body):
    assert api.post(f"{path}/enable", body, content_type="text/plain").json()["status"] == "enabled"


def test_a_status_changes_one_config_alone(api, config, path):
    other = make_config()

    api.post(f"{path}/disable")

    other.refresh_from_db()
    assert other.status == Status.ENABLED


# Remove.


def test_removing_answers_nothing_and_takes_the_bindings_along(api, config, path):
    make_binding(config=config, slot="a", secret={"secret": "s"})
    kept = make_binding(config=make_config(), slot="a")

    answer = api.delete(path)

    assert (answer.status_code, answer.content) == (204, b"")
    assert answer["Content-Type"] == "application/json"
    assert api.get(path).status_code == 404
    assert list(BindingSnapshot.objects.all()) == [kept]


def test_removing_again_is_no_error(api, config, path):
    assert [api.delete(path).status_code for _ in range(2)] == [204, 204]


def test_what_a_removed_config_was_called_is_free_again(api, config, path):
    api.delete(path)

    assert api.create_config(external_id="sensor", name="name").status_code == 201
