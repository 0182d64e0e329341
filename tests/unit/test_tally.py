"""Calls summed up, in parts and together."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracectl.analysis.calls import Calls, State, join_calls
from tracectl.analysis.groups import Grouper
from tracectl.analysis.histogram import (
    BUCKETS,
    OCTAVES,
    TIMED_BUCKETS,
    bucket_of,
    octave_of,
    quantiles_of_rows,
    value_of,
)
from tracectl.analysis.tally import Row, Tally, part_of
from tracectl.tables.table import load_table

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
        cpu=np.zeros(count, np.int32),
        arguments=np.zeros((count, 6), np.uint64),
    )


NATIVE, NARROW = load_table("x86_64"), load_table("i386")
SYSCALLS = Grouper("syscall", [NATIVE, NARROW, NATIVE])


def summary(*rows):
    """By (ABI, number)."""
    tally = Tally()
    for part in (rows[: len(rows) // 2], rows[len(rows) // 2 :]):
        tally.add(part_of(*SYSCALLS.split(calls_of(part))))
    return tally.rows()


def test_no_calls():
    assert summary() == {}


def test_counts_and_sums():
    rows = summary(call(READ, 10, 5), call(OPENAT, 7, -2), call(READ, 30, -11), call(OPENAT, 2, 3))
    assert rows == {
        (0, READ): Row(2, 1, total_ns=40, p50_ns=10, p95_ns=30, p99_ns=30, max_ns=30),
        (0, OPENAT): Row(2, 1, total_ns=9, p50_ns=2, p95_ns=7, p99_ns=7, max_ns=7),
    }


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 2**63 - 2**10))
def test_a_bucket_knows_its_value_to_1_percent(value):
    bucket = bucket_of(np.array([value], np.uint64))
    assert 0 <= bucket[0] < BUCKETS
    assert abs(int(value_of(bucket)[0]) - value) <= value / 100


def test_small_values_have_buckets_of_their_own():
    values = np.arange(128, dtype=np.uint64)
    assert value_of(bucket_of(values)).tolist() == values.tolist()


DURATIONS = st.lists(st.integers(0, 2**50), min_size=1, max_size=40)


@settings(max_examples=100, deadline=None)
@given(st.lists(DURATIONS, min_size=1, max_size=5))
def test_parts_add_up_to_the_whole(parts):
    tally, whole = Tally(), Tally()
    blocks = [calls_of([call(READ, spent) for spent in part]) for part in parts]
    for block in blocks:
        tally.add(part_of(*SYSCALLS.split(block)))
    whole.add(part_of(*SYSCALLS.split(join_calls(blocks))))
    assert tally.rows() == whole.rows()
    (row,) = tally.rows().values()
    durations_ns = sorted(spent for part in parts for spent in part)
    assert (row.calls, row.total_ns, row.max_ns) == (
        len(durations_ns), sum(durations_ns), durations_ns[-1]
    )  # fmt: skip
    for quantile, found in ((50, row.p50_ns), (95, row.p95_ns), (99, row.p99_ns)):
        exact = durations_ns[math.ceil(len(durations_ns) * quantile / 100) - 1]
        assert abs(found - exact) <= exact / 100


@pytest.mark.parametrize(
    ("result", "errors"),
    [(0, 0), (1, 0), (-1, 1), (-4095, 1), (-4096, 0), (-(2**63), 0), (2**63 - 1, 0)],
)
def test_an_error_is_a_result_from_minus_4095_to_minus_1(result, errors):
    (row,) = summary(call(READ, 1, result)).values()
    assert (row.calls, row.errors) == (1, errors)


def test_percentiles_of_few_calls():
    (row,) = summary(*(call(READ, duration_ns) for duration_ns in (100, 1, 2))).values()
    assert (row.p50_ns, row.p95_ns, row.p99_ns, row.max_ns) == (2, 100, 100, 100)
    (row,) = summary(call(READ, 8)).values()
    assert (row.p50_ns, row.p95_ns, row.p99_ns, row.max_ns) == (8, 8, 8, 8)


def test_keys_that_become_equal_are_one():
    tally, expected = Tally(), Tally()
    for nr in (READ, GETPID, OPENAT):
        calls = calls_of([call(nr, spent, -1) for spent in range(1, 50 + nr)])
        tally.add(part_of(*SYSCALLS.split(calls)))
        expected.add(part_of(["all"], np.zeros(len(calls), np.intp), calls))
    assert tally.renamed(lambda key: "all").rows() == expected.rows()


def test_a_return_without_an_entry_is_no_call():
    rows = summary(
        call(56, 0, 0, state=NO_ENTRY), call(READ, 3), call(READ, 900, -4, state=NO_ENTRY)
    )
    found = {key: row for key, row in rows.items() if row.calls}
    assert found == {(0, READ): Row(1, 0, 3, 3, 3, 3, 3)}


def test_a_call_without_an_end_counts_but_took_no_time():
    rows = summary(call(READ, 3), call(READ, state=UNFINISHED), call(231, state=UNFINISHED))
    assert rows == {
        (0, READ): Row(calls=2, errors=0, total_ns=3, p50_ns=3, p95_ns=3, p99_ns=3, max_ns=3),
        (0, 231): Row(calls=1, errors=0, total_ns=0, p50_ns=0, p95_ns=0, p99_ns=0, max_ns=0),
    }


def test_the_same_number_of_another_abi_is_another_call():
    rows = summary(call(3, 10), call(3, 5, abi=1), call(3, 1, abi=2))
    assert {key: row.calls for key, row in rows.items()} == {(0, 3): 1, (1, 3): 1, (2, 3): 1}


def test_a_negative_number():
    rows = summary(call(-1, 10, -38, abi=1))
    assert rows[1, -1].errors == 1


def test_quantiles_of_many_histograms_are_within_a_bucket():
    durations = np.random.default_rng(1).integers(1, 10**9, (3, 10_000))
    counts = np.stack(
        [
            np.bincount(bucket_of(one.astype(np.uint64)), minlength=TIMED_BUCKETS)
            for one in durations
        ]
    )
    found = quantiles_of_rows(counts, (0.5, 0.95, 0.99))
    exact = np.quantile(durations, (0.5, 0.95, 0.99), axis=1, method="inverted_cdf").T
    assert np.abs(found / exact - 1).max() < 0.01
    assert quantiles_of_rows(np.zeros((1, TIMED_BUCKETS), np.int64), (0.5,)).tolist() == [[0]]


def test_octaves():
    values = np.array([0, 1, 2, 3, 4, 1023, 1 << 42, (1 << 43) - (1 << 30)], np.uint64)
    assert octave_of(bucket_of(values)).tolist() == [0, 0, 1, 1, 2, 9, 42, 42]
    assert int(bucket_of(values).max()) < TIMED_BUCKETS
    assert OCTAVES == 43
