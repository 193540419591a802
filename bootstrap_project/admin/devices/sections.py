"""The parts of a device's page below its form: how each is made and shown; `admin.DevicePage` names them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.safestring import SafeString


@dataclass(frozen=True, slots=True)
class Problem:
    """A reason why the page's object does not work now, in a sentence, with a link to where it is mended."""

    text: str
    url: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True)
class PanelBody:
    """What a panel shows of one object: a template, what it needs, and what is wrong.

    Problems are shown to everybody who sees the page, also without the panel's permission: they tell what is missing,
    never what is stored, and have no link that the reader may not follow.
    """

    template: str
    context: Mapping[str, Any] = field(default_factory=dict)
    problems: Sequence[Problem] = ()


@dataclass(frozen=True, slots=True)
class Panel:
    """A part of a page.

    Shape: `name` is the section's id on the page; `body` takes the request and the object, and returns None where
    there is nothing to show; `permission` is what its reader needs, "" for whoever sees the page.
    Cost: `body` makes a number of queries that does not depend on the object.
    """

    name: str
    title: str
    body: Callable[[HttpRequest, Any], PanelBody | None]
    permission: str = ""


@dataclass(frozen=True, slots=True)
class ShownPanel:
    """A panel made for one object and one reader; `html` is empty where the reader may not see it."""

    name: str
    title: str
    html: SafeString
    problems: Sequence[Problem]


def shown_panels(panels: Iterable[Panel], request: HttpRequest, original: Any) -> list[ShownPanel]:
    """Return the panels of `original` as the reader may see them, beside what each found wrong."""
    return [shown for panel in panels if (shown := _shown(panel, request, original))]


def problems_of(panels: Iterable[ShownPanel]) -> list[Problem]:
    """Return what all the panels found wrong, in the order of the page."""
    return [problem for panel in panels for problem in panel.problems]


def _shown(panel: Panel, request: HttpRequest, original: Any) -> ShownPanel | None:
    body = panel.body(request, original)
    if body is None:
        return None
    may_see = not panel.permission or request.user.has_perm(panel.permission)
    context = {**body.context, "original": original, "panel": panel}
    html = SafeString(render_to_string(body.template, context, request)) if may_see else SafeString("")
    return ShownPanel(panel.name, panel.title, html, body.problems)
