"""All commands, in the order in which help shows them."""

from __future__ import annotations

from typing import Final

from bootstrap_project.cli.commands import configs, devices, enrollments, profiles, shells
from bootstrap_project.cli.tree import Command

COMMANDS: Final = (
    Command((), "Command line of Magistrala's Bootstrap service"),
    Command(("bootstrap",), "Configs, profiles, bindings, and what devices get"),
    *configs.COMMANDS,
    *devices.COMMANDS,
    *profiles.COMMANDS,
    *enrollments.COMMANDS,
    *shells.COMMANDS,
)
