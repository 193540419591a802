"""Dockerfile and compose.yaml: what matters of them, without an engine to run them."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.deploying.facts import documented_settings
from tests.support.server import ServerProcess
from tests.support.starts import start

ROOT = Path(__file__).resolve().parents[2]
#: Variables whose values are secret, or hold a secret.
SECRET = re.compile("SECRET|PASS|TOKEN|KEY|PEPPER|DATABASE_URL")


@pytest.fixture(scope="module")
def instructions():
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    text = re.sub(r"^#.*\n", "", text, flags=re.MULTILINE)
    lines = re.sub(r"\\\n\s*", " ", text).splitlines()
    return [tuple(line.split(None, 1)) for line in lines if line.strip()]


@pytest.fixture(scope="module")
def compose():
    return yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))


def final_stage(instructions):
    starts = [number for number, (name, _) in enumerate(instructions) if name == "FROM"]
    return instructions[starts[-1] :]


def test_hadolint_has_no_complaint():
    hadolint = shutil.which("hadolint", path=str(Path(sys.executable).parent)) or shutil.which("hadolint")
    if hadolint is None:
        pytest.skip("hadolint has no build for this machine")

    done = subprocess.run([hadolint, "--no-color", "Dockerfile"], cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout


def test_image_is_built_in_two_stages_from_named_versions(instructions):
    bases = [text for name, text in instructions if name == "FROM"]

    assert len(bases) == 2
    assert all(re.match(r"python:\d+\.\d+-slim-\w+", base) for base in bases)


def test_packages_are_installed_from_the_lock_with_hashes(instructions):
    downloads = [text for name, text in instructions if name == "RUN" and "pip download" in text]

    assert len(downloads) == 1
    assert "--require-hashes" in downloads[0]
    assert ("COPY", "bootstrap_project/requirements/runtime.txt ./") in instructions


def test_image_runs_our_server_as_nobody_in_particular(instructions):
    stage = final_stage(instructions)
    names = [name for name, _ in stage]

    user = dict(stage)["USER"]
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", user)
    assert names.index("USER") < names.index("CMD")
    assert json.loads(dict(stage)["CMD"]) == ["python", "-m", "bootstrap_project.serve"]


def test_health_is_checked_with_what_the_image_has(instructions):
    check = dict(final_stage(instructions))["HEALTHCHECK"]

    assert json.loads(check.split("CMD", 1)[1]) == ["python", "-m", "bootstrap_project.serve", "--health"]


def test_image_holds_no_secret(instructions):
    text = "\n".join(text for name, text in instructions if name in {"ENV", "ARG", "LABEL"})

    assert "VERSION" in text
    assert not SECRET.search(text)


def test_every_python_package_is_copied_and_sent_to_the_engine(instructions):
    packages = {path.parent.name for path in ROOT.glob("*/apps.py")}
    copied = {text.split()[0] for name, text in final_stage(instructions) if name == "COPY"}
    sent = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}

    assert packages | {"manage.py", "templates"} == copied
    assert copied <= sent


def test_the_image_has_the_synthetic_fleet_that_make_fleet_loads_but_not_the_rest_of_the_demo():
    rules = (ROOT / ".dockerignore").read_text().splitlines()

    assert [rule for rule in rules if "demo" in rule] == [
        "bootstrap_project/demo/*.py",
        "!bootstrap_project/demo/__init__.py",
    ]


def test_compose_waits_for_database_and_migration(compose):
    web = compose["services"]["web"]

    assert web["depends_on"]["migrate"]["condition"] == "service_completed_successfully"
    assert compose["services"]["migrate"]["depends_on"]["db"]["condition"] == "service_healthy"
    assert compose["services"]["migrate"]["restart"] == "no"


@pytest.mark.parametrize("name", ["db", "web"])
def test_long_lived_services_are_watched(compose, name):
    service = compose["services"][name]

    assert service["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}
    assert service["restart"] == "unless-stopped"


@pytest.mark.parametrize("name", ["db", "migrate", "web"])
def test_root_file_systems_are_read_only(compose, name):
    service = compose["services"][name]

    assert service["read_only"] is True
    assert "no-new-privileges:true" in service["security_opt"]
    assert any(mount.startswith("/tmp") for mount in service["tmpfs"])


def test_no_secret_is_written_down_or_has_a_default(compose):
    for service in compose["services"].values():
        secrets = {name: value for name, value in service["environment"].items() if SECRET.search(name)}
        assert secrets
        for name, value in secrets.items():
            if value == f"${{{name}:-}}":
                continue
            assert name.endswith("_FILE")
            assert value.removeprefix("/run/secrets/") in service["secrets"]
    for secret in compose["secrets"].values():
        assert ":?" in secret["file"]


#: Documented settings that the file has no way in for, with the reason.
NOT_PASSED = {
    "MG_BOOTSTRAP_HTTP_PORT": "published by BOOTSTRAP_PUBLISH",
    "MG_BOOTSTRAP_IN_CONTAINER": "set in the image",
    "MG_BOOTSTRAP_VERSION": "set in the image",
    "MG_BOOTSTRAP_BUILD_COMMIT": "set in the image",
    "MG_BOOTSTRAP_BUILD_TIME": "set in the image",
    "MG_BOOTSTRAP_DEBUG": "for development alone",
}


def test_every_documented_setting_has_a_way_in(compose):
    environment = compose["services"]["web"]["environment"]
    documented = {name for name in documented_settings() if not name.endswith("_FILE")}
    passed = {name.removesuffix("_FILE") for name in environment}

    assert len(documented) > 70
    assert documented - passed == set(NOT_PASSED)
    assert passed <= documented
    for name, value in environment.items():
        if value.startswith("${"):
            assert value.startswith(f"${{{name}:"), name


def test_services_of_ours_have_the_same_settings(compose):
    web = compose["services"]["web"]["environment"]

    for name in ("migrate", "worker", "daily"):
        assert compose["services"][name]["environment"] == web


def test_what_is_passed_through_and_not_set_has_its_default(compose, tmp_path):
    environment = compose["services"]["web"]["environment"]
    empty = {name: "" for name, value in environment.items() if value == f"${{{name}:-}}"}
    names = ("ALLOWED_HOSTS", "CSRF_TRUSTED_ORIGINS", "HTTPS_ONLY", "MG_RETRIES", "MG_AUTH_ISSUER", "PUBLIC_URL")
    assert len(empty) > 60

    assert start(empty, *names) == start({}, *names)
    with ServerProcess({**empty, "DATABASE_URL": f"sqlite:///{tmp_path}/x"}, health_status=503) as server:
        assert "migrate" in server.log()


def test_jobs_of_every_day_are_done(compose):
    command = compose["services"]["daily"]["command"][-1]

    for job in ("prune_attempts", "prune_logins"):
        assert f"python manage.py {job}" in command


def test_platform_addresses_are_required(compose):
    environment = compose["services"]["web"]["environment"]

    for name in ("MG_CLIENTS_URL", "MG_CHANNELS_URL", "MG_DOMAINS_URL", "MG_USERS_URL", "MG_AUTH_URL"):
        assert environment[name].startswith(f"${{{name}:?")


def test_database_is_not_published(compose):
    assert "ports" not in compose["services"]["db"]
    assert compose["services"]["db"]["networks"] == ["inside"]
    assert compose["networks"]["inside"]["internal"] is True


def test_images_have_versions(compose):
    for service in compose["services"].values():
        assert ":" in service["image"]
        assert not service["image"].endswith(":latest")
