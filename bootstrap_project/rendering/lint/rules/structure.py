"""Rules about the template itself: what does not exist, and what can never be reached or is never used."""

from __future__ import annotations

from collections.abc import Iterator

from bootstrap_project.rendering.analysis.paths import members_of
from bootstrap_project.rendering.lint.subject import Finding, Subject, code


def unknown_member(subject: Subject) -> Iterator[Finding]:
    """Find a member that Device, a slot or dot at the top does not have: the render always fails."""
    for unknown in subject.facts.unknown_members:
        members = members_of(unknown.path) or ()
        yield Finding(
            unknown.spot,
            f"{code(unknown.path)} has no member `{unknown.member[:80]}`; the render fails.",
            f"It has {', '.join(members)}{subject.suggestion(unknown.member, members) or '.'}",
        )


def undefined_template(subject: Subject) -> Iterator[Finding]:
    """Find a call of a template that is not defined: the render fails."""
    for spot in subject.facts.undefined_templates:
        yield Finding(spot, "No template of this name is defined.", "Define it with {{ define }}, or correct the name.")


def unused_define(subject: Subject) -> Iterator[Finding]:
    """Find a definition that nothing calls."""
    if subject.facts.is_complete:
        for spot in subject.facts.unused_templates:
            yield Finding(spot, "Nothing calls this definition.", "Call it with {{ template }}, or remove it.")


def unused_variable(subject: Subject) -> Iterator[Finding]:
    """Find a variable that is declared and never read."""
    for spot in subject.facts.unused_variables:
        if not spot.expression.startswith("$_"):
            yield Finding(
                spot,
                f"The variable {spot.expression} is never read.",
                "Remove it; a name that begins with $_ says that this is meant.",
            )


def constant_condition(subject: Subject) -> Iterator[Finding]:
    """Find a condition that is a literal."""
    for test in subject.facts.constant_tests:
        always = "true" if test.truth else "false"
        dead = f": {test.dead} is never rendered" if test.dead else ""
        yield Finding(test.spot, f"This condition is always {always}{dead}.", "Remove it, or ask for a variable.")


def unreachable(subject: Subject) -> Iterator[Finding]:
    """Find something behind a break or continue of the same block."""
    for spot in subject.facts.unreachable:
        yield Finding(
            spot, "This is never rendered: a break or continue stands before it.", "Move it before that, or remove it."
        )
