"""The preview: what the device gets, with every secret masked, and why it gets nothing."""

from __future__ import annotations

import uuid
from dataclasses import replace

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from configs.models import Config
from enrollments.models import BindingSnapshot
from profiles.models import Profile
from tests.support.pages import page_text
from tests.support.people import Person, make_person
from tests.support.rows import BINDING_SECRET, CLIENT_KEY, EXTERNAL_KEY, make_binding, make_config, make_profile

pytestmark = pytest.mark.sqlite

TEMPLATE = (
    '{"id": "{{ .Device.ID }}", "site": {{ toJSON .Vars.site }}, "user": "{{ .Bindings.mqtt.ID }}",'
    ' "password": {{ toJSON .Bindings.mqtt.Secret.secret }}}'
)


def url(config: Config) -> str:
    return reverse("admin:configs_config_preview", args=(config.pk,))


@pytest.fixture
def complete(device: Config) -> Config:
    """The device with all that it needs."""
    Profile.objects.update(content_template=TEMPLATE, template_format="json")
    make_binding(config=device, slot="data", type="channel")
    return device


def test_the_preview_is_what_the_device_gets_but_for_the_secret(admin, complete, client: Client):
    answer = client.get(
        f"/clients/bootstrap/{complete.external_id}", headers={"Authorization": f"Client {EXTERNAL_KEY}"}
    )

    shown = admin.get(url(complete)).context["content"]

    assert answer.status_code == 200
    assert BINDING_SECRET in answer.json()["content"]
    assert shown == answer.json()["content"].replace(BINDING_SECRET, "masked00")


@pytest.mark.parametrize(
    ("format_", "template", "slots", "bound"),
    [
        ("raw", "{{ as it is", [], {}),
        ("raw", "x", [{"name": "a", "type": "client", "required": True}], {}),
        ("go-template", "", [], {}),
        ("go-template", "{{ len .Bindings }}", [{"name": "a", "type": "client"}], {"a": "channel", "b": "client"}),
        ("go-template", "{{ .Bindings.a.ID }}", [{"name": "a", "type": "client", "required": True}], {"a": "channel"}),
        ("go-template", "{{ .Bindings.a.Secret.secret }}", [{"name": "a", "type": "client"}], {"a": "client"}),
        ("go-template", "{{ .Bindings.a.ID }}", [{"name": "a", "type": "client"}], {}),
        ("go-template", "{{ .Vars.site }}/{{ .Device.ExternalID }}/{{ .Device.DomainID }}", [], {}),
        ("json", "no json", [], {}),
        ("yaml", "a: [", [], {}),
        ("toml", "a = {{ .Vars.n }}", [], {}),
    ],
)
def test_the_preview_and_the_device_path_agree(admin, client: Client, format_, template, slots, bound):
    profile = make_profile(
        template_format=format_, content_template=template, binding_slots=slots, defaults={"site": "north", "n": 1e16}
    )
    config = make_config(profile=profile, render_context={"site": "south"}, content="of its own")
    for slot, kind in bound.items():
        make_binding(config=config, slot=slot, type=kind, secret={"secret": BINDING_SECRET})

    answer = client.get(f"/clients/bootstrap/{config.external_id}", headers={"Authorization": f"Client {EXTERNAL_KEY}"})
    context = admin.get(url(config)).context

    assert bool(context["failure"]) == (answer.status_code != 200)
    if answer.status_code == 200:
        assert context["content"] == answer.json()["content"].replace(BINDING_SECRET, "masked00")


def test_no_function_carries_a_secret_out(admin, complete):
    Profile.objects.update(
        content_template='{{ printf "%x" .Bindings.mqtt.Secret.secret }}{{ slice .Bindings.mqtt.Secret.secret 0 4 }}',
        template_format="go-template",
    )

    shown = admin.get(url(complete)).context["content"]

    assert shown == b"masked00".hex() + "mask"


def test_own_content_is_shown_where_there_is_no_profile(admin):
    assert "as it is {{ }}" in page_text(admin.get(url(make_config(content="as it is {{ }}"))))


def test_an_unbound_slot_is_named(admin, device):
    text = page_text(admin.get(url(device)))

    assert "Required slots are not bound." in text
    assert "Bind these first: data." in text


def test_a_missing_variable_is_shown_in_its_line(admin, complete):
    Profile.objects.update(content_template="first\n{{ .Vars.nowhere }}", template_format="go-template")

    text = page_text(admin.get(url(complete)))

    assert "The device would get nothing." in text
    assert "Line 2, column " in text
    assert "{{ .Vars.nowhere }}" in text
    assert "^" in text


def test_output_that_breaks_its_format_is_told(admin, complete):
    Profile.objects.update(content_template="{{ .Device.ID }", template_format="raw")
    assert "{{ .Device.ID }" in page_text(admin.get(url(complete)))

    Profile.objects.update(content_template="{{ .Device.ID }}", template_format="json")
    assert "The rendered text is not valid JSON." in page_text(admin.get(url(complete)))


def test_a_secret_that_cannot_be_opened_is_told(admin, complete):
    BindingSnapshot.objects.filter(slot="mqtt").update(secret_sealed="v1.unknown.AAAA")

    assert "The secret snapshot cannot be opened." in page_text(admin.get(url(complete)))


def test_a_disabled_device_is_previewed_with_a_word_about_it(admin, complete):
    Config.objects.update(status="disabled")

    text = page_text(admin.get(url(complete)))

    assert "The device is disabled" in text
    assert "client-77" in text


def test_who_may_preview_and_who_may_not(complete):
    for number, permission in enumerate(("view_enrollment", "preview_enrollment", "view_config")):
        person = make_person(f"otto-{number}", permission)
        assert person.get(url(complete)).status_code == 403
        assert person.post(url(complete), {"reveal": "yes"}).status_code == 403
    assert (
        make_person("vic", "view_config", "view_enrollment", "preview_enrollment").get(url(complete)).status_code == 200
    )


def test_a_device_that_is_gone_is_told(admin):
    missing = reverse("admin:configs_config_preview", args=(uuid.uuid4(),))

    assert "There is no such device" in page_text(admin.client.get(missing, follow=True))


# --- What it is made of ----------------------------------------------------------------------------------------------


def ask_as_device(config: Config):
    headers = {"Authorization": f"Client {EXTERNAL_KEY}"}
    return Client().get(f"/clients/bootstrap/{config.external_id}", headers=headers)


def test_size_tag_and_version_are_those_of_the_answer(admin, complete):
    answer = ask_as_device(complete)

    preview = admin.get(url(complete)).context["preview"]

    assert preview.etag == answer.headers["ETag"]
    assert str(preview.profile_version) == answer.headers["X-Profile-Version"]
    assert preview.size == int(answer.headers["Content-Length"])
    assert preview.content_size == len(answer.json()["content"].encode())


def test_a_device_that_has_it_already_is_told(admin, complete):
    assert "up to date" not in page_text(admin.get(url(complete)))
    Config.objects.update(last_bootstrap_etag=ask_as_device(complete).headers["ETag"], last_bootstrap_at=timezone.now())
    assert "up to date" in page_text(admin.get(url(complete)))

    Config.objects.update(render_context={"site": "elsewhere"})
    assert "up to date" not in page_text(admin.get(url(complete)))


def test_a_preview_costs_one_query_for_what_the_device_gets(admin, complete, django_assert_num_queries):
    # Session, user, the row as the admin sees it, the row by its domain, and all that the answer is made of.
    with django_assert_num_queries(5):
        assert admin.client.get(url(complete)).status_code == 200


def test_the_render_context_is_shown_with_secrets_masked(admin, complete):
    text = page_text(admin.get(url(complete)))

    for part in ("ExternalID", '"pi-0004"', "site", '"north"', "client-77", "Secret"):
        assert part in text, part


# --- Secrets ---------------------------------------------------------------------------------------------------------


def revealed(person: Person, config: Config, **data: str):
    """A page that may hold secrets, which `Person` would object to."""
    return person.client.post(url(config), {"reveal": "yes", **data})


def test_secrets_are_shown_to_those_who_may_and_ask_and_that_is_recorded(complete):
    keeper = make_person("kim", "view_config", "view_enrollment", "preview_enrollment", "reveal_secrets")
    assert "Reveal secrets" in page_text(keeper.get(url(complete)))
    assert not LogEntry.objects.exists()

    response = revealed(keeper, complete)

    assert response.context["content"] == ask_as_device(complete).json()["content"]
    for secret in (BINDING_SECRET, CLIENT_KEY.splitlines()[1]):
        assert secret in page_text(response)
    assert "no-store" in response.headers["Cache-Control"]
    entry = LogEntry.objects.get()
    assert entry.change_message == "Revealed secrets of slot mqtt, the client key in the preview."
    assert (entry.user.username, entry.object_id) == ("kim", str(complete.pk))
    assert BINDING_SECRET not in page_text(keeper.get(url(complete)))


@pytest.mark.parametrize("query", [{"reveal": "yes"}, {"reveal": "yes", "download": "content"}])
def test_no_address_reveals_secrets(admin, complete, query):
    assert admin.get(url(complete), **query).context["content"].count("masked00") == 1
    assert not LogEntry.objects.exists()


def test_who_may_only_preview_is_refused_the_secrets(complete):
    looker = make_person("lou", "view_config", "view_enrollment", "preview_enrollment")
    assert "Reveal secrets" not in page_text(looker.get(url(complete)))

    for data in ({"reveal": "yes"}, {"reveal": "yes", "download": "content"}, {"reveal": "yes", "download": "answer"}):
        response = looker.post(url(complete), data)
        assert "not the secrets" in page_text(response)
        assert "attachment" not in response.headers.get("Content-Disposition", "")
    assert not LogEntry.objects.exists()


def test_a_foreign_page_cannot_ask_for_secrets(admin, complete):
    client = Client(enforce_csrf_checks=True)
    client.force_login(admin.user)

    assert client.post(url(complete), {"reveal": "yes"}).status_code == 403


@pytest.mark.parametrize(("wanted", "name"), [("content", "pi-0004.json"), ("answer", "pi-0004.answer.json")])
def test_downloads_are_the_bytes_of_the_device_or_masked(admin, complete, wanted, name):
    answer = ask_as_device(complete)
    whole = answer.content if wanted == "answer" else answer.json()["content"].encode()

    clear = revealed(admin, complete, download=wanted)
    masked = admin.post(url(complete), {"download": wanted})

    assert clear.content == whole
    assert clear.headers["Content-Disposition"] == f'attachment; filename="{name}"'
    assert "in a download." in LogEntry.objects.get().change_message
    assert masked.headers["Content-Disposition"] == f'attachment; filename="{name.replace("4.", "4.masked.", 1)}"'
    assert BINDING_SECRET.encode() not in masked.content
    assert b"masked00" in masked.content
    for response in (clear, masked):
        assert "no-store" in response.headers["Cache-Control"]
        assert response.headers["Content-Type"] == "application/octet-stream"


def test_nothing_is_downloaded_of_an_answer_that_does_not_exist(admin, device):
    for wanted in ("content", "answer", "../../etc/passwd"):
        assert "There is nothing to download." in page_text(admin.post(url(device), {"download": wanted}))


def test_a_secret_that_breaks_the_format_is_found_without_being_shown(admin, complete):
    binding = BindingSnapshot.objects.get(slot="mqtt")
    binding.secret_snapshot = {"secret": f'{BINDING_SECRET}"'}
    binding.save()
    Profile.objects.update(content_template='{"password": "{{ .Bindings.mqtt.Secret.secret }}"}')
    assert ask_as_device(complete).status_code == 422

    text = page_text(admin.get(url(complete)))

    assert "The rendered text is not valid JSON." in text
    assert "it is the value of a secret that breaks it" in text


def test_an_answer_that_masks_would_break_is_told_as_what_it_is(admin, complete):
    binding = BindingSnapshot.objects.get(slot="mqtt")
    binding.secret_snapshot = {"secret": "12345678"}
    binding.save()
    Profile.objects.update(content_template='{"pin": {{ .Bindings.mqtt.Secret.secret }}}')
    assert ask_as_device(complete).status_code == 200

    response = admin.get(url(complete))

    assert response.context["content"] == '{"pin": masked00}'
    assert "The device gets a valid text" in page_text(response)


def test_a_template_that_needs_the_secrets_themselves_says_so(admin, complete):
    Profile.objects.update(content_template='"{{ slice .Bindings.mqtt.Secret.secret 0 20 }}"')
    assert ask_as_device(complete).status_code == 200

    response = admin.get(url(complete))

    assert response.context["content"] is None
    assert "It cannot be shown with masked secrets" in page_text(response)
    assert revealed(admin, complete).context["content"] == f'"{BINDING_SECRET}"'


def test_an_error_that_quotes_a_secret_does_not_show_it(admin, complete):
    Profile.objects.update(
        content_template="{{ required .Bindings.mqtt.Secret.secret nil }}", template_format="go-template"
    )

    text = page_text(admin.get(url(complete)))

    assert "The device would get nothing." in text
    assert page_text(revealed(admin, complete)).count("What is wrong") == 1


@pytest.mark.parametrize(
    ("template", "line"),
    [
        # Fails for the secret's own value, which the mask has not.
        ('a\n{{ if eq .Bindings.mqtt.Secret.secret "s3cr3t-of-the-client" }}{{ index .Vars.site 5 }}{{ end }}', 2),
        ('{{ if eq .Bindings.mqtt.Secret.secret "s3cr3t-of-the-client" }}\n{{ .Vars.nowhere }}{{ end }}', 2),
        # The mask fails first, at another place.
        ("{{ $x := slice .Bindings.mqtt.Secret.secret 0 20 }}\n\n{{ .Vars.nowhere }}", 3),
        ("{{ $x := slice .Bindings.mqtt.Secret.secret 0 20 }}\n{{ required $x nil }}", 2),
    ],
)
def test_a_failure_is_told_at_the_devices_place_and_without_values(complete, template, line):
    keeper = make_person("kim", "view_config", "view_enrollment", "preview_enrollment", "reveal_secrets")
    Profile.objects.update(content_template=template, template_format="go-template")
    assert ask_as_device(complete).status_code == 422

    response = keeper.client.get(url(complete))

    (found,) = response.context["problems"]
    assert found.problem.diagnostic.location.line == line
    assert BINDING_SECRET not in found.text
    assert BINDING_SECRET not in str(found.problem.diagnostic)
    assert "The device would get nothing." in page_text(response)


def set_secret(value: str) -> None:
    binding = BindingSnapshot.objects.get(slot="mqtt")
    binding.secret_snapshot = {"secret": value}
    binding.save()


@pytest.mark.parametrize(
    ("format_", "template"),
    [
        ("go-template", '{{ if ge .Bindings.mqtt.Secret.secret "T" }}yyyyyyyyyy{{ else }}n{{ end }}'),
        ("go-template", '{{ if ge .Bindings.mqtt.Secret.secret "T" }}{{ .Vars.nowhere }}{{ end }}'),
        (
            "go-template",
            '{{ if lt .Bindings.mqtt.Secret.secret "T" }}\n{{ .Vars.nowhere }}{{ else }}{{ .Vars.no }}{{ end }}',
        ),
        ("json", '{{ if ge .Bindings.mqtt.Secret.secret "T" }}no json{{ else }}1{{ end }}'),
        ("json", '{"pin": {{ .Bindings.mqtt.Secret.secret }}}'),
        ("go-template", "{{ slice .Bindings.mqtt.Secret.secret 0 20 }}"),
        ("go-template", "{{ range $i, $c := .Bindings.mqtt.Secret.secret }}{{ $i }}{{ end }}"),
    ],
)
def test_who_may_not_reveal_secrets_learns_nothing_of_them_by_a_template(complete, format_, template):
    """Whatever the secret is, the preview and the device's page tell the same, but for the tag of what is stored."""
    author = make_person("tom", "view_enrollment", "preview_enrollment", "view_config", "change_profile")
    Profile.objects.update(content_template=template, template_format=format_)
    told = []

    for secret in ("12345678", "A", "Zebra of more than twenty letters", 'quote"', "8" * 500):
        set_secret(secret)
        preview = author.client.get(url(complete)).context
        page = author.client.get(reverse("admin:configs_config_change", args=(complete.pk,))).context
        shown = replace(preview["preview"], etag="", secure_etag="")
        told.append((shown, preview["content"], preview["failure"], [str(one.text) for one in page["problems"]]))

    assert all(one == told[0] for one in told)


def test_figures_are_of_the_masked_answer_for_who_may_not_reveal_secrets(admin, complete):
    looker = make_person("lou", "view_config", "view_enrollment", "preview_enrollment")

    masked, whole = looker.get(url(complete)), admin.get(url(complete))

    difference = len(BINDING_SECRET) - len("masked00")
    sizes = [page.context["preview"].content_size for page in (masked, whole)]
    assert sizes == [len(masked.context["content"]), len(masked.context["content"]) + difference]
    assert masked.context["preview"].size == len(masked.context["preview"].body)
    assert "Content, masked" in page_text(masked)
    assert "Content, masked" not in page_text(whole)


def test_a_failure_of_the_masks_is_not_told_as_one_of_the_device(complete):
    looker = make_person("lou", "view_enrollment", "preview_enrollment", "view_config")
    set_secret("12345678")
    Profile.objects.update(content_template='{"pin": {{ .Bindings.mqtt.Secret.secret }}}')

    text = page_text(looker.get(url(complete)))
    page = page_text(looker.get(reverse("admin:configs_config_change", args=(complete.pk,))))

    assert "With masked secrets there is no answer. The rendered text is not valid JSON." in text
    assert "With the secrets themselves it may be otherwise" in text
    assert "The device would get nothing." not in text
    assert '{"pin": masked00}' in text
    assert "With masked secrets: The rendered text is not valid JSON." in page


def test_a_failure_that_no_secret_has_a_part_in_is_told_as_one_of_the_device(complete):
    looker = make_person("lou", "view_config", "view_enrollment", "preview_enrollment")
    Profile.objects.update(content_template="{{ .Vars.site")
    assert "The device would get nothing." in page_text(looker.get(url(complete)))

    BindingSnapshot.objects.update(secret_sealed="")
    Profile.objects.update(content_template="{{ .Vars.nowhere }}")
    assert "The device would get nothing." in page_text(looker.get(url(complete)))


# --- What is missing -------------------------------------------------------------------------------------------------


def problems(response) -> list[tuple[int, str, list[str]]]:
    """Line, words and ways out of each problem."""
    return [
        (item.problem.diagnostic.location.line, str(item.text), [link.words for link in item.links])
        for item in response.context["problems"]
    ]


def test_everything_that_is_missing_is_listed_with_its_place(admin, device):
    Profile.objects.update(
        content_template=(
            "{{ .Vars.sit }}\n{{ .Bindings.data.Snapshot.topic }}\n{{ .Bindings.data.ID }}\n"
            '{{ .Bindings.mqtt.Snapshot.nothing }}\n{{ required "fleet" .Vars.site }}{{ .Bindings.unknown.ID }}\n'
            "\t{{ .Vars.other }}"
        )
    )
    variables = ["the device's variables", "the profile's defaults", "the profile's template"]

    response = admin.get(url(device))

    found = problems(response)
    assert [line for line, _text, _links in found] == [1, 2, 4, 5, 6]
    assert "did you mean" in found[0][1]
    assert found[0][2] == variables
    assert "Slot <code>data</code> is required and nothing is bound to it: bind a channel." in found[1][1]
    assert found[1][2] == ["bind slot data"]
    assert found[2][2] == ["refresh the bindings", "bind slot mqtt", "the profile's slots"]
    assert "declares no slot <code>unknown</code>" in found[3][1]
    assert found[3][2] == ["the profile's slots", "the profile's template"]
    last = response.context["problems"][-1].problem
    assert last.excerpt == ("\t{{ .Vars.other }}", "\t   ^^^^^^^^^^^")
    text = page_text(response)
    assert f"{reverse('admin:configs_config_bind', args=(device.pk,))}#slot-data" in text
    assert f"{reverse('admin:configs_config_change', args=(device.pk,))}#id_render_context" in text
    assert f"{reverse('admin:profiles_profile_change', args=(device.profile_id,))}#id_defaults" in text


def test_a_slot_that_no_template_reads_is_missing_all_the_same(admin, device):
    Profile.objects.update(content_template="fixed")

    assert problems(admin.get(url(device))) == [
        (0, "Slot <code>data</code> is required and nothing is bound to it: bind a channel.", ["bind slot data"])
    ]


def test_ways_out_lead_nowhere_for_those_who_may_not_go_there(device):
    looker = make_person("lou", "view_config", "view_enrollment", "preview_enrollment")

    response = looker.get(url(device))

    assert "bind slot data" in page_text(response)
    assert [link.url for item in response.context["problems"] for link in item.links] == [""]


@pytest.mark.parametrize(
    ("template", "line"),
    [("a\n{{ .Vars.site", 2), ("\n\n{{ end }}", 3), ("{{ nosuch 1 }}", 1), ("x\n{{ index .Vars.site 5 }}", 2)],
)
def test_a_template_that_breaks_is_shown_at_its_line(admin, complete, template, line):
    Profile.objects.update(content_template=template, template_format="go-template")

    (found,) = admin.get(url(complete)).context["problems"]

    assert found.problem.diagnostic.location.line == line
    assert found.problem.excerpt.text == template.split("\n")[line - 1]
    assert "^" in found.problem.excerpt.caret
    assert found.links[0].words == "the profile's template"


def test_a_broken_template_is_told_beside_an_unbound_slot(admin, device):
    Profile.objects.update(content_template="{{ .Vars.site")

    assert [line for line, _text, _links in problems(admin.get(url(device)))] == [0, 1]


def test_a_very_long_line_is_cut_around_its_place(admin, complete):
    Profile.objects.update(
        content_template=f"{'x' * 5000}{{{{ .Vars.no }}}}{'y' * 5000}", template_format="go-template"
    )

    (found,) = admin.get(url(complete)).context["problems"]

    assert len(found.problem.excerpt.text) < 200
    caret = found.problem.excerpt.caret
    assert found.problem.excerpt.text[caret.index("^") : caret.rindex("^") + 1] == ".Vars.no"


def test_a_client_key_that_cannot_be_opened_is_told(admin, complete):
    Config.objects.update(client_key_sealed="v1.unknown.AAAA")

    text = page_text(admin.get(url(complete)))

    assert "The client key cannot be opened." in text
    assert "#id_new_client_key" in text
