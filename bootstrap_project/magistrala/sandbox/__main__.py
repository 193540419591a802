"""`python -m bootstrap_project.magistrala.sandbox`: run the sandbox until it is stopped."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
import threading

from bootstrap_project.magistrala.sandbox.platform import Platform
from bootstrap_project.magistrala.sandbox.server import SandboxServer


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT; return 0, or 1 when the address cannot be used."""
    options = _parser().parse_args(arguments)
    platform = Platform(options.seed, options.latency_ms / 1000)
    try:
        server = SandboxServer(options.host, options.port, platform)
    except (OSError, OverflowError) as error:
        sys.stderr.write(
            f"The sandbox cannot listen on {options.host}:{options.port} ({error}); choose another with --port.\n"
        )
        return 1
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    if options.stop_with_stdin:
        threading.Thread(target=_wait_for_end_of_input, args=(stop,), daemon=True).start()
    sys.stdout.write(
        f"Magistrala sandbox ready on {server.url} (seed {options.seed}, look at {server.url}/_sandbox/)\n"
    )
    sys.stdout.flush()
    # The kernel may hand a signal to any thread, but only the main one, awake, runs its handler.
    while not stop.wait(0.1):
        pass
    server.shutdown()
    server.server_close()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bootstrap_project.magistrala.sandbox",
        description="An in-memory Magistrala platform over HTTP, for tests and demonstrations. Not for production.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default %(default)s)")
    parser.add_argument("--port", type=int, default=9100, help="port, 0 for any free one (default %(default)s)")
    parser.add_argument("--seed", choices=("pi", "empty"), default="pi", help="what exists at the start")
    parser.add_argument("--latency-ms", type=_latency, default=0.0, help="how long every answer waits")
    parser.add_argument(
        "--stop-with-stdin", action="store_true", help="also stop when standard input ends, with whoever started it"
    )
    return parser


def _latency(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 600_000:
        raise ValueError(text)
    return value


def _wait_for_end_of_input(stop: threading.Event) -> None:
    # Not through sys.stdin: its lock, held here, would stall the interpreter's end.
    with contextlib.suppress(OSError):
        while os.read(0, 4096):
            pass
    stop.set()


if __name__ == "__main__":
    sys.exit(main())
