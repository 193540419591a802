"""What an action on many devices is sent: the choice from the list, and the answer of its confirmation page."""

from __future__ import annotations

import json
from typing import Any

from configs.models import Config


def chosen(action: str, *configs: Config, **more: Any) -> dict[str, Any]:
    return {"action": action, "_selected_action": [str(config.pk) for config in configs], **more}


def confirmed(action: str, *configs: Config, expected: int | None = None, **more: Any) -> dict[str, Any]:
    number = len(configs) if expected is None else expected
    planned = {"planned": json.dumps({"profile": more["profile"]}, separators=(",", ":"))} if "profile" in more else {}
    return chosen(action, *configs, post="yes", expected=str(number), **planned | more)
