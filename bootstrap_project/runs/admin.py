"""No page for the queue's rows: people see runs."""

from __future__ import annotations

import django_tasks_db.admin  # noqa: F401 - It registers its page, and would do so after us otherwise.
from django.contrib import admin
from django_tasks_db.models import DBTaskResult

admin.site.unregister(DBTaskResult)
