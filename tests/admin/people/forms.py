"""What the form of a person is sent."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User


def change_data(user: User, *domains: str, **values) -> dict[str, Any]:
    stored = list(user.domain_grants.order_by("pk"))
    data: dict[str, Any] = {
        "username": user.username,
        "first_name": "",
        "last_name": "",
        "email": "",
        "is_active": "on",
        "is_staff": "on",
        "last_login_0": "",
        "last_login_1": "",
        "date_joined_0": "2026-01-01",
        "date_joined_1": "00:00:00",
        "domain_grants-TOTAL_FORMS": str(len(stored) + len(domains)),
        "domain_grants-INITIAL_FORMS": str(len(stored)),
    }
    for number, grant in enumerate(stored):
        data |= {f"domain_grants-{number}-{name}": getattr(grant, name) for name in ("id", "domain_id")}
        data[f"domain_grants-{number}-user"] = str(user.pk)
    for number, domain_id in enumerate(domains, len(stored)):
        data |= {f"domain_grants-{number}-domain_id": domain_id, f"domain_grants-{number}-user": str(user.pk)}
    return data | values
