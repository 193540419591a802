"""Pages of the admin as they are read, and the addresses of rows' pages."""

from __future__ import annotations

from html import unescape
from typing import Any

from django.db.models import Model
from django.urls import reverse


def page_text(response) -> str:
    """The page as it is read: entities resolved."""
    return unescape(response.content.decode())


def change_url(row: Model, page: str = "change") -> str:
    """The address of a row's page."""
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_{page}", args=(row.pk,))


def errors(response) -> dict[str, Any]:
    """What the form on a page says of its fields."""
    assert response.status_code == 200, response.status_code
    return dict(response.context["adminform"].form.errors)
