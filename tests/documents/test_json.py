"""What is said of bodies that are no JSON."""

import pytest

from bootstrap_project.documents.errors import InvalidDocument
from bootstrap_project.documents.json import parse_json


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"a": "b', "unterminated string starting at line 1, column 7"),
        (b'{"a": "\x01"}', "invalid control character at line 1, column 8"),
        (b'{"a": }', "expecting value at line 1, column 7"),
        (b"\xef\xbb\xbf{}", "unexpected byte order mark at line 1, column 1"),
        (b"9" * 5000, "a whole number has too many digits"),
        (b"1e999", "the number 1e999 is too large"),
        (b"NaN", "NaN is not a number that JSON knows"),
    ],
)
def test_the_reason_and_the_place_are_told_once(body, words):
    with pytest.raises(InvalidDocument) as caught:
        parse_json(body)

    assert caught.value.detail == words
