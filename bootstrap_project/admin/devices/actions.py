"""What the admin does with many devices at once: enabling, disabling, giving them a profile and taking it away."""

from __future__ import annotations

from collections import defaultdict
from operator import attrgetter
from typing import Any, ClassVar, Final

from django import forms
from django.contrib import messages
from django.contrib.admin.models import DELETION
from django.db import transaction
from django.db.models import QuerySet, Subquery
from django.http import HttpRequest

from bootstrap_project.admin import permissions
from bootstrap_project.admin.access import limit_to_granted
from bootstrap_project.admin.bulk import ActionResult, BulkAction, Plan, batches, log_changes
from bootstrap_project.admin.display import pluralized
from configs.models import Config, Status
from configs.services import delete_configs, set_profiles, set_statuses
from enrollments.readiness import HasUnboundSlot
from profiles.models import Profile

_MAX_NAMED: Final = 5
_MAX_PROFILES: Final = 300
#: What tells a device in a list and in the admin's log.
IDENTITY: Final = ("name", "external_id", "domain_id")


def names(rows: QuerySet[Any]) -> list[str]:
    """Return who the first of the devices are."""
    return [str(row) for row in rows.order_by("name", "pk").only(*IDENTITY)[:_MAX_NAMED]]


def domains_fact(rows: QuerySet[Any]) -> list[str]:
    """Return a sentence where the devices are of several domains."""
    number = rows.order_by().values("domain_id").distinct().count()
    return [f"They are of {pluralized(number, 'domain')}."] if number > 1 else []


class _Switch(BulkAction):
    """Enables or disables devices."""

    permission = permissions.SWITCH_DEVICES
    status: ClassVar[Status]
    consequence: ClassVar[str]

    def plan(self, request: HttpRequest, rows: QuerySet[Any], form: forms.Form | None) -> Plan:
        changing = rows.exclude(status=self.status)
        number, all_chosen = changing.order_by().count(), rows.order_by().count()
        facts = [f"{pluralized(number, 'device')} will be {self.status}. {self.consequence}"]
        if number < all_chosen:
            same = all_chosen - number
            facts.append(f"{pluralized(same, 'device')} {'is' if same == 1 else 'are'} {self.status} already.")
        return Plan(number, [*facts, *domains_fact(changing)], names(changing))

    def run(self, request: HttpRequest, rows: QuerySet[Any], form: forms.Form | None) -> list[ActionResult]:
        keys = list(rows.order_by("pk").values_list("pk", flat=True))
        switched = already = 0
        with transaction.atomic():
            for part in batches(keys):
                chosen = Config.objects.filter(pk__in=part).order_by("pk").only(*IDENTITY, "status")
                changed, same = set_statuses(configs=chosen, status=self.status)
                log_changes(request.user.pk, changed, f"{self.status.capitalize()}, through the list.")
                switched, already = switched + len(changed), already + same
        told = [ActionResult(f"{pluralized(switched, 'device')} {self.status}.")] if switched else []
        if already:
            told.append(ActionResult(f"{pluralized(already, 'device')} had been {self.status} before.", messages.INFO))
        return told


class Enable(_Switch):
    """Lets devices have their configuration."""

    name, label, title, button = "enable_selected", "Enable…", "Enable devices", "Enable"
    status = Status.ENABLED
    consequence = "They get their configuration from their next call on."


class Disable(_Switch):
    """Refuses devices from their next call on."""

    name, label, title, button = "disable_selected", "Disable…", "Disable devices", "Disable"
    status = Status.DISABLED
    consequence = "They are refused from their next call on."


class Delete(BulkAction):
    """Removes devices, with their bindings."""

    name, label, title, button = "delete_selected", "Delete…", "Delete devices", "Delete"
    permission = permissions.DELETE_DEVICES
    most = 10_000

    def plan(self, request: HttpRequest, rows: QuerySet[Any], form: forms.Form | None) -> Plan:
        number, enabled = rows.order_by().count(), rows.filter(status=Status.ENABLED).order_by().count()
        bindings = rows.filter(bindings__isnull=False).order_by().values("bindings").count()
        facts = [
            f"Are you sure? {pluralized(number, 'device')} will be deleted, with {pluralized(bindings, 'binding')}.",
            "They are refused from their next call on, and have to be enrolled anew with new keys to come back.",
        ]
        if enabled:
            facts.append(f"{pluralized(enabled, 'device')} {'is' if enabled == 1 else 'are'} enabled until now.")
        return Plan(number, [*facts, *domains_fact(rows)], names(rows))

    def run(self, request: HttpRequest, rows: QuerySet[Any], form: forms.Form | None) -> list[ActionResult]:
        keys = list(rows.order_by("pk").values_list("pk", flat=True))
        deleted = 0
        with transaction.atomic():
            for part in batches(keys):
                found = delete_configs(configs=Config.objects.filter(pk__in=part).order_by("pk").only(*IDENTITY))
                log_changes(request.user.pk, found, "", flag=DELETION)
                deleted += len(found)
        return [ActionResult(f"{pluralized(deleted, 'device')} deleted.")]


class ProfileForm(forms.Form):
    """The choice of one profile among those of the chosen devices' domains."""

    profile = forms.ModelChoiceField(Profile.objects.none(), empty_label="Choose a profile")

    def __init__(self, data: Any, profiles: QuerySet[Profile], *, is_cut: bool, names_domains: bool) -> None:
        """Offer `profiles`, with their domains where it `names_domains`; `is_cut` tells that there are more."""
        super().__init__(data)
        field: Any = self.fields["profile"]
        field.queryset = profiles
        if names_domains:
            field.label_from_instance = attrgetter("name_with_domain")
        if is_cut:
            field.help_text = f"The first {_MAX_PROFILES} by name. Limit the list to one domain to see the others."


class AssignProfile(BulkAction):
    """Gives devices a profile of their domain."""

    name, label, title, button = "assign_profile", "Assign a profile…", "Assign a profile", "Assign"
    permission = permissions.CHANGE_DEVICES
    has_first_step = True

    def make_form(self, request: HttpRequest, rows: QuerySet[Any]) -> ProfileForm:
        domains = list(rows.order_by("domain_id").values_list("domain_id", flat=True).distinct()[:_MAX_PROFILES])
        found = limit_to_granted(Profile.objects.filter(domain_id__in=domains), request.user)
        found = found.order_by("name", "pk").only("name", "version", "domain_id")
        # A chosen one has to be among those that are offered, so these are taken by their keys.
        keys = list(found.values_list("pk", flat=True)[: _MAX_PROFILES + 1])
        offered = found.filter(pk__in=keys[:_MAX_PROFILES])
        return ProfileForm(
            request.POST if request.POST.get("profile") else None,
            offered,
            is_cut=len(keys) > _MAX_PROFILES,
            names_domains=len(domains) > 1,
        )

    def plan(self, request: HttpRequest, rows: QuerySet[Any], form: forms.Form | None) -> Plan:
        profile = _profile(form)
        changing = rows.filter(domain_id=profile.domain_id).exclude(profile_id=profile.pk)
        number, all_chosen = changing.order_by().count(), rows.order_by().count()
        has_it = rows.filter(profile_id=profile.pk).order_by().count()
        facts = [
            f"{pluralized(number, 'device')} will get {profile} with {'its' if number == 1 else 'their'} next call."
        ]
        if has_it:
            facts.append(f"{pluralized(has_it, 'device')} {'has' if has_it == 1 else 'have'} it already.")
        if elsewhere := all_chosen - number - has_it:
            keep = "another domain keeps what it has" if elsewhere == 1 else "other domains keep what they have"
            facts.append(f"{pluralized(elsewhere, 'device')} of {keep}.")
        if other := changing.filter(profile__isnull=False).order_by().count():
            facts.append(f"{pluralized(other, 'device')} had another profile until now; bindings stay stored.")
        slots = Profile.objects.filter(pk=profile.pk).values("binding_slots")
        if unbound := changing.filter(HasUnboundSlot(slots=Subquery(slots))).order_by().count():
            facts.append(
                f"{pluralized(unbound, 'device')} will have a required slot unbound, and get nothing until it is bound."
            )
        return Plan(number, facts, names(changing))

    def run(self, request: HttpRequest, rows: QuerySet[Any], form: forms.Form | None) -> list[ActionResult]:
        profile = _profile(form)
        others = rows.exclude(domain_id=profile.domain_id).order_by().count()
        wanted = rows.filter(domain_id=profile.domain_id).order_by("pk")
        assigned = already = 0
        with transaction.atomic():
            for part in batches(list(wanted.values_list("pk", flat=True))):
                chosen = Config.objects.filter(pk__in=part).order_by("pk").only(*IDENTITY, "profile_id")
                changed, same = set_profiles(configs=chosen, profile=profile)
                log_changes(request.user.pk, changed, f"Assigned the profile {profile.name}, through the list.")
                assigned, already = assigned + len(changed), already + same
        told = (
            [ActionResult(f"{pluralized(assigned, 'device')} got {profile.name} v{profile.version}.")]
            if assigned
            else []
        )
        if already:
            told.append(ActionResult(f"{pluralized(already, 'device')} had it before.", messages.INFO))
        if others:
            were = "another domain was" if others == 1 else "other domains were"
            told.append(ActionResult(f"{pluralized(others, 'device')} of {were} left alone.", messages.WARNING))
        return told


class UnassignProfile(BulkAction):
    """Takes the profiles of devices away."""

    name, label, title, button = "unassign_profile", "Unassign the profile…", "Unassign the profile", "Unassign"
    permission = permissions.CHANGE_DEVICES

    def plan(self, request: HttpRequest, rows: QuerySet[Any], form: forms.Form | None) -> Plan:
        changing = rows.filter(profile__isnull=False)
        number, all_chosen = changing.order_by().count(), rows.order_by().count()
        facts = [f"{pluralized(number, 'device')} will have no profile."]
        if nothing := changing.filter(content="").order_by().count():
            facts.append(
                f"{pluralized(nothing, 'device')} will get nothing from the next call on: no fixed content is set."
            )
        if fixed := number - nothing:
            facts.append(
                f"{pluralized(fixed, 'device')} will get {'its' if fixed == 1 else 'their'} fixed content instead."
            )
        if bound := changing.filter(bindings__isnull=False).order_by().values("pk").distinct().count():
            words = f"{pluralized(bound, 'device')} will lose the use of {'its' if bound == 1 else 'their'} bindings;"
            facts.append(f"{words} these stay stored, and are used again with a profile that declares their slots.")
        if number < all_chosen:
            without = all_chosen - number
            facts.append(f"{pluralized(without, 'device')} {'has' if without == 1 else 'have'} none already.")
        return Plan(number, [*facts, *domains_fact(changing)], names(changing))

    def run(self, request: HttpRequest, rows: QuerySet[Any], form: forms.Form | None) -> list[ActionResult]:
        """Take them away, from all or from none; each history names the profile that its device had."""
        unassigned = already = 0
        with transaction.atomic():
            for part in batches(list(rows.order_by("pk").values_list("pk", flat=True))):
                chosen = Config.objects.filter(pk__in=part).order_by("pk").only(*IDENTITY, "profile_id")
                changed, same = set_profiles(configs=chosen, profile=None)
                _log_unassigned(request, changed)
                unassigned, already = unassigned + len(changed), already + same
        told = [
            ActionResult(f"{pluralized(unassigned, 'device')} {'has' if unassigned == 1 else 'have'} no profile now.")
        ]
        if already:
            told.append(ActionResult(f"{pluralized(already, 'device')} had none before.", messages.INFO))
        return told if unassigned else told[1:]


def _log_unassigned(request: HttpRequest, changed: list[Config]) -> None:
    by_profile: defaultdict[Any, list[Config]] = defaultdict(list)
    for config in changed:
        by_profile[config.profile_id].append(config)
    found = dict(Profile.objects.filter(pk__in=by_profile).values_list("pk", "name"))
    for profile_id, configs in by_profile.items():
        log_changes(request.user.pk, configs, f"Unassigned the profile {found[profile_id]}, through the list.")


def _profile(form: forms.Form | None) -> Profile:
    assert form is not None  # noqa: S101 - the action always has one.
    profile: Profile = form.cleaned_data["profile"]
    return profile
