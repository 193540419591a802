from __future__ import annotations

import ast
import json
import logging
import logging.config
import subprocess
import sys
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.db import models
from django.test import RequestFactory

from bootstrap_project.observability.logging import JsonFormatter, TextFormatter, is_secret_name, logging_config, redact
from bootstrap_project.observability.request_id import enter_request, leave_request

ROOT = Path(__file__).resolve().parents[2]


class Colour(models.TextChoices):
    RED = "red", "Red"


class Kind(Enum):
    BINDING = 1


class Unprintable:
    def __repr__(self):
        raise RuntimeError("no text")

    __str__ = __repr__


def record(
    message: str = "hello", *args: Any, extra: Any = None, level: int = logging.INFO, exc_info: Any = None
) -> Any:
    made = logging.getLogger("devices.services").makeRecord(
        "devices.services", level, "devices/services.py", 7, message, args, exc_info, extra=extra
    )
    made.created = datetime(2026, 5, 5, 10, 0, 0, 123456, tzinfo=UTC).timestamp()
    return made


def raised(error: Exception) -> Any:
    with pytest.raises(type(error)) as caught:
        raise error
    return caught._excinfo


def line(*args: Any, **kwargs: Any) -> Any:
    text = JsonFormatter().format(record(*args, **kwargs))
    assert text.splitlines() == [text]
    return json.loads(text)


def test_line_holds_when_how_bad_where_and_what():
    assert line("bound %d slots", 3, extra={"config_id": "c1", "slots": ["mqtt", "data"]}) == {
        "time": "2026-05-05T10:00:00.123Z",
        "level": "INFO",
        "logger": "devices.services",
        "message": "bound 3 slots",
        "config_id": "c1",
        "slots": ["mqtt", "data"],
    }


def test_line_carries_the_id_of_the_request_that_wrote_it():
    token = enter_request("caller-0003")
    try:
        inside = line()
    finally:
        leave_request(token)

    assert inside["request_id"] == "caller-0003"
    assert "request_id" not in line()


def test_id_given_by_the_caller_of_the_logger_wins():
    assert line(extra={"request_id": "given-0001"})["request_id"] == "given-0001"


@pytest.mark.parametrize(
    "name",
    [
        *(
            "authorization",
            "Authorization",
            "HTTP_AUTHORIZATION",
            "X-Auth-Token",
            "token",
            "access_token",
            "accessToken",
        ),
        *("password", "DB_PASSWORD", "secret", "client_secret", "secret_snapshot", "external_key", "externalKey"),
        *("external_key_hash", "client_key", "clientKey", "key", "KEY", "apikey", "API-Key", "cookie", "Set-Cookie"),
        *(
            "content",
            "content_template",
            "snapshot",
            "rendered",
            "keyDigest",
            "pepper",
            "credentials",
            "SECRET_KEY",
            "session_id",
            "sessionid",
        ),
    ],
)
def test_value_of_a_secret_name_is_hidden_wherever_it_is(name):
    for extra in ({name: "s3cr3t"}, {"a": {name: "s3cr3t"}}, {"a": [{"b": ({name: {"c": "s3cr3t"}},)}]}):
        assert "s3cr3t" not in json.dumps(line(extra=extra))
        assert "[redacted]" in json.dumps(line(extra=extra))


def test_no_fact_that_we_log_is_taken_for_a_secret():
    facts = set()
    for package in ("bootstrap_project", "configs", "devices", "enrollments", "profiles"):
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.keyword) and node.arg == "extra" and isinstance(node.value, ast.Dict):
                    facts |= {key.value for key in node.value.keys if isinstance(key, ast.Constant)}

    assert {"domain_id", "token_type", "config_id"} <= facts
    assert [name for name in facts if is_secret_name(str(name))] == []


@pytest.mark.parametrize(
    "name",
    ["config_id", "external_id", "key_id", "content_type", "content_format", "token_count", "monkey", "status", ""],
)
def test_names_that_only_sound_alike_are_shown(name):
    assert not is_secret_name(name)


@pytest.mark.parametrize("character", ["\n", "\r", "\r\n", "\u2028", "\x85", "\x0b", "\x00", "\x1b[31m", "\ud800"])
def test_no_character_breaks_a_line_or_reaches_the_terminal(character):
    text = JsonFormatter().format(record(f"a{character}b", extra={f"n{character}": f"c{character}d"}))

    assert len(text.splitlines()) == 1
    assert text.isascii()
    assert text.isprintable()
    assert json.loads(text)["message"] == f"a{character}b"


def test_exception_is_one_text_member():
    seen = line("failed", exc_info=raised(ValueError("line one\nline two")), level=logging.ERROR)

    assert seen["level"] == "ERROR"
    assert seen["exception"].startswith("Traceback (most recent call last):\n")
    assert seen["exception"].endswith("ValueError: line one\nline two")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (datetime(2026, 1, 2, tzinfo=UTC), "2026-01-02 00:00:00+00:00"),
        (Decimal("1.50"), "1.50"),
        (Path("a/b"), "a/b"),
        (Colour.RED, "red"),
        (Kind.BINDING, 1),
        (b"secret bytes", "<12 bytes>"),
        (float("nan"), "nan"),
        (float("inf"), "inf"),
        (True, True),
        (None, None),
        (ValueError("bad"), "ValueError: bad"),
        ({1: 2, None: 3}, {"1": 2, "None": 3}),
        (object(), "<object>"),
        (Unprintable(), "<Unprintable>"),
        ("x" * 9000, "x" * 8192 + "…"),
        (list(range(1000)), list(range(100))),
    ],
)
def test_values_are_shown_as_json_can_hold_them(value, expected):
    assert line(extra={"value": value})["value"] == expected


def test_container_that_holds_itself_ends():
    endless: list[object] = []
    endless.append(endless)

    assert redact(endless) == [[[[[["…"]]]]]]


@pytest.mark.parametrize(
    "made",
    [
        record("%d slots", "three"),
        record("%s", Unprintable()),
        record("huge", extra={"number": 10**5000}),
        record("odd", extra={"error": ValueError(Unprintable())}),
    ],
)
def test_record_that_cannot_be_formatted_still_makes_a_line(made):
    seen = json.loads(JsonFormatter().format(made))

    assert seen["message"] == "log record cannot be formatted"
    assert seen["template"] == made.msg
    assert seen["place"] == "services.py:7"


def test_request_that_django_attaches_is_left_out():
    request = RequestFactory().get("/x?token=s3cr3t", headers={"Authorization": "Bearer s3cr3t"})

    seen = line("Internal Server Error: %s", "/x", extra={"request": request, "status_code": 500})

    assert seen["status_code"] == 500
    assert "request" not in seen
    assert "s3cr3t" not in json.dumps(seen)


def test_extra_does_not_replace_what_the_line_says_itself():
    seen = line("hello", extra={"level": "TRACE", "time": "never", "logger": "forged"})

    assert (seen["level"], seen["logger"]) == ("INFO", "devices.services")
    assert (seen["level_"], seen["time_"], seen["logger_"]) == ("TRACE", "never", "forged")


def test_text_line_hides_the_same_and_stays_on_one_line():
    text = TextFormatter().format(record("a\nb", extra={"config_id": "c1", "token": "s3cr3t", "note": "two\nlines"}))

    expected = 'devices.services: a\\nb config_id=c1 token="[redacted]" note="two\\nlines"'
    assert text == f"2026-05-05T10:00:00.123Z INFO    {expected}"


def test_text_line_is_followed_by_the_traceback():
    text = TextFormatter().format(record(exc_info=raised(ValueError("bad"))))

    assert text.splitlines()[1] == "Traceback (most recent call last):"


@pytest.mark.parametrize(
    ("level", "number"),
    [("debug", 10), ("INFO", 20), ("warn", 30), (" Warning ", 30), ("error", 40), ("critical", 50)],
)
def test_levels_of_upstream_and_of_python_are_understood(level, number):
    assert logging_config(level, json=True)["root"]["level"] == number


@pytest.mark.parametrize("level", ["", "verbose", "20"])
def test_any_other_level_is_refused_with_a_sentence(level):
    with pytest.raises(ValueError, match=r"The log level must be one of debug, info, .*, not "):
        logging_config(level, json=True)


def test_configuration_writes_json_once_to_standard_error_and_nothing_of_statements_or_refusals():
    code = """
import logging
from django.conf import settings
from bootstrap_project.observability.logging import logging_config
settings.configure(LOGGING=logging_config("debug", json=True))
import django
django.setup()
logging.getLogger("devices").debug("shown")
logging.getLogger("django.request").error("shown")
logging.getLogger("_granian").info("shown")
logging.getLogger("django.request").warning("hidden")
logging.getLogger("django.db.backends").debug("hidden")
logging.getLogger("urllib3.connectionpool").debug("hidden")
logging.getLogger("granian.access").info("hidden")
"""

    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert result.stdout == ""
    seen = [json.loads(text) for text in result.stderr.splitlines()]
    assert [(one["logger"], one["message"]) for one in seen] == [
        ("devices", "shown"),
        ("django.request", "shown"),
        ("_granian", "shown"),
    ]


@pytest.mark.parametrize(("level", "lines"), [("info", 1), ("warning", 1), ("error", 0)])
@pytest.mark.parametrize(
    "kind", ["DisallowedHost", "DisallowedRedirect", "TooManyFieldsSent", "DisallowedModelAdminLookup"]
)
def test_a_request_that_django_refuses_is_a_warning_of_one_line(kind, level, lines):
    code = f"""
import logging
from django.conf import settings
from bootstrap_project.observability.logging import logging_config
settings.configure(LOGGING=logging_config({level!r}, json=True))
import django
django.setup()
try:
    raise ValueError
except ValueError:
    logging.getLogger("django.security.{kind}").error("an odd request", exc_info=True)
logging.getLogger("django.request").error("shown")
"""

    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    seen = [json.loads(text) for text in result.stderr.splitlines()]
    assert [one["level"] for one in seen] == ["WARNING"] * lines + ["ERROR"]
    assert not any("exception" in one for one in seen)


def test_configuration_can_be_given_to_granian_as_a_file():
    code = """
import json, logging, sys
from granian.log import LogLevels, configure_logging, logger
configure_logging(LogLevels.info, json.load(sys.stdin))
logger.info("Starting granian")
"""
    text = json.dumps(logging_config("info", json=True))

    result = subprocess.run([sys.executable, "-c", code], input=text, capture_output=True, text=True, check=True)

    assert json.loads(result.stderr)["message"] == "Starting granian"


def test_formatters_do_not_load_django():
    code = "import sys; import bootstrap_project.observability.logging; print('django' in sys.modules)"

    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert result.stdout.strip() == "False"
