"""What the admin does while somebody else writes the same rows; it takes a database with locks of rows."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection, transaction
from django.urls import reverse

from configs.models import Config
from enrollments.models import BindingSnapshot
from tests.support.pages import page_text
from tests.support.rows import make_binding

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_bind_while_a_device_is_deleted_leaves_nothing(admin, device):
    """It comes between the statement that removes the bindings and that for the device."""

    def bind() -> None:
        try:
            with transaction.atomic():
                if Config.objects.select_for_update().filter(pk=device.pk).exists():
                    make_binding(config=device, slot="data", type="channel")
        finally:
            connection.close()

    binding = threading.Thread(target=bind)

    def meddle(execute: Any, sql: str, *arguments: Any) -> Any:
        if sql.startswith('DELETE FROM "configs_config"'):
            binding.start()
            binding.join(0.5)
        return execute(sql, *arguments)

    with connection.execute_wrapper(meddle):
        response = admin.post(reverse("admin:configs_config_delete", args=(device.pk,)), {"post": "yes"})
    binding.join()

    assert "was deleted successfully" in page_text(response)
    assert not Config.objects.exists()
    assert not BindingSnapshot.objects.exists()
    assert str(LogEntry.objects.get()).startswith("Deleted “pi 4 (pi-0004")
