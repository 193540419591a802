"""Alarms and the board ask for series, labels and values that the service has."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import prometheus_client
import pytest
import yaml

from bootstrap_project.observability import metrics
from tests.deploying.facts import DEPLOY, PAGE, ROOT

RULES = DEPLOY / "prometheus" / "rules.yml"
ALARMS = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"][0]["rules"]
BOARD = json.loads((DEPLOY / "grafana" / "bootstrap.json").read_text(encoding="utf-8"))
EXPRESSIONS = [rule["expr"] for rule in ALARMS] + [
    target["expr"] for panel in BOARD["panels"] for target in panel["targets"]
]
#: Labels that Prometheus adds, and what they may be.
ADDED = {"job": {"bootstrap"}, "instance": set(), "le": set()}


def series():
    """Return the labels of every series of the registry, by its name as it is scraped."""
    found: dict[str, set[str]] = {"up": set()}
    for family in prometheus_client.REGISTRY.collect():
        wrapper = next(
            (
                one
                for one in vars(metrics).values()
                if getattr(one, "_metric", None) is not None and one._metric._name == family.name
            ),
            None,
        )
        labels = set(wrapper._metric._labelnames) if wrapper is not None else set()
        ends = {"counter": ["_total"], "histogram": ["_bucket", "_sum", "_count"], "summary": ["_sum", "_count"]}
        for end in ends.get(family.type, [""]):
            found[family.name + end] = labels
    return found


def vocabularies():
    """Return what each label of our own may be, None for anything."""
    found: dict[str, set[str] | None] = {}
    for wrapper in vars(metrics).values():
        if isinstance(wrapper, metrics._Labelled):
            for label, words in zip(wrapper._metric._labelnames, wrapper._vocabularies, strict=True):
                known = found.setdefault(label, set())
                found[label] = None if words is None or known is None else known | words
    return found


def selectors(expression):
    """Return each name of a series with the label matchers behind it."""
    names = re.findall(r"\b(up|bootstrap_[a-z_]+|django_[a-z_]+|process_[a-z_]+)\b(?:\{([^}]*)\})?", expression)
    bare = re.sub(r'"[^"]*"', "", expression)
    return [(name, re.findall(r'(\w+)(=~|!~|!=|=)"([^"]*)"', inner)) for name, inner in names if name in bare]


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_every_series_label_and_value_is_there(expression):
    known, words = series(), vocabularies()
    # Of processes, which alone have it.
    known["bootstrap_metrics_processes_alone"] = set()

    asked = selectors(expression)
    assert asked
    for name, matchers in asked:
        assert name in known
        for label, operator, value in matchers:
            assert label in known[name] | ADDED.keys(), (name, label)
            allowed = ADDED.get(label, words.get(label))
            if allowed:
                assert set(value.split("|") if "~" in operator else [value]) <= allowed, (name, label, value)
    for labels in re.findall(r"\bby \(([^)]*)\)", expression):
        for label in filter(None, map(str.strip, labels.split(","))):
            assert label in ADDED or any(label in known[name] for name, _ in asked), label


def test_a_wrong_name_would_be_noticed():
    with pytest.raises(AssertionError):
        test_every_series_label_and_value_is_there("sum(rate(bootstrap_no_such_total[5m])) > 0")
    with pytest.raises(AssertionError):
        test_every_series_label_and_value_is_there('bootstrap_device_bootstraps_total{outcome="lost"} > 0')


@pytest.mark.parametrize("rule", ALARMS, ids=lambda rule: rule["alert"])
def test_each_alarm_says_what_it_means_and_the_page_what_to_do(rule):
    page = PAGE.read_text(encoding="utf-8")

    assert rule["annotations"]["summary"].endswith(".")
    assert rule["labels"]["severity"] in {"warning", "critical"}
    assert rule["annotations"]["runbook"].endswith(f"deploying.md#{rule['alert'].lower()}")
    assert f"#### {rule['alert']}\n" in page


def test_log_lines_that_the_page_quotes_are_written_by_the_service():
    section = PAGE.read_text(encoding="utf-8").split("### What to do")[1].split("\n### ")[0]
    quoted = set(re.findall(r"`([a-z]+(?:\s[a-z]+){2,})`", section))
    packages = ("bootstrap_project", "configs", "profiles", "enrollments", "devices")
    code = "".join(path.read_text(encoding="utf-8") for package in packages for path in (ROOT / package).rglob("*.py"))

    assert quoted
    assert [line for line in quoted if f'"{" ".join(line.split())}"' not in code] == []


def test_every_panel_has_a_place_of_its_own():
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in BOARD["panels"]]

    assert len(set(places)) == len(places)
    assert len({panel["id"] for panel in BOARD["panels"]}) == len(places)


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_prometheus_takes_the_rules_and_they_fire(tmp_path):
    shutil.copy(RULES, tmp_path)
    shutil.copy(Path(__file__).parent / "alarms.yml", tmp_path)

    checked = subprocess.run(["promtool", "check", "rules", RULES], capture_output=True, text=True, check=False)
    tried = subprocess.run(
        ["promtool", "test", "rules", tmp_path / "alarms.yml"], capture_output=True, text=True, check=False
    )

    assert checked.returncode == 0, checked.stderr
    assert tried.returncode == 0, tried.stdout + tried.stderr
