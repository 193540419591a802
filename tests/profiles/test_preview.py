"""POST …/profiles/{id}/render-preview (docs/contract.md#a4, #k4 and #k17)."""

from __future__ import annotations

import pytest

from bootstrap_project.magistrala.sandbox.seed import OTHER_DOMAIN_ID
from configs.models import Config
from enrollments.models import BindingSnapshot
from profiles.models import Profile
from tests.support.api import UNKNOWN, told
from tests.support.rows import make_binding, make_config, make_profile

SLOTS = [
    {"name": "mqtt_client", "type": "client", "required": True},
    {"name": "telemetry", "type": "channel", "required": True},
]


@pytest.fixture
def preview(api):
    """Preview a template with a body; the profile is made for it."""

    def previewing(template, body, **members):
        profile = make_profile(content_template=template, **members)
        return api.preview(profile.pk, body)

    return previewing


def content(answer):
    assert answer.status_code == 200, answer.content
    assert list(answer.json()) == ["content", "warnings"]
    return answer.json()["content"]


def test_everything_may_come_with_the_request(preview):
    template = (
        "{{ .Device.ID }}|{{ .Device.ExternalID }}|{{ .Device.DomainID }}|{{ .Vars.site }}|{{ .Vars.qos }}|"
        "{{ .Bindings.m.Type }}|{{ .Bindings.m.ID }}|{{ .Bindings.m.Snapshot.name }}|"
        '{{ index .Bindings.m.Secret "secret" }}'
    )
    body = {
        "config": {
            "id": "preview-config",
            "external_id": "01:6",
            "render_context": {"site": "north"},
            "status": "enabled",
        },
        "bindings": [
            {
                "slot": "m",
                "type": "client",
                "resource_id": "r",
                "snapshot": {"name": "n"},
                "secret_snapshot": {"secret": "s"},
            }
        ],
    }

    answer = preview(template, body, defaults={"qos": 1, "site": "south"})

    assert content(answer) == f"preview-config|01:6|{Profile.objects.get().domain_id}|north|1|client|r|n|s"


def test_the_domain_is_the_paths_whatever_is_sent(preview):
    answer = preview("{{ .Device.DomainID }}", {"config": {"domain_id": OTHER_DOMAIN_ID, "profile_id": UNKNOWN}})

    assert content(answer) == Profile.objects.get().domain_id


@pytest.mark.parametrize("body", [{}, {"config": None, "bindings": None}, {"config": {}, "bindings": []}])
def test_all_members_are_optional(preview, body):
    assert content(preview("[{{ .Device.ID }}{{ .Device.ExternalID }}]", body)) == "[]"


def test_variables_at_the_top_count_only_without_the_configs(preview):
    template = "{{ .Vars.a }}"

    assert content(preview(template, {"render_context": {"a": "top"}})) == "top"
    assert content(preview(template, {"config": {"id": "x"}, "render_context": {"a": "top"}})) == "top"
    both = {"config": {"render_context": {"a": "own"}}, "render_context": {"a": "top"}}
    assert content(preview(template, both)) == "own"
    assert content(preview(template, both | {"config": {"render_context": None}})) == "top"


def test_required_slots_are_not_asked_for(preview):
    assert content(preview("fixed", {}, binding_slots=SLOTS)) == "fixed"


def test_null_is_no_binding(api):
    profile = make_profile(content_template="x")

    answer = api.preview(profile.pk, {"bindings": [{}, None]})

    assert answer.status_code == 400
    assert "bindings[1]: must be an object" in answer.json()["error"]
    assert api.preview(profile.pk, {"bindings": None}).status_code == 200


def test_a_raw_profile_opens_no_secret(api):
    profile = make_profile(template_format="raw", content_template="raw", binding_slots=SLOTS)
    config = make_config(profile=profile)
    make_binding(config=config, slot="mqtt_client")
    BindingSnapshot.objects.update(secret_sealed="v1.gone.AAAA")

    assert content(api.preview(profile.pk, {"config_id": str(config.pk)})) == "raw"


def test_nothing_stored_is_looked_at_without_a_config_id(api):
    profile = make_profile(content_template="{{ .Device.ExternalID }}", binding_slots=SLOTS)
    config = make_config(profile=profile, external_id="stored", render_context={"a": "stored"})
    make_binding(config=config, slot="mqtt_client")

    assert content(api.preview(profile.pk, {"config": {"id": str(config.pk)}})) == ""


def test_nothing_is_stored(api):
    profile = make_profile(content_template="x")
    before = [list(model.objects.values_list()) for model in (Config, Profile, BindingSnapshot)]

    api.preview(profile.pk, {"config": {"id": "new", "external_id": "new"}, "bindings": [{"slot": "a"}]})

    assert [list(model.objects.values_list()) for model in (Config, Profile, BindingSnapshot)] == before


@pytest.mark.parametrize(
    ("status", "accepted"),
    [
        ("enabled", True),
        ("DISABLED", True),
        (0, True),
        (1, True),
        ("1", True),
        (None, True),
        ("bogus", False),
        (2, False),
        ([], False),
        (True, False),
        ({}, False),
        (1.0, False),
    ],
)
def test_a_status_is_checked(preview, status, accepted):
    answer = preview("x", {"config": {"status": status}})

    assert answer.status_code == (200 if accepted else 400)
    assert accepted or "status" in told(answer)


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"config": []}, "config"),
        ({"config": "x"}, "config"),
        ({"config": {"id": 7}}, "config.id"),
        ({"config": {"render_context": []}}, "config.render_context"),
        ({"bindings": {}}, "bindings"),
        ({"bindings": [7]}, "bindings[0]"),
        ({"bindings": [{}, {"slot": 7}]}, "bindings[1].slot"),
        ({"bindings": [{"snapshot": []}]}, "bindings[0].snapshot"),
        ({"bindings": [{"secret_snapshot": "x"}]}, "bindings[0].secret_snapshot"),
        ({"render_context": []}, "render_context"),
        ({"config_id": 7}, "config_id"),
    ],
    ids=str,
)
def test_a_member_of_another_type_is_refused_with_its_place(preview, body, place):
    assert place in told(preview("x", body), 400)


# What goes wrong in a template.


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("ok\n  {{ .Vars.missing }}", ["2", "missing"]),
        ("{{ .Bindings.nowhere.ID }}", ["nowhere"]),
        ("{{ .Device.Serial }}", ["Serial"]),
        ('{{ index .Vars "missing" }}', ["missing"]),
        ('{{ required "the site" (index .Vars "site") }}', ["the site"]),
        ('{{ printf "%d" "x" }}', ["printf"]),
        ('{{ template "nowhere" }}', ["nowhere"]),
    ],
)
def test_a_template_that_fails_is_told_with_its_place(preview, template, words):
    answer = preview(template, {})

    text = told(answer, 400)
    assert all(word in text for word in words)


@pytest.mark.parametrize(
    ("template_format", "template"),
    [("json", '{"a": {{ .Vars.text }}}'), ("yaml", "a: {{ .Vars.text }}: b"), ("toml", "a = {{ .Vars.text }}")],
)
def test_an_output_that_is_not_of_its_format_is_told_without_being_quoted(preview, template_format, template):
    answer = preview(template, {"render_context": {"text": "s3cr3t words"}}, template_format=template_format)

    assert f"not valid {template_format.upper()}" in told(answer, 400)
    assert "line 1" in told(answer)
    assert b"s3cr3t" not in answer.content


def test_a_template_without_an_end_is_stopped(preview):
    answer = preview('{{ define "a" }}{{ template "a" . }}{{ end }}{{ template "a" . }}', {})

    told(answer, 400)


# With a stored config.


@pytest.fixture
def stored(api):
    profile = make_profile(
        content_template=(
            "{{ .Device.ID }}|{{ .Device.ExternalID }}|{{ .Vars.site }}|{{ .Bindings.mqtt_client.ID }}|"
            '{{ index .Bindings.mqtt_client.Secret "secret" }}'
        ),
        binding_slots=SLOTS,
    )
    config = make_config(profile=profile, external_id="stored", render_context={"site": "north"})
    make_binding(config=config, slot="mqtt_client", resource_id="r1", secret={"secret": "the true secret"})
    return profile, config


def test_a_stored_config_is_previewed_with_its_secrets_masked(api, stored):
    profile, config = stored

    answer = api.preview(
        profile.pk, {"config_id": str(config.pk), "config": {"id": "ignored"}, "bindings": [{"slot": "x"}]}
    )

    assert content(answer) == f"{config.pk}|stored|north|r1|masked00"
    assert b"true secret" not in answer.content


SECRET = "{{ .Bindings.mqtt_client.Secret.secret }}"


@pytest.mark.parametrize(
    ("template_format", "template", "shown"),
    [
        ("yaml", f"user: x\npassword: {SECRET}\n", "user: x\npassword: masked00\n"),
        ("yaml", f"a: {{p: {SECRET}, q: [{SECRET}]}}\n", "a: {p: masked00, q: [masked00]}\n"),
        ("yaml", f"- {SECRET}\n-\n  - {SECRET}\n", "- masked00\n-\n  - masked00\n"),
        ("yaml", f"{SECRET}: 1\n", "masked00: 1\n"),
        ("yaml", f'a: {SECRET[:-3]} | printf "%s:%s" "u" }}}}\n', "a: u:masked00\n"),
        ("yaml", "a: {{ slice .Bindings.mqtt_client.Secret.secret 0 4 }}\n", "a: mask\n"),
        ("yaml", "a: {{ slice .Bindings.mqtt_client.Secret.secret 6 }}\n", "a: 00\n"),
        ("json", f'{{"a": ["{SECRET}", {SECRET[:-3]} | toJSON }}}}]}}', '{"a": ["masked00", "masked00"]}'),
        ("toml", f'a = "{SECRET}"\n', 'a = "masked00"\n'),
        ("toml", f"[{SECRET}]\n{SECRET} = 1\n", "[masked00]\nmasked00 = 1\n"),
    ],
)
def test_a_mask_is_a_plain_word_of_every_format(api, stored, template_format, template, shown):
    _, config = stored
    profile = make_profile(template_format=template_format, content_template=template, binding_slots=SLOTS)

    assert content(api.preview(profile.pk, {"config_id": str(config.pk)})) == shown


@pytest.mark.parametrize(
    ("template_format", "template", "is_of_the_mask"),
    [
        ("json", f'{{"pin": {SECRET}}}', True),
        ("json", f'{{"pins": [1,\n{SECRET}]}}', True),
        ("toml", f"pin = {SECRET}\n", True),
        ("toml", f"pins = [{SECRET}, 1]\n", True),
        ("json", '{"a": "{{ slice .Bindings.mqtt_client.Secret.secret 0 16 }}"}', True),
        ("go-template", "{{ index .Bindings.mqtt_client.Secret.secret 12 }}", True),
        # Broken whatever the secret is.
        ("json", f'{{"a": "{SECRET}",}}', False),
        ("toml", f'a = "{SECRET}"\na = 1\n', False),
        ("yaml", f"a: {SECRET}: b\n", False),
        ("json", f'{{"a": "{SECRET}", "b": "{{{{ .Vars.nowhere }}}}"}}', False),
        ("go-template", "{{ index .Vars.site 99 }}", False),
    ],
)
def test_a_failure_says_that_a_mask_stands_for_the_secret_where_that_may_be_the_cause(
    api, stored, template_format, template, is_of_the_mask
):
    _, config = stored
    profile = make_profile(template_format=template_format, content_template=template, binding_slots=SLOTS)

    answers = []
    for secret in ("12345678", "the true secret", "x" * 500):
        BindingSnapshot.objects.all().delete()
        make_binding(config=config, slot="mqtt_client", resource_id="r1", secret={"secret": secret})
        answers.append(told(api.preview(profile.pk, {"config_id": str(config.pk)}), 400))

    assert ("`masked00` stands there for the secret" in answers[0]) is is_of_the_mask
    assert set(answers) == {answers[0]}


def test_a_stored_config_may_be_previewed_with_another_profile(api, stored):
    _, config = stored
    other = make_profile(content_template="other {{ .Device.ExternalID }}")

    assert content(api.preview(other.pk, {"config_id": str(config.pk)})) == "other stored"


@pytest.mark.parametrize("config_id", [UNKNOWN, "not-a-uuid"])
def test_an_unknown_stored_config_is_not_found(api, stored, config_id):
    assert "entity not found" in told(api.preview(stored[0].pk, {"config_id": config_id}), 404)


def test_a_stored_config_of_another_domain_is_not_found(api, stored):
    foreign = make_config(domain_id=OTHER_DOMAIN_ID)

    told(api.preview(stored[0].pk, {"config_id": str(foreign.pk)}), 404)


def test_an_empty_config_id_means_an_inline_preview(api):
    profile = make_profile(content_template="{{ .Device.ID }}")

    assert content(api.preview(profile.pk, {"config_id": "", "config": {"id": "inline"}})) == "inline"
    assert content(api.preview(profile.pk, {"config_id": None, "config": {"id": "inline"}})) == "inline"


def test_a_preview_of_a_stored_config_takes_three_statements(api, stored, django_assert_num_queries):
    profile, config = stored

    with django_assert_num_queries(3):
        api.preview(profile.pk, {"config_id": str(config.pk)})
