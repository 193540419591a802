"""`manage.py make_fleet`: a synthetic fleet whose devices really bootstrap, and that goes again."""

from __future__ import annotations

import io
import json
import stat

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from bootstrap_project.demo.fleet.plan import Fleet
from configs.external_keys import PresentedKey, StoredKey, verify_external_key
from configs.models import Config, Status
from enrollments.models import BindingSnapshot
from profiles.models import Profile
from tests.support.api import Api
from tests.support.rows import DOMAIN, make_config

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]


def make(**options):
    output = io.StringIO()
    sizes = {"configs": 24, "profiles": 6, "domains": 3} | options
    call_command("make_fleet", **sizes, stdout=output, stderr=io.StringIO())
    return output.getvalue()


def bootstrap(fleet, number, key=None):
    return Client().get(
        f"/clients/bootstrap/{fleet.external_id(number)}",
        headers={"Authorization": f"Client {key or fleet.external_key(number)}"},
    )


@pytest.mark.parametrize("bindings", [0, 1, 2, 3, 5])
def test_a_made_device_bootstraps(bindings):
    make(bindings=bindings)
    fleet = Fleet(24, 6, 3, bindings)

    for number in (0, 7, 23):
        answer = bootstrap(fleet, number)

        assert answer.status_code == 200, answer.content
        assert answer.json()["id"] == fleet.config_id(number)
        content = json.loads(answer.json()["content"])
        assert content["device"]["external_id"] == fleet.external_id(number)
        if bindings > 1:
            assert content["mqtt"]["client_secret"] == fleet.secret(number, 0)
            assert content["mqtt"]["telemetry_channel_id"] == fleet.resource_id(number, 1)


def test_another_devices_key_is_refused():
    make()
    fleet = Fleet(24, 6, 3)

    assert bootstrap(fleet, 1, fleet.external_key(2)).status_code == 403


def test_a_row_opens_by_its_digest_alone():
    make()
    fleet = Fleet(24, 6, 3)
    config = Config.objects.get(pk=fleet.config_id(4))
    presented = PresentedKey.of(fleet.external_key(4))

    assert verify_external_key(presented, StoredKey(config.external_key_hash)).method == "scrypt"
    assert not verify_external_key(presented, StoredKey(config.external_key_hash)).matched
    assert len(set(Config.objects.values_list("external_key_hash", flat=True))) == 24


def test_rows_are_complete_and_consistent():
    printed = make()

    assert (Config.objects.count(), Profile.objects.count(), BindingSnapshot.objects.count()) == (24, 6, 72)
    assert "24 devices, 6 profiles and 72 bindings in 3 domains" in printed
    assert "rows/s" in printed
    for config in Config.objects.select_related("profile").prefetch_related("bindings"):
        config.full_clean()
        assert config.profile
        assert config.profile.domain_id == config.domain_id
        for binding in config.bindings.all():
            binding.full_clean()
            assert binding.secret_snapshot["secret"]
    for profile in Profile.objects.all():
        profile.full_clean()
        assert len(profile.slots) == 3


def test_a_share_is_disabled():
    make(configs=200, disabled=10, bindings=0)

    assert 10 <= Config.objects.filter(status=Status.DISABLED).count() <= 30


def test_a_fleet_can_go_into_a_domain_where_operators_see_it(api):
    make(domain=DOMAIN, bindings=0)

    page = api.get("/clients/configs?limit=100").json()

    assert page["total"] == 24
    assert isinstance(api, Api)
    assert page["configs"][0]["render_context"]["site"].startswith("site-")


def test_keys_are_written_for_their_owner_alone(tmp_path):
    path = tmp_path / "keys.csv"
    make(keys_file=path)
    fleet = Fleet(24, 6, 3)

    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines[5] == f"{fleet.external_id(5)},{fleet.external_key(5)}"
    assert len(lines) == 24
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_file_for_keys_that_cannot_be_opened_stops_before_anything_is_made(tmp_path):
    with pytest.raises(CommandError, match="No such file"):
        make(keys_file=tmp_path / "nowhere" / "keys.csv")

    assert not Config.objects.exists()


def test_a_fleet_that_is_not_made_leaves_the_file_of_the_one_that_was(tmp_path):
    path = tmp_path / "keys.csv"
    make(keys_file=path)
    written = path.read_text(encoding="utf-8")

    with pytest.raises(CommandError, match="seed 1 is here already"):
        make(keys_file=path)

    assert path.read_text(encoding="utf-8") == written


def test_the_same_fleet_is_not_made_twice_and_another_one_is():
    make()

    with pytest.raises(CommandError, match="seed 1 is here already"):
        make()
    make(seed=2)

    assert Config.objects.count() == 48


def test_a_domain_of_the_fleet_that_holds_other_configs_is_left_alone():
    make_config(domain_id=Fleet(1, 1, 3).domain_ids[2])

    with pytest.raises(CommandError, match="hold configs already"):
        make()

    assert Config.objects.count() == 1


def test_a_fleet_is_removed_and_nothing_else():
    own = make_config(domain_id=DOMAIN)
    make(domain=DOMAIN)
    make(seed=2)
    used = Profile.objects.filter(name__startswith="synthetic-1-")[0]
    Config.objects.filter(pk=own.pk).update(profile=used)

    make(remove=True)

    assert Config.objects.filter(pk=own.pk).exists()
    assert Config.objects.count() == 25
    assert list(Profile.objects.filter(name__startswith="synthetic-1-")) == [used]
    assert BindingSnapshot.objects.count() == 72


@pytest.mark.parametrize(
    "words", [["--configs", "0"], ["--bindings", "17"], ["--domain", ""], ["--domain", "\udcff"], ["--seed", "-1"]]
)
def test_sizes_out_of_bounds_are_refused(words):
    with pytest.raises(CommandError, match=f"argument {words[0]}: "):
        call_command("make_fleet", *words)
