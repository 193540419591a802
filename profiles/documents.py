"""Profiles as files: read as an upload is read, and written so that reading gives the same profile again."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

import yaml
from django.conf import settings

from bootstrap_project.api.parsers import DocumentParser, StrictJSONParser, TOMLParser, YAMLParser
from bootstrap_project.api.serializers import InvalidMember
from bootstrap_project.documents.json import InvalidDocument
from bootstrap_project.documents.toml import NoSuchToml, write_toml
from bootstrap_project.documents.yaml import add_words
from profiles.errors import InvalidProfile
from profiles.models import Profile, TemplateFormat
from profiles.serializers import ProfileBody
from profiles.services import EDITABLE

#: The kinds of files, by the ends of their names.
PARSERS: Final[Mapping[str, type[DocumentParser]]] = {
    "json": StrictJSONParser,
    "yaml": YAMLParser,
    "yml": YAMLParser,
    "toml": TOMLParser,
}
#: The format of a profile whose file names none: the file's own (contract K3).
INFERRED_FORMATS: Final = {
    "json": TemplateFormat.JSON,
    "yaml": TemplateFormat.YAML,
    "yml": TemplateFormat.YAML,
    "toml": TemplateFormat.TOML,
}
#: What a profile can be downloaded as.
KINDS: Final = ("json", "yaml", "toml")


def read_document(name: str, body: bytes, *, is_new: bool) -> dict[str, Any]:
    """Return the members of a profile that a file called `name` holds; a new one gets the format that the kind implies.

    Raises: InvalidProfile with words that say what is wrong with the file and where.
    """
    kind = name.rpartition(".")[2].lower()
    parser = PARSERS.get(kind)
    if parser is None:
        raise InvalidProfile("unknown kind of file", "the name of the file must end in .json, .yaml, .yml or .toml")
    if len(body) > settings.MAX_BODY_BYTES:
        raise InvalidProfile("the file is too large", f"a profile has at most {settings.MAX_BODY_BYTES >> 20} MiB")
    try:
        document = parser().read(body)
        if not isinstance(document, dict):
            raise InvalidProfile("not a profile", "the file must hold an object with name, content_template and so on")
        values = ProfileBody.read(document)
    except InvalidDocument as error:
        raise InvalidProfile("the file cannot be read", error.detail or error.message) from error
    except InvalidMember as error:
        raise InvalidProfile("not a profile", error.detail or error.message) from error
    if not values:
        raise InvalidProfile("not a profile", f"the file has none of the members {', '.join(EDITABLE)}")
    return ({"template_format": INFERRED_FORMATS[kind].value} if is_new else {}) | values


def write_document(profile: Profile, kind: str) -> str:
    """Return `profile` as a file of that kind; everything that a person can write stands there.

    Raises: InvalidProfile where the kind has no form for something in it, such as null in TOML.
    """
    document = {name: getattr(profile, name) for name in EDITABLE}
    try:
        text = _WRITERS[kind](document)
    except NoSuchToml as error:
        raise InvalidProfile("it cannot be written as TOML", f"{error}; download it as JSON or YAML") from error
    try:
        is_same = _canonical(PARSERS[kind]().read(text.encode())) == _canonical(document)
    except InvalidDocument:
        is_same = False
    if not is_same:
        # Uploads have limits, such as on the number of values in YAML, that stored profiles need not keep.
        raise InvalidProfile(
            f"it cannot be written as {kind.upper()}", "an upload would not read it as the same; download it as JSON"
        )
    return text


def _canonical(document: Any) -> str:
    return json.dumps(document, sort_keys=True)


def _write_json(document: Mapping[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, indent=2, allow_nan=False) + "\n"


class _Dumper(yaml.SafeDumper):
    """Writes YAML without anchors, and texts of several lines as blocks where YAML can hold them so."""

    def ignore_aliases(self, data: Any) -> bool:
        """Tell that equal values are written out each time."""
        return True


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _represent_text)
# Texts that either we or a reader of YAML 1.1 would take for something else are quoted.
add_words(_Dumper)


def _write_yaml(document: Mapping[str, Any]) -> str:
    # S506 is about loading; the dumper is a safe one.
    text: str = yaml.dump(dict(document), Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=10_000)
    return text


_WRITERS: Final[Mapping[str, Callable[[Mapping[str, Any]], str]]] = {
    "json": _write_json,
    "yaml": _write_yaml,
    "toml": write_toml,
}
