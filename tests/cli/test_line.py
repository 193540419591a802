"""The two parts of a command line: flags and words."""

import pytest
from click import UsageError

from bootstrap_project.cli.options import LINE, given


def read(argv):
    """The flags and the words of a line."""
    line = LINE.make_context(None, list(argv))
    return given(line), line.args


@pytest.mark.parametrize(
    ("argv", "flags", "words"),
    [
        ([], {}, ()),
        (["a", "-r", "b"], {"raw": True}, ("a", "b")),
        (["-rl5", "a"], {"raw": True, "limit": "5"}, ("a",)),
        (["-l=5", "-o", "6"], {"limit": "5", "offset": "6"}, ()),
        (["-rl=5", "-n="], {"raw": True, "limit": "5", "name": ""}, ()),
        (["-n", "=5", "-b=http://h/?a=b"], {"name": "=5", "bootstrap_url": "http://h/?a=b"}, ()),
        (["-nfoo=bar"], {"name": "foo=bar"}, ()),
        (["--name", "--"], {"name": "--"}, ()),
        (["--limit=5", "--limit", "6"], {"limit": "6"}, ()),
        (["--name", "-x"], {"name": "-x"}, ()),
        (["--name="], {"name": ""}, ()),
        (["-", "--", "-r", "--"], {}, ("-", "-r", "--")),
        (["-----BEGIN CERTIFICATE-----\nMII=\n"], {}, ("-----BEGIN CERTIFICATE-----\nMII=\n",)),
        (["--name=two words"], {"name": "two words"}, ()),
        (["-ntwo words"], {"name": "two words"}, ()),
        (["-q 1"], {}, ("-q 1",)),
        (["", "{}"], {}, ("", "{}")),
    ],
)
def test_line_is_read(argv, flags, words):
    assert read(argv) == (flags, list(words))


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["--unknown"], "there is no such flag; an argument that begins with a dash stands behind `--`"),
        (["--lim", "5"], "no such flag"),
        (["-q"], "no such flag"),
        (["-rq"], "no such flag"),
        (["-r="], "no such flag"),
        (["--limit"], "--limit needs a value: N"),
        (["-rl"], "--limit needs a value: N"),
        (["--raw=yes"], "--raw takes no value"),
    ],
)
def test_mistakes_are_named(argv, said):
    with pytest.raises(UsageError) as caught:
        read(argv)

    assert said in caught.value.message
