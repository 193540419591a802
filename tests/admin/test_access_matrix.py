"""Every page of the admin, for every role, for rows of a domain that is granted and of one that is not."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin as django_admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, User
from django.db.models import Model
from django.forms.models import model_to_dict
from django.test import Client, RequestFactory
from django.urls import URLPattern, URLResolver, reverse
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from bootstrap_project.admin.base import ProductAdmin
from bootstrap_project.admin.models import DomainGrant
from bootstrap_project.runs.models import Run
from configs.models import Config
from devices.models import BootstrapAttempt
from enrollments.models import BindingSnapshot
from profiles.models import Profile
from tests.admin.access_table import PEOPLE, SPECIAL, WITHOUT_DOMAIN, may_see, page_of
from tests.support.pages import page_text
from tests.support.people import Person, make_person, make_user
from tests.support.rows import make_binding, make_config, make_profile, make_run

#: In every name and id of the other domain, and in nothing else.
FOREIGN = "bravo"
GRANTED, OTHER, NOWHERE = "alpha-domain", f"{FOREIGN}-domain", ""
UNKNOWN = {"uuid": "3a0f2b6e-7c55-4a0e-9d10-7a6f0c1d2e3f", "int": "987654321"}
SLOTS = [{"name": "mqtt", "type": "client", "required": True}]
MODELS = {f"{model._meta.app_label}_{model._meta.model_name}": model for model in django_admin.site._registry}
#: What somebody could send to a page that is not theirs.
FORGED = {
    "post": "yes",
    "name": "forged",
    "username": "forged",
    "password1": "Forged-forged-1",
    "password2": "Forged-forged-1",
    "domain_id": OTHER,
    "external_id": "forged",
    "external_key": "forged",
    "repeated_key": "forged",
    "status": "disabled",
    "template_format": "raw",
    "slot-mqtt": "forged",
}


def patterns(urls: Any = None) -> Iterator[URLPattern]:
    for one in django_admin.site.get_urls() if urls is None else urls:
        if isinstance(one, URLResolver):
            yield from patterns(one.url_patterns)
        else:
            yield one


#: Every page that has a name: Django's redirects to `change/` and its answer for unknown paths have none.
ROUTES = {pattern.name: str(pattern.pattern) for pattern in patterns() if pattern.name}
NAMES = list(ROUTES)


def make_rows(domain_id: str, name: str) -> dict[str, Any]:
    """A row of every kind in one domain; their ids by the model's name."""
    profile = make_profile(name=f"{name} profile", domain_id=domain_id, binding_slots=SLOTS, content_template="{}")
    config = make_config(name=f"{name} device", external_id=f"{name}-1", domain_id=domain_id, profile=profile)
    snapshot = {"id": f"{name}-client", "name": f"{name} client"}
    binding = make_binding(config=config, slot="mqtt", resource_id=f"{name}-client", snapshot=snapshot)
    attempt = BootstrapAttempt.objects.create(
        at=timezone.now(),
        config_id=config.pk,
        domain_id=domain_id,
        external_id=f"{name}-1",
        variant="plain",
        outcome="render_failed",
        status=422,
        error_id=f"{name}-error",
        duration=0.1,
    )
    return {
        "configs_config": config.pk,
        "profiles_profile": profile.pk,
        "enrollments_bindingsnapshot": binding.pk,
        "devices_bootstrapattempt": attempt.pk,
        "runs_run": make_run(domain_id, f"{name} run").pk,
    }


@pytest.fixture(scope="module")
def stored(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[tuple[dict[str, User], Any]]:
    """A user of every role, and rows of two domains, stored once: every test takes back what it changed."""
    users = {}
    with django_db_blocker.unblock():
        for role, permissions in PEOPLE.items():
            codes = [permission.partition(".")[2] for permission in permissions or ()]
            domains = (GRANTED,) if permissions else ()
            users[role] = make_user(role.replace(" ", "-"), *codes, domains=domains, is_superuser=permissions is None)
        somebody, group = User.objects.create_user("somebody"), Group.objects.create(name="some group")
        others = {"auth_user": somebody.pk, "auth_group": group.pk}
        rows = {domain: make_rows(domain, name) | others for domain, name in ((GRANTED, "alpha"), (OTHER, FOREIGN))}
    yield users, rows
    with django_db_blocker.unblock():
        for model in (Config, Profile, BootstrapAttempt, Run):
            model._default_manager.filter(domain_id__in=(GRANTED, OTHER)).delete()
        User.objects.filter(pk__in=[somebody.pk, *(user.pk for user in users.values())]).delete()
        group.delete()


@pytest.fixture
def world(stored, settings):
    """The stored rows, and somebody of every role with a browser, granted the first domain."""
    settings.SERVICE_TOKEN = settings.SERVICE_USERNAME = settings.SERVICE_PASSWORD = ""
    users, rows = stored
    # What a user may do is remembered by the object: each test has its own.
    return {role: Person(User.objects.get(pk=user.pk)) for role, user in users.items()}, rows


def url_of(name: str, rows: dict[str, Any]) -> str:
    """The address of a page, for the row of the model that its name begins with."""
    page = page_of(name, set(MODELS))
    more = page.more if page else ()
    return reverse(f"admin:{name}", args=(rows[model_of(name)], *more) if takes_row(name) else more)


def takes_row(name: str) -> bool:
    """Whether the address of a page holds the id of a row, and not only other words."""
    page = page_of(name, set(MODELS))
    return name not in SPECIAL and ROUTES[name].count("<") > len(page.more if page else ())


def model_of(name: str) -> str:
    page = page_of(name, set(MODELS))
    if page and page.row:
        return page.row
    return max((model for model in MODELS if name.startswith(f"{model}_")), key=len)


def outcome(response: Any) -> str:
    location = response.headers.get("Location", "")
    if response.status_code == 302:
        return "login" if location.startswith("/admin/login/") else "missing"
    return {200: "allowed", 403: "refused", 404: "missing"}.get(response.status_code, str(response.status_code))


def everything() -> dict[str, Any]:
    """All that somebody could have changed."""
    stored: tuple[type[Model], ...] = (
        Config,
        Profile,
        BindingSnapshot,
        BootstrapAttempt,
        User,
        Group,
        DomainGrant,
        Run,
    )
    return {
        f"{model.__name__} {row.pk}": {
            name: value for name, value in model_to_dict(row).items() if name != "last_login"
        }
        | {"hash": getattr(row, "external_key_hash", ""), "password": getattr(row, "password", "")}
        for model in stored
        for row in model._default_manager.all()
    }


def pages() -> Iterator[tuple[str, Any]]:
    for name in NAMES:
        if name not in SPECIAL:
            yield name, page_of(name, set(MODELS))


def test_every_page_has_a_row():
    missing = [name for name, page in pages() if page is None]

    assert not missing, f"say in tests/admin/access_table.py who may see these pages: {missing}"
    assert set(NAMES) >= SPECIAL


def test_every_model_of_ours_goes_through_the_door():
    """A page of rows that have a domain, and that is no ProductAdmin, would show them all."""
    for model, page in django_admin.site._registry.items():
        if f"{model._meta.app_label}_{model._meta.model_name}" not in WITHOUT_DOMAIN:
            assert isinstance(page, ProductAdmin), model


def test_nobody_sees_anything_before_the_login(world):
    _people, rows = world
    before = everything()

    for name, _page in pages():
        url = url_of(name, rows[GRANTED])
        for answer in (Client().get(url), Client().post(url, FORGED)):
            assert outcome(answer) == "login", name
    for path in ("autocomplete/", "configs/", "nowhere/", "r/1/1/"):
        assert outcome(Client().get(f"/admin/{path}")) == "login", path
    assert everything() == before


@pytest.mark.parametrize("role", PEOPLE)
def test_who_sees_what(world, role):
    people, rows = world
    person = people[role]

    for name, page in pages():
        for domain in (GRANTED, OTHER):
            belongs = takes_row(name) and model_of(name) not in WITHOUT_DOMAIN
            allowed = may_see(role, page) and (domain == GRANTED or not belongs or role == "superuser")
            response = person.get(url_of(name, rows[domain]))
            expected = page.answers if allowed else {"refused", "missing", *page.answers} - {"allowed"}
            assert outcome(response) in expected, f"{role}: {name} in {domain}: {outcome(response)}"
            if role != "superuser" and outcome(response) == "allowed":
                assert FOREIGN not in page_text(response), f"{name} tells {role} of another domain"


@pytest.mark.parametrize("role", [role for role in PEOPLE if role != "superuser"])
def test_another_domains_row_looks_like_one_that_does_not_exist(world, role):
    people, rows = world
    client = people[role].client

    for name in filter(takes_row, NAMES):
        model = model_of(name)
        if model in WITHOUT_DOMAIN:
            continue
        kind = "int" if isinstance(rows[OTHER][model], int) else "uuid"
        for send in (client.get, lambda url: client.post(url, FORGED)):
            foreign, unknown = (
                told(client, send(url_of(name, {model: row_id})), row_id)
                for row_id in (rows[OTHER][model], UNKNOWN[kind])
            )
            assert foreign == unknown, f"{role}: {name}"


def told(client: Client, response: Any, row_id: Any) -> tuple[Any, ...]:
    """What an answer says and what the next page says, but for the id that was asked for and what is always new."""
    text = page_text(client.get("/admin/")).replace(f"“{row_id}”", "“ID”")
    return (
        response.status_code,
        response.headers.get("Location"),
        re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", text),
    )


@pytest.mark.parametrize("role", PEOPLE)
def test_nothing_changes_for_who_may_not(world, role):
    people, rows = world
    person = people[role]
    before = everything()

    for name, page in pages():
        for domain in (GRANTED, OTHER):
            belongs = takes_row(name) and model_of(name) not in WITHOUT_DOMAIN
            if may_see(role, page) and (domain == GRANTED or not belongs or role == "superuser"):
                continue
            response = person.post(url_of(name, rows[domain]), FORGED, follow=False)
            assert outcome(response) in {"refused", "missing"}, f"{role}: {name} in {domain}"
    assert everything() == before


@pytest.mark.parametrize("role", [role for role in PEOPLE if role != "superuser"])
def test_seeing_is_not_changing(world, role):
    """What somebody sends to a page that they may look at changes nothing without the permission to change."""
    people, rows = world
    person, permissions = people[role], PEOPLE[role] or set()
    before = everything()

    for model, permission in (
        ("configs_config", "configs.change_config"),
        ("profiles_profile", "profiles.change_profile"),
        ("enrollments_bindingsnapshot", "nobody"),
        ("devices_bootstrapattempt", "nobody"),
    ):
        if permission not in permissions:
            person.client.post(url_of(f"{model}_change", rows[GRANTED]), FORGED)
    assert everything() == before


@pytest.mark.parametrize("role", PEOPLE)
def test_lists_searches_and_filters_show_granted_rows(world, role):
    people, rows = world
    person = people[role]

    for model in MODELS:
        page = page_of(f"{model}_changelist", set(MODELS))
        if model in WITHOUT_DOMAIN or page is None or not may_see(role, page):
            continue
        url = reverse(f"admin:{model}_changelist")
        mine, other = rows[GRANTED][model], rows[OTHER][model]
        everywhere = {mine, other} if role == "superuser" else {mine}
        assert listed(person.get(url)) == everywhere, model
        for query in (
            {"q": str(other)},
            {"q": f"{FOREIGN}-1"},
            {"q": f"{FOREIGN}-error"},
            {"q": FOREIGN},
            {"domain": OTHER},
            {"profile": str(rows[OTHER]["profiles_profile"])},
            {"id__exact": str(other)},
            {"pk__in": str(other)},
            {"_to_field": "id", "_popup": "1"},
        ):
            response = person.get(url, **query)
            if response.status_code == 200:
                assert listed(response) <= everywhere, f"{model} {query}"
                answer = page_text(response)
                for words in query.values():
                    answer = answer.replace(words, "")
                assert role == "superuser" or FOREIGN not in answer, f"{model} {query}"


def listed(response: Any) -> set[Any]:
    assert response.context, response.status_code
    return {row.pk for row in response.context["cl"].result_list}


@pytest.mark.parametrize("role", [role for role in PEOPLE if role != "superuser"])
def test_actions_reach_granted_rows_alone(world, role):
    people, rows = world
    person = people[role]
    foreign = {key: value for key, value in everything().items() if FOREIGN in json.dumps(value, default=str)}
    assert len(foreign) == 5

    for model, page in django_admin.site._registry.items():
        name = f"{model._meta.app_label}_{model._meta.model_name}"
        if name in WITHOUT_DOMAIN:
            continue
        request = RequestFactory().get("/admin/")
        request.user = people["superuser"].user
        for action in page.get_actions(request):
            for across in ("0", "1"):
                chosen = {"action": action, "_selected_action": [str(rows[OTHER][name])], "select_across": across}
                for expected in ("1", "2"):
                    confirmed = chosen | {"post": "yes", "expected": expected}
                    person.client.post(reverse(f"admin:{name}_changelist"), confirmed)
    after = everything()
    assert {key: after.get(key) for key in foreign} == foreign


@pytest.mark.parametrize("role", PEOPLE)
@pytest.mark.parametrize("action", ["enable_selected", "disable_selected", "delete_selected"])
def test_actions_ask_for_their_permission(world, role, action):
    people, rows = world
    permissions = PEOPLE[role]
    needed = "configs.delete_config" if action == "delete_selected" else "configs.switch_config"
    Config.objects.update(status="disabled" if action == "enable_selected" else "enabled")
    before = everything()

    row = str(rows[GRANTED]["configs_config"])
    chosen = {"action": action, "_selected_action": row, "post": "yes", "expected": "1"}
    people[role].client.post(reverse("admin:configs_config_changelist"), chosen)

    assert (everything() != before) == (permissions is None or needed in permissions)


@pytest.mark.parametrize("role", PEOPLE)
def test_profiles_are_offered_from_granted_domains(world, role):
    people, _rows = world
    permissions = PEOPLE[role]
    query = {"app_label": "configs", "model_name": "config", "field_name": "profile"}

    for extra in ({}, {"term": FOREIGN}, {"domain_id": OTHER}):
        response = people[role].get("/admin/autocomplete/", **query, **extra)
        if permissions is not None and "profiles.view_profile" not in permissions:
            assert outcome(response) == "refused"
            continue
        texts = [result["text"] for result in response.json()["results"]]
        if role == "superuser":
            assert any(FOREIGN in text for text in texts)
        else:
            assert len(texts) == (0 if extra else 1)
            assert FOREIGN not in str(texts)


@pytest.mark.parametrize("role", PEOPLE)
def test_the_lists_of_applications_are_for_who_sees_something_there(world, role):
    people, _rows = world
    permissions = PEOPLE[role]

    for app_label in ("configs", "profiles", "enrollments", "devices", "auth"):
        expected = permissions is None or any(one.startswith(f"{app_label}.") for one in permissions)
        response = people[role].get(f"/admin/{app_label}/")
        assert (outcome(response) == "allowed") == expected, app_label


def new_device(**values: Any) -> dict[str, Any]:
    return {
        "domain_id": GRANTED,
        "external_id": "new",
        "external_key": "a-new-key",
        "name": "new",
        "status": "enabled",
        "profile": "",
        "render_context": "",
        "content": "",
        "client_cert": "",
        "new_client_key": "",
        "ca_cert": "",
    } | values


def test_a_device_is_not_enrolled_into_a_domain_that_is_not_granted(world):
    people, _rows = world
    operator = people["operator"]
    url = reverse("admin:configs_config_add")

    for domain in (OTHER, "nowhere"):
        response = operator.post(url, new_device(domain_id=domain))
        words = response.context["adminform"].form.errors["domain_id"]
        assert words == [f"This domain is not granted to you. Choose one that is: {GRANTED}."]
    assert not Config.objects.filter(external_id="new").exists()

    response = operator.post(url, new_device())
    assert "was added successfully" in page_text(response)


def test_a_profile_is_not_written_into_a_domain_that_is_not_granted(world):
    people, _rows = world
    author = people["template author"]
    data = {"name": "new", "template_format": "raw", "description": "", "content_template": "x", "defaults": ""}
    url = reverse("admin:profiles_profile_add")

    response = author.post(url, data | {"binding_slots": "", "domain_id": OTHER})
    assert "not granted" in str(response.context["adminform"].form.errors["domain_id"])
    assert "was added successfully" in page_text(author.post(url, data | {"binding_slots": "", "domain_id": GRANTED}))


def test_a_profile_of_another_domain_is_neither_taken_nor_named(world):
    """Chosen by its id, it is refused in the words for one that does not exist."""
    people, rows = world
    operator = people["operator"]
    config = Config.objects.get(pk=rows[GRANTED]["configs_config"])
    change = new_device(name=config.name)
    for url, data in (
        (reverse("admin:configs_config_add"), new_device()),
        (reverse("admin:configs_config_change", args=(config.pk,)), change),
    ):
        errors = []
        for profile in (rows[OTHER]["profiles_profile"], UNKNOWN["uuid"]):
            response = operator.post(url, data | {"profile": str(profile)})
            assert FOREIGN not in page_text(response)
            errors.append(response.context["adminform"].form.errors["profile"])
        assert errors[0] == errors[1]
    assert Config.objects.get(pk=config.pk).profile_id == config.profile_id


def test_forms_begin_in_the_only_domain_that_is_granted(world):
    people, rows = world

    text = page_text(people["operator"].get(reverse("admin:configs_config_add")))
    assert f'value="{GRANTED}"' in text
    DomainGrant.objects.create(user=people["operator"].user, domain_id="second")
    text = page_text(people["operator"].get(reverse("admin:configs_config_add")))
    assert f'name="domain_id" value="{GRANTED}"' not in text
    assert '<option value="second">' in text
    given = {"profile": str(rows[OTHER]["profiles_profile"])}
    assert FOREIGN not in page_text(people["operator"].get(reverse("admin:configs_config_add"), **given))


@pytest.mark.parametrize("role", ["viewer", "template author", "key keeper"])
def test_only_operators_switch_by_the_form(world, role):
    people, rows = world
    user = people[role].user
    user.user_permissions.add(*permissions_called("change_config", "add_config"))
    person = Person(User.objects.get(pk=user.pk))
    config = Config.objects.get(pk=rows[GRANTED]["configs_config"])

    person.post(url_of("configs_config_change", rows[GRANTED]), new_device(name="renamed", status="disabled"))
    person.post(reverse("admin:configs_config_add"), new_device(status="disabled"))

    config.refresh_from_db()
    assert (config.name, config.status) == ("renamed", "enabled")
    assert Config.objects.get(external_id="new").status == "enabled"


def permissions_called(*codenames: str) -> list[Any]:
    return list(apps.get_model("auth", "Permission").objects.filter(codename__in=codenames))


def test_calls_that_belong_to_no_domain_are_for_superusers(world):
    people, _rows = world
    call = {"at": timezone.now(), "variant": "plain", "outcome": "refused", "status": 403, "duration": 0.1}
    attempt = BootstrapAttempt.objects.create(external_id="nobody-knows", **call)
    url = reverse("admin:devices_bootstrapattempt_changelist")

    assert attempt.pk in listed(people["superuser"].get(url, q="nobody-knows"))
    assert listed(people["viewer"].get(url, q="nobody-knows")) == set()
    assert listed(people["viewer"].get(url, outcome="refused")) == set()


def test_lists_are_not_filtered_by_columns_that_they_do_not_show(world):
    """A hash could be guessed through an address, letter by letter."""
    people, rows = world
    config = Config.objects.get(pk=rows[GRANTED]["configs_config"])

    for column in ("external_key_hash", "external_key_digest", "external_key_pepper", "client_key_sealed"):
        query = {f"{column}__startswith": getattr(config, column)[:3]}
        for role in ("viewer", "superuser"):
            response = people[role].client.get(reverse("admin:configs_config_changelist"), query)
            assert response.status_code == 400, column
    query = {"secret_sealed__startswith": "x"}
    assert (
        people["viewer"].client.get(reverse("admin:enrollments_bindingsnapshot_changelist"), query).status_code == 400
    )


def test_recent_actions_name_no_row_that_one_may_not_see_any_more(world):
    people, rows = world
    operator = people["operator"]
    operator.post(url_of("configs_config_change", rows[GRANTED]), new_device(name="the alpha device"))
    assert "the alpha device" in page_text(operator.get("/admin/"))
    assert LogEntry.objects.filter(user=operator.user).exists()

    DomainGrant.objects.filter(user=operator.user).delete()

    again = Person(User.objects.get(pk=operator.user.pk))
    assert "the alpha device" not in page_text(again.get("/admin/"))
    assert GRANTED not in page_text(again.get("/admin/"))


def test_the_grants_are_asked_for_once_a_page(world, django_assert_num_queries):
    people, _rows = world
    viewer, admin = people["viewer"], people["superuser"]
    url = reverse("admin:configs_config_changelist")
    viewer.client.get(url)
    admin.client.get(url)

    # Those of a superuser's list; one for the grants, two for permissions, and none for domains that have profiles.
    with django_assert_num_queries(6):
        admin.client.get(url)
    with django_assert_num_queries(8):
        viewer.client.get(url)


def test_somebody_without_a_domain_is_told_why_lists_are_empty(world):
    people, _rows = world
    url = reverse("admin:configs_config_changelist")
    words = "No domain is granted to you yet"

    nobody = make_person("nora", "view_config", domains=())
    assert words in page_text(nobody.get(url))
    for role in ("viewer", "superuser"):
        assert words not in page_text(people[role].get(url))


def test_somebody_without_a_domain_enrols_nothing_and_is_told_whom_to_ask(world):
    nobody = make_person("nora", "view_config", "add_config", domains=())

    response = nobody.post(reverse("admin:configs_config_add"), new_device())

    assert "No domain is granted to you yet" in str(response.context["adminform"].form.errors["domain_id"])
