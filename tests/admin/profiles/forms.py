"""What the forms of a profile are sent."""

from __future__ import annotations

import json
from typing import Any

from tests.support.rows import DOMAIN, SLOTS

ADD = "/admin/profiles/profile/add/"


def data(**values) -> dict[str, Any]:
    return {
        "name": "pump",
        "domain_id": DOMAIN,
        "description": "",
        "template_format": "json",
        "content_template": '{"site": {{ toJSON .Vars.site }}}',
        "binding_slots": json.dumps(SLOTS),
        "defaults": '{"site": "north"}',
    } | values
