"""The list of devices as a file: CSV or JSON, sent while it is read, and nothing secret in it."""

from __future__ import annotations

import csv
import io
import json
import logging
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest, StreamingHttpResponse
from django.utils import timezone

from bootstrap_project.admin import permissions
from bootstrap_project.admin.bulk import BulkAction, Plan
from bootstrap_project.admin.display import pluralized
from enrollments.readiness import readiness

logger = logging.getLogger(__name__)

#: What is written of a device, in this order: no key, no variable, no content, no certificate.
COLUMNS: Final = (
    *("id", "name", "external_id", "domain_id", "status", "profile_id", "profile_name", "profile_version"),
    *("readiness", "first_bootstrap_at", "last_bootstrap_at", "last_bootstrap_outcome"),
    *("last_bootstrap_profile_version", "created_at", "updated_at"),
)
_SOURCES: Final = {"profile_name": "profile__name", "profile_version": "profile__version"}
_FORMATS: Final = {"csv": "CSV, for a spreadsheet", "json": "JSON, one list of objects"}
# What a spreadsheet would take for a formula, the signs that Excel makes of full-width ones included; white space that
# it drops in front of one, and ends of lines, behind which another cell may begin.
_FORMULA: Final = (*"=+-@", *"\uff1d\uff0b\uff0d\uff20", *"\t\r\n")
_CHUNK: Final = 1000


class FormatForm(forms.Form):
    """The choice of a format."""

    format = forms.ChoiceField(choices=list(_FORMATS.items()), widget=forms.RadioSelect)


class Export(BulkAction):
    """Sends the chosen devices as a file."""

    name, label, title, button = "export", "Export…", "Export devices", "Export"
    permission = permissions.VIEW_DEVICES
    most = None

    def make_form(self, request: HttpRequest, rows: QuerySet[Any]) -> FormatForm:
        return FormatForm({"format": request.POST.get("format", "csv")})

    def plan(self, request: HttpRequest, rows: QuerySet[Any], form: forms.Form | None) -> Plan:
        number = rows.order_by().count()
        return Plan(
            number,
            (
                f"A file with {pluralized(number, 'device')} will be made; nothing is changed.",
                f"It has these columns: {', '.join(COLUMNS)}.",
                "It holds no key, no variable, no content and no certificate.",
            ),
        )

    def run(self, request: HttpRequest, rows: QuerySet[Any], form: forms.Form | None) -> StreamingHttpResponse:
        wanted = form.cleaned_data["format"] if form is not None else "csv"
        logger.info("devices exported", extra={"user_id": request.user.pk, "format": wanted})
        sources = [_SOURCES.get(name, name) for name in COLUMNS if name != "readiness"]
        records = rows.annotate(readiness=readiness()).order_by("pk").values_list(*sources, "readiness", named=False)
        order = [*(name for name in COLUMNS if name != "readiness"), "readiness"]
        found = (dict(zip(order, map(_text, row), strict=True)) for row in records.iterator(chunk_size=_CHUNK))
        write = _csv if wanted == "csv" else _json
        response = StreamingHttpResponse(
            write(found), content_type="text/csv; charset=utf-8" if wanted == "csv" else "application/json"
        )
        name = f"devices-{timezone.localtime():%Y-%m-%d}.{wanted}"
        response["Content-Disposition"] = f'attachment; filename="{name}"'
        return response


def _text(value: Any) -> Any:
    if value is None or isinstance(value, int | str):
        return value
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _csv(rows: Iterator[dict[str, Any]]) -> Iterator[str]:
    # By this mark spreadsheets know UTF-8; without it they show "ZÃ¼rich".
    yield "\ufeff" + _lines([COLUMNS])
    for part in _parts(rows):
        yield _lines([[_cell(row[name]) for name in COLUMNS] for row in part])


def _lines(rows: Sequence[Sequence[Any]]) -> str:
    buffer = io.StringIO()
    # Every cell in quotes: some spreadsheets part cells at semicolons, tabs or blanks, too.
    csv.writer(buffer, quoting=csv.QUOTE_ALL).writerows(rows)
    return buffer.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return "" if value is None else value


def _json(rows: Iterator[dict[str, Any]]) -> Iterator[str]:
    opening = "[\n"
    for part in _parts(rows):
        yield opening + ",\n".join(
            json.dumps({name: row[name] for name in COLUMNS}, ensure_ascii=False) for row in part
        )
        opening = ",\n"
    yield "[]\n" if opening == "[\n" else "\n]\n"


def _parts(rows: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    part: list[dict[str, Any]] = []
    for row in rows:
        part.append(row)
        if len(part) == _CHUNK:
            yield part
            part = []
    if part:
        yield part
