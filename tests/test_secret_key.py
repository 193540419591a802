"""`MG_BOOTSTRAP_SECRET_KEY`: what rests on it, its former values, and short ones (docs/contract.md#k19 and #k33)."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys

import pytest

from bootstrap_project.conf.reading import read_secret_key_fallbacks
from tests.support.server import ROOT, ServerProcess
from tests.support.starts import GOOD, Environment, inherited, start

RINGS = ("SEALING_RING", "PEPPER_RING")
#: What the rings of an earlier release were with the same transport key; those of the secret key do not depend on it.
FORMER = {"SEALING_RING": "da3a459a7", "PEPPER_RING": "d0e82b63d"}


def ids_of(**environment):
    """Return the key ids of both rings, and how many of their keys are of the transport key, as a start has them."""

    code, output, error = start(environment, *RINGS)
    assert code == 0, error
    shown = json.loads(output)
    return {ring: re.findall(r"id='(\w+)'", shown[ring]) for ring in RINGS}


def test_rings_rest_on_the_secret_key_and_read_what_rested_on_the_transport_key():
    rings, others, rotated = (
        ids_of(),
        ids_of(MG_BOOTSTRAP_ENCRYPT_KEY="k" * 32),
        ids_of(MG_BOOTSTRAP_SECRET_KEY="n" * 60),
    )

    for ring in RINGS:
        writing, former = rings[ring]
        assert former == FORMER[ring]
        assert (others[ring][0], rotated[ring][1]) == (writing, former)
        assert others[ring][1] != former
        assert rotated[ring][0] != writing
    assert len({rings[ring][0] for ring in RINGS}) == 2


@pytest.mark.parametrize(
    "fallbacks", [GOOD["MG_BOOTSTRAP_SECRET_KEY"], f" another , {GOOD['MG_BOOTSTRAP_SECRET_KEY']},"]
)
def test_former_secret_keys_read(fallbacks):
    (before, former), rotated = (
        ids_of()["SEALING_RING"],
        ids_of(MG_BOOTSTRAP_SECRET_KEY="n" * 60, MG_BOOTSTRAP_SECRET_KEY_FALLBACKS=fallbacks)["SEALING_RING"],
    )

    assert rotated[-2:] == [before, former]
    assert rotated[0] not in {before, former}


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("", []),
        ("one", ["one"]),
        (" one , two,one,, now", ["one", "two"]),
        ("with,a comma\nanother\n", ["with,a comma", "another"]),
    ],
)
def test_former_secret_keys_are_separated_by_commas_or_lines(text, keys):
    environment = Environment(MG_BOOTSTRAP_SECRET_KEY_FALLBACKS=text)

    assert read_secret_key_fallbacks(environment, secret_key="now") == keys


def test_former_secret_keys_may_stand_in_a_file_and_are_djangos(tmp_path):
    path = tmp_path / "former"
    path.write_text("with,a comma\nanother\n")

    output = start({"MG_BOOTSTRAP_SECRET_KEY_FALLBACKS_FILE": str(path)}, "SECRET_KEY_FALLBACKS")[1]

    assert ast.literal_eval(output) == {"SECRET_KEY_FALLBACKS": ["with,a comma", "another"]}


def manage(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=inherited() | GOOD | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_short_secret_key_is_refused_where_the_database_is_new_and_warned_of_elsewhere(tmp_path):
    database = {"DATABASE_URL": f"sqlite:///{tmp_path}/new.sqlite3"}
    short = database | {"MG_BOOTSTRAP_SECRET_KEY": "s" * 49}

    refused = manage("migrate", **short)
    development = manage("migrate", "--plan", MG_BOOTSTRAP_DEBUG="true", **short)
    assert (refused.returncode, development.returncode) == (1, 0)
    assert "MG_BOOTSTRAP_SECRET_KEY has 49 characters" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert "s" * 49 not in refused.stderr
    assert "W003" not in development.stderr

    assert manage("migrate", **database).returncode == 0
    again, checked = manage("migrate", **short), manage("check", **short)
    assert (again.returncode, checked.returncode) == (0, 0)
    assert "bootstrap.W003" in checked.stderr
    with ServerProcess(short | {"MG_BOOTSTRAP_WORKERS": "1"}) as server:
        assert "MG_BOOTSTRAP_SECRET_KEY has 49 characters" in server.log()
