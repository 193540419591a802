"""Compiled templates, kept by what they were compiled from; bounded, and safe under threads."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import Final

from bootstrap_project.gotemplate import Limits, Template
from bootstrap_project.observability.metrics import count_template_cache

MAX_TEMPLATES: Final = 1024
#: The sources that the cache may stand for, together, in characters.
MAX_SOURCE: Final = 16 * 2**20


class TemplateCache:
    """An LRU of compiled templates by their source, so that nothing is ever invalidated.

    Two threads that need the same new template may both compile it, and one of the two results stays.
    """

    def __init__(
        self, *, max_templates: int = MAX_TEMPLATES, max_source: int = MAX_SOURCE, limits: Limits | None = None
    ) -> None:
        """Hold at most `max_templates` whose sources have `max_source` characters together; each obeys `limits`."""
        self._limits = limits or Limits()
        self._max_templates = max_templates
        self._max_source = max_source
        self._size = 0
        self._lock = Lock()
        self._templates: OrderedDict[str, Template] = OrderedDict()

    def get(self, source: str) -> Template:
        """Return the compiled template of `source`.

        Raises: gotemplate's TemplateSyntaxError, which is not kept.
        """
        with self._lock:
            known = self._templates.get(source)
            if known is not None:
                self._templates.move_to_end(source)
        count_template_cache(hit=known is not None)
        if known is not None:
            return known
        template = Template(source, limits=self._limits)
        with self._lock:
            if source not in self._templates:
                self._templates[source] = template
                self._size += len(source)
            self._shrink()
        return template

    def set_limits(self, **budgets: float) -> None:
        """Hold every template to `budgets`, named as the fields of gotemplate's Limits, from now on.

        Raises: TypeError for a budget that does not exist.
        """
        with self._lock:
            self._limits = Limits(**budgets)  # type: ignore[arg-type]  # All but one are whole numbers, checked above.
            self._templates.clear()
            self._size = 0

    def __len__(self) -> int:
        return len(self._templates)

    def _shrink(self) -> None:
        while len(self._templates) > self._max_templates or self._size > self._max_source:
            _, dropped = self._templates.popitem(last=False)
            self._size -= len(dropped.source)


templates = TemplateCache()
