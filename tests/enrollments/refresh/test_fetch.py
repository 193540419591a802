"""Gathering the platform's answers, from within a request."""

from __future__ import annotations

import threading

from devices.bulkhead import Bulkhead
from enrollments.binding.fetch import Fetched, ResourceRef
from enrollments.refresh.cache import AnswerCache
from enrollments.refresh.fetch import FetchPool
from tests.support.waiting import eventually


def test_whoever_waits_for_an_answer_keeps_nobody_from_the_database():
    asked, let, bulkhead, answers = threading.Event(), threading.Event(), Bulkhead(1), []
    ref = ResourceRef("domain", "client", "one")

    def fetch(_ref: ResourceRef) -> Fetched:
        asked.set()
        let.wait(60)
        raise RuntimeError("a bug")

    def refresh() -> None:
        pool = FetchPool(fetch, workers=1, cache=AnswerCache(), request_id="request")
        with bulkhead.permit():
            pool.ask([ref])
            try:
                pool.answer(ref)
            except RuntimeError as error:
                answers.append(str(error))
        pool.close()

    thread = threading.Thread(target=refresh)
    thread.start()
    assert asked.wait(60)
    eventually(lambda: bool(bulkhead._free))
    let.set()
    thread.join(10)

    assert answers == ["a bug"]
