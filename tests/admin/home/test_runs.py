"""Work in the background, on the admin's pages: started from the list, watched, cancelled."""

from __future__ import annotations

import pytest
from django.urls import reverse

from bootstrap_project.runs.models import Run, RunState
from tests.support.pages import page_text
from tests.support.people import make_person
from tests.support.rows import make_run

pytestmark = pytest.mark.sqlite


def page(run: Run) -> str:
    return reverse("admin:run", args=(run.pk,))


def test_a_run_is_cancelled_by_who_may_and_seen_by_nobody_else(db):
    starter = make_person("ada", "view_config", "change_bindingsnapshot")
    colleague = make_person("bob", "view_config", "change_bindingsnapshot")
    viewer = make_person("eve", "view_config")
    run = make_run(total=10, done=4)
    elsewhere = make_run(domain_id="another domain")
    own = make_run(domain_id="", permission="")
    Run.objects.filter(pk=own.pk).update(actor=str(starter.user.pk))

    assert viewer.client.get(page(run)).status_code == 404
    assert colleague.client.get(page(elsewhere)).status_code == colleague.client.get(page(own)).status_code == 404
    assert starter.client.get(page(own)).status_code == 200
    assert viewer.client.post(page(run)).status_code == 404

    assert colleague.client.post(page(run)).status_code == 302
    run.refresh_from_db()
    assert run.state == RunState.CANCELLED
    assert "Cancelled" in page_text(colleague.get(page(run)))


def test_what_a_run_says_is_text(db):
    operator = make_person("olga", "view_config", "change_bindingsnapshot")
    run = make_run(title="<b>bold</b>", state=RunState.FAILED, reason="<script>x</script>")

    text = operator.client.get(page(run)).content.decode()

    assert "&lt;b&gt;bold" in text
    assert "<script>x" not in text
