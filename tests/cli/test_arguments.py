"""The command line's two parts."""

import pytest

from bootstrap_project.cli.arguments import read_line
from bootstrap_project.cli.errors import UsageMistake


@pytest.mark.parametrize(
    ("argv", "flags", "words"),
    [
        ([], {}, ()),
        (["a", "-r", "b"], {"raw": ""}, ("a", "b")),
        (["-rl5", "a"], {"raw": "", "limit": "5"}, ("a",)),
        (["-l=5", "-o", "6"], {"limit": "5", "offset": "6"}, ()),
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
    assert read_line(argv) == (flags, words)


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["--unknown"], "there is no such flag; an argument that begins with a dash stands behind `--`"),
        (["--lim", "5"], "no such flag"),
        (["-q"], "no such flag"),
        (["-rq"], "no such flag"),
        (["--limit"], "--limit needs a value: N"),
        (["-rl"], "--limit needs a value: N"),
        (["--raw=yes"], "--raw takes no value"),
    ],
)
def test_mistakes_are_named(argv, said):
    with pytest.raises(UsageMistake) as caught:
        read_line(argv)

    assert said in caught.value.message
