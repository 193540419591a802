"""Budgets: what one template may cost to parse, compile and execute."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """The budgets of one template; going over any of them is a typed error, never a crash.

    The defaults leave realistic profiles two orders of magnitude of room and end every template bomb within 0.25 s.

    Units: `max_output` is bytes of UTF-8, `max_source` characters, `max_seconds` seconds of processor time.
    """

    #: Size of the rendered text.
    max_output: int = 1024 * 1024
    #: Characters that all functions of one execution may produce or scan together.
    max_strings: int = 4 * 1024 * 1024
    #: Actions executed inside loops and template calls: a loop costs its iterations times the size of its body.
    max_steps: int = 500_000
    #: Templates calling templates.
    max_depth: int = 250
    #: Processor time of the executing thread, so that a busy machine refuses nothing. The clock is read every thousand
    #: steps or so and where long strings are accounted; it starts at the first reading.
    max_seconds: float = 0.15
    #: Length of the template text.
    max_source: int = 256 * 1024
    #: Lexical elements inside actions: what bounds the time to parse and compile.
    max_tokens: int = 8_000
    #: Blocks inside blocks; and, counted apart, parentheses inside parentheses; also the fields of one chain.
    max_nesting: int = 64
    #: `{{else if}}` and `{{else with}}` of one block.
    max_branches: int = 250
