"""The table of kinds: each is read, written and announced by its one entry."""

from __future__ import annotations

import subprocess
import sys

import pytest

from bootstrap_project.documents.errors import EncodeError
from bootstrap_project.documents.kinds import ENDINGS, KINDS, any_of, kind_of_ending, kind_of_format
from profiles.models import TemplateFormat

DOCUMENT = {
    "name": "größe \u2028 'x'",
    "lines": "one\n two\n",
    "windows": "one\r\ntwo",
    "quotes": "'''\n\"\"\"\\",
    "numbers": [1, -1, 2**62, 1.5, 1e16, 1e-7],
    "deep": {"a": {"b": [{"c": []}, {}]}, "yes": True, "1": "no", "": ""},
    "rows": [{"a": 1}, {"b": {"c": "d"}}],
}


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_what_a_kind_writes_it_reads_as_the_same(kind):
    written = kind.write(DOCUMENT)

    read = kind.read(written.encode())
    assert read == DOCUMENT
    assert [type(number) for number in read["numbers"]] == [type(number) for number in DOCUMENT["numbers"]]


def test_a_kind_is_found_by_the_end_of_a_name_and_by_the_format_of_what_it_holds():
    for kind in KINDS.values():
        assert all(kind_of_ending(ending.upper()) is kind for ending in kind.endings)
        assert kind_of_format(kind.template_format) is kind
        assert kind.template_format in TemplateFormat.values
    assert len(set(ENDINGS)) == len(ENDINGS)
    assert kind_of_ending("txt") is kind_of_ending("") is kind_of_format("raw") is None


def test_what_a_kind_has_no_form_for_is_said_with_its_place():
    with pytest.raises(EncodeError, match=r"TOML has no null, and defaults\.a\[1\]\.b is null"):
        KINDS["toml"].write({"defaults": {"a": [1, {"b": None}]}})


@pytest.mark.parametrize(("names", "sentence"), [(["a"], "a"), (["a", "b"], "a or b"), (["a", "b", "c"], "a, b or c")])
def test_names_are_listed_as_a_sentence_does(names, sentence):
    assert any_of(names) == sentence


def test_the_table_alone_loads_no_reader():
    code = (
        "import sys, bootstrap_project.documents.kinds;"
        "print(*({'yaml', 'tomllib', 'json', 'django', 'dataclasses'} & sys.modules.keys()))"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)

    assert (done.returncode, done.stdout, done.stderr) == (0, "\n", "")
