"""`manage.py refresh_bindings`: renews the stored snapshots of a fleet from the platform."""

from __future__ import annotations

import argparse
import gc
import json
import logging
import os
import signal
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Final

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser, OutputWrapper
from django.db import Error as DatabaseError

from bootstrap_project.database.complaint import complaint
from bootstrap_project.database.json import ExactFloatEncoder
from bootstrap_project.documents.values import is_storable
from bootstrap_project.durations import parse_duration
from bootstrap_project.errors import BootstrapError
from bootstrap_project.magistrala.credential import service_token
from enrollments.refresh.errors import AnotherRun, LockLost
from enrollments.refresh.fetch import service_fetch
from enrollments.refresh.progress import Progress
from enrollments.refresh.report import (
    ConfigOutcome,
    ConfigReport,
    command_to_go_on,
    diff_lines,
    ending_lines,
    summary_lines,
)
from enrollments.refresh.run import FleetRefresh
from enrollments.refresh.select import Selection

EXIT_SOME_FAILED: Final = 1
EXIT_COULD_NOT_RUN: Final = 2
EXIT_ANOTHER_RUN: Final = 3
#: What a shell says of a program whose reader went away.
EXIT_OUTPUT_GONE: Final = 141
MAX_WORKERS: Final = 256


class Command(BaseCommand):
    """Refreshes bindings; results go to standard output, progress and complaints to standard error."""

    help = (
        "Read the bound clients and channels of many configs again and store what changed. Exit code: 0 all well,"
        " 1 some failed or interrupted, 2 could not run or had to give up, 3 another run is at work."
        " With -v 0 it is quiet while all is well."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--domain", default="", metavar="ID", help="configs of this domain")
        parser.add_argument("--profile", type=_id, metavar="ID", help="configs with this profile")
        parser.add_argument("--config", type=_id, nargs="+", action="extend", default=[], metavar="ID")
        parser.add_argument("--slot", default="", metavar="NAME", help="only this slot of each config")
        parser.add_argument(
            "--older-than",
            type=parse_duration,
            metavar="AGE",
            help="configs with a copy last written longer ago: 90s, 30m, 24h, 7d, 8w",
        )
        parser.add_argument("--all", action="store_true", help="every config; needed when there is no filter")
        parser.add_argument("--after", type=_id, metavar="ID", help="go on behind this config, as an ended run said")
        parser.add_argument("--workers", type=_workers, default=16, metavar="N", help="calls at a time (16)")
        parser.add_argument("--dry-run", action="store_true", help="show what would change and store nothing")
        parser.add_argument("--json", action="store_true", help="one JSON object for each config, on standard output")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run, print, and end with the exit code.

        Raises: CommandError with exit code 1 or 2.
        """
        for name in ("domain", "slot"):
            # Python hands on the bytes of an argument that it cannot decode as halves of characters.
            if not is_storable(options[name]):
                words = f"--{name} {options[name]!r} is no UTF-8; nothing that is stored can match it"
                raise CommandError(words, returncode=EXIT_COULD_NOT_RUN)
        selection = Selection(
            domain_id=options["domain"],
            profile_id=options["profile"],
            config_ids=tuple(dict.fromkeys(options["config"])),
            slot=options["slot"],
            older_than=options["older_than"],
            everything=options["all"],
            after=options["after"],
        )
        if selection.is_empty:
            raise CommandError(
                "nothing is selected: give --domain, --profile, --config, --slot or --older-than, or --all",
                returncode=EXIT_COULD_NOT_RUN,
            )
        workers = self._workers(options["workers"], quiet=not options["verbosity"])
        try:
            # Before anything is locked or counted: without a credential there is nothing to do.
            service_token()
            with service_fetch(workers) as fetcher, _rare_collections(), _log_level(options["verbosity"]):
                seconds = float(settings.PLATFORM_DEADLINE_SECONDS)
                run = FleetRefresh(selection, fetcher, workers=workers, seconds=seconds, dry_run=options["dry_run"])
                self._run(run, options)
        except AnotherRun as error:
            raise CommandError(_complaint(error), returncode=EXIT_ANOTHER_RUN) from error
        except (BootstrapError, ImproperlyConfigured, DatabaseError) as error:
            raise CommandError(_complaint(error), returncode=EXIT_COULD_NOT_RUN) from error
        except KeyboardInterrupt:
            message = "Ended at once; every config is as it was, or whole."
            raise CommandError(message, returncode=EXIT_SOME_FAILED) from None

    def _run(self, run: FleetRefresh, options: dict[str, Any]) -> None:
        output = _Output(self, run, as_json=options["json"], quiet=not options["verbosity"])
        run.listener, run.ticker = output.tell, output.tick
        try:
            with _signals(run):
                run.run()
        except (LockLost, DatabaseError) as error:
            run.summary.gave_up = _complaint(error)
        finally:
            output.progress.close()
        output.end(command_to_go_on(run.summary, run.selection, _other_options(options)))
        if output.is_gone:
            sys.exit(EXIT_OUTPUT_GONE)
        if run.summary.gave_up:
            sys.exit(EXIT_COULD_NOT_RUN)
        if run.summary.outcomes[ConfigOutcome.FAILED] or run.summary.interrupted:
            sys.exit(EXIT_SOME_FAILED)

    def _workers(self, asked: int, *, quiet: bool) -> int:
        # More threads than connections would only wait for each other, until some give up.
        most = int(settings.MG_POOL_SIZE)
        if asked > most and not quiet:
            self.stderr.write(f"Using {most} workers: MG_POOL_SIZE allows no more connections to a service.")
        return min(asked, most)


class _Plain:
    """Django's wrapper of a stream without the line ends and colours that it adds."""

    def __init__(self, wrapped: OutputWrapper) -> None:
        self._wrapped = wrapped

    def write(self, text: str, /) -> None:
        self._wrapped.write(text, style_func=str, ending="")

    def flush(self) -> None:
        self._wrapped.flush()

    def isatty(self) -> bool:
        return bool(self._wrapped.isatty())


class _Output:
    """Where a run's words go; a quiet one has none while all is well."""

    def __init__(self, command: BaseCommand, run: FleetRefresh, *, as_json: bool, quiet: bool) -> None:
        self._command = command
        self._run = run
        self._summary = run.summary
        self._dry_run = run.dry_run
        self._as_json = as_json
        self._quiet = quiet
        #: Whether whoever read the output went away.
        self.is_gone = False
        self.progress = Progress(_Plain(command.stderr))

    def tell(self, report: ConfigReport) -> None:
        """Print what there is to say of one config."""
        if self._as_json:
            self._print([json.dumps(report.to_json(dry_run=self._dry_run), cls=ExactFloatEncoder)])
        elif self._dry_run:
            self._print(list(diff_lines(report)))

    def tick(self, arrived: int) -> None:
        """Show how far the run is."""
        if self._quiet:
            return
        self.progress.update(arrived, self._summary.total, self._summary.outcomes[ConfigOutcome.FAILED])

    def end(self, command: str) -> None:
        """Print the table, and how to go on when there is more to do."""
        # Programs that read the objects must not meet a table among them.
        if not self._quiet or self._summary.outcomes[ConfigOutcome.FAILED] or not self._summary.complete:
            table = "\n".join(summary_lines(self._summary, dry_run=self._dry_run))
            if self._as_json:
                self._command.stderr.write(table, style_func=str)
            else:
                self._write(table)
        self._flush()
        if self.is_gone:
            self._command.stderr.write("The reader of the output went away.")
        for line in ending_lines(self._summary, command=command):
            self._command.stderr.write(line)

    def _print(self, lines: list[str]) -> None:
        if lines:
            self.progress.clear()
            self._write("\n".join(lines))

    def _write(self, text: str) -> None:
        if not self.is_gone:
            with self._reader():
                self._command.stdout.write(text, style_func=str)

    def _flush(self) -> None:
        with self._reader():
            self._command.stdout.flush()

    @contextmanager
    def _reader(self) -> Iterator[None]:
        """End the run in order when nobody reads any more; what is still to be said there goes nowhere."""
        try:
            yield
        except BrokenPipeError:
            self.is_gone = True
            self._run.stop()
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def _log_level(verbosity: int) -> Iterator[None]:
    """Keep the log's lines about a run that goes well away from one that is to be quiet."""
    log = logging.getLogger("enrollments.refresh")
    before = log.level
    if not verbosity:
        log.setLevel(logging.WARNING)
    try:
        yield
    finally:
        log.setLevel(before)


@contextmanager
def _rare_collections() -> Iterator[None]:
    """Let the garbage collector look at what the run makes, and seldom: it took a quarter of a run's processor time.

    What a run makes goes away without it; the memory that `make bench` measures does not grow by this.
    """
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(50_000, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


def _complaint(error: Exception) -> str:
    if isinstance(error, DatabaseError):
        return f"{complaint(error)}; every config is as it was, or whole; repeat the command when that is mended"
    return str(error)


def _other_options(options: dict[str, Any]) -> list[str]:
    words = [] if options["workers"] == 16 else ["--workers", str(options["workers"])]
    return words + [f"--{name.replace('_', '-')}" for name in ("dry_run", "json") if options[name]]


@contextmanager
def _signals(run: FleetRefresh) -> Iterator[None]:
    """End the run in order on the first Ctrl-C or SIGTERM, at once on the second."""

    def stop(number: int, _frame: FrameType | None) -> None:
        run.stop()
        for one, before in earlier.items():
            signal.signal(one, before)

    earlier: dict[signal.Signals, Any] = {}
    try:
        for one in (signal.SIGINT, signal.SIGTERM):
            earlier[one] = signal.signal(one, stop)
    except ValueError:
        # Not the main thread: whoever called us handles signals.
        earlier.clear()
    try:
        yield
    finally:
        for one, before in earlier.items():
            signal.signal(one, before)


def _id(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no id; ids look like {uuid.UUID(int=0)}") from None


def _workers(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= MAX_WORKERS:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of workers; give 1 to {MAX_WORKERS}")
    return int(text)
