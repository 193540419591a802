"""Bars over time as SVG: geometry here, markup in the template, colours in the style sheet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from bootstrap_project.admin.display import pluralized
from bootstrap_project.admin.home.activity import Activity, Span

#: In the units of the picture, which is drawn as wide as there is room.
WIDTH: Final = 400
HEIGHT: Final = 170
_LEFT, _RIGHT, _TOP, _BOTTOM = 36, 14, 10, 22
_GAP: Final = 0.24


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar of two parts, one upon the other, with what it says under the pointer and in the table."""

    x: float
    width: float
    served_y: float
    served_height: float
    refused_y: float
    refused_height: float
    label: str
    #: Below the axis; "" where there is no room.
    tick: str
    served: int
    refused: int

    @property
    def middle(self) -> float:
        """Return where its label belongs."""
        return round(self.x + self.width / 2, 1)


@dataclass(frozen=True, slots=True)
class Chart:
    """All that the template draws."""

    name: str
    title: str
    description: str
    bars: tuple[Bar, ...]
    #: Height and text of the lines behind the bars.
    lines: tuple[tuple[float, str], ...]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = _LEFT
    right: int = WIDTH - _RIGHT
    base: int = HEIGHT - _BOTTOM
    text_y: int = HEIGHT - 6
    served: str = "0"
    refused: str = "0"


def charts(activity: Activity) -> Iterator[Chart]:
    """Yield the chart of the last day and that of the last week."""
    hours = [f"{one.start:%H:%M}" for one in activity.hours]
    ticks = [label if int(label[:2]) % 6 == 0 else "" for label in hours]
    yield _chart("day", "The last 24 hours, by hour", activity.hours, hours, ticks)
    days = [f"{one.start:%a} {one.start.day} {one.start:%b}" for one in activity.days]
    yield _chart("week", "The last 7 days, by day", activity.days, days, [day.split(" ")[0] for day in days])


def _chart(name: str, title: str, spans: Sequence[Span], labels: Sequence[str], ticks: Sequence[str]) -> Chart:
    top = _round_up(max((one.served + one.refused for one in spans), default=0))
    base, room = HEIGHT - _BOTTOM, HEIGHT - _BOTTOM - _TOP
    step = (WIDTH - _LEFT - _RIGHT) / max(1, len(spans))
    bars = []
    for number, (one, label, tick) in enumerate(zip(spans, labels, ticks, strict=True)):
        low, high = (_height(part, top, room) for part in (one.served, one.refused))
        bars.append(
            Bar(
                x=round(_LEFT + step * (number + _GAP / 2), 1),
                width=round(step * (1 - _GAP), 1),
                served_y=round(base - low, 1),
                served_height=low,
                refused_y=round(base - low - high, 1),
                refused_height=high,
                label=label,
                tick=tick,
                served=one.served,
                refused=one.refused,
            )
        )
    served, refused = sum(one.served for one in spans), sum(one.refused for one in spans)
    return Chart(
        name=name,
        title=title,
        description=_describe(served, refused, bars),
        bars=tuple(bars),
        lines=tuple((round(base - room * part, 1), _short(round(top * part))) for part in (0, 0.5, 1)),
        served=f"{served:,}",
        refused=f"{refused:,}",
    )


def _describe(served: int, refused: int, bars: Sequence[Bar]) -> str:
    if not served + refused:
        return "No device called."
    busiest = max(bars, key=lambda bar: bar.served + bar.refused)
    return (
        f"{pluralized(served, 'call')} got a configuration and {refused:,} did not."
        f" Most were at {busiest.label}: {busiest.served + busiest.refused:,}."
    )


def _height(number: int, top: int, room: int) -> float:
    # What is there can be seen, however little it is.
    return round(max(1.0, room * number / top), 1) if number else 0.0


def _round_up(number: int) -> int:
    """Return a number with one or two digits before its noughts that is even and no smaller."""
    power = 1
    while number > power * 20:
        power *= 10
    for step in (2, 4, 6, 8, 10, 12, 16, 20):
        if number <= step * power:
            return step * power
    return 20 * power


def _short(number: int) -> str:
    """Return 12, 3k or 1.5M."""
    for power, letter in ((1_000_000, "M"), (1_000, "k")):
        if number >= power:
            return f"{number / power:.1f}".removesuffix(".0") + letter
    return str(number)
