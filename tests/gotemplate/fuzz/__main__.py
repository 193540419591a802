"""`make fuzz`: compares the engine with real Go on random templates and tells where they disagree."""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections.abc import Sequence

from tests.gotemplate.fuzz.run import compare
from tests.gotemplate.fuzz.toolchain import NoGo, Oracle, build_oracle, provide_go


def say(text: str) -> None:
    """Print one line at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main(argv: Sequence[str] | None = None) -> int:
    """Run the comparison; 0 when there is no disagreement."""
    parser = argparse.ArgumentParser(prog="make fuzz ARGS=…", description=__doc__)
    parser.add_argument("--seed", type=int, help="makes a run repeatable; drawn if not given")
    parser.add_argument("--count", type=int, default=20_000, help="how many templates")
    parser.add_argument("--messages", type=int, default=0, help="show so many messages that differ from Go's")
    options = parser.parse_args(argv)
    seed = random.SystemRandom().randrange(10**6) if options.seed is None else options.seed
    try:
        program = build_oracle(provide_go(say))
    except NoGo as error:
        say(str(error))
        return 2
    started = time.monotonic()
    say(f"Comparing {options.count:,} templates, seed {seed}")
    with Oracle(program) as oracle:
        summary = compare(oracle, seed, options.count, keep_messages=options.messages > 0)
    for found in summary.disagreements:
        say(json.dumps(found.request, ensure_ascii=False))
        say(f"  ours: {json.dumps(found.ours, ensure_ascii=False)}\n  Go:   {json.dumps(found.go, ensure_ascii=False)}")
    for template, ours, go in summary.messages[: options.messages]:
        say(f"{template!r}\n  ours: {ours}\n  Go:   {go}")
    say(f"{summary} ({time.monotonic() - started:.0f} s, seed {seed})")
    return 1 if summary.disagreements else 0


if __name__ == "__main__":
    sys.exit(main())
