"""What was recorded all the time, whatever ``tracectl filter`` did meanwhile."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from tracectl.abi.control import Filter, FilterFlag
from tracectl.capture.metadata import Chosen
from tracectl.cli.chosen import chosen_by, chosen_until
from tracectl.kernel.filter import Terms

ALL = Terms()
FIRST, LAST = Terms(cpus=frozenset({0, 1})), Terms(cpus=frozenset({1, 2}))
USER = Terms(uid=5)


@pytest.mark.parametrize(
    ("terms", "chosen"),
    [
        ([ALL], Chosen()),
        ([FIRST], Chosen(cpus=[0, 1])),
        ([FIRST, LAST], Chosen(cpus=[1])),
        ([ALL, FIRST], Chosen(cpus=[0, 1])),
        ([FIRST, ALL], Chosen(cpus=[0, 1])),
        ([ALL, FIRST, ALL], Chosen(cpus=[])),
        ([FIRST, USER], Chosen(True, [0, 1])),
        ([ALL, Terms(comm="a"), Terms(cgroup=7), ALL], Chosen(True)),
        ([ALL, Terms(calls=frozenset({3}), slower_ns=5, path="/")], Chosen()),
    ],
)
def test_terms_that_change(terms, chosen):
    narrowed = FilterFlag(0)
    for one in terms:
        narrowed |= FilterFlag(Filter.parse(one.pack()).flags)
    status = SimpleNamespace(terms=terms[-1], narrowed=narrowed)
    assert chosen_until(status, terms[0]) == chosen
    if len(terms) == 1:
        assert chosen_by(terms[0]) == chosen
