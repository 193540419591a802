"""`manage.py renew_key_digests`: under which pepper every external key's digest is, and what is left of old ones."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from bootstrap_project.security.keyring import state_of
from configs.external_keys import clear_digests, count_digests

_STATES = {
    "current": "the writing pepper; nothing to do",
    "old": "in the ring; renewed when the device calls",
    "transport": "derived from MG_BOOTSTRAP_ENCRYPT_KEY by an earlier release; renewed when the device calls",
    "unknown": "not in the ring; one slow hash when the device calls",
    "none": "no digest; one slow hash when the device calls",
}


class Command(BaseCommand):
    """Report the digests by pepper, and on request clear those that no pepper of the ring can check.

    A digest under the new pepper cannot be made here: it is made from the external key, which nobody but the device
    has. The old digest is no way either; HMAC(new, HMAC(old, key)) would need the old pepper for ever. So devices renew
    their own digests by calling. What is left to do here:

    - tell how far that has come, and with `--check` fail while the old peppers are still needed;
    - clear digests under peppers that left the ring. They decide nothing any more. But whoever has a copy of the
      database *and* the leaked pepper can try keys against them at full speed, which is what a pepper is rotated for;
    - clear digests under older peppers of the ring as well, for whoever will not wait for the last devices. That holds
      above all for the pepper that earlier releases derived from the transport key, which devices hold.

    Taking an old pepper out of the ring early is safe and costs each device that did not call meanwhile one scrypt.
    """

    help = "Report external keys' digests by pepper; optionally clear those under peppers that are gone."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="fail while digests under older peppers remain")
        parser.add_argument("--clear-unknown", action="store_true", help="clear digests under peppers not in the ring")
        parser.add_argument(
            "--clear-old",
            action="store_true",
            help="clear digests under older peppers, too: each of those devices costs one slow hash, and is not found "
            "by its key alone before that",
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")

    def handle(self, *args: Any, **options: Any) -> None:
        """Report, after clearing what was asked for."""
        goners = {"unknown"} if options["clear_unknown"] else set()
        if options["clear_old"]:
            goners |= {"unknown", "old", "transport"}
        cleared = clear_digests(pepper for pepper in count_digests() if _state(pepper) in goners) if goners else 0
        rows: list[dict[str, Any]] = [
            {"pepper": pepper, "state": _state(pepper), "configs": configs}
            for pepper, configs in sorted(count_digests().items())
        ]
        if options["json"]:
            self.stdout.write(json.dumps({"cleared": cleared, "peppers": rows}))
        elif options["verbosity"]:
            self._print(rows, cleared, "no longer write" if options["clear_old"] else "are gone")
        left = sum(row["configs"] for row in rows if row["state"] in {"old", "transport"})
        if options["check"] and left:
            raise CommandError(
                f"{left} digests are still under an older pepper; keep it in MG_BOOTSTRAP_KEY_PEPPERS, or what it is "
                "derived from."
            )

    def _print(self, rows: list[dict[str, Any]], cleared: int, whose: str) -> None:
        if cleared:
            self.stdout.write(f"{cleared} digests under peppers that {whose} were cleared.")
        for row in rows:
            self.stdout.write(f"{row['configs']:>10}  {row['pepper'] or '-':<32}  {_STATES[row['state']]}")
        if not rows:
            self.stdout.write("There are no configs.")


def _state(pepper_id: str) -> str:
    if not pepper_id:
        return "none"
    state = state_of(pepper_id, settings.PEPPER_RING.keys)
    return {"writing": "current", "older": "old"}.get(state, state)
