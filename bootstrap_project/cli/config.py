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
FOUND: Final = f"./{DEFAULT_FILE}"
DEFAULT_TIMEOUT_SECONDS: Final = 30.0
_SECRETS: Final = ("eyJ", "pat_", "Bearer ")
_MAX_TIMEOUT_SECONDS: Final = 86_400.0


class Settings(NamedTuple):
    """How to reach the service; `url` has no slash at its end."""

    url: SplitResult
    timeout_seconds: float
    insecure: bool
    curl: bool
    #: Where the address comes from: a flag, a file, a variable or the default.
    url_source: str = ""

    @property
    def url_was_found(self) -> bool:
        """Return whether the address comes from a file that nobody named: it lay in the current folder."""
        return self.url_source == FOUND


def read_settings(flags: Mapping[str, str], environ: Mapping[str, str]) -> Settings:
    """Return the settings of one run.

    The address comes from --bootstrap-url, the file of --config, MG_BOOTSTRAP_URL, ./config.toml or the default. Files
    that are not needed are not read, and nothing is ever written.
    Raises: UsageError.
    """
    url, source = _address(flags, environ)
    return Settings(
        url=_parse(url, source),
        timeout_seconds=_timeout(flags.get("timeout")),
        insecure="insecure" in flags,
        curl="curl" in flags,
        url_source=source,
    )


def _address(flags: Mapping[str, str], environ: Mapping[str, str]) -> tuple[str, str]:
    """Return the address and where it comes from; raises UsageError."""
    if url := flags.get("bootstrap_url", "").strip():
        return url, "--bootstrap-url"
    file = flags.get("config")
    if file is not None and (url := _from_file(Path(file))):
        return url, f"--config {file}"
    if url := environ.get("MG_BOOTSTRAP_URL", "").strip():
        return url, "MG_BOOTSTRAP_URL"
    if file is not None:
        # A token is on its way: not to an address that nobody gave.
        raise UsageError(f"{file} has no bootstrap_url in a table [remotes]")
    if Path(DEFAULT_FILE).is_file() and (url := _from_file(Path(DEFAULT_FILE))):
        return url, FOUND
    return DEFAULT_URL, "the default; --bootstrap-url or MG_BOOTSTRAP_URL says another one"


def _from_file(path: Path) -> str:
    """Return `bootstrap_url` of the table `remotes`, "" where there is none."""
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
    return (url or "").strip()


def _parse(url: str, source: str) -> SplitResult:
    try:
        parts = urlsplit(url.rstrip("/"))
        fit = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        fit = False
    if not fit or not url.isascii() or any(character <= " " or character == "\x7f" for character in url):
        # With a name and a password in it, or a token instead of it, it is nothing to be shown.
        is_harmless = url.isprintable() and not any(sign in url for sign in "@?#") and not url.startswith(_SECRETS)
        value = f" {url}" if is_harmless else ""
        raise UsageError(f"the address{value} of the service is to be like http://localhost:9013; it is from {source}")
    if parts.username is not None or parts.query or parts.fragment:
        raise UsageError(
            f"the address of the service holds a scheme, a host, a port and a path, nothing else; it is from {source}"
        )
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
