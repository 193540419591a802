"""What can be done with many rows of a list at once: first a page says what will happen, then it happens."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, TypeVar

from django import forms
from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.models import CHANGE, LogEntry
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from bootstrap_project.admin.base import ProductAdmin
from bootstrap_project.admin.display import sentence
from bootstrap_project.errors import BootstrapError

_M = TypeVar("_M", bound=Model)
_T = TypeVar("_T")
#: How many rows one statement is about; SQLite takes some thousands of parameters.
BATCH: Final = 500


@dataclass(frozen=True, slots=True)
class Plan:
    """What an action would do.

    Shape: `changing` is how many rows it is about to touch, `facts` are sentences about the others and about what
    follows, `names` tell who the first of the touched ones are. `blocked` says why it cannot be done at all.
    """

    changing: int = 0
    facts: Sequence[str] = ()
    names: Sequence[str] = ()
    blocked: str = ""


@dataclass(slots=True)
class ActionResult:
    """One sentence about what came of an action, with details below it."""

    text: str
    level: int = messages.SUCCESS
    details: list[str] = field(default_factory=list)


class BulkAction:
    """Something that can be done with the chosen rows of a list."""

    name: ClassVar[str]
    #: In the list of actions, as the page's title, and on its button.
    label: ClassVar[str]
    title: ClassVar[str]
    button: ClassVar[str]
    #: The permission that it takes, as `app.codename`.
    permission: ClassVar[str]
    #: How many rows it takes at the most, None for any number; `instead` says what to do with more.
    most: ClassVar[int | None] = 50_000
    instead: ClassVar[str] = "limit the list by a filter and take one part after the other"
    #: Whether the form is asked first, and the plan shown for what was answered: nothing else is carried out.
    has_first_step: ClassVar[bool] = False

    def make_form(self, request: HttpRequest, rows: QuerySet[Any]) -> forms.Form | None:
        """Return what has to be asked, None for nothing."""
        return None

    def plan(self, request: HttpRequest, rows: QuerySet[Any], form: forms.Form | None) -> Plan:
        raise NotImplementedError

    def run(
        self, request: HttpRequest, rows: QuerySet[Any], form: forms.Form | None
    ) -> list[ActionResult] | HttpResponseBase:
        """Do it, and return what came of it, or the answer itself.

        Raises: BootstrapError, with nothing done.
        """
        raise NotImplementedError


class BulkActions(ProductAdmin[_M]):
    """A list with actions that are confirmed on a page of their own."""

    bulk_actions: ClassVar[Sequence[BulkAction]] = ()

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        actions: dict[str, Any] = super().get_actions(request)
        if "_popup" in request.GET:
            return actions
        mine = {
            one.name: (_runner(one), one.name, one.label)
            for one in self.bulk_actions
            if request.user.has_perm(one.permission)
        }
        # Of two with one name, ours: Django's own lists every row, and everything that goes along, on one page.
        return mine | {name: action for name, action in actions.items() if name not in mine}

    def bulk(self, request: HttpRequest, rows: QuerySet[Any], action: BulkAction) -> HttpResponseBase | None:
        """Ask whether to do it, or do it."""
        if not request.user.has_perm(action.permission):
            raise PermissionDenied
        number = rows.order_by()[: (action.most or 10**9) + 1].count()
        noun = self.opts.verbose_name if number == 1 else self.opts.verbose_name_plural
        if not number:
            self.message_user(request, f"No {noun} match any more; nothing was done.", messages.WARNING)
            return None
        if action.most is not None and number > action.most:
            text = f"{action.label}: at most {action.most:,} {noun} at once; {action.instead}."
            self.message_user(request, text, messages.ERROR)
            return None
        form = action.make_form(request, rows)
        is_answered = form is None or form.is_valid()
        answers = _answers(form) if is_answered else ""
        # The page that asks says how many rows it asked about; without that number nobody was asked.
        expected = request.POST.get("expected")
        changed = expected not in {None, str(number)}
        is_confirmed = request.POST.get("post") == "yes" and expected is not None
        is_another_plan = action.has_first_step and is_answered and request.POST.get("planned") != answers
        if is_confirmed and is_answered and not changed and not is_another_plan:
            try:
                result = action.run(request, rows, form)
            except BootstrapError as error:
                self.message_user(request, f"Nothing was done: {sentence(str(error))}", messages.ERROR)
                return None
            if isinstance(result, HttpResponseBase):
                return result
            self._tell(request, result)
            return None
        plan = action.plan(request, rows, form) if is_answered else Plan()
        others = max(0, plan.changing - len(plan.names))
        context: dict[str, Any] = {
            "action": action,
            "plan": plan,
            "form": form,
            "asks_first": not is_answered and action.has_first_step,
            "number": number,
            "noun": noun,
            "number_shown": f"{number:,}",
            "others": others,
            "others_shown": f"{others:,}",
            "changed": changed and is_confirmed,
            "is_another_plan": is_another_plan and is_confirmed,
            "planned": answers,
            "selected": request.POST.getlist(ACTION_CHECKBOX_NAME)[: self.list_per_page],
            "across": request.POST.get("select_across") == "1",
            "list_url": request.get_full_path(),
        }
        return self.page(request, "admin/bulk_action.html", action.title, **context)

    def _tell(self, request: HttpRequest, result: Iterable[ActionResult]) -> None:
        for told in result:
            self.message_user(request, " ".join([told.text, *told.details]), told.level)


def _runner(action: BulkAction) -> Callable[..., HttpResponseBase | None]:
    def run(admin: BulkActions[Any], request: HttpRequest, rows: QuerySet[Any]) -> HttpResponseBase | None:
        return admin.bulk(request, rows, action)

    return run


def _answers(form: forms.Form | None) -> str:
    """Return what was answered as one text, to tell whether a plan is about that."""
    values: Any = {} if form is None else {name: form[name].data for name in sorted(form.fields)}
    return json.dumps(values, separators=(",", ":"), default=str)


def log_changes(user_id: Any, rows: Iterable[Model], message: str, *, flag: int = CHANGE) -> None:
    """Write one line into the history of each row; `flag` is Django's CHANGE or DELETION.

    Cost: one statement, beside that for the content type.
    """
    changed: Any = list(rows)
    if changed:
        LogEntry.objects.log_actions(user_id, changed, flag, message)


def batches(items: Sequence[_T]) -> Iterator[Sequence[_T]]:
    """Yield `items` in parts that fit into one statement."""
    for start in range(0, len(items), BATCH):
        yield items[start : start + BATCH]
