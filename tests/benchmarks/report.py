"""What a benchmark measured: figures, the targets they have to meet, a table and a JSON file."""

from __future__ import annotations

import json
import os
import platform
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Figure:
    """One measured number; `target` is the largest that is good enough (the smallest, where more is better)."""

    name: str
    value: float
    unit: str = ""
    target: float | None = None
    more_is_better: bool = False

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None without one."""
        if self.target is None:
            return None
        return self.value >= self.target if self.more_is_better else self.value <= self.target

    def row(self) -> tuple[str, str, str, str]:
        """Name, value, target and verdict as they stand in the table."""
        sign = ">=" if self.more_is_better else "<="
        target = "" if self.target is None else f"{sign} {self.target:g}"
        verdict = {None: "", True: "met", False: "MISSED"}[self.met]
        return self.name, f"{self.value:,.4g} {self.unit}".strip(), target, verdict


@dataclass
class Report:
    """What a benchmark's `run` is given to write its figures into."""

    name: str
    figures: list[Figure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(
        self, name: str, value: float, unit: str = "", *, target: float | None = None, more_is_better: bool = False
    ) -> None:
        """Add a figure."""
        self.figures.append(Figure(name, value, unit, target, more_is_better))

    def note(self, text: str) -> None:
        """Add a sentence on how it was measured."""
        self.notes.append(text)

    @property
    def met(self) -> bool:
        """Whether no target was missed."""
        return all(figure.met is not False for figure in self.figures)

    def table(self) -> str:
        """All of it as text."""
        rows = [figure.row() for figure in self.figures]
        widths = [max([len(row[column]) for row in rows] or [0]) for column in range(4)]
        lines = [self.name]
        for name, value, target, verdict in rows:
            line = f"  {name:<{widths[0]}}  {value:>{widths[1]}}  {target:<{widths[2]}}  {verdict}"
            lines.append(line.rstrip())
        return "\n".join([*lines, *(f"  ({note})" for note in self.notes)])

    def save(self, folder: Path) -> Path:
        """Write var/bench-NAME.json."""
        folder.mkdir(exist_ok=True)
        path = folder / f"bench-{self.name}.json"
        document: dict[str, Any] = {
            "name": self.name,
            "machine": {"cores": os.cpu_count(), "python": platform.python_version(), "system": platform.system()},
            "figures": [asdict(figure) | {"met": figure.met} for figure in self.figures],
            "notes": self.notes,
        }
        path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
        return path
