"""Snippets beside the template: what can be read there and what can be done with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.utils.safestring import SafeString

from bootstrap_project.admin.display import render_code
from bootstrap_project.admin.profiles.live_preview import names_of
from profiles.models import Profile


@dataclass(frozen=True, slots=True)
class Snippet:
    """Something to write: what is shown and what a click puts into the template."""

    label: str
    text: str


@dataclass(frozen=True, slots=True)
class SnippetGroup:
    """Snippets that belong together; those of a group with a `kind` follow what is being written."""

    title: str
    about: str
    snippets: Sequence[Snippet]
    kind: str = ""

    @property
    def shown_about(self) -> SafeString:
        return render_code(self.about)


_DEVICE: Final = SnippetGroup(
    "Device",
    "Who asks. `ID` is the id of the enrolment, `ExternalID` what the device calls itself.",
    [Snippet(name, f"{{{{ toJSON {name} }}}}") for name in (".Device.ID", ".Device.ExternalID", ".Device.DomainID")],
)
_DOING: Final = SnippetGroup(
    "Functions and blocks",
    "`toJSON` writes a value as JSON, with its quotes. `index … | default` gives something where nothing is set.",
    [
        Snippet("toJSON", "{{ toJSON .Vars.name }}"),
        Snippet("default", '{{ index .Vars "name" | default "x" }}'),
        Snippet("required", '{{ index .Vars "name" | required "name" }}'),
        Snippet("if … else", "{{ if .Vars.name }}{{ else }}{{ end }}"),
        Snippet("range", "{{ range $i, $item := .Vars.list }}{{ if $i }}, {{ end }}{{ toJSON $item }}{{ end }}"),
        Snippet("with", "{{ with .Vars.name }}{{ . }}{{ end }}"),
        Snippet("comment", "{{/* why */}}"),
    ],
)


def snippet_groups(profile: Profile) -> list[SnippetGroup]:
    """Return what a template of `profile` can read and do."""
    return [_DEVICE, *name_groups(names_of(profile)), _DOING]


def name_groups(names: Sequence[str]) -> list[SnippetGroup]:
    """Return the groups that follow what is being written: `names` are those that a template can read."""
    snippets = [Snippet(name, f"{{{{ toJSON {name} }}}}") for name in names]
    return [
        SnippetGroup(
            "Variables",
            "The defaults below with the device's own variables on top, name by name.",
            [snippet for snippet in snippets if ".Vars" in snippet.label],
            "Vars",
        ),
        SnippetGroup(
            "Bindings",
            "The client or channel that is bound to each slot: its `ID`, our `Snapshot` of it and its `Secret`.",
            [snippet for snippet in snippets if ".Bindings" in snippet.label],
            "Bindings",
        ),
    ]
