"""Profiles as files: read as an upload is read, and written so that reading gives the same profile again."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from django.conf import settings

from bootstrap_project.api.serializers import InvalidMember
from bootstrap_project.diagnostics import Diagnostic
from bootstrap_project.documents.errors import EncodeError, InvalidDocument
from bootstrap_project.documents.kinds import ENDINGS, KINDS, DocumentKind, any_of, kind_of_ending
from profiles.errors import InvalidProfile
from profiles.ignored import ignored_members
from profiles.models import Profile
from profiles.serializers import ProfileBody
from profiles.services import EDITABLE


class ProfileFile(NamedTuple):
    """What a file holds of a profile, and what was left out of it."""

    values: dict[str, Any]
    ignored: tuple[Diagnostic, ...]


def read_document(name: str, body: bytes, *, is_new: bool) -> ProfileFile:
    """Return what a file called `name` holds; a new profile gets the format that the kind implies.

    Raises: InvalidProfile with words that say what is wrong with the file and where.
    """
    kind = kind_of_ending(name.rpartition(".")[2])
    if kind is None:
        endings = any_of(f".{ending}" for ending in ENDINGS)
        raise InvalidProfile("unknown kind of file", f"the name of the file must end in {endings}")
    if len(body) > settings.MAX_BODY_BYTES:
        raise InvalidProfile("the file is too large", f"a profile has at most {settings.MAX_BODY_BYTES >> 20} MiB")
    try:
        document = kind.read(body)
        if not isinstance(document, dict):
            raise InvalidProfile("not a profile", "the file must hold an object with name, content_template and so on")
        values = ProfileBody.read(document)
    except InvalidDocument as error:
        raise InvalidProfile("the file cannot be read", error.detail or error.message) from error
    except InvalidMember as error:
        raise InvalidProfile("not a profile", error.detail or error.message) from error
    if not values:
        raise InvalidProfile("not a profile", f"the file has none of the members {', '.join(EDITABLE)}")
    values = ({"template_format": kind.template_format} if is_new else {}) | values
    return ProfileFile(values, ignored_members(document))


def write_document(profile: Profile, kind: DocumentKind) -> str:
    """Return `profile` as a file of that kind; everything that a person can write stands there.

    Raises: InvalidProfile where the kind has no form for something in it, such as null in TOML.
    """
    document = {name: getattr(profile, name) for name in EDITABLE}
    refusal = f"it cannot be written as {kind.name.upper()}"
    try:
        text = kind.write(document)
    except EncodeError as error:
        others = any_of(name.upper() for name in KINDS if name != kind.name)
        raise InvalidProfile(refusal, f"{error}; download it as {others}") from error
    try:
        is_same = _canonical(kind.read(text.encode())) == _canonical(document)
    except InvalidDocument:
        is_same = False
    if not is_same:
        # Uploads have limits, such as on the number of values in YAML, that stored profiles need not keep.
        raise InvalidProfile(refusal, "an upload would not read it as the same; download it as JSON")
    return text


def _canonical(document: Any) -> str:
    return json.dumps(document, sort_keys=True)
