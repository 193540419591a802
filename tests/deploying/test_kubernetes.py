"""The manifests: Kubernetes would take them, and what they name is there."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from django.core.management import get_commands
from django.urls import resolve

from bootstrap_project.server.worker import STOP_TIMEOUT_SECONDS
from tests.deploying.facts import DEPLOY, ROOT, documented_settings, pairs

FOLDER = DEPLOY / "kubernetes"
SETTINGS = pairs(FOLDER / "settings.env")
SCHEMAS = json.loads((Path(__file__).parent / "kubernetes_1_32.json").read_text(encoding="utf-8"))
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
PROBES = ("startupProbe", "livenessProbe", "readinessProbe")


def kustomization(folder):
    return yaml.safe_load((folder / "kustomization.yaml").read_text(encoding="utf-8"))


def resources():
    """Return all manifests that the two kustomizations name."""
    found: list[Any] = []
    for folder in (FOLDER, FOLDER / "migrate"):
        for name in kustomization(folder)["resources"]:
            found += yaml.safe_load_all((folder / name).read_text(encoding="utf-8"))
    return found


RESOURCES = resources()
NAMED = {(one["kind"], one["metadata"]["name"]): one for one in RESOURCES}


def template(resource):
    spec = resource["spec"]
    return (spec["jobTemplate"]["spec"] if resource["kind"] == "CronJob" else spec)["template"]


WORKLOADS = [one for one in RESOURCES if one["kind"] in {"Deployment", "Job", "CronJob"}]
SERVERS = [one for one in WORKLOADS if "livenessProbe" in template(one)["spec"]["containers"][0]]
workloads = pytest.mark.parametrize("workload", WORKLOADS, ids=lambda one: one["metadata"]["name"])
servers = pytest.mark.parametrize("server", SERVERS, ids=lambda one: one["metadata"]["name"])


def container(workload):
    (only,) = template(workload)["spec"]["containers"]
    return only


def environment(workload):
    """Return what the pods of a workload have in their environment."""
    own = {entry["name"]: entry["value"] for entry in container(workload).get("env", [])}
    return (SETTINGS if "envFrom" in container(workload) else {}) | own


def schema_of(resource):
    group, _, version = resource["apiVersion"].rpartition("/")
    ends = f".{group.removesuffix('.k8s.io').split('.')[0] or 'core'}.{version}.{resource['kind']}"
    (name,) = [name for name in SCHEMAS["$defs"] if name.endswith(ends)]
    return {"$ref": f"#/$defs/{name}", "$defs": SCHEMAS["$defs"]}


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda one: f"{one['kind']} {one['metadata']['name']}")
def test_each_manifest_has_the_fields_and_types_of_its_kind(resource):
    jsonschema.validate(resource, schema_of(resource))


def test_a_misspelt_field_would_be_noticed():
    wrong = json.loads(json.dumps(NAMED["Deployment", "bootstrap-devices"]))
    wrong["spec"]["template"]["spec"]["enableServiceLink"] = False

    with pytest.raises(jsonschema.ValidationError, match="enableServiceLink"):
        jsonschema.validate(wrong, schema_of(wrong))


def test_every_file_is_named():
    for folder in (FOLDER, FOLDER / "migrate"):
        files = {path.name for path in folder.glob("*.yaml")} - {"kustomization.yaml"}
        assert files == set(kustomization(folder)["resources"])


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")
@pytest.mark.parametrize("folder", [FOLDER, FOLDER / "migrate"], ids=["all", "migrate"])
def test_kustomize_builds_them(folder):
    done = subprocess.run(["kubectl", "kustomize", folder], capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 0, done.stderr
    built = list(yaml.safe_load_all(done.stdout))
    for resource in built:
        assert resource["metadata"]["namespace"] == "bootstrap"
        jsonschema.validate(resource, schema_of(resource))
    images = {container(one)["image"] for one in built if one["kind"] in {"Deployment", "Job", "CronJob"}}
    assert images == {"registry.example.com/bootstrap:0.1.0"}
    settings = [one["metadata"]["name"] for one in built if one["kind"] == "ConfigMap"]
    for one in built:
        for source in container(one).get("envFrom", []) if one["kind"] in {"Deployment", "Job", "CronJob"} else []:
            assert [source["configMapRef"]["name"]] == settings


def test_both_kustomizations_name_one_image():
    assert kustomization(FOLDER)["images"] == kustomization(FOLDER / "migrate")["images"]


@workloads
def test_every_setting_is_a_documented_one(workload):
    assert sorted(environment(workload).keys() - documented_settings()) == []


@workloads
def test_every_secret_is_a_file_that_is_mounted(workload):
    mounts = {mount["name"]: mount["mountPath"] for mount in container(workload)["volumeMounts"]}
    volumes = {volume["name"]: volume for volume in template(workload)["spec"]["volumes"]}
    secrets = [path for name, path in mounts.items() if "secret" in volumes[name]]

    assert mounts.keys() == volumes.keys()
    assert all(volume["secret"]["defaultMode"] == 0o440 for volume in volumes.values() if "secret" in volume)
    for name, value in environment(workload).items():
        if name.endswith("_FILE"):
            assert any(value.startswith(f"{path}/") for path in secrets), name
        else:
            assert not any(word in name for word in ("SECRET", "PASSWORD", "PASS", "TOKEN", "ENCRYPT", "DATABASE"))


@workloads
def test_pods_may_do_nothing_that_they_need_not(workload):
    pod = template(workload)["spec"]
    image_user = int(DOCKERFILE.split("USER ")[1].split(":")[0])

    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] == pod["securityContext"]["fsGroup"] == image_user
    assert container(workload)["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert {"name": "temporary", "mountPath": "/tmp"} in container(workload)["volumeMounts"]
    # What Kubernetes sets for services by itself may have the name of a setting.
    assert pod["enableServiceLinks"] is False
    assert pod["automountServiceAccountToken"] is False
    assert "memory" in container(workload)["resources"]["limits"]


@workloads
def test_commands_are_ours(workload):
    command = container(workload).get("command")
    if command is None:
        assert workload in SERVERS
    else:
        assert command[:2] == ["python", "manage.py"]
        assert command[2] in get_commands()


def test_labels_are_found_by_their_selectors():
    pods = [template(one)["metadata"]["labels"] for one in WORKLOADS]
    components = [labels["app.kubernetes.io/component"] for labels in pods]

    assert len(set(components)) == len(components)
    for (kind, name), resource in NAMED.items():
        selector = (
            resource["spec"].get("selector") if kind in {"Service", "Deployment", "PodDisruptionBudget"} else None
        )
        if selector is None:
            continue
        wanted = selector if kind == "Service" else selector["matchLabels"]
        assert [labels for labels in pods if wanted.items() <= labels.items()], (kind, name)


def test_devices_and_operators_have_servers_a_service_and_a_budget_each():
    assert {one["metadata"]["name"] for one in SERVERS} == {"bootstrap-operators", "bootstrap-devices"}
    for server in SERVERS:
        name = server["metadata"]["name"]
        labels = server["spec"]["selector"]["matchLabels"]
        assert server["spec"]["replicas"] >= 2
        assert NAMED["Service", name]["spec"]["selector"] == labels
        assert NAMED["PodDisruptionBudget", name]["spec"]["selector"]["matchLabels"] == labels


@servers
def test_probes_ask_for_paths_that_are_there(server):
    (port,) = container(server)["ports"]

    assert f"EXPOSE {port['containerPort']}\n" in DOCKERFILE
    for name in PROBES:
        asked = container(server)[name]["httpGet"]
        assert asked["port"] == port["name"]
        assert resolve(asked["path"]).url_name in {"health", "live"}
    # An outage of the database must not end pods; one of a second is no reason to take a pod out either.
    assert container(server)["readinessProbe"]["timeoutSeconds"] > 3.5


@servers
def test_a_pod_has_time_to_drain_and_to_finish(server):
    drain = int(environment(server)["MG_BOOTSTRAP_DRAIN_SECONDS"])

    assert template(server)["spec"]["terminationGracePeriodSeconds"] > drain + STOP_TIMEOUT_SECONDS + 5


@servers
def test_metrics_are_asked_for_where_they_are(server):
    said = template(server)["metadata"]["annotations"]

    assert resolve(said["prometheus.io/path"]).url_name == "metrics"
    assert int(said["prometheus.io/port"]) == container(server)["ports"][0]["containerPort"]


def test_the_ingress_names_services_and_shuts_what_is_for_the_inside():
    (rule,) = NAMED["Ingress", "bootstrap"]["spec"]["rules"]
    sent = {path["path"]: path["backend"]["service"] for path in rule["http"]["paths"]}

    for service in sent.values():
        ports = NAMED["Service", service["name"]]["spec"]["ports"]
        assert service["port"]["name"] in [port["name"] for port in ports]
    assert sent["/clients/bootstrap"]["name"] == "bootstrap-devices"
    assert sent["/"]["name"] == "bootstrap-operators"
    assert "selector" not in NAMED["Service", sent["/metrics"]["name"]]["spec"]
    assert "selector" not in NAMED["Service", sent["/health"]["name"]]["spec"]
    assert rule["host"] == SETTINGS["MG_BOOTSTRAP_ALLOWED_HOSTS"]
    assert f"https://{rule['host']}" == SETTINGS["MG_BOOTSTRAP_PUBLIC_URL"]
    assert f"https://{rule['host']}" == SETTINGS["MG_BOOTSTRAP_CSRF_TRUSTED_ORIGINS"]
