"""Where the service is and how to talk to it: flags, then the environment, then config.toml."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import SplitResult, urlsplit

from click import UsageError

from bootstrap_project.cli.inputs import decode

DEFAULT_URL: Final = "http://localhost:9013"
DEFAULT_FILE: Final = "config.toml"
DEFAULT_TIMEOUT_SECONDS: Final = 30.0
_MAX_TIMEOUT_SECONDS: Final = 86_400.0


class Settings(NamedTuple):
    """How to reach the service; `url` has no slash at its end."""

    url: SplitResult
    timeout_seconds: float
    insecure: bool
    curl: bool
    #: Whether the address comes from a file that nobody named: it lay in the current folder.
    url_was_found: bool = False


def read_settings(flags: Mapping[str, str], environ: Mapping[str, str]) -> Settings:
    """Return the settings of one run.

    The address comes from --bootstrap-url, the file of --config, MG_BOOTSTRAP_URL, ./config.toml or the default. Files
    that are not needed are not read, and nothing is ever written.
    Raises: UsageError.
    """
    url = flags.get("bootstrap_url") or ""
    if "config" in flags:
        url = url or _from_file(Path(flags["config"])) or ""
    url = url or environ.get("MG_BOOTSTRAP_URL", "")
    found = ""
    if not url and "config" not in flags and Path(DEFAULT_FILE).is_file():
        found = _from_file(Path(DEFAULT_FILE)) or ""
    return Settings(
        url=_parse(url or found or DEFAULT_URL),
        timeout_seconds=_timeout(flags.get("timeout")),
        insecure="insecure" in flags,
        curl="curl" in flags,
        url_was_found=bool(found),
    )


def _from_file(path: Path) -> str | None:
    """Return `bootstrap_url` of the table `remotes`, None where there is none."""
    import tomllib  # noqa: PLC0415 - only where there is such a file.

    try:
        document = tomllib.loads(decode(path.read_bytes(), str(path)))
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path} is not TOML: {error}") from error
    remotes = document.get("remotes")
    url = remotes.get("bootstrap_url") if isinstance(remotes, dict) else None
    if url is not None and not isinstance(url, str):
        raise UsageError(f"{path}: bootstrap_url in [remotes] is not a text")
    return url


def _parse(url: str) -> SplitResult:
    try:
        parts = urlsplit(url.rstrip("/"))
        fit = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        fit = False
    if not fit or not url.isascii() or any(character <= " " or character == "\x7f" for character in url):
        raise UsageError("the address of the service is to be like http://localhost:9013")
    if parts.username is not None or parts.query or parts.fragment:
        raise UsageError("the address of the service holds a scheme, a host, a port and a path, nothing else")
    return parts


def _timeout(text: str | None) -> float:
    if text is None:
        return DEFAULT_TIMEOUT_SECONDS
    try:
        seconds = float(text.removesuffix("s"))
    except ValueError:
        seconds = 0.0
    # A comparison that "nan" fails, too.
    if not 0 < seconds <= _MAX_TIMEOUT_SECONDS:
        raise UsageError("--timeout takes seconds, more than 0 and at most a day")
    return seconds
