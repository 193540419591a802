"""The kinds of documents in which profiles come and go: the one table for uploads, files, downloads and the CLI.

A new kind is an entry here and a module of its name beside this one, with functions `read`, `check` and `write`.
Where templates may have it as their format, it is one more of `profiles.models.TemplateFormat`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import Any, Final, NamedTuple


class DocumentKind(NamedTuple):
    """One kind of document: how it is announced, and what it implies.

    Shape: `markers` are parts of content types that announce it (docs/contract.md#a0 and #a4: a search for a part, no
    comparison); `endings` are those of files' names, a download's first; `template_format` is the format of a profile
    whose document names none (docs/contract.md#k3). `needs_length` says that the beginning of a document may be a
    document itself, so that one that broke off would pass for whole.
    """

    name: str
    media_type: str
    markers: tuple[str, ...]
    endings: tuple[str, ...]
    template_format: str
    needs_length: bool

    def read(self, body: bytes) -> Any:
        """Return the document in `body`; raises InvalidDocument."""
        return self._behaviour().read(body)

    def check(self, text: str) -> None:
        """Check that a text is of this kind, whatever can be stored of it; raises Defect."""
        self._behaviour().check(text)

    def write(self, document: Mapping[str, Any]) -> str:
        """Return `document` as a text of this kind; raises EncodeError where the kind has no form for it."""
        text: str = self._behaviour().write(document)
        return text

    def _behaviour(self) -> Any:
        # Only now: the command line uses the table, and starts without libraries for YAML and TOML.
        return import_module(f"bootstrap_project.documents.{self.name}")


JSON: Final = DocumentKind("json", "application/json", ("json",), ("json",), "json", needs_length=False)
YAML: Final = DocumentKind("yaml", "application/yaml", ("yaml", "yml"), ("yaml", "yml"), "yaml", needs_length=True)
TOML: Final = DocumentKind("toml", "application/toml", ("toml",), ("toml",), "toml", needs_length=True)
#: All kinds by their names, in the order in which they are looked for and offered.
KINDS: Final[Mapping[str, DocumentKind]] = {kind.name: kind for kind in (JSON, YAML, TOML)}
#: The ends of files' names.
ENDINGS: Final = tuple(ending for kind in KINDS.values() for ending in kind.endings)


def kind_of_ending(ending: str) -> DocumentKind | None:
    """Return the kind of files whose names end so, in any case."""
    return next((kind for kind in KINDS.values() if ending.lower() in kind.endings), None)


def kind_of_format(template_format: str) -> DocumentKind | None:
    """Return the kind of what templates of this format render; None for formats that promise no kind."""
    return next((kind for kind in KINDS.values() if kind.template_format == template_format), None)


def any_of(names: Iterable[str]) -> str:
    """Return names as a sentence lists them: `json, yaml or toml`."""
    *others, last = names
    return f"{', '.join(others)} or {last}" if others else last
