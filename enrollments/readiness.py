"""Whether a device has what it needs: the one rule of the list and of the home page, in SQL.

Nothing of it is stored: what makes a device ready lies in four tables, and each is written by somebody else.
"""

from __future__ import annotations

from typing import Any, ClassVar, Final, TypeVar

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import (
    BooleanField,
    Case,
    Exists,
    Expression,
    F,
    Func,
    JSONField,
    OuterRef,
    Q,
    QuerySet,
    TextChoices,
    Value,
    When,
)
from django.db.models.sql.compiler import SQLCompiler

from bootstrap_project.outcomes import Outcome
from configs.models import Config
from enrollments.models import BindingSnapshot

_C = TypeVar("_C", bound=Config)

#: The outcomes of a call whose key was right and whose configuration could not be made.
FAILURES: Final = (Outcome.RENDER_FAILED, Outcome.MISSING_BINDING)


class Readiness(TextChoices):
    """What keeps a device from its configuration; of several reasons the first."""

    NO_PROFILE = "no-profile", "no profile"
    UNBOUND = "unbound", "slot unbound"
    FAILING = "failing", "render fails"
    NOT_SEEN = "not-seen", "not yet seen"
    READY = "ready", "ready"


#: What is not ready, whatever the reason.
NOT_READY: Final = tuple(state for state in Readiness if state is not Readiness.READY)


#: How each is said in a sentence that begins with the device.
MEANINGS: Final = {
    Readiness.NO_PROFILE: "It has neither a profile nor a content of its own, so there is nothing to give it.",
    Readiness.UNBOUND: "A required slot of its profile has no binding of the right type.",
    Readiness.FAILING: "Its last call failed while its configuration was made, and nothing was changed since then.",
    Readiness.NOT_SEEN: "It has what it needs, and has not called yet.",
    Readiness.READY: "It has what it needs, and has called.",
}


class _Slots(Func):
    """SQL about the required slots of a profile that no binding of a config fills.

    Slots are stored as `validate_slots` leaves them: `required` is true or false or absent, and no name is there twice.
    """

    _WANTED: Final = {
        "postgresql": "jsonb_path_query({slots}, '$[*] ? (@.required == true)') AS wanted(slot)",
        "sqlite": "json_each({slots}) AS wanted",
    }
    _MISSING: Final = {
        "postgresql": (
            "NOT EXISTS (SELECT 1 FROM {bindings} filled WHERE filled.config_id = {config}"
            " AND filled.slot = wanted.slot ->> 'name' AND filled.type = wanted.slot ->> 'type')"
        ),
        "sqlite": (
            "CASE WHEN wanted.type = 'object' THEN json_type(wanted.value, '$.required') = 'true' ELSE 0 END"
            " AND NOT EXISTS (SELECT 1 FROM {bindings} filled WHERE filled.config_id = {config}"
            " AND filled.slot = json_extract(wanted.value, '$.name')"
            " AND filled.type = json_extract(wanted.value, '$.type'))"
        ),
    }
    _SELECT: ClassVar[dict[str, str]]

    def __init__(self, config: Any = "pk", slots: Any = "profile__binding_slots", **extra: Any) -> None:
        """`slots` is the JSON list of a profile's slots, by default of the config's own profile."""
        super().__init__(config, slots, **extra)

    def as_sql(  # type: ignore[override]
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **_extra: Any
    ) -> tuple[str, list[Any]]:
        config, slots = self.get_source_expressions()
        config_sql, config_parameters = compiler.compile(config)
        slots_sql, slots_parameters = compiler.compile(slots)
        vendor = connection.vendor
        text = self._SELECT[vendor].format(wanted=self._WANTED[vendor], missing=self._MISSING[vendor])
        bindings = connection.ops.quote_name(BindingSnapshot._meta.db_table)  # noqa: SLF001 - Django's documented way.
        sql = text.format(slots=slots_sql, bindings=bindings, config=config_sql)
        return sql, [*slots_parameters, *config_parameters]


class HasUnboundSlot(_Slots):
    """Whether some required slot has no binding of its type; false without a profile."""

    output_field = BooleanField()
    _SELECT = dict.fromkeys(("postgresql", "sqlite"), "EXISTS (SELECT 1 FROM {wanted} WHERE {missing})")


class UnboundSlots(_Slots):
    """The names of the required slots that have no binding of their type, in the profile's order; None for none."""

    output_field = JSONField()
    _SELECT = {  # noqa: RUF012 - never written.
        "postgresql": "(SELECT jsonb_agg(wanted.slot -> 'name') FROM {wanted} WHERE {missing})",
        "sqlite": "(SELECT json_group_array(json_extract(wanted.value, '$.name')) FROM {wanted} WHERE {missing})",
    }


def readiness() -> Expression:
    """Return the readiness of a config as an expression, a value of `Readiness`.

    Cost: some 6 µs of PostgreSQL for each config that has a profile.
    """
    return Case(
        *(When(condition, then=Value(state.value)) for state, condition in _rule()),
        default=Value(Readiness.READY.value),
    )


def with_readiness(configs: QuerySet[_C]) -> QuerySet[Any]:
    """Return `configs` with `readiness`, a value of `Readiness`, and `unbound_slots`, a list of names or None."""
    return configs.annotate(readiness=readiness(), unbound_slots=UnboundSlots())


def limited_to(configs: QuerySet[_C], *states: Readiness) -> QuerySet[_C]:
    """Return the configs whose readiness is among `states`.

    Cost: beside the rule stands what a config of that readiness must have in its own columns; databases look at that
    first, so that bindings are only read where those columns leave the question open.
    """
    # A condition instead of a comparison: PostgreSQL takes half of all rows to fulfil it, and so reads a page in the
    # list's order, instead of all that there is.
    cases = [When(condition, then=Value(state in states)) for state, condition in _rule()]
    chosen = Case(*cases, default=Value(Readiness.READY in states), output_field=BooleanField())
    necessary = Q()
    for state in states:
        necessary |= _NECESSARY[state]
    limited: Any = configs.filter(necessary).alias(has_readiness=chosen).filter(has_readiness=True)
    return limited  # type: ignore[no-any-return]


_NECESSARY: Final = {
    Readiness.NO_PROFILE: Q(profile__isnull=True, content=""),
    Readiness.UNBOUND: Q(profile__isnull=False),
    Readiness.FAILING: Q(last_bootstrap_outcome__in=FAILURES),
    Readiness.NOT_SEEN: Q(last_bootstrap_at__isnull=True),
    Readiness.READY: Q(last_bootstrap_at__isnull=False),
}


def _rule() -> list[tuple[Readiness, Any]]:
    """Return what each reason is known by, in the order in which they are looked for."""
    return [
        (Readiness.NO_PROFILE, Q(profile__isnull=True, content="")),
        (Readiness.UNBOUND, HasUnboundSlot()),
        (Readiness.FAILING, _is_failing()),
        (Readiness.NOT_SEEN, Q(last_bootstrap_at__isnull=True)),
    ]


def _is_failing() -> Q:
    """Return whether the last call failed, and neither the config nor its profile nor a binding was changed since."""
    newer: QuerySet[Any] = BindingSnapshot.objects.filter(
        config=OuterRef("pk"), updated_at__gt=OuterRef("last_bootstrap_at")
    )
    steady = Q(profile__isnull=True) | Q(last_bootstrap_at__gte=F("profile__updated_at"))
    failed = Q(last_bootstrap_outcome__in=FAILURES, last_bootstrap_at__gte=F("updated_at"))
    return failed & steady & ~Q(Exists(newer))
