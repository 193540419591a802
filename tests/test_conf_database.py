"""Which database it is: never one by mistake, and never one that the driver would refuse."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from bootstrap_project.conf.database import read_database, read_replica, remarks_on_database
from bootstrap_project.database.describe import describe_database
from tests.support.starts import Environment

PREFIX = "MG_BOOTSTRAP_DB_"


def read(base_dir=Path("/nowhere"), **variables):
    return read_database(Environment(**variables), base_dir=base_dir)


def url(text):
    return read(DATABASE_URL=text)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "55432"),
        ("USER", "bs"),
        ("PASS", "x"),
        ("NAME", "bs"),
        ("SSL_MODE", "require"),
        ("SSL_CERT", "c"),
        ("SSL_KEY", "k"),
        ("SSL_ROOT_CERT", "r"),
    ],
)
def test_any_part_of_a_server_without_a_host_means_the_local_one(name, value):
    database = read(**{PREFIX + name: value})

    assert database["ENGINE"].endswith(".postgresql")
    assert database["HOST"] == "localhost"


def test_a_password_in_a_file_means_the_local_server(tmp_path):
    (tmp_path / "password").write_text("x\n")

    database = read(**{PREFIX + "PASS_FILE": str(tmp_path / "password")})

    assert (database["HOST"], database["PASSWORD"]) == ("localhost", "x")


@pytest.mark.parametrize(
    "variables",
    [
        {"PREPARED_STATEMENTS": "false", "POOL_SIZE": "3", "LOCK_TIMEOUT_SECONDS": "1", "CONNECT_TIMEOUT_SECONDS": "2"},
        dict.fromkeys(("HOST", "PORT", "USER", "PASS", "NAME", "SSL_MODE", "PASS_FILE"), ""),
        # Of Kubernetes, for a service of this name.
        {"SERVICE_HOST": "10.96.0.12", "SERVICE_PORT": "5432", "PORT_5432_TCP": "tcp://10.96.0.12:5432"},
    ],
    ids=["tuning", "empty", "kubernetes"],
)
def test_what_names_no_database_leaves_sqlite(tmp_path, variables):
    database = read(tmp_path, **{PREFIX + name: value for name, value in variables.items()})

    assert database["ENGINE"].endswith(".sqlite3")


@pytest.mark.parametrize(
    ("name", "meant"),
    [("PASSWORD", "PASS"), ("USERNAME", "USER"), ("SSLMODE", "SSL_MODE"), ("HOSTNAME", "HOST"), ("PRT", "PORT")],
)
def test_a_misspelt_variable_alone_is_refused_and_beside_others_told(name, meant):
    sentence = f"{PREFIX}{name} is no setting. Did you mean {PREFIX}{meant}?"

    with pytest.raises(ImproperlyConfigured, match=r"no other variable names a database") as refused:
        read(**{PREFIX + name: "x"})
    assert str(refused.value).startswith(sentence)
    beside = Environment(**{PREFIX + name: "x", PREFIX + "HOST": "db"})
    assert read_database(beside, base_dir=Path("/nowhere"))["HOST"] == "db"
    assert remarks_on_database(beside) == [sentence]


def test_in_the_container_a_database_has_to_be_named(tmp_path):
    inside = {"MG_BOOTSTRAP_IN_CONTAINER": "true"}

    with pytest.raises(ImproperlyConfigured, match="DATABASE_URL is not set, and a SQLite file in the container"):
        read(tmp_path, **inside)
    assert read(tmp_path, DATABASE_URL="sqlite:////data/b.sqlite3", **inside)["NAME"] == "/data/b.sqlite3"
    assert read(tmp_path, MG_BOOTSTRAP_DB_HOST="db", **inside)["HOST"] == "db"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("postgres://bs:s3cret@h/db?pool=true", "parameter pool, .*MG_BOOTSTRAP_DB_POOL_SIZE"),
        (
            "postgres://bs:s3cret@h/db?pgbouncer=true",
            "pgbouncer, .*MG_BOOTSTRAP_DB_PREPARED_STATEMENTS=false",
        ),
        ("postgres://bs:s3cret@h/db?schema=public", "parameter schema"),
        ("postgres://bs:s3cret@h/db?sslmode=always", 'refused by PostgreSQL\'s driver: .*"always"'),
        ("postgres://bs:s3cret@h/db?channel_binding=x", "refused by PostgreSQL's driver: .*channel_binding"),
        ("postgres://bs:s3cret@h/db?target_session_attrs=x", "refused by PostgreSQL's driver: .*target_session_attrs"),
        ("postgres://bs:s3cret@h/db?service=nowhere", "refused by PostgreSQL's driver: .*nowhere"),
        ("postgres://bs:s3cret@h/db?connect_timeout=soon", "connect_timeout must be a whole number"),
        ("postgres://bs:s3cret@h/db?keepalives_idle=x", "keepalives_idle must be a whole number"),
        ("postgres://bs:s3cret@h/db?isolation_level=9", "isolation_level"),
        ("postgres://bs:s3cret@h", "names no database"),
        ("postgres://bs:s3cret@h/", "names no database"),
        ("postgres://bs:s3cret@h:0/db", "port from 1 to 65535"),
        ("postgres://bs:s3cret@h:65536/db", "port from 1 to 65535"),
        ("postgres://bs:s3cret@h:tcp/db", "port from 1 to 65535"),
        ("postgres://bs:s3cret@h/" + "d" * 64, "at most 63 bytes"),
        ("postgres://bs:s3cret@h/d%00", "zero byte"),
        ("postgres://bs:12/s3cret@h/db", "percent-encoded"),
        ("postgres://bs@h:5432:5433/db", "percent-encoded"),
        ("postgres:/h/db", "postgres://user:password@host:port/name"),
        ("'postgres://bs:s3cret@h/db'", "begins with a quotation mark"),
        ('"postgres://bs:s3cret@h/db"', "begins with a quotation mark"),
        ("sqlite://var/x.sqlite3", "sqlite:///var/x.sqlite3.*sqlite:////var/x.sqlite3"),
        ("mysql://bs:s3cret@h/db", "postgres://"),
    ],
)
def test_what_the_driver_would_refuse_is_refused_by_the_variables_name(text, said):
    for variable, refused_by in (
        ("DATABASE_URL", lambda environment: read_database(environment, base_dir=Path("/nowhere"))),
        ("DATABASE_REPLICA_URL", lambda environment: read_replica(environment, {"ENGINE": "postgresql"})),
    ):
        with pytest.raises(ImproperlyConfigured, match=said) as refused:
            refused_by(Environment(**{variable: text}))
        assert str(refused.value).startswith(variable)
        assert "s3cret" not in str(refused.value)
        assert len(str(refused.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({"PORT": "tcp://10.96.0.12:5432"}, "PORT.*enableServiceLinks"),
        ({"PORT": "0"}, "PORT"),
        ({"HOST": "db:5432"}, "HOST must be a host alone"),
        ({"HOST": "postgres://db"}, "HOST must be a host alone"),
        ({"SSL_MODE": "always"}, "SSL_MODE is refused by PostgreSQL's driver"),
        ({"NAME": "d" * 64}, "NAME"),
        ({"HOST": '"db"'}, "HOST begins with a quotation mark"),
    ],
)
def test_upstreams_variables_are_refused_by_their_own_names(variables, named):
    with pytest.raises(ImproperlyConfigured, match=PREFIX + named):
        read(**{PREFIX + name: value for name, value in variables.items()})


@pytest.mark.parametrize(
    ("text", "host", "port", "name"),
    [
        ("postgres://u:p@%2Frun%2FPostgreSQL/db", "/run/PostgreSQL", "", "db"),
        ("postgresql://%2Frun%2Fpostgresql:5433/db", "/run/postgresql", 5433, "db"),
        ("postgres://u:p@/db?host=/run/postgresql", "/run/postgresql", "", "db"),
        ("postgres:////run/postgresql/db", "/run/postgresql", "", "db"),
        ("postgres:///db", "", "", "db"),
        ("psql://u:p@DB.example.com:5433/db", "DB.example.com", 5433, "db"),
        ("postgres://u:p@[::1]:5433/db", "::1", 5433, "db"),
        ("postgres://u:p@a:5432,b:5433/db?target_session_attrs=read-write", "a,b", "5432,5433", "db"),
        ("postgres://h?dbname=db", "h", "", "db"),
        ("postgres://h/a%20b+c", "h", "", "a b+c"),
        (" postgres://h/db\n", "h", "", "db"),
    ],
)
def test_every_part_of_a_url_is_read_as_the_driver_reads_it(text, host, port, name):
    database = url(text)

    assert (database["HOST"], database["PORT"], database["NAME"]) == (host, port, name)


@pytest.mark.parametrize(
    ("text", "password"),
    [("p%40%2F%3A", "p@/:"), ("p+w", "p+w"), ("p@w", "p@w"), ("p:w", "p:w"), ("p[w", "p[w"), ("p#w", "p#w"), ("", "")],
)
def test_a_password_may_hold_what_does_not_end_it(text, password):
    database = url(f"postgres://u:{text}@h/db")

    assert (database["USER"], database["PASSWORD"], database["HOST"]) == ("u", password, "h")


def test_parameters_that_the_driver_takes_are_handed_on():
    options = url(
        "postgres://h/db?sslmode=verify-full&sslrootcert=/r.pem&options=-c%20search_path%3Dx&application_name=site"
        "&connect_timeout=3&gssencmode=require&isolation_level=3&assume_role=r&conn_max_age=60"
    )["OPTIONS"]

    assert options["options"] == "-c search_path=x"
    assert (options["sslmode"], options["connect_timeout"], options["application_name"]) == ("verify-full", 3, "site")
    assert (options["isolation_level"], options["assume_role"], options["gssencmode"]) == (3, "r", "require")
    assert "conn_max_age" not in options


def test_what_libpqs_own_variables_say_is_not_held_against_a_url(monkeypatch):
    for name, value in (("PGGSSENCMODE", "require"), ("PGHOSTADDR", "192.0.2.1"), ("PGPORT", "1"), ("PGUSER", "u")):
        monkeypatch.setenv(name, value)

    assert url("postgres://h/db")["HOST"] == "h"


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("sqlite:///a.sqlite3", "a.sqlite3"),
        ("sqlite:////a/b.sqlite3", "/a/b.sqlite3"),
        ("sqlite://:memory:", ":memory:"),
    ],
)
def test_three_slashes_are_relative_and_four_absolute(text, path):
    assert url(text)["NAME"] == path


def test_a_replica_is_of_postgresql_and_beside_postgresql_alone():
    given = Environment(DATABASE_REPLICA_URL="postgres://u:p@r/db")

    assert read_replica(Environment(DATABASE_REPLICA_URL=""), {"ENGINE": "sqlite"}) is None
    replica = read_replica(given, {"ENGINE": "postgresql"})
    assert replica is not None
    assert (replica["HOST"], replica["GIVEN_BY"]) == ("r", "DATABASE_REPLICA_URL")
    for environment, primary in (
        (given, "django_prometheus.db.backends.sqlite3"),
        (Environment(DATABASE_REPLICA_URL="sqlite:///x"), "postgresql"),
    ):
        with pytest.raises(ImproperlyConfigured, match=r"DATABASE_REPLICA_URL .* must both be PostgreSQL"):
            read_replica(environment, {"ENGINE": primary})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("postgres://u:s3cret@h:5433/db", "the PostgreSQL database db at h:5433"),
        ("postgres://u:s3cret@[::1]/db", "the PostgreSQL database db at [::1]"),
        ("postgres:///db", "the PostgreSQL database db at the local socket"),
        ("postgres://u:s3cret@/db?host=/run/postgresql", "the PostgreSQL database db at /run/postgresql"),
        ("sqlite:////a/b.sqlite3", "the SQLite file /a/b.sqlite3"),
        ("sqlite://:memory:", "a SQLite database in memory"),
    ],
)
def test_a_database_is_told_without_its_password(text, words):
    assert describe_database(url(text)) == words
