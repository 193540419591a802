"""Background work within one process: what is started is done, told, cancelled, or fails with a sentence."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from django_tasks.base import TaskResultStatus
from django_tasks_db.models import DBTaskResult

from bootstrap_project.runs import progress, services
from bootstrap_project.runs.models import Run, RunState, Worker
from bootstrap_project.runs.worker import RunWorker
from tests.runs.work import count

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.sqlite]


@pytest.fixture(autouse=True)
def every_report_is_written(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(progress, "WRITE_SECONDS", 0.0)
    yield
    progress.stopping.clear()


def started(folder: Path, **parameters: Any) -> Run:
    return services.start(
        count, title="Counting", actor="ada", total=5, parameters={"to": 5, "file": str(folder / "lines"), **parameters}
    )


def queued(run: Run) -> uuid.UUID:
    assert run.queued_as is not None
    return run.queued_as


def lines(folder: Path) -> list[int]:
    return [int(line) for line in (folder / "lines").read_text().split()]


def work() -> None:
    RunWorker().serve(once=True)


def test_what_was_started_is_done_and_tells_its_result(tmp_path):
    run = started(tmp_path)
    assert (run.state, run.percent) == (RunState.WAITING, 0)

    work()

    run.refresh_from_db()
    assert (run.state, run.done, run.percent, run.result) == (RunState.DONE, 5, 100, {"counted": 5})
    assert run.ended_at is not None
    assert lines(tmp_path) == [1, 2, 3, 4, 5]


def test_an_expected_failure_is_told_in_its_own_words_with_what_was_done(tmp_path):
    run = started(tmp_path, refuse_at=3)

    work()

    run.refresh_from_db()
    assert (run.state, run.done) == (RunState.FAILED, 3)
    assert run.reason == "no more: there are only so many numbers"


def test_a_bug_is_logged_and_told_without_its_words(tmp_path, caplog):
    run = started(tmp_path, break_at=2)
    after = started(tmp_path)

    work()

    run.refresh_from_db()
    after.refresh_from_db()
    assert run.state == RunState.FAILED
    assert "secret-of-the-code" not in run.reason
    assert str(run.pk) in run.reason
    assert [record.message for record in caplog.records if record.levelname == "ERROR"] == ["a run broke"]
    assert after.state == RunState.DONE


def test_a_run_that_waits_is_cancelled_at_once_and_never_starts(tmp_path):
    run = started(tmp_path)

    services.cancel(run)
    work()

    run.refresh_from_db()
    assert run.state == RunState.CANCELLED
    assert not (tmp_path / "lines").exists()


def test_a_run_that_works_ends_at_its_next_report(tmp_path, monkeypatch):
    run = started(tmp_path)
    report = progress.Progress.report

    def cancelled_at_three(self, done, **facts):
        if done == 3:
            services.cancel(Run.objects.get(pk=run.pk))
        report(self, done, **facts)

    monkeypatch.setattr(progress.Progress, "report", cancelled_at_three)
    work()

    run.refresh_from_db()
    assert (run.state, run.done) == (RunState.CANCELLED, 3)
    assert lines(tmp_path) == [1, 2, 3]


def test_a_worker_that_stops_leaves_the_rest_to_the_next_one(tmp_path, monkeypatch):
    run = started(tmp_path)
    report = progress.Progress.report

    def stopped_at_two(self, done, **facts):
        if done == 2:
            progress.stopping.set()
        report(self, done, **facts)

    monkeypatch.setattr(progress.Progress, "report", stopped_at_two)
    work()
    run.refresh_from_db()
    assert (run.state, run.done) == (RunState.WAITING, 2)

    monkeypatch.setattr(progress.Progress, "report", report)
    progress.stopping.clear()
    work()

    run.refresh_from_db()
    assert (run.state, run.result) == (RunState.DONE, {"counted": 5})
    assert lines(tmp_path) == [1, 2, 3, 4, 5]


def lose(run: Run, *, starts: int = 1, age: int = services.LOST_SECONDS + 1) -> None:
    """Make it look as after the kill of its worker."""
    then = timezone.now() - timedelta(seconds=age)
    Run.objects.filter(pk=run.pk).update(
        state=RunState.RUNNING, starts=starts, started_at=then, beat_at=then, position=2, done=2
    )
    DBTaskResult.objects.filter(pk=queued(run)).update(status=TaskResultStatus.RUNNING)


def test_a_lost_run_goes_on_where_it_was_and_its_old_row_is_ended(tmp_path):
    run = started(tmp_path)
    lose(run)

    work()

    run.refresh_from_db()
    assert (run.state, run.starts) == (RunState.DONE, 2)
    assert lines(tmp_path) == [3, 4, 5]
    assert not DBTaskResult.objects.running().exists()


def test_a_run_whose_worker_lives_is_left_alone(tmp_path):
    run = started(tmp_path)
    lose(run, age=services.LOST_SECONDS - 5)

    assert services.resume_lost() == 0


def test_a_lost_run_that_was_cancelled_is_not_started_again(tmp_path):
    run = started(tmp_path)
    lose(run)
    services.cancel(run)

    work()

    run.refresh_from_db()
    assert run.state == RunState.CANCELLED
    assert not (tmp_path / "lines").exists()


def test_a_run_that_takes_its_workers_along_fails_in_the_end(tmp_path):
    run = started(tmp_path)
    lose(run, starts=services.MAX_STARTS)

    work()

    run.refresh_from_db()
    assert run.state == RunState.FAILED
    assert "3 times" in run.reason


def test_what_a_slow_worker_reports_after_its_run_was_given_away_changes_nothing(tmp_path):
    run = started(tmp_path)
    lose(run)
    slow = progress.Progress(Run.objects.get(pk=run.pk))
    work()

    with pytest.raises(progress.Stopped):
        slow.report(4, position=4)

    run.refresh_from_db()
    assert (run.state, run.done) == (RunState.DONE, 5)


def test_a_worker_is_seen_while_it_lives_and_not_after(db):
    assert not services.has_worker()
    services.beat("w")
    assert services.has_worker()
    Worker.objects.update(seen_at=timezone.now() - timedelta(seconds=services.LOST_SECONDS + 1))
    assert not services.has_worker()


def test_what_ended_long_ago_goes_and_the_rest_stays(tmp_path):
    old, new, waiting = started(tmp_path), started(tmp_path), None
    work()
    waiting = started(tmp_path)
    then = timezone.now() - timedelta(days=services.KEPT_DAYS + 1)
    Run.objects.filter(pk=old.pk).update(ended_at=then)
    DBTaskResult.objects.filter(pk=queued(old)).update(finished_at=then)

    services.prune()

    assert set(Run.objects.values_list("pk", flat=True)) == {new.pk, waiting.pk}
    assert set(DBTaskResult.objects.values_list("pk", flat=True)) == {queued(new), queued(waiting)}
