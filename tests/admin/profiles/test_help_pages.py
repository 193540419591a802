"""Pages of the documentation in the admin: what the Content-Security-Policy and screen readers want of them."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

from bootstrap_project.admin.profiles.help_pages import doc_page

PAGES = sorted(
    path.name.removesuffix(".md")
    for path in (files("bootstrap_project") / "docs").iterdir()
    if path.name.endswith(".md")
)


@pytest.mark.parametrize("name", PAGES)
def test_any_page_has_neither_styles_nor_links_nor_a_title_of_its_own(name):
    html = doc_page(name)

    assert not re.search(r"<[^>]* style=", html)
    assert not re.search(r"<(a|h1|script)\b", html)
    assert re.search(r"<h2 id=\"[\w-]+\">", html)


def test_headings_are_anchors_and_tables_scroll_in_themselves():
    html = doc_page("templates")

    assert '<h2 id="what-a-template-sees">What a template sees</h2>' in html
    assert '<div class="scrolling" tabindex="0" role="region" aria-label="Table"><table>' in html
    assert '<th scope="col">expression</th>' in html


def test_code_is_shown_as_it_is_written():
    assert '<pre class="document" tabindex="0">{{ .Bindings.client.ID }}</pre>' in doc_page("lint")
