"""Who may see which of the admin's pages: one row a page, where the rules for every model's pages do not say it.

A new page needs a line in `PAGES`; `test_access_matrix` fails until it has one. The pages that every model has (list,
add, change, history, delete) need none: the model's own permissions decide.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.support.roles import ROLES

#: Somebody who may log in, whatever their permissions.
STAFF: frozenset[str] = frozenset()
#: Nobody, not even a superuser.
NOBODY = frozenset({"nobody"})


@dataclass(frozen=True)
class Page:
    """`needs` are alternatives: whoever has all permissions of one may see the page, for rows of their domains.

    `row` is the model whose row's id is in the address, by default the one that the page's name begins with; `more`
    stands in the address after it. `answers` is what a plain GET may come to: "allowed" is 200, others are statuses,
    such as "405" of a page that takes POST alone, or "400" of one that needs a query.
    """

    needs: tuple[frozenset[str], ...]
    row: str = ""
    more: tuple[str, ...] = ()
    answers: frozenset[str] = frozenset({"allowed"})


def needs(
    *permissions: str, row: str = "", more: tuple[str, ...] = (), answers: tuple[str, ...] = ("allowed",)
) -> Page:
    return Page((frozenset(permissions),), row, more, frozenset(answers))


#: What the pages take that change bindings, or look for what could be bound.
BINDERS = ("configs.view_config", "enrollments.view_enrollment", "enrollments.change_bindingsnapshot")
#: Pages by their names, without "admin:".
PAGES: dict[str, Page] = {
    "index": Page((STAFF,)),
    "platform": Page((STAFF,)),
    "run": needs("enrollments.change_bindingsnapshot", row="runs_run"),
    "password_change": Page((STAFF,)),
    "password_change_done": Page((STAFF,)),
    "jsi18n": Page((STAFF,)),
    "configs_config_rotate_key": needs("configs.view_config", "configs.rotate_external_key"),
    # The button's page: a plain visit leads back to the device.
    "configs_config_switch": needs("configs.view_config", "configs.switch_config", answers=("missing",)),
    "configs_config_check_variables": Page(
        (frozenset({"configs.add_config"}), frozenset({"configs.change_config"})), answers=frozenset({"405"})
    ),
    "configs_config_resources": needs(*BINDERS, answers=("allowed", "400")),
    "configs_config_preview": needs(
        "configs.view_config", "enrollments.view_enrollment", "enrollments.preview_enrollment"
    ),
    "configs_config_bind": needs(*BINDERS),
    "configs_config_refresh": needs(*BINDERS),
    "profiles_profile_language": Page((frozenset({"profiles.view_profile"}), frozenset({"profiles.add_profile"}))),
    "profiles_profile_upload": needs("profiles.add_profile"),
    "profiles_profile_replace": needs("profiles.change_profile"),
    "profiles_profile_download": Page(
        (frozenset({"profiles.view_profile"}), frozenset({"profiles.change_profile"})), more=("json",)
    ),
    "profiles_profile_duplicate": needs("profiles.add_profile", "profiles.view_profile"),
    "profiles_profile_lint_rules": needs("profiles.view_profile"),
    "auth_user_password_change": needs("auth.change_user"),
}
#: Pages with tests of their own: those for everybody, and those that answer by what is asked of them.
SPECIAL = {
    *("login", "logout", "autocomplete", "app_list", "find"),
    *("profiles_profile_check", "profiles_profile_devices", "profiles_profile_bound"),
}
#: Models that are written by services or by devices alone.
READ_ONLY = {"enrollments_bindingsnapshot", "devices_bootstrapattempt"}
#: Models whose rows belong to no domain.
WITHOUT_DOMAIN = {"auth_user", "auth_group"}


def page_of(name: str, models: set[str]) -> Page | None:
    """The page called `name`, by its line or by the rule for all models; None where neither knows it."""
    if name in PAGES:
        return PAGES[name]
    model, _, action = name.rpartition("_")
    if model not in models:
        return None
    app_label, _, model_name = model.partition("_")
    view, change, add, delete = (
        frozenset({f"{app_label}.{verb}_{model_name}"}) for verb in ("view", "change", "add", "delete")
    )
    if model in READ_ONLY:
        add = delete = NOBODY
        change = view
    rules = {
        "changelist": Page((view, change)),
        "change": Page((view, change)),
        "history": Page((view, change)),
        "add": Page((add,)),
        "delete": Page((delete,)),
    }
    return rules.get(action)


#: The roles of the matrix and their permissions; None for all of them.
PEOPLE: dict[str, set[str] | None] = {"staff without anything": set(), **ROLES, "superuser": None}


def may_see(role: str, page: Page) -> bool:
    """Whether somebody of `role` may see the page at all."""
    permissions = PEOPLE[role]
    return any(one != NOBODY and (permissions is None or one <= permissions) for one in page.needs)
