"""What people read about the lint rules: the registry's reasons, with the sections of the shipped `docs/lint.md`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

from django.utils.safestring import SafeString

from bootstrap_project.adminsite.display import prose
from bootstrap_project.rendering.lint.lint import RULES

_SECTION: Final = re.compile(r"^### `([a-z-]+)`\n(.*?)(?=^##|\Z)", re.MULTILINE | re.DOTALL)
_FENCE: Final = re.compile(r"^```[a-z-]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, or several lines of code."""

    text: SafeString | str
    is_code: bool


@dataclass(frozen=True, slots=True)
class RuleText:
    """A rule by its id: why it is there, and its documentation."""

    id: str
    reason: str
    blocks: tuple[Block, ...]


@cache
def rule_texts() -> tuple[RuleText, ...]:
    """Return the texts of all rules, in the registry's order.

    Cost: reads a file of some ten kilobytes, once for each process.
    """
    sections = dict(_SECTION.findall((files("bootstrap_project") / "docs" / "lint.md").read_text(encoding="utf-8")))
    return tuple(RuleText(rule.id, rule.reason, _blocks(sections.get(rule.id, ""), rule.reason)) for rule in RULES)


def _blocks(section: str, reason: str) -> tuple[Block, ...]:
    blocks: list[Block] = []
    # Sections begin with the reason, which stands above them.
    section = section.lstrip().removeprefix(reason)
    # Every second part is what a fence holds.
    for number, part in enumerate(_FENCE.split(section)):
        if number % 2:
            blocks.append(Block(part.rstrip("\n"), is_code=True))
        else:
            paragraphs = (" ".join(paragraph.split()) for paragraph in part.split("\n\n"))
            blocks += [Block(prose(paragraph), is_code=False) for paragraph in paragraphs if paragraph]
    return tuple(blocks)
