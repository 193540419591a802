"""What the device of a config would get now, by the function that answers devices, and why it gets nothing."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from bootstrap_project.diagnostics import Diagnostic
from bootstrap_project.rendering.context import RenderContext
from bootstrap_project.rendering.errors import OutputInvalid, RenderError, TemplateInvalid
from bootstrap_project.rendering.renderer import MASK
from bootstrap_project.security.keyring import SealError
from configs.errors import ConfigNotFound
from enrollments.device_config.assemble import (
    PLAINTEXT,
    BindingRow,
    DeviceAnswer,
    SecretReader,
    make_answer,
    make_context,
    match_slots,
    to_body,
)
from enrollments.device_config.etag import make_etag
from enrollments.device_config.records import AnswerRecord, DeviceRecord, read_config
from enrollments.errors import named
from enrollments.previews.problems import Fix, FixKind, Problem, is_at_same_place, problems_of, unbound_problems
from enrollments.previews.profile import masked_members
from profiles.errors import PreviewFailed

_UNCHECKED: Final = "go-template"


class SecretUnreadable(PreviewFailed):
    """A sealed text that no key of the service opens; `slot` is "" for the client's key."""

    def __init__(self, error: SealError, slot: str = "") -> None:
        what = "the secret snapshot" if slot else "the client key"
        todo = f"{named(slot)}: {error}; refresh the bindings" if slot else f"{error}; store the key again"
        super().__init__(f"{what} cannot be opened", todo, slot=slot)


@dataclass(frozen=True, slots=True)
class DevicePreview:
    """An answer as it would be given now, or why there is none.

    `shown` is what may be looked at: secrets masked unless they were asked for; None when there is nothing to show.
    `size` and `content_size` are those of what the device gets, in bytes. `is_checked` is False where `shown` is not
    what the profile's format promises. Where `is_masked`, all of this is about the answer with masked secrets, and
    `failure` may be of the masks alone unless `is_certain`.
    """

    enabled: bool
    etag: str
    secure_etag: str
    profile_version: int | None
    template_format: str
    shown: DeviceAnswer | None = field(default=None, repr=False)
    size: int | None = None
    content_size: int | None = None
    is_checked: bool = True
    is_masked: bool = False
    is_certain: bool = True
    context: dict[str, Any] | None = field(default=None, repr=False)
    failure: str = ""
    todo: str = ""
    problems: tuple[Problem, ...] = ()
    remark: str = ""

    @property
    def body(self) -> bytes:
        """Return what is shown as the device's endpoints would send it."""
        return to_body(self.shown) if self.shown else b""

    @property
    def content(self) -> str:
        """Return the content that is shown; "" for none."""
        return self.shown.content if self.shown else ""


def preview_device(config_id: uuid.UUID, *, may_reveal: bool, reveal: bool = False) -> DevicePreview:
    """Return what the device of a config would get at its next call if it were enabled.

    For who `may_reveal` secrets the answer is made as for the device, secrets included, so that a secret that breaks a
    template is found. It is made once more with every secret replaced before rendering, so that no function of a
    template can carry one out, and that one is shown unless `reveal`. What failed is described by the latter wherever
    both fail. For others it is made with masks alone: a template's author chooses what it does with a secret, so that
    sizes, failures and their places would tell them what it is.
    Raises: ConfigNotFound.
    Cost: one query; the template is executed up to three times.
    """
    record = read_config(config_id)
    if record is None or record.answer is None:
        raise ConfigNotFound(f"the config {config_id} was removed meanwhile")
    answer = record.answer
    bound, missing = match_slots(answer)
    profile = answer.profile
    opener = _CLEAR if reveal else _MASKED
    preview = DevicePreview(
        enabled=record.enabled,
        etag=make_etag(record, answer, bound, secure=False),
        secure_etag=make_etag(record, answer, bound, secure=True),
        profile_version=None if profile is None else profile.version,
        template_format="" if profile is None else profile.template_format,
        context=_context(record, answer, bound, opener),
    )
    if missing:
        return replace(
            preview,
            failure="required slots are not bound",
            todo=f"bind these first: {', '.join(missing)}",
            problems=_with_unbound(record, answer, bound, missing),
        )
    if not may_reveal and _holds_secrets(answer, bound):
        return _masked_alone(preview, record, answer, bound)
    try:
        real = make_answer(record, answer, bound, _CLEAR)
    except (RenderError, SecretUnreadable) as error:
        return _failed(preview, record, answer, bound, error)
    preview = _measured(preview, real)
    if reveal:
        return replace(preview, shown=real)
    try:
        return replace(preview, shown=make_answer(record, answer, bound, _MASKED))
    except OutputInvalid:
        remark = f"The device gets a valid text; with {MASK} in place of the secrets it is none, so read it with care."
        return replace(preview, shown=_unchecked(record, answer, bound), is_checked=False, remark=remark)
    except RenderError:
        remark = (
            "The device gets its configuration. It cannot be shown with masked secrets, because the template works on"
            " the secrets themselves."
        )
        return replace(preview, remark=remark)


def _holds_secrets(answer: AnswerRecord, bound: Sequence[BindingRow]) -> bool:
    return bool(answer.client_key_sealed) or _renders_secrets(bound)


def _renders_secrets(bound: Sequence[BindingRow]) -> bool:
    return any(sealed for _slot, _type, _resource_id, _snapshot, sealed in bound)


def _measured(preview: DevicePreview, made: DeviceAnswer) -> DevicePreview:
    return replace(preview, size=len(to_body(made)), content_size=len(made.content.encode("utf-8", "replace")))


def _masked_alone(
    preview: DevicePreview, record: DeviceRecord, answer: AnswerRecord, bound: Sequence[BindingRow]
) -> DevicePreview:
    """Return `preview` with what the masked answer is, or why there is none; no secret has a part in any of it."""
    preview = replace(preview, is_masked=True)
    try:
        made = make_answer(record, answer, bound, _MASKED)
    except SecretUnreadable as error:
        return _failed(preview, record, answer, bound, error)
    except RenderError as error:
        preview = _failed_masked(replace(preview, failure=error.message), record, answer, bound, error)
        if isinstance(error, TemplateInvalid) or not _renders_secrets(bound):
            return preview
        remark = (
            f"This was tried with {MASK} in place of the secrets. With the secrets themselves it may be otherwise: who"
            " may reveal them sees what the device gets."
        )
        return replace(preview, is_certain=False, remark=remark)
    return _measured(replace(preview, shown=made), made)


def _failed_masked(
    preview: DevicePreview, record: DeviceRecord, answer: AnswerRecord, bound: Sequence[BindingRow], masked: RenderError
) -> DevicePreview:
    """Return `preview` with what is wrong with the masked answer, and with what there is to see of it."""
    template = answer.profile.content_template if answer.profile else ""
    slots = answer.profile.binding_slots if answer.profile else "[]"
    shown = _unchecked(record, answer, bound) if isinstance(masked, OutputInvalid) else None
    problems = problems_of(masked, template=template, slots=slots, output=shown.content if shown else "")
    return replace(preview, shown=shown, is_checked=False, problems=problems)


def _failed(
    preview: DevicePreview,
    record: DeviceRecord,
    answer: AnswerRecord,
    bound: Sequence[BindingRow],
    error: SecretUnreadable | RenderError,
) -> DevicePreview:
    """Return `preview` with why there is no answer, in words that hold no secret, and with what there is to see."""
    if isinstance(error, SecretUnreadable):
        slot = error.slot
        fixes = (Fix(FixKind.REFRESH), Fix(FixKind.BIND, slot)) if slot else (Fix(FixKind.CLIENT_KEY),)
        problem = Problem(Diagnostic("secret", "error", error.detail), fixes)
        return replace(preview, failure=error.message, problems=(problem,))
    preview = replace(preview, failure=error.message)
    template = answer.profile.content_template if answer.profile else ""
    slots = answer.profile.binding_slots if answer.profile else "[]"
    try:
        make_answer(record, answer, bound, _MASKED)
    except RenderError as masked:
        if is_at_same_place(error, masked):
            # What templates quote in their errors may be a secret; here it is masked.
            return _failed_masked(preview, record, answer, bound, masked)
    else:
        remark = "With the secrets masked there would be an answer, so it is the value of a secret that breaks it."
        preview = replace(preview, remark=remark)
    return replace(preview, problems=problems_of(error, template=template, slots=slots, redact=True))


def _with_unbound(
    record: DeviceRecord, answer: AnswerRecord, bound: Sequence[BindingRow], missing: Sequence[str]
) -> tuple[Problem, ...]:
    """Return the unbound slots, and whatever else the template would miss, by executing it all the same."""
    profile = answer.profile
    if profile is None:
        return ()
    others: tuple[Problem, ...] = ()
    try:
        make_answer(record, answer, bound, _MASKED)
    except RenderError as error:
        # Text that breaks its format may do so only because something is missing.
        if not isinstance(error, OutputInvalid):
            others = problems_of(error, template=profile.content_template, slots=profile.binding_slots)
    except SecretUnreadable as error:
        others = (Problem(Diagnostic("secret", "error", error.detail), (Fix(FixKind.REFRESH),)),)
    return unbound_problems(profile, missing, others)


def _unchecked(record: DeviceRecord, answer: AnswerRecord, bound: Sequence[BindingRow]) -> DeviceAnswer | None:
    """Return the masked answer whatever its content is, None when there is none even so."""
    if answer.profile is None:
        return None
    lenient = replace(answer, profile=replace(answer.profile, template_format=_UNCHECKED))
    try:
        return make_answer(record, lenient, bound, _MASKED)
    except (RenderError, SecretUnreadable):
        return None


def _context(
    record: DeviceRecord, answer: AnswerRecord, bound: Sequence[BindingRow], opener: SecretReader
) -> dict[str, Any] | None:
    """Return what the template sees, as plain members; None where no profile is rendered."""
    if answer.profile is None:
        return None
    try:
        made = make_context(record, answer, answer.profile, bound, opener)
    except SecretUnreadable:
        made = make_context(record, answer, answer.profile, bound, _CLOSED)
    return _members(made)


def _members(context: RenderContext) -> dict[str, Any]:
    device = context.Device
    return {
        "Device": {"ID": device.ID, "ExternalID": device.ExternalID, "DomainID": device.DomainID},
        "Vars": context.Vars,
        "Bindings": {
            slot: {"Type": one.Type, "ID": one.ID, "Snapshot": one.Snapshot, "Secret": one.Secret}
            for slot, one in context.Bindings.items()
        },
    }


def _clear_secret(sealed: str, config_id: uuid.UUID, slot: str) -> dict[str, Any]:
    try:
        return PLAINTEXT.secret(sealed, config_id, slot)
    except SealError as error:
        raise SecretUnreadable(error, slot) from error


def _clear_key(sealed: str, config_id: uuid.UUID) -> str:
    try:
        return PLAINTEXT.client_key(sealed, config_id)
    except SealError as error:
        raise SecretUnreadable(error) from error


def _masked_secret(sealed: str, config_id: uuid.UUID, slot: str) -> dict[str, Any]:
    return masked_members(_clear_secret(sealed, config_id, slot))


def _masked_key(sealed: str, config_id: uuid.UUID) -> str:
    return MASK if _clear_key(sealed, config_id) else ""


_CLEAR: Final = SecretReader(_clear_secret, _clear_key, explains=True)
_MASKED: Final = SecretReader(_masked_secret, _masked_key, explains=True)
_CLOSED: Final = SecretReader(lambda _sealed, _config_id, _slot: {}, lambda _sealed, _config_id: "")
