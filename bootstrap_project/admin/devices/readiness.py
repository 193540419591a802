"""Why one device gets nothing now, as far as its own row tells."""

from __future__ import annotations

from bootstrap_project.admin.devices.sections import Problem
from configs.models import Config, Status


def own_problems(config: Config, *, may_change: bool) -> list[Problem]:
    """Return what keeps the device from a configuration; what its bindings lack is for their own application to say.

    Shape: who may not change the device is led nowhere.
    """
    problems = []
    if config.status != Status.ENABLED:
        problems.append(Problem("The device is disabled, so it is refused."))
    if config.profile_id is None and not config.content:
        text = "No profile is assigned and there is no fixed content, so there is nothing to give out."
        problems.append(Problem(text, "#id_profile" if may_change else "", "Assign a profile"))
    return problems
