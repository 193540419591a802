"""Users and groups: who says what somebody may do, and where."""

from __future__ import annotations

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import Group, Permission, User
from django.urls import reverse

from bootstrap_project.admin.models import DomainGrant
from tests.admin.people.forms import change_data
from tests.support.pages import page_text
from tests.support.people import Person, make_person, make_user
from tests.support.rows import DOMAIN, make_config, make_profile

pytestmark = pytest.mark.sqlite

LIST = reverse("admin:auth_user_changelist")
EDITOR = ("view_user", "add_user", "change_user", "delete_user", "change_group", "view_group", "view_config")


def page(name: str, user: User) -> str:
    return reverse(f"admin:auth_user_{name}", args=(user.pk,))


def domains_of(user: User) -> set[str]:
    return set(DomainGrant.objects.filter(user=user).values_list("domain_id", flat=True))


@pytest.fixture
def editor() -> Person:
    """Somebody who may change people, and is no superuser."""
    return make_person("ed", *EDITOR)


@pytest.fixture
def olga() -> User:
    return make_user("olga", "view_config", domains=())


def test_a_superuser_grants_domains_on_the_users_page(admin, olga):
    make_profile(domain_id="known")

    text = page_text(admin.get(page("change", olga)))
    assert '<option value="known">' in text
    assert "Key keepers also rotate keys" in text
    # Rights that add up to another one are told where they are given.
    assert "Who enrols and binds can be the device" in text
    assert "who writes templates decides where secrets go" in text
    response = admin.post(page("change", olga), change_data(olga, "dom-1", " dom-2 "))

    assert "was changed successfully" in page_text(response)
    assert domains_of(olga) == {"dom-1", "dom-2"}
    assert "Added domain grant “dom-1”" in str(LogEntry.objects.get())
    assert "dom-1, dom-2" in page_text(admin.get(LIST))


def test_a_domain_is_granted_once(admin, olga):
    text = page_text(admin.post(page("change", olga), change_data(olga, "dom-1", "dom-1")))

    assert "Please correct the duplicate" in text
    assert domains_of(olga) == set()


def test_a_new_user_has_no_rights_and_no_domains(admin):
    data = {"username": "neo", "usable_password": "true", "password1": "Tr0ub4dor&3xyz", "password2": "Tr0ub4dor&3xyz"}

    assert "was added successfully" in page_text(admin.post(reverse("admin:auth_user_add"), data))

    neo = User.objects.get(username="neo")
    # He may log in, and sees nothing there until somebody grants it.
    assert neo.is_staff
    assert not neo.is_superuser
    assert neo.get_all_permissions() == domains_of(neo) == set()


def test_an_editor_can_grant_nothing(editor, olga):
    """Not by the page, and not by what they send: to others as to themselves."""
    group = Group.objects.create(name="mighty")
    permission = Permission.objects.get(codename="reveal_secrets")
    for user in (editor.user, olga):
        text = page_text(editor.get(page("change", user)))
        assert "id_is_superuser" not in text
        assert "domain_grants" not in text
        wishes = {"is_superuser": "on", "groups": str(group.pk), "user_permissions": str(permission.pk)}

        answer = editor.post(page("change", user), change_data(user, "dom-9", **wishes, first_name="Changed"))

        assert "was changed successfully" in page_text(answer)
        user.refresh_from_db()
        assert user.first_name == "Changed"
        assert not user.is_superuser
        assert not user.groups.exists()
        assert permission not in user.user_permissions.all()
    assert domains_of(editor.user) == {DOMAIN}
    assert domains_of(olga) == set()


@pytest.mark.parametrize(
    "values",
    [
        {"is_superuser": True},
        {"is_superuser": True, "is_active": False},
        {"permissions": ["reveal_secrets"]},
        {"permissions": ["reveal_secrets"], "is_active": False},
        {"group": True},
        {"domains": ["other"]},
    ],
)
def test_an_editor_gets_at_nobody_who_may_do_more(editor, values):
    """Whoever can set somebody's password has all their rights."""
    permissions, domains, in_group = (values.pop(name, ()) for name in ("permissions", "domains", "group"))
    other = make_user("other", *permissions, domains=domains, **values)
    if in_group:
        group = Group.objects.create(name="mighty")
        group.permissions.set(Permission.objects.filter(codename="reveal_secrets"))
        other.groups.add(group)

    password = editor.client.post(page("password_change", other), {"password1": "x", "password2": "x"})
    changed = editor.client.post(page("change", other), change_data(other))
    deleted = editor.client.post(page("delete", other), {"post": "yes"})
    many = editor.client.post(LIST, {"action": "delete_selected", "_selected_action": str(other.pk), "post": "yes"})

    assert [answer.status_code for answer in (password, changed, deleted, many)] == [403] * 4
    assert User.objects.filter(pk=other.pk).exists()
    assert editor.client.get(page("change", other)).status_code == 200
    assert "domain_grants" not in page_text(editor.client.get(page("change", other)))
    assert editor.client.get(page("history", other)).status_code == 403


def test_an_editor_gives_their_equals_a_new_password(editor, olga):
    new = {"usable_password": "true", "password1": "Tr0ub4dor&3xyz", "password2": "Tr0ub4dor&3xyz"}

    answer = editor.post(page("password_change", olga), new)

    assert "Password changed successfully." in page_text(answer)
    assert "Tr0ub4dor" not in str(list(LogEntry.objects.values()))


def test_an_editor_writes_no_groups(editor):
    group = Group.objects.create(name="mine")
    editor.user.groups.add(group)
    url = reverse("admin:auth_group_change", args=(group.pk,))
    wanted = Permission.objects.get(codename="reveal_secrets")

    answer = editor.client.post(url, {"name": "mine", "permissions": str(wanted.pk)})

    assert answer.status_code == 403
    assert not group.permissions.exists()
    assert editor.client.get(url).status_code == 200


def test_who_has_changed_something_stays_on_record(admin, olga):
    device = make_config(name="secret place")
    LogEntry.objects.create(
        user=olga, content_type_id=None, object_id=str(device.pk), object_repr=str(device), action_flag=CHANGE
    )

    text = page_text(admin.get(page("delete", olga)))
    assert "take away “Active” instead" in text
    assert "secret place" not in text
    admin.post(page("delete", olga), {"post": "yes"})
    admin.post(LIST, {"action": "delete_selected", "_selected_action": str(olga.pk), "post": "yes"})

    assert User.objects.filter(pk=olga.pk).exists()


def test_who_has_changed_nothing_can_be_deleted(admin, editor, olga):
    admin.post(page("delete", olga), {"post": "yes"})
    assert not User.objects.filter(username="olga").exists()

    second = make_user("second", domains=())
    editor.post(LIST, {"action": "delete_selected", "_selected_action": str(second.pk), "post": "yes"})
    assert not User.objects.filter(username="second").exists()


def test_the_list_asks_the_same_number_of_questions_for_5_and_25_people(admin, django_assert_num_queries):
    for number in range(4):
        make_user(f"one-{number}").groups.add(Group.objects.create(name=f"g-{number}"))
    admin.get(LIST)
    with django_assert_num_queries(8):
        admin.client.get(LIST)

    for number in range(20):
        make_user(f"two-{number}", domains=("a", "b", "c", "d", "e"))

    with django_assert_num_queries(8):
        assert "a, b, c and 2 more" in page_text(admin.client.get(LIST))
