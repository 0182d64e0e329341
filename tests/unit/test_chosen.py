"""What was recorded all the time, whatever ``tracectl filter`` did meanwhile."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from tracectl.capture.metadata import Chosen
from tracectl.cli.chosen import ChosenWatch
from tracectl.kernel.filter import Terms

ALL = Terms()
FIRST, LAST = Terms(cpus=frozenset({0, 1})), Terms(cpus=frozenset({1, 2}))
USER = Terms(uid=5)


class Device:
    """Has ``terms``, of which each status tells the next."""

    def __init__(self, terms, session_id=1):
        self._terms = iter(terms)
        self._session_id = session_id

    def status(self):
        return SimpleNamespace(session_id=self._session_id, terms=next(self._terms))


@pytest.mark.parametrize(
    ("terms", "chosen"),
    [
        ([ALL, ALL], Chosen()),
        ([FIRST, FIRST], Chosen(cpus=[0, 1])),
        ([ALL, FIRST, ALL], Chosen(cpus=[0, 1])),
        ([FIRST, LAST], Chosen(cpus=[1])),
        ([FIRST, USER], Chosen(True, [0, 1])),
        ([ALL, Terms(comm="a"), Terms(cgroup=7), ALL], Chosen(True)),
        ([ALL, Terms(calls=frozenset({3}), slower_ns=5, path="/")], Chosen()),
    ],
)
def test_terms_that_change(terms, chosen):
    watch = ChosenWatch(Device(terms[1:]), 1, terms[0])
    for _ in terms[1:]:
        watch.look_now()
    assert watch.chosen == chosen


def test_it_is_not_looked_at_more_often_than_changes_matter():
    watch = ChosenWatch(Device([FIRST]), 1, ALL)
    for _ in range(9):
        watch.look()
    assert watch.chosen == Chosen(cpus=[0, 1])


def test_the_next_session_is_another():
    watch = ChosenWatch(Device([FIRST], session_id=2), 1, ALL)
    watch.look_now()
    assert watch.chosen == Chosen()
