"""The template engine beside real Go, Jinja2 and str.format: execution, and the first use of a template.

All of them take their turns in every round, so that whatever else the machine does meets all alike; each figure is the
median of the rounds, and each ratio the median of the ratios within a round.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import jinja2

from bootstrap_project.gotemplate import RenderContext, Template
from tests.benchmarks._formats import BY_CASE
from tests.benchmarks.report import Report
from tests.gotemplate.fuzz.toolchain import Oracle, build_oracle, provide_go

CASES: Final = Path(__file__).parents[1] / "gotemplate" / "cases" / "bench.jsonl"
ROUNDS: Final = 15
SECONDS: Final = 0.03
#: Largest good ratios of our execution time to Go's.
TARGETS: Final = {"pi": 0.5, "yaml": 0.8, "range1000": 0.9}
NAMES: Final = {"pi": "Raspberry Pi", "yaml": "YAML with 20 items", "range1000": "range over 1,000"}


def mean(work: Callable[[], object], seconds: float = SECONDS) -> float:
    """Return how many microseconds one call takes, from as many calls as fit into the time."""
    calls, batch, started = 0, 1, time.perf_counter()
    while True:
        for _ in range(batch):
            work()
        calls += batch
        took = time.perf_counter() - started
        if took >= seconds:
            return took / calls * 1e6
        batch *= 2


class Case:
    """One of the three templates, ready in all engines."""

    def __init__(self, case: dict[str, Any]) -> None:
        """Parse everything, and check that all engines write the same."""
        self.request = {"id": case["id"], "template": case["template"], "data": case["data"]}
        self.name = NAMES[case["id"]]
        context = RenderContext.from_json(case["data"])
        exact, strict = (Template(case["template"], mode=mode) for mode in ("exact", "strict"))
        environment = jinja2.Environment(keep_trailing_newline=True)
        jinja = environment.from_string(case["jinja2"])
        self.executions: dict[str, Callable[[], object]] = {
            "exact": lambda: exact.execute(context),
            "strict": lambda: strict.execute(context),
            "Jinja2": lambda: jinja.render(case["data"]),
            "str.format": lambda: BY_CASE[case["id"]](case["data"]),
        }
        self.first_uses: dict[str, Callable[[], object]] = {
            "ours": lambda: Template(case["template"]),
            # from_string loads the code as well, as Template does.
            "Jinja2": lambda: environment.from_string(case["jinja2"]),
        }
        # Python writes whole floats with a fraction; that is all they may differ in.
        texts = {str(execute()).replace(".0\n", "\n") for execute in self.executions.values()}
        if len(texts) > 1:
            raise AssertionError(f"{self.name}: the engines do not write the same: {texts}")

    def measure(self, oracle: Oracle) -> dict[tuple[str, str], float]:
        """Return one round: microseconds by what was done and by whom."""
        answer = oracle.ask({**self.request, "measure": 2 * SECONDS})
        found = {("execution", "Go"): answer["exec_ns"] / 1e3, ("first use", "Go"): answer["parse_ns"] / 1e3}
        found |= {("execution", engine): mean(work) for engine, work in self.executions.items()}
        found |= {("first use", engine): mean(work) for engine, work in self.first_uses.items()}
        return found


def run(report: Report) -> None:
    """Measure all cases and add the figures."""
    cases = [Case(json.loads(line)) for line in CASES.read_text("utf-8").splitlines() if line]
    program = build_oracle(provide_go(lambda text: sys.stdout.write(f"{text}\n")))
    rounds: dict[str, list[dict[tuple[str, str], float]]] = defaultdict(list)
    with Oracle(program) as oracle:
        for _ in range(ROUNDS):
            for case in cases:
                rounds[case.name].append(case.measure(oracle))
    for case in cases:
        _report(report, case, rounds[case.name])
    report.note(
        f"medians of {ROUNDS} rounds in which all took turns; ratios are medians of the ratios within a round; "
        f"Go's first use is its Parse, ours and Jinja2's includes compiling to Python; Jinja2 {jinja2.__version__}"
    )


def _report(report: Report, case: Case, rounds: list[dict[tuple[str, str], float]]) -> None:
    def ratio(what: str, ours: str, theirs: str) -> float:
        return statistics.median(each[what, ours] / each[what, theirs] for each in rounds)

    for what, engine in rounds[0]:
        report.add(f"{case.name}, {what}, {engine}", statistics.median(each[what, engine] for each in rounds), "µs")
    target = TARGETS[case.request["id"]]
    for engine in ("exact", "strict"):
        report.add(f"{case.name}, execution, {engine} / Go", ratio("execution", engine, "Go"), target=target)
    for engine in ("Jinja2", "str.format"):
        report.add(f"{case.name}, execution, strict / {engine}", ratio("execution", "strict", engine))
    goal = 1.0 if case.request["id"] == "pi" else None
    report.add(f"{case.name}, first use, ours / Jinja2", ratio("first use", "ours", "Jinja2"), target=goal)
