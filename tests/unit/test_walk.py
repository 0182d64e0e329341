"""What is compiled finds what numpy finds, and of damage it finds nothing."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import fields, is_dataclass
from functools import partial
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from subbuffers import SHAPES, SubBuffer
from test_calls import LONG, THREADS, Machine
from test_decode import subbuffers
from tracectl import walk
from tracectl.abi.records import GRANULE
from tracectl.analysis import codes, halves, matching, tally
from tracectl.analysis.balance import count_of
from tracectl.analysis.calls import Calls, State
from tracectl.analysis.halves import Half
from tracectl.decode import arguments, near, subbuffer
from tracectl.errors import DecodeError

U32 = st.integers(0, 2**32 - 1)
U63 = st.integers(0, 2**63 - 1)


def plain(value):
    """To compare: columns as lists."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    if is_dataclass(value):
        return [plain(getattr(value, item.name)) for item in fields(value)]
    if isinstance(value, tuple | list):
        return [plain(one) for one in value]
    return value


def both(make):
    """What ``make`` makes, or that it finds damage: compiled, and in numpy alone."""
    assert walk.compiled is not None, "the passes are not compiled: packaging/setup.sh does it"
    found = []
    for way in (walk.compiled, None):
        with mock.patch.object(walk, "compiled", way):
            try:
                found.append(plain(make()))
            except DecodeError as error:
                found.append(str(error))
    return found


def all_of(data):
    records = subbuffer.decode_subbuffer(data)
    parts = [records, near.near_pairs(records), count_of(records)]
    return [*parts, *(halves.split_calls(records, shapes) for shapes in (None, SHAPES))]


@settings(max_examples=200, deadline=None)
@given(subbuffers())
def test_records_and_calls(data):
    compiled, numpy = both(lambda: all_of(data))
    assert compiled == numpy


def test_what_is_sound_is_not_left_to_numpy(monkeypatch):
    def fail(*_):
        raise AssertionError("left to numpy")

    monkeypatch.setattr(subbuffer, "_find_columns", fail)
    monkeypatch.setattr(subbuffer.Records, "near_entries", fail)
    monkeypatch.setattr(arguments, "_unpack", fail)
    for name in ("_rows_left", "_columns_of_calls", "_columns_of_halves"):
        monkeypatch.setattr(halves, name, fail)
    busy = SubBuffer().entry(10, 1, 0, [3, 0, 9]).exit(11, 1, 0, 5).entry(12, 1, 257, [0] * 4)
    busy.name(13, 1, b"/a").far_exit(20, 2, 0, 1).fork(21, 2, 3).call(22, 2, 0, 15, 3, [3, 0, 9])
    calls, left = all_of(busy.build())[-1]
    assert (len(calls), left.half.tolist()) == (1, [3, 0, 2, 1, 3, 0, 5])


@settings(max_examples=50, deadline=None)
@given(LONG)
def test_calls_of_threads_that_take_turns(steps):
    for one in Machine(THREADS).run(steps).done:
        compiled, numpy = both(partial(all_of, one.build()))
        assert compiled == numpy


@settings(max_examples=500, deadline=None)
@given(subbuffers(), st.data())
def test_damage(data, draw):
    damaged = bytearray(data)
    start = 96 + int.from_bytes(data[12:16], "little") // 64
    for _ in range(draw.draw(st.integers(1, 3))):
        # Most of a sub-buffer is its bitmap.
        low = draw.draw(st.sampled_from([0, start]))
        damaged[draw.draw(st.integers(low, len(damaged) - 1))] = draw.draw(st.integers(0, 255))
    compiled, numpy = both(lambda: all_of(bytes(damaged)))
    assert compiled == numpy


@pytest.mark.parametrize("kind", [1, 2])
def test_a_record_without_its_payload(kind):
    """The last one: what it says would be behind the sub-buffer."""
    task = (7).to_bytes(4, "little") + bytes([0, 0, 1, 1]) + bytes(8)
    head = (7).to_bytes(4, "little") + bytes([0, 0, kind, 0])
    data = bytearray(96 + 64) + task + head
    data[96 + 160 // GRANULE // 8] = 0b101 << 160 // GRANULE % 8
    header = np.frombuffer(data, subbuffer._HEADER, 1)[0]
    header["magic"], header["abi"], header["subbuf_bytes"] = subbuffer.SUBBUF_MAGIC, 3, 4096
    header["first_ns"], header["last_ns"], header["records"] = 7, 7, 2
    header["used_bytes"] = len(data)
    compiled, numpy = both(lambda: subbuffer.decode_subbuffer(bytes(data)))
    assert compiled == numpy == "a TASK or TIME record is shorter than its kind"


EVENT = st.tuples(st.integers(0, 5), st.integers(0, 50), st.sampled_from(sorted(Half)))


@given(st.lists(EVENT, max_size=60), st.integers(0, 2**40), st.integers(0, 2**62))
def test_order_and_matches(events, tid, time_ns):
    tids = np.array([event[0] for event in events], np.int64) * tid
    times = np.array([event[1] + time_ns for event in events], np.uint64)
    half = np.array([event[2] for event in events], np.uint8)
    if len(events):
        order, expected = both(lambda: codes.arrange(tids, times))
        assert order == expected == np.lexsort((times, tids)).tolist()
        compiled, numpy = both(lambda: matching.match(np.array(order), tids, half))
        assert compiled == numpy


CALL = st.tuples(st.integers(0, 4), st.sampled_from(sorted(State)), U63, U63, st.integers(-5000, 9))


@given(st.lists(CALL, max_size=40))
def test_sums(rows):
    columns = [np.array(column) for column in zip(*rows, strict=True)] or [np.zeros(0)] * 5
    group, state, entry_ns, spent_ns, result = columns
    zero = np.zeros(len(rows), np.int64)
    entry_ns = entry_ns.astype(np.uint64) >> np.uint64(1)
    calls = Calls(
        tid=zero, tgid=zero, abi=zero, nr=zero, entry_ns=entry_ns,
        exit_ns=entry_ns + (spent_ns.astype(np.uint64) >> np.uint64(1)),
        result=result.astype(np.int64), state=state.astype(np.uint8),
        cpu=zero.astype(np.int32), arguments=np.zeros((len(rows), 0), np.uint64),
    )  # fmt: skip
    compiled, numpy = both(lambda: tally.part_of(list("abcde"), group.astype(np.intp), calls))
    assert compiled == numpy


def test_columns_of_other_sizes_are_refused():
    column = np.zeros(4, np.uint8)
    with pytest.raises(ValueError, match="column 0"):
        walk.compiled.arrange(column, column, column)
    with pytest.raises(TypeError, match="3 arguments"):
        walk.compiled.arrange(column)
    with pytest.raises((BufferError, ValueError)):
        walk.compiled.arrange(*[np.zeros(4, np.int64)] * 2, b"01234567" * 4)
    longer = np.zeros(5, np.int64)
    assert walk.compiled.arrange(longer, longer, longer[:4].copy()) is None


def test_it_can_be_done_without():
    code = "from tracectl import walk; print(walk.compiled)"
    done = subprocess.run(
        [sys.executable, "-c", code], env={"TRACECTL_COMPILED": "0"}, capture_output=True,
        text=True, check=True,
    )  # fmt: skip
    assert done.stdout == "None\n"
