"""`manage.py reseal_secrets`: the last step but one of rotating the key that stored secrets are sealed under."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from bootstrap_project.security.keyring import state_of
from enrollments.reseal import count_secrets_by_key, reseal_secrets

_STATES = {
    "writing": "the writing key; nothing to do",
    "older": "in the ring; still needed",
    "transport": "derived from MG_BOOTSTRAP_ENCRYPT_KEY by an earlier release; still needed",
    "unknown": "not in the ring; rebind, or set the client key again",
}


class Command(BaseCommand):
    """Seal again what is under older keys, then say what is under which; secrets are never shown."""

    help = (
        "Seal stored secrets under the writing key (the first of MG_BOOTSTRAP_SEALING_KEYS, or the one that is derived "
        "from MG_BOOTSTRAP_SECRET_KEY), and report them by key."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--check",
            action="store_true",
            help="change nothing; fail while an older key is needed, or one is not there",
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")

    def handle(self, *args: Any, **options: Any) -> None:
        resealed = 0 if options["check"] else sum(reseal_secrets())
        rows: list[dict[str, Any]] = [
            {"key": key_id, "state": state_of(key_id, settings.SEALING_RING.keys), "secrets": number}
            for key_id, number in sorted(count_secrets_by_key().items())
        ]
        if options["json"]:
            self.stdout.write(json.dumps({"resealed": resealed, "keys": rows}))
        elif options["verbosity"]:
            self._print(rows, resealed)
        left = sum(row["secrets"] for row in rows if row["state"] in {"older", "transport"})
        if left:
            advice = "keep that key, or what it is derived from, and run reseal_secrets again"
            raise CommandError(f"Secrets still under an older key: {left}; {advice}.")
        lost = sum(row["secrets"] for row in rows if row["state"] == "unknown")
        if lost and options["check"]:
            advice = "put it into MG_BOOTSTRAP_SEALING_KEYS, or rebind and set client keys again"
            raise CommandError(f"Secrets under a key that no setting has: {lost}; {advice}.")

    def _print(self, rows: list[dict[str, Any]], resealed: int) -> None:
        if resealed:
            self.stdout.write(f"{resealed} secrets were sealed again.")
        for row in rows:
            self.stdout.write(f"{row['secrets']:>10}  {row['key']:<32}  {_STATES[row['state']]}")
        if not rows:
            self.stdout.write("There are no secrets.")
