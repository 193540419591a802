"""The text of a template as a reader meets it, with a mark for each action that prints."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final, NamedTuple

from bootstrap_project.gotemplate import nodes

#: An action that prints; the beginning, the other branch and the end of a block.
ACTION, OPEN, ELSE, CLOSE = "\ue000", "\ue001", "\ue002", "\ue003"
#: Of a longer text the beginning is looked at.
MAX_LENGTH: Final = 64 * 1024
#: How often a definition is looked at in the places that call it.
_MAX_CALLS: Final = 8
_OUR_MARKS: Final = dict.fromkeys(map(ord, (ACTION, OPEN, ELSE, CLOSE)), "?")


class Outline(NamedTuple):
    """A text with marks: the actions by their place in it, and where the block of an ELSE ends."""

    text: str
    actions: dict[int, nodes.ActionNode]
    ends: dict[int, int]

    def ahead(self, at: int) -> Iterator[tuple[int, str]]:
        """Yield the places and characters behind `at`, without marks of blocks, leaving a branch at its end."""
        text, at = self.text, at + 1
        while at < len(text):
            char = text[at]
            if char == ELSE:
                at = self.ends.get(at, len(text))
            elif char not in {OPEN, CLOSE}:
                yield at, char
            at += 1

    def following(self, at: int, spaces: str = " \t\r\n") -> str:
        """Return the first character behind `at` that is none of `spaces`; "" at the end."""
        return next((char for _, char in self.ahead(at) if char not in spaces), "")


def outline(tree: nodes.Tree) -> Outline:
    """Return the outline of a template, definitions put in where they are called.

    Cost: proportional to the text, of which MAX_LENGTH characters are looked at.
    """
    parts: list[str] = []
    length = 0
    actions: dict[int, nodes.ActionNode] = {}
    ends: dict[int, int] = {}
    blocks: list[int | None] = []
    calls: Counter[str] = Counter()
    pending: list[nodes.Node | str] = [tree.root]
    while pending and length < MAX_LENGTH:
        item = pending.pop()
        part = ""
        match item:
            case str():
                part = item
                if item == OPEN:
                    blocks.append(None)
                elif item == ELSE:
                    blocks[-1] = length
                elif (start := blocks.pop()) is not None:
                    ends[start] = length
            case nodes.ListNode():
                pending += reversed(item.nodes)
            case nodes.TextNode():
                part = item.text.translate(_OUR_MARKS)
            case nodes.ActionNode() if not item.pipe.decl:
                actions[length] = item
                part = ACTION
            case nodes.BranchNode():
                pending += [CLOSE, item.body, OPEN]
                if item.else_body is not None:
                    pending[-2:-2] = [item.else_body, ELSE]
            case nodes.TemplateNode() if item.name in tree.templates and calls[item.name] < _MAX_CALLS:
                calls[item.name] += 1
                pending.append(tree.templates[item.name])
        parts.append(part)
        length += len(part)
    return Outline("".join(parts), actions, ends)
