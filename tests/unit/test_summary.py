"""Calls summed up by system call."""

from __future__ import annotations

import numpy as np
import pytest

from tracectl.analysis.calls import Calls, State
from tracectl.analysis.summary import SyscallRow, summarize

READ, GETPID, OPENAT = 0, 39, 257
UNFINISHED, NO_ENTRY = State.UNFINISHED, State.NO_ENTRY


def call(nr, duration_ns=0, result=0, *, state=State.PAIRED, abi=0):
    return {"nr": nr, "abi": abi, "duration_ns": duration_ns, "result": result, "state": state}


def calls_of(rows):
    """Calls that begin at 1000 ns; what is missing of them is 0, as pair_calls leaves it."""
    begins = [0 if row["state"] == NO_ENTRY else 1000 for row in rows]
    ends = [0 if row["state"] == UNFINISHED else 1000 + row["duration_ns"] for row in rows]
    count = len(rows)

    def column(name):
        return np.array([row[name] for row in rows], np.int64)

    return Calls(
        tid=np.arange(1, count + 1),
        tgid=np.ones(count, np.int64),
        abi=column("abi"),
        nr=column("nr"),
        entry_ns=np.array(begins, np.uint64),
        exit_ns=np.array(ends, np.uint64),
        result=column("result"),
        state=column("state").astype(np.uint8),
        arguments=np.zeros((count, 6), np.uint64),
    )


def summary(*rows):
    return summarize(calls_of(rows))


def test_no_calls():
    assert summary() == []


def test_counts_and_sums():
    rows = summary(call(READ, 10, 5), call(OPENAT, 7, -2), call(READ, 30, -11), call(OPENAT, 2, 3))
    assert rows == [
        SyscallRow(0, READ, 2, 1, total_ns=40, p50_ns=10, p95_ns=30, p99_ns=30, max_ns=30),
        SyscallRow(0, OPENAT, 2, 1, total_ns=9, p50_ns=2, p95_ns=7, p99_ns=7, max_ns=7),
    ]


@pytest.mark.parametrize(
    ("result", "errors"),
    [(0, 0), (1, 0), (-1, 1), (-4095, 1), (-4096, 0), (-(2**63), 0), (2**63 - 1, 0)],
)
def test_an_error_is_a_result_from_minus_4095_to_minus_1(result, errors):
    (row,) = summary(call(READ, 1, result))
    assert (row.calls, row.errors) == (1, errors)


def test_percentiles_are_durations_that_occurred():
    durations_ns = np.random.default_rng(1).permutation(np.arange(1, 1001) * 10).tolist()
    (row,) = summary(*(call(READ, duration_ns) for duration_ns in durations_ns))
    assert row.calls == 1000
    assert row.total_ns == 5_005_000
    assert (row.p50_ns, row.p95_ns, row.p99_ns, row.max_ns) == (5000, 9500, 9900, 10000)


def test_percentiles_of_few_calls():
    (row,) = summary(*(call(READ, duration_ns) for duration_ns in (100, 1, 2)))
    assert (row.p50_ns, row.p95_ns, row.p99_ns, row.max_ns) == (2, 100, 100, 100)
    (row,) = summary(call(READ, 8))
    assert (row.p50_ns, row.p95_ns, row.p99_ns, row.max_ns) == (8, 8, 8, 8)


def test_the_most_time_comes_first():
    rows = summary(
        call(READ, 5), call(GETPID, 1), call(OPENAT, 9), call(GETPID, 1), call(GETPID, 4)
    )
    assert [(row.nr, row.total_ns) for row in rows] == [(OPENAT, 9), (GETPID, 6), (READ, 5)]


def test_a_return_without_an_entry_is_no_call():
    rows = summary(
        call(56, 0, 0, state=NO_ENTRY), call(READ, 3), call(READ, 900, -4, state=NO_ENTRY)
    )
    assert [(row.nr, row.calls, row.errors, row.total_ns) for row in rows] == [(READ, 1, 0, 3)]


def test_a_call_without_an_end_counts_but_took_no_time():
    rows = summary(call(READ, 3), call(READ, state=UNFINISHED), call(231, state=UNFINISHED))
    assert rows == [
        SyscallRow(0, READ, calls=2, errors=0, total_ns=3, p50_ns=3, p95_ns=3, p99_ns=3, max_ns=3),
        SyscallRow(0, 231, calls=1, errors=0, total_ns=0, p50_ns=0, p95_ns=0, p99_ns=0, max_ns=0),
    ]


def test_the_same_number_of_another_abi_is_another_call():
    rows = summary(call(3, 10), call(3, 5, abi=1), call(3, 1, abi=2))
    assert [(row.abi, row.nr, row.calls) for row in rows] == [(0, 3, 1), (1, 3, 1), (2, 3, 1)]


def test_a_negative_number():
    (row,) = summary(call(-1, 10, -38, abi=1))
    assert (row.abi, row.nr, row.errors) == (1, -1, 1)
