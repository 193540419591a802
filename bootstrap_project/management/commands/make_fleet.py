"""`manage.py make_fleet`: fills the database with a synthetic fleet, for trials and benchmarks."""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Literal, TextIO

from django.core.management.base import BaseCommand, CommandError, CommandParser

from bootstrap_project.database.constraints import PLATFORM_ID_LENGTH
from bootstrap_project.demo.fleet.load import load, remove
from bootstrap_project.demo.fleet.plan import MAX_BINDINGS, Fleet
from bootstrap_project.documents.values import is_storable
from bootstrap_project.errors import BootstrapError

_MAX_CONFIGS: Final = 9_999_999


class Command(BaseCommand):
    """Makes or removes a fleet; figures go to standard output, progress to standard error."""

    help = (
        "Load a synthetic fleet: profiles, devices and bindings with sealed secrets. Device N calls itself"
        " synthetic-SEED-N (N has seven digits), and its key follows from the seed, so never load one where strangers"
        " can call. The rows open by their keys' digests alone: in the place of the slow hash stands one that no known"
        " key fits."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--configs", type=_number(1, _MAX_CONFIGS), default=10**6, metavar="N", help="devices (1000000)"
        )
        parser.add_argument("--profiles", type=_number(1, 9999), default=1000, metavar="N", help="profiles (1000)")
        parser.add_argument("--domains", type=_number(1, 9999), default=100, metavar="N", help="domains (100)")
        parser.add_argument("--domain", type=_domain, metavar="ID", help="put everything into this domain")
        parser.add_argument(
            "--bindings", type=_number(0, MAX_BINDINGS), default=3, metavar="N", help="bindings of each device (3)"
        )
        parser.add_argument("--disabled", type=_number(0, 100), default=0, metavar="PERCENT", help="share disabled (0)")
        parser.add_argument(
            "--seed", type=_number(0, _MAX_CONFIGS), default=1, metavar="N", help="tells fleets apart (1)"
        )
        parser.add_argument("--keys-file", type=Path, metavar="PATH", help="write external_id,external_key lines there")
        parser.add_argument("--remove", action="store_true", help="remove the fleet of this seed")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make or remove the fleet.

        Raises: CommandError; nothing is written then.
        """
        names = ("configs", "profiles", "domains", "bindings", "seed", "disabled")
        fleet = Fleet(**{name: options[name] for name in names}, domain=options["domain"] or "")
        try:
            if options["remove"]:
                self.stdout.write(f"removed {remove(fleet):,} rows")
            else:
                self._make(fleet, options["keys_file"])
        except (BootstrapError, OSError) as error:
            raise CommandError(f"{error}") from error

    def _make(self, fleet: Fleet, keys_file: Path | None) -> None:
        if keys_file is not None:
            # A file that cannot be written must not cost the minutes that loading takes; what is in it stays till then.
            _open(keys_file, "a").close()
        started = time.perf_counter()
        written = load(fleet, self._tell)
        seconds = time.perf_counter() - started
        if keys_file is not None:
            _write_keys(fleet, keys_file)
        self.stdout.write(
            f"{fleet.configs:,} devices, {len(fleet.profile_numbers()):,} profiles and"
            f" {fleet.configs * fleet.bindings:,} bindings in {len(fleet.domain_ids):,} domains:"
            f" {seconds:.1f} s, {written / seconds:,.0f} rows/s"
        )

    def _tell(self, title: str, done: int, count: int) -> None:
        self.stderr.write(f"{title}: {done:,} of {count:,}")


def _open(path: Path, mode: Literal["a", "w"]) -> TextIO:
    # Keys are secrets, even these.
    return open(path, mode, encoding="utf-8", opener=lambda name, flags: os.open(name, flags, 0o600))


def _write_keys(fleet: Fleet, path: Path) -> None:
    with _open(path, "w") as file:
        file.writelines(
            f"{fleet.external_id(number)},{fleet.external_key(number)}\n" for number in range(fleet.configs)
        )


def _number(least: int, most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit()) or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"{text!r} is no number from {least:,} to {most:,}")
        return int(text)

    return read


def _domain(text: str) -> str:
    if not 1 <= len(text) <= PLATFORM_ID_LENGTH or "\0" in text:
        raise argparse.ArgumentTypeError(f"a domain's id has 1 to {PLATFORM_ID_LENGTH} characters")
    if not is_storable(text):
        # What Python makes of an argument that it cannot decode.
        raise argparse.ArgumentTypeError("a domain's id is text in UTF-8")
    return text
