"""Colours and trees: not a character is lost, added or left unescaped."""

from __future__ import annotations

import re
from html import unescape

import pytest

from bootstrap_project.admin.highlight import MAX_CHARACTERS, highlight
from bootstrap_project.admin.tree import tree

TEXTS = [
    "",
    "\n\n leading lines",
    '{"a": "b<script>&\\"", "n": -1.5e3, "t": true, "x": null, "l": [1, 2]}\n',
    "key: value # comment\n- item: 'x'\n  \"quoted\": yes\n---\nurl: http://example.org/#a\n",
    '# comment\n[section.a]\nname = "x"\nat = 2026-01-02T03:04:05Z\n[[list]]\non = false\n',
    'unfinished "string\n"another',
    "carriage\r\nreturns\rtoo\r\n",
    "</code></pre><script>alert(1)</script>",
    '"' * 3000,
    "key " * 3000,
    "ünïcödé 🎛 \u2028 \t tabs",
]


def read(html: str) -> str:
    return unescape(re.sub(r"<[^>]*>", "", html))


@pytest.mark.parametrize("language", ["json", "yaml", "toml", "go-template", ""])
@pytest.mark.parametrize("text", TEXTS)
def test_what_is_read_is_the_text(text, language):
    html = highlight(text, language, mask="masked00")

    assert read(html) == text
    assert set(re.findall(r"<[^>]*>", html)) <= {
        *(f'<span class="hl-{kind}">' for kind in ("key", "string", "number", "word", "sign", "comment", "section")),
        "</span>",
    }
    assert "\r" not in html


def test_words_get_their_kinds():
    html = highlight('{"a": "b", "c": 1, "d": true}', "json")

    assert '<span class="hl-key">&quot;a&quot;</span>' in html
    assert '<span class="hl-string">&quot;b&quot;</span>' in html
    assert '<span class="hl-number">1</span>' in html
    assert '<span class="hl-word">true</span>' in html
    assert '<span class="hl-key">site</span>' in highlight("site: north", "yaml")
    assert '<span class="hl-comment"># why</span>' in highlight("a: 1 # why", "yaml")
    assert '<span class="hl-section">[mqtt]</span>' in highlight("[mqtt]\nport = 1", "toml")


def test_json_is_known_by_itself_and_other_text_is_plain():
    assert "hl-key" in highlight('{"a": 1}')
    assert highlight("{ not json: 1 }") == "{ not json: 1 }"
    assert highlight("[" * 10_000) == "[" * 10_000


def test_masks_are_marked():
    html = highlight('{"a": "xmasked00y"}', "json", mask="masked00")

    assert 'x<mark class="hl-mask">masked00</mark>y' in html
    assert read(html) == '{"a": "xmasked00y"}'


def test_a_very_long_text_is_plain():
    text = '{"a": 1}' * MAX_CHARACTERS

    assert "<" not in highlight(text, "json")


def test_a_tree_shows_all_members_and_opens_the_first_levels():
    html = tree({"Vars": {"a<b": [1, {"deep": {"deeper": "x"}}], "none": {}, "text": "<i>"}})

    assert html.count("<details open>") == 2
    assert html.count("<details>") == 2
    assert "<i>" not in html
    for part in ("Vars", "a<b", "deeper", '"x"', '"<i>"', "3 members", "2 items", "{}"):
        assert part in unescape(read(html)), part
