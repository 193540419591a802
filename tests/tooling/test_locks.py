"""The locked versions: complete enough to be installed as they are."""

import re
from pathlib import Path

LOCKS = Path(__file__).resolve().parents[2] / "bootstrap_project" / "requirements"


def pins(name):
    text = (LOCKS / name).read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z0-9._-]+)==(\S+)", text, flags=re.MULTILINE))


def test_development_holds_the_runtime_at_the_same_versions():
    # The Makefile takes a development set-up for a runtime one.
    assert pins("runtime.txt").items() <= pins("development.txt").items()


def test_every_pin_has_a_hash():
    for name in ("runtime.txt", "development.txt"):
        requirements = re.split(r"\n(?=[a-z0-9])", (LOCKS / name).read_text(encoding="utf-8"))
        unprotected = [text.split()[0] for text in requirements if "==" in text and "--hash=sha256:" not in text]
        assert unprotected == []


def test_no_place_of_one_machine_is_locked():
    for name in ("runtime.txt", "development.txt"):
        text = (LOCKS / name).read_text(encoding="utf-8")
        assert not re.search(r"^(--|-e|file:)|@ file:|index-url|find-links", text, flags=re.MULTILINE)
