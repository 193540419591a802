"""A profile's template line by line: warnings and defects beside their lines, and what their rules mean."""

from __future__ import annotations

import json
import re
from html import unescape

import pytest
from django.urls import reverse

from bootstrap_project.admin.profiles.annotated_source import MAX_LINE_LENGTH, MAX_LINES, check_template
from bootstrap_project.diagnostics import Location
from bootstrap_project.rendering.lint.lint import RULES
from profiles.models import Profile
from tests.admin.profiles.forms import ADD, data
from tests.support.pages import change_url, page_text
from tests.support.people import make_person
from tests.support.rows import make_profile

pytestmark = pytest.mark.sqlite

RULES_PAGE = "/admin/profiles/profile/lint-rules/"
SLOPPY = '{\n  "site": "{{ .Vars.sitee }}",\n  "id": "{{ .Device.ID }}"\n}'


def lines(response) -> list[tuple[str, str]]:
    """Number and text of each line that the page shows."""
    return re.findall(r'<th scope="row">(\d+)</th><td><pre>(.*?)</pre>', response.content.decode(), re.DOTALL)


def remarks(response) -> list[tuple[str, str]]:
    """The caret and the rule of each warning that stands below a line."""
    found = re.findall(
        r'<tr class="warning">.*?aria-hidden="true">(.*?)</pre>.*?#([a-z-]+)"', page_text(response), re.DOTALL
    )
    return [(caret, rule) for caret, rule in found]


def test_warnings_stand_below_their_line_with_a_caret(admin):
    profile = make_profile(content_template=SLOPPY, template_format="json", defaults={"site": "north"})

    response = admin.get(change_url(profile))
    text = page_text(response)

    assert [(number, unescape(line)) for number, line in lines(response)] == [
        (str(number), line) for number, line in enumerate(SLOPPY.split("\n"), start=1)
    ]
    assert remarks(response) == [(" " * 14 + "^" * 11, "quoted-value"), (" " * 14 + "^" * 11, "required-variable")]
    assert "Line by line: 3 warnings" in text
    assert "<code>.Vars.sitee</code> must be set on every device" in text
    assert "did you mean <code>site</code>?" in text
    assert f"{RULES_PAGE}#unused-default" in text
    assert text.index('id="line-2"') < text.index("#required-variable") < text.index('id="line-3"')


def test_a_clean_template_shows_its_lines_closed_and_an_empty_box_none(admin):
    profile = make_profile(content_template="{{ .Device.ID }}")

    text = page_text(admin.get(change_url(profile)))
    assert "Line by line: no warnings" in text
    assert '<details class="listing" id="template-lines">' in text
    assert "Line by line: no warnings" in page_text(admin.get(ADD))
    assert "Line by line" not in page_text(admin.post(ADD, data(name="", content_template="")))


def test_the_form_that_comes_back_shows_what_was_typed(admin):
    profile = make_profile(name="pump", content_template="stored")
    broken = "first\r\n\tx {{ toJson 1 }}\r\n"

    for url, values in ((change_url(profile), {"base_version": "1"}), (ADD, {"name": "new"})):
        response = admin.post(url, data(content_template=broken, **values))
        text = page_text(response)
        assert [line for _number, line in lines(response)] == ["first", "\tx {{ toJson 1 }}"]
        assert '<tr class="defect">' in text
        assert ">\t     ^" in text
        assert "Line by line: does not parse" in text
        assert '<a href="#line-2" data-line="2" data-column="7">Line 2, column 7</a>' in text


def test_defects_of_other_fields_leave_the_lines_but_no_false_warnings(admin):
    response = admin.post(ADD, data(name="", defaults="{", content_template=SLOPPY))

    assert "warnings show once slots and defaults are valid" in page_text(response)
    assert remarks(response) == []
    assert len(lines(response)) == 4
    assert remarks(admin.post(ADD, data(name="", content_template=SLOPPY)))


def test_a_save_says_how_many_warnings_there_are(admin):
    typed = data(content_template=SLOPPY, binding_slots="[]")

    text = page_text(admin.post(ADD, typed))
    profile = Profile.objects.get()

    assert f'The template has <a href="{change_url(profile)}#template-lines">3 warnings</a>' in text
    better = typed | {"base_version": "1", "content_template": '{"site": {{ toJSON .Vars.site }}}'}
    assert "The template has" not in page_text(admin.post(change_url(profile), better))
    worse = better | {"base_version": "2", "binding_slots": json.dumps([{"name": "m", "type": "client"}])}
    assert ">1 warning</a>" in page_text(admin.post(change_url(profile), worse))


def test_markup_in_a_template_stays_text(admin):
    profile = make_profile(content_template="</pre><script>{{ .Vars.a }}</script>", defaults={"<b>": "`<i>`"})

    text = admin.get(change_url(profile)).content.decode()

    assert "<script>{{" not in text
    assert "<b>" not in text
    assert "<i>" not in text


def test_a_viewer_sees_the_lines_and_the_rules(viewer):
    profile = make_profile(content_template=SLOPPY, template_format="json", defaults={"site": "north"})

    response = viewer.get(change_url(profile))

    text = page_text(response)
    assert '<details class="listing" id="template-lines" open>' in text
    assert f'data-format="json" aria-label="Template" readonly hidden>\n{SLOPPY}</textarea>' in text
    assert 'name="content_template"' not in text
    assert "data-workbench" not in text
    marks = re.search(r'<script id="template-problems"[^>]*>(.*?)</script>', response.content.decode())
    assert marks is not None
    assert [(mark["line"], mark["column"], mark["width"], mark["rule"]) for mark in json.loads(marks[1])] == [
        (0, 0, 1, "unused-default"),
        (2, 15, 11, "quoted-value"),
        (2, 15, 11, "required-variable"),
    ]
    assert viewer.get(RULES_PAGE).status_code == 200
    assert make_person("nora", "view_config").get(RULES_PAGE).status_code == 403


def test_every_rule_is_documented_on_the_page(admin):
    response = admin.get(RULES_PAGE)
    text = page_text(response)

    assert reverse("admin:profiles_profile_lint_rules") == RULES_PAGE
    for rule in RULES:
        assert f'<h3 id="{rule.id}"><code>{rule.id}</code></h3>' in text
        assert rule.reason in text
    assert "```" not in text
    assert "###" not in text


def test_very_long_templates_show_what_is_around_their_warnings():
    template = "\n".join(["x"] * (MAX_LINES * 2) + ["{{ .Vars.a }}"] + ["y"] * 10)

    listing = check_template(Profile(content_template=template))

    assert [line.number for line in listing.lines] == list(range(MAX_LINES * 2 - 2, MAX_LINES * 2 + 5))
    assert [line.is_after_gap for line in listing.lines] == [True] + [False] * 6
    unmarked = check_template(Profile(content_template="x\n" * 100_000))
    assert len(unmarked.lines) == MAX_LINES


def test_very_long_lines_are_cut_around_the_place():
    template = "é" * 5_000 + "{{ .Vars.a }}" + "z" * 5_000

    listing = check_template(Profile(content_template=template))

    (line,) = listing.lines
    (note,) = line.notes
    assert len(line.text) == MAX_LINE_LENGTH + 1
    assert note.diagnostic.location == Location(1, 5_004, 7)
    start = len(note.caret) - note.caret.count("^")
    assert note.excerpt[start : len(note.caret)] == ".Vars.a"
