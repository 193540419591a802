"""The editor's files: Ace as django-ace ships it, its styles as links, and our own scripts."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.forms.widgets import Script

from bootstrap_project.rendering.renderer import FUNCTION_NAMES

_ACE: Final = "django_ace/ace"
_SCRIPTS: Final = (
    f"{_ACE}/ace.js",
    f"{_ACE}/mode-json.js",
    f"{_ACE}/mode-yaml.js",
    f"{_ACE}/mode-toml.js",
    f"{_ACE}/ext-searchbox.js",
    f"{_ACE}/theme-github_light_default.js",
    f"{_ACE}/theme-github_dark.js",
    "bootstrap/ace_setup.js",
    "bootstrap/template_mode.js",
    "bootstrap/template_editor.js",
    "bootstrap/slot_table.js",
    "bootstrap/combobox.js",
    "bootstrap/device_combobox.js",
    "bootstrap/profile_preview.js",
    "bootstrap/template_readonly.js",
)
_STYLES: Final = (
    f"{_ACE}/css/ace.css",
    f"{_ACE}/css/theme/github_light_default.css",
    f"{_ACE}/css/theme/github_dark.css",
    "bootstrap/profile.css",
)


def _deferred() -> list[Any]:
    functions = {"bootstrap/template_mode.js": {"data-functions": "|".join(sorted(FUNCTION_NAMES))}}
    return [Script(path, defer=True, **functions.get(path, {})) for path in _SCRIPTS]


def editor_media() -> forms.Media:
    """Return the files; scripts run in this order, once the page is there."""
    return forms.Media(css={"all": _STYLES}, js=_deferred())
