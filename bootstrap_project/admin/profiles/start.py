"""What a new profile starts from: a template that works and shows how to write one."""

from __future__ import annotations

from typing import Any, Final

from profiles.models import TemplateFormat

START: Final[dict[str, Any]] = {
    "template_format": TemplateFormat.JSON.value,
    "content_template": """{
  "device_id": {{ toJSON .Device.ID }},
  "external_id": {{ toJSON .Device.ExternalID }},
  "site": {{ toJSON .Vars.site }}
}
""",
    "defaults": {"site": "lab"},
}
