"""The cheat sheet beside the template: what can be read there and what can be done with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.utils.safestring import SafeString

from bootstrap_project.adminsite.display import prose
from profiles.live_preview import names_of
from profiles.models import Profile


@dataclass(frozen=True, slots=True)
class Cheat:
    """Something to write: what is shown and what a click puts into the template."""

    label: str
    text: str


@dataclass(frozen=True, slots=True)
class CheatGroup:
    """Cheats that belong together; those of a group with a `kind` follow what is being written."""

    title: str
    about: str
    cheats: Sequence[Cheat]
    kind: str = ""

    @property
    def shown_about(self) -> SafeString:
        """Return what it is about with its code set as code."""
        return prose(self.about)


_DEVICE: Final = CheatGroup(
    "Device",
    "Who asks. `ID` is the id of the enrolment, `ExternalID` what the device calls itself.",
    [Cheat(name, f"{{{{ toJSON {name} }}}}") for name in (".Device.ID", ".Device.ExternalID", ".Device.DomainID")],
)
_DOING: Final = CheatGroup(
    "Functions and blocks",
    "`toJSON` writes a value as JSON, with its quotes. `index … | default` gives something where nothing is set.",
    [
        Cheat("toJSON", "{{ toJSON .Vars.name }}"),
        Cheat("default", '{{ index .Vars "name" | default "x" }}'),
        Cheat("required", '{{ index .Vars "name" | required "name" }}'),
        Cheat("if … else", "{{ if .Vars.name }}{{ else }}{{ end }}"),
        Cheat("range", "{{ range $i, $item := .Vars.list }}{{ if $i }}, {{ end }}{{ toJSON $item }}{{ end }}"),
        Cheat("with", "{{ with .Vars.name }}{{ . }}{{ end }}"),
        Cheat("comment", "{{/* why */}}"),
    ],
)


def cheat_sheet(profile: Profile) -> list[CheatGroup]:
    """Return what a template of `profile` can read and do."""
    names = names_of(profile)
    cheats = [Cheat(name, f"{{{{ toJSON {name} }}}}") for name in names]
    return [
        _DEVICE,
        CheatGroup(
            "Variables",
            "The defaults below with the device's own variables on top, name by name.",
            [cheat for cheat in cheats if ".Vars" in cheat.label],
            "Vars",
        ),
        CheatGroup(
            "Bindings",
            "The client or channel that is bound to each slot: its `ID`, our `Snapshot` of it and its `Secret`.",
            [cheat for cheat in cheats if ".Bindings" in cheat.label],
            "Bindings",
        ),
        _DOING,
    ]
