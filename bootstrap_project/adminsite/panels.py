"""Panels: parts of a page that apps above the page's own put onto it.

An app registers its panels in a module `admin_panels`, which is imported at start as the admin modules are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

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
    there is nothing to show; `permission` is what its reader needs, "" for whoever sees the page; lower `order` first.
    Cost: `body` makes a number of queries that does not depend on the object.
    """

    name: str
    title: str
    body: Callable[[HttpRequest, Any], PanelBody | None]
    permission: str = ""
    order: int = 100


@dataclass(frozen=True, slots=True)
class ShownPanel:
    """A panel made for one object and one reader; `html` is empty where the reader may not see it."""

    name: str
    title: str
    html: SafeString
    problems: Sequence[Problem]


class PanelPlace:
    """A page that takes panels."""

    def __init__(self) -> None:
        """Begin without any."""
        self._panels: dict[str, Panel] = {}

    def register(self, panel: Panel) -> None:
        """Put `panel` onto the page.

        Raises: ValueError for a name that another panel has, as two sections of a page cannot share an id.
        """
        if self._panels.setdefault(panel.name, panel) is not panel:
            raise ValueError(f"there is a panel {panel.name!r} already")

    def unregister(self, name: str) -> None:
        """Take the panel of that name away; none is no error."""
        self._panels.pop(name, None)

    def panels(self) -> list[Panel]:
        """Return the panels in the order of the page."""
        return sorted(self._panels.values(), key=lambda panel: (panel.order, panel.name))

    def shown(self, request: HttpRequest, original: Any) -> list[ShownPanel]:
        """Return the panels of `original` as the reader may see them, beside what each found wrong."""
        return [shown for panel in self.panels() if (shown := _shown(panel, request, original))]


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


#: The page of one device.
DEVICE_PAGE: Final = PanelPlace()
