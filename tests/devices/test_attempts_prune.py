"""Old attempts are deleted, in steps, and nothing else."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from devices.attempts.retention import prune_attempts
from devices.models import BootstrapAttempt
from tests.support.attempts import make_attempt, make_recorder
from tests.support.rows import make_config

pytestmark = [pytest.mark.sqlite, pytest.mark.django_db]


def remember(*ages):
    recorder, now = make_recorder(), timezone.now()
    for days in ages:
        recorder.add(make_attempt(when=now - timedelta(days=days), external_id=f"{days} days old"))
    assert recorder.flush()


def left():
    return list(BootstrapAttempt.objects.order_by("-at").values_list("external_id", flat=True))


def prune(*arguments):
    out = StringIO()
    call_command("prune_attempts", *arguments, stdout=out)
    return out.getvalue()


def test_what_is_older_than_the_setting_is_deleted(settings):
    settings.ATTEMPT_RETENTION_DAYS = 10
    remember(1, 9, 11, 400)

    assert prune().startswith("2 attempts")

    assert left() == ["1 days old", "9 days old"]


@pytest.mark.parametrize(("age", "kept"), [("24h", 0), ("2d", 1), ("1w", 2), (" 1W ", 2), ("999999w", 3), ("0h", 0)])
def test_the_age_can_be_given(age, kept):
    remember(1.5, 3, 100)

    prune("--older-than", age)

    assert len(left()) == kept


def test_a_dry_run_counts_and_deletes_nothing():
    remember(1, 40, 50)

    assert "2 attempts" in prune("--dry-run")

    assert len(left()) == 3


@pytest.mark.parametrize("age", ["", "30", "d", "-1d", "1.5d", "30 days", "1y"])
def test_an_age_that_cannot_be_read_deletes_nothing(age):
    remember(400)

    with pytest.raises(CommandError, match="24h, 7d or 8w"):
        prune(f"--older-than={age}")

    assert len(left()) == 1


def test_each_statement_deletes_a_bounded_number_the_oldest_first(django_assert_num_queries):
    remember(*range(40, 47))
    steps = prune_attempts(before=timezone.now(), batch=3)

    with django_assert_num_queries(1):
        assert next(steps) == 3
    assert left() == [f"{days} days old" for days in range(40, 44)]
    assert list(steps) == [3, 1]

    assert left() == []


def test_configs_keep_what_they_say():
    config = make_config()
    recorder = make_recorder()
    recorder.add(make_attempt(config.pk))
    recorder.flush()

    prune("--older-than", "0h")

    config.refresh_from_db()
    assert config.last_bootstrap_outcome == "ok"
    assert left() == []
