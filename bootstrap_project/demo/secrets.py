"""The demo's secrets: made once, kept in a file that only its owner can read."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from urllib.parse import quote

from bootstrap_project.demo import pi
from bootstrap_project.demo.errors import DemoError

FILE_NAME = "demo.env"
DATABASE_NAME = "demo.sqlite3"
ADMIN_NAME = "admin"

#: The caller's settings that the demo keeps; our other settings could point it at real systems.
KEPT = (
    "MG_BOOTSTRAP_HTTP_HOST",
    "MG_BOOTSTRAP_HTTP_PORT",
    "MG_BOOTSTRAP_ALLOWED_HOSTS",
    "MG_BOOTSTRAP_WORKERS",
    "MG_BOOTSTRAP_DEVICES_AT_ONCE",
    "MG_BOOTSTRAP_DB_POOL_SIZE",
    "MG_BOOTSTRAP_LOG_LEVEL",
    "MG_BOOTSTRAP_LOG_JSON",
)


def prepare_folder(folder: Path) -> None:
    """Make the folder for the demo's files and check that they can be written.

    Raises: DemoError when they cannot.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        trial = folder / f".writable-{os.getpid()}"
        trial.touch()
        trial.unlink()
    except OSError as error:
        raise DemoError(
            f"Cannot write in {folder} ({(error.strerror or str(error)).lower()}). "
            "Ask for write access to it, or work in a copy of your own."
        ) from error


def load_or_make(folder: Path) -> dict[str, str]:
    """Return the secrets of the database in `folder`, created when neither exists.

    Raises: DemoError when the database is there and its secrets are not, or when their file cannot be read.
    """
    path = folder / FILE_NAME
    if path.exists():
        return _read(path)
    if (folder / DATABASE_NAME).exists():
        raise DemoError(
            f"{folder / DATABASE_NAME} is there but {path} is not, and without its keys it cannot be read. "
            f"Put {path.name} back, or start over: rm {folder / DATABASE_NAME}*"
        )
    made = {
        "MG_BOOTSTRAP_SECRET_KEY": secrets.token_urlsafe(64),
        "MG_BOOTSTRAP_ENCRYPT_KEY": secrets.token_hex(16),
        "DJANGO_SUPERUSER_USERNAME": ADMIN_NAME,
        "DJANGO_SUPERUSER_EMAIL": "admin@example.com",
        "DJANGO_SUPERUSER_PASSWORD": secrets.token_urlsafe(12),
    }
    _write(path, made)
    return made


def service_environment(
    folder: Path, kept: dict[str, str], caller: dict[str, str], platform_url: str
) -> dict[str, str]:
    """Return the environment of the service: the caller's without its settings for us, then the demo's own."""
    environment = {
        name: value
        for name, value in caller.items()
        if not name.startswith(("MG_", "DJANGO_", "DATABASE_URL", "PROMETHEUS_MULTIPROC_DIR")) or name in KEPT
    }
    return environment | {
        **kept,
        "DATABASE_URL": f"sqlite:///{quote(str((folder / DATABASE_NAME).resolve()))}",
        "MG_BOOTSTRAP_DEBUG": "false",
        "MG_CLIENTS_URL": platform_url,
        "MG_CHANNELS_URL": platform_url,
        "MG_DOMAINS_URL": platform_url,
        "MG_USERS_URL": platform_url,
        "MG_AUTH_URL": platform_url,
        # The admin's pages call the platform with these.
        "MG_BOOTSTRAP_USERNAME": pi.OPERATOR,
        "MG_BOOTSTRAP_PASSWORD": pi.OPERATOR_PASSWORD,
    }


def _read(path: Path) -> dict[str, str]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DemoError(f"The demo's secrets in {path} cannot be read.") from error
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return {name: value for name, equals, value in pairs if equals}


def _write(path: Path, values: dict[str, str]) -> None:
    text = "# Secrets of the demo's database beside this file. Made once; `make run` reads them again.\n"
    text += "".join(f"{name}={value}\n" for name, value in values.items())
    # Written under another name first, so that an interrupted run leaves no partial file.
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:  # noqa: PTH123 - pathlib cannot set the mode from the start.
            file.write(text)
        draft.replace(path)
    except OSError as error:
        raise DemoError(f"The demo's secrets cannot be written to {path} ({error.strerror}).") from error
