"""The drill: what was dumped is restored into an empty database, and every device is served; or the key is another."""

import shutil
import subprocess

import psycopg
import pytest

from bootstrap_project.demo import pi, scenario
from tests.deploying.database import OWNER, SCRIPTS, Deployed
from tests.deploying.story import credential, enrol, expect_served
from tests.support.database import Database
from tests.support.postgres import DATABASE, PostgresServer
from tests.support.server import ServerProcess

pytestmark = pytest.mark.slow

OTHER = {"MG_BOOTSTRAP_SECRET_KEY": "another-secret-key-of-more-than-fifty-characters-0123456789"}


@pytest.fixture(scope="module")
def dump(deployed, platform, tmp_path_factory):
    """The id of the Pi's config, and the dump of a database with it and a device whose answer holds no secret."""
    with ServerProcess({"DATABASE_URL": deployed.url()} | credential(platform)) as server:
        config_id = enrol(server.url, platform)
        expect_served(server.url, config_id)
        http = scenario.Http("service", server.url, f"Bearer {scenario.issue_token(platform.url)}")
        plain = {"external_id": "plain-1", "external_key": "a key of some length", "content": "hello"}
        http.call("POST", f"/{pi.DOMAIN_ID}/clients/configs", plain)
    path = tmp_path_factory.mktemp("dump") / "bootstrap.dump"
    deployed.program("pg_dump", "-Fc", "-f", str(path), "bootstrap")
    return config_id, path


@pytest.fixture
def restored(deployed, dump):
    """The id of the Pi's config, after the database was dropped, restored and migrated."""
    config_id, path = dump
    deployed.program("dropdb", "--force", "bootstrap")
    restore(deployed, path, OWNER, "bootstrap")
    deployed.program("psql", "-q", "-d", "bootstrap", "-f", str(SCRIPTS / "grants.sql"))
    deployed.migrate()
    return config_id


def restore(deployed, path, role, database):
    """Restore into an empty database whose owner may be anybody."""
    deployed.program("createdb", "-T", "template0", "-E", "UTF8", "--locale=C.UTF-8", "-O", role, database)
    options = ("--exit-on-error", "--no-owner", "--no-acl", f"--role={role}")
    deployed.program("pg_restore", *options, "-d", database, str(path))


def ask(server, external_id, key):
    answer = scenario.Http("service", server.url, f"Client {key}").answer("GET", f"/clients/bootstrap/{external_id}")
    return answer.status_code


def test_with_its_keys_everything_is_as_it_was(deployed, platform, restored):
    deployed.manage("migrate", "--check")
    deployed.manage("reseal_secrets", "--check")
    deployed.manage("renew_key_digests", "--check")

    with ServerProcess({"DATABASE_URL": deployed.url()} | credential(platform)) as server:
        expect_served(server.url, restored)
        assert ask(server, "plain-1", "a key of some length") == 200


def test_on_a_new_server_the_roles_come_first_and_an_empty_database_after_them(platform, dump):
    config_id, path = dump
    with PostgresServer() as server:
        with server.connect("postgres") as connection:
            connection.execute(f"DROP DATABASE {DATABASE}")
        new = Deployed(server)
        # The one that the script made has an extension that its owner cannot put a comment on.
        new.program("dropdb", "bootstrap")
        restore(new, path, OWNER, "bootstrap")
        new.program("psql", "-q", "-d", "bootstrap", "-f", str(SCRIPTS / "grants.sql"))
        new.migrate()

        with ServerProcess({"DATABASE_URL": new.url()} | credential(platform)) as service:
            expect_served(service.url, config_id)


def test_it_may_be_restored_as_another_role_altogether(deployed, platform, dump):
    config_id, path = dump
    deployed.program("psql", "-c", "CREATE ROLE elsewhere LOGIN PASSWORD 'elsewhere'")
    restore(deployed, path, "elsewhere", "copy")
    url = deployed.url("elsewhere", "copy")
    deployed.manage("migrate", "--noinput", settings={"DATABASE_URL": url})

    with ServerProcess({"DATABASE_URL": url} | credential(platform)) as server:
        expect_served(server.url, config_id)


def test_with_another_key_what_needs_no_sealed_secret_works_and_the_platform_gives_the_rest_back(
    deployed, platform, restored
):
    lost = credential(platform) | OTHER
    assert "bootstrap.W007" in deployed.manage("check", "--deploy", settings=lost)
    deployed.manage("reseal_secrets", "--check", settings=lost, code=1)

    with ServerProcess({"DATABASE_URL": deployed.url()} | lost) as server:
        assert ask(server, pi.EXTERNAL_ID, pi.EXTERNAL_KEY) == 422
        assert ask(server, "plain-1", "a key of some length") == 200

        deployed.manage("refresh_bindings", "--all", settings=lost)
        expect_served(server.url, restored)
    deployed.manage("reseal_secrets", "--check", settings=lost)


def test_a_key_that_is_found_again_is_a_former_one(deployed, platform, restored):
    former = "tests-only-secret-key-of-more-than-fifty-characters-0123456789"
    found = credential(platform) | OTHER | {"MG_BOOTSTRAP_SECRET_KEY_FALLBACKS": former}

    with ServerProcess({"DATABASE_URL": deployed.url()} | found) as server:
        expect_served(server.url, restored)
    deployed.manage("reseal_secrets", settings=found)
    with psycopg.connect(deployed.url()) as connection:
        assert connection.execute("SELECT count(*) FROM configs_config").fetchone() == (2,)


@pytest.mark.skipif(shutil.which("sqlite3") is None, reason="the shell of SQLite is not installed")
def test_a_copy_of_sqlite_is_made_while_it_runs_and_put_back(platform, tmp_path):
    path, copy = tmp_path / "bootstrap.sqlite3", tmp_path / "copy.sqlite3"
    settings = {"DATABASE_URL": f"sqlite:///{path}"} | credential(platform)
    Database(settings["DATABASE_URL"], None).migrate()
    with ServerProcess(settings) as server:
        config_id = enrol(server.url, platform)
        subprocess.run(["sqlite3", path, f".backup {copy}"], check=True)
    for end in ("", "-wal", "-shm"):
        path.with_name(path.name + end).unlink(missing_ok=True)

    copy.rename(path)

    with ServerProcess(settings) as server:
        expect_served(server.url, config_id)
