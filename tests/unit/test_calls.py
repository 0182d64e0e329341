"""Entries find their exits; what a loss made doubtful is not paired."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from captures import write_capture
from subbuffers import SHAPES, Machine, Step, SubBuffer
from tracectl.abi.totals import CpuTotals
from tracectl.analysis.calls import Calls, State, join_calls, sort_calls
from tracectl.analysis.merge import Done, iter_ordered, read_calls
from tracectl.analysis.pairing import Pairing, pair_calls
from tracectl.capture.reader import open_capture
from tracectl.decode.subbuffer import Records

READ, GETPID, EXECVE, OPENAT, FUTEX, CLONE = 0, 39, 59, 257, 202, 56
RT_SIGRETURN = 15
PAIRED, UNFINISHED, NO_ENTRY = State.PAIRED, State.UNFINISHED, State.NO_ENTRY


def pair(*subbuffers: SubBuffer, totals: list[CpuTotals] | None = None) -> Calls:
    """``totals``: those of a capture that ends with the sub-buffers given, unless told."""
    records = [subbuffer.decode() for subbuffer in subbuffers]
    if totals is None:
        totals = totals_of(records)
    return pair_records(records, totals)


def pair_records(records: list[Records], totals: list[CpuTotals]) -> Calls:
    """As they come out of a file: the CPU that is behind comes next. The calls have to be the same
    when all of it is paired at once."""
    expected, pairing = pair_calls(records, SHAPES, totals), Pairing(SHAPES, totals)
    queues = {one.cpu: [two for two in records if two.cpu == one.cpu] for one in records}
    done, settled_ns = [], dict.fromkeys(queues, 0)
    while settled_ns:
        cpu = min(settled_ns, key=settled_ns.__getitem__)
        if not queues[cpu]:
            del settled_ns[cpu]
            continue
        one = queues[cpu].pop(0)
        settled_ns[cpu] = one.last_ns
        now_ns = min(settled_ns.values())
        done.append(Done(pairing.add(one), pairing.horizon_ns, now_ns))
        done.append(Done(pairing.advance(now_ns), pairing.horizon_ns, now_ns))
    done.append(Done(pairing.finish(), pairing.horizon_ns, pairing.horizon_ns))
    calls = join_calls(list(iter_ordered(done)))
    if any(len(one.whole) for one in records):
        calls = sort_calls(calls)
    assert rows(calls) == rows(expected)
    assert named(calls) == named(expected)
    return calls


def totals_of(records: list[Records]) -> list[CpuTotals]:
    last = {one.cpu: one for one in records}
    return [total(one.cpu, one.seq + 1, sum(one.lost)) for one in last.values()]


def total(cpu: int, subbufs: int, lost: int = 0) -> CpuTotals:
    return CpuTotals(cpu, [], [], [lost], 0, subbufs, {})


def rows(calls: Calls) -> list[tuple]:
    """(tid, nr, state, entry_ns, exit_ns, result) of each call."""
    columns = calls.tid, calls.nr, calls.state, calls.entry_ns, calls.exit_ns, calls.result
    return list(zip(*(column.tolist() for column in columns), strict=True))


def named(calls: Calls) -> list[tuple[int, bytes]]:
    """(entry_ns of the call, name) of each name, by call."""
    entries = calls.entry_ns[calls.name_row].tolist() if calls.name_row else []
    return list(zip(entries, calls.names, strict=True))


def test_no_records_are_no_calls():
    calls = pair()
    assert len(calls) == 0
    assert calls.arguments.shape == (0, 6)
    assert calls.names == []
    assert len(pair(SubBuffer().task(5, 1))) == 0


def test_a_call():
    arguments = [3, 0x7FFF_0000_1000, 4096]
    subbuffer = SubBuffer(tgids={12: 10})
    calls = pair(subbuffer.entry(1000, 12, READ, arguments).exit(1700, 12, READ, 4096))
    assert rows(calls) == [(12, READ, PAIRED, 1000, 1700, 4096)]
    assert calls.tgid.tolist() == [10]
    assert calls.abi.tolist() == [0]
    assert calls.arguments.tolist() == [[*arguments, 0, 0, 0]]
    assert calls.duration_ns.tolist() == [700]


def test_arguments_are_not_sign_extended():
    calls = pair(SubBuffer().entry(1, 1, OPENAT, [-100 & (1 << 64) - 1, 0x1000, 0, 0]))
    assert calls.arguments.tolist() == [[2**32 - 100, 0x1000, 0, 0, 0, 0]]


def test_a_call_of_i386():
    calls = pair(SubBuffer().entry(1, 1, 3, [9, 0xFFFF_0000, 7], abi_=1).exit(5, 1, 3, -9, abi_=1))
    assert rows(calls) == [(1, 3, PAIRED, 1, 5, -9)]
    assert calls.abi.tolist() == [1]
    assert calls.arguments.tolist() == [[9, 0xFFFF_0000, 7, 0, 0, 0]]


def test_calls_are_in_order_of_time():
    early = SubBuffer(cpu=0).entry(10, 1, READ).exit(90, 1, READ)
    late = SubBuffer(cpu=1).entry(5, 2, GETPID).exit(6, 2, GETPID).far_exit(20, 3, CLONE)
    assert rows(pair(early, late)) == [
        (2, GETPID, PAIRED, 5, 6, 0),
        (1, READ, PAIRED, 10, 90, 0),
        (3, CLONE, NO_ENTRY, 0, 20, 0),
    ]


def test_threads_that_take_turns_on_a_cpu():
    subbuffer = SubBuffer().entry(10, 1, READ).entry(20, 2, GETPID)
    subbuffer.far_exit(30, 1, READ, 11).far_exit(40, 2, GETPID, 22)
    assert rows(pair(subbuffer)) == [
        (1, READ, PAIRED, 10, 30, 11),
        (2, GETPID, PAIRED, 20, 40, 22),
    ]


def test_a_near_exit_needs_no_whole_capture():
    # It says that nothing came in between, whatever other CPUs lost.
    whole = SubBuffer(cpu=0).entry(10, 1, READ).exit(100, 1, READ)
    other = SubBuffer(cpu=1, seq=3).task(200, 2)
    assert rows(pair(whole, other)) == [(1, READ, PAIRED, 10, 100, 0)]


@pytest.mark.parametrize("result", [0x7F12_3456_7000, -(2**63), -2, 2**15 - 1, 2**15, -(2**15)])
def test_results(result):
    near = SubBuffer().entry(10, 1, 9).exit(50, 1, 9, result)
    far = SubBuffer().entry(10, 1, 9).far_exit(50, 1, 9, result)
    assert rows(pair(near)) == rows(pair(far)) == [(1, 9, PAIRED, 10, 50, result)]


def test_a_call_longer_than_the_clock_of_records():
    calls = pair(SubBuffer().entry(10, 1, FUTEX).far_exit(10 + 2**40, 1, FUTEX, 0))
    assert rows(calls) == [(1, FUTEX, PAIRED, 10, 10 + 2**40, 0)]


def test_a_call_across_subbuffers():
    first = SubBuffer(seq=0).entry(10, 1, FUTEX)
    second = SubBuffer(seq=1).far_exit(20, 1, FUTEX, 1)
    assert rows(pair(first, second)) == [(1, FUTEX, PAIRED, 10, 20, 1)]


def test_a_thread_that_migrates():
    here = SubBuffer(cpu=0).entry(10, 1, FUTEX, [0x1000]).entry(60, 1, GETPID)
    there = SubBuffer(cpu=1).far_exit(50, 1, FUTEX, 7).far_exit(70, 1, GETPID, 1)
    expected = [(1, FUTEX, PAIRED, 10, 50, 7), (1, GETPID, PAIRED, 60, 70, 1)]
    assert rows(pair(here, there)) == expected
    assert rows(pair(there, here)) == expected


def test_a_lost_entry():
    calls = pair(SubBuffer(lost=1).far_exit(20, 1, GETPID, 5).entry(30, 1, READ).exit(40, 1, READ))
    assert rows(calls) == [(1, GETPID, NO_ENTRY, 0, 20, 5), (1, READ, PAIRED, 30, 40, 0)]


def test_a_lost_exit():
    calls = pair(SubBuffer().entry(10, 1, READ).entry(30, 1, GETPID).exit(40, 1, GETPID))
    assert rows(calls) == [(1, READ, UNFINISHED, 10, 0, 0), (1, GETPID, PAIRED, 30, 40, 0)]


def test_a_call_that_never_returns():
    calls = pair(SubBuffer().entry(10, 1, 231, [3]))
    assert rows(calls) == [(1, 231, UNFINISHED, 10, 0, 0)]


def test_another_threads_entry_is_none():
    calls = pair(SubBuffer().entry(10, 1, READ).far_exit(20, 2, READ))
    assert rows(calls) == [(1, READ, UNFINISHED, 10, 0, 0), (2, READ, NO_ENTRY, 0, 20, 0)]


@pytest.mark.parametrize(("seq", "lost"), [(1, 2), (2, 0)])
def test_a_wide_exit_does_not_pair_across_a_gap(seq, lost):
    # An exit and the entry of another call may be what is missing.
    before = SubBuffer(seq=0).entry(10, 1, FUTEX)
    after = SubBuffer(seq=seq, lost=lost).far_exit(20, 1, FUTEX)
    assert rows(pair(before, after)) == [
        (1, FUTEX, UNFINISHED, 10, 0, 0),
        (1, FUTEX, NO_ENTRY, 0, 20, 0),
    ]


def test_a_gap_on_another_cpu_is_a_gap():
    # The thread may have run there.
    here = SubBuffer(cpu=0).entry(10, 1, FUTEX).far_exit(60, 1, FUTEX)
    there = SubBuffer(cpu=1).task(5, 2), SubBuffer(cpu=1, seq=1, lost=4).task(40, 2)
    assert [row[2] for row in rows(pair(here, *there))] == [UNFINISHED, NO_ENTRY]


def test_a_gap_before_or_after_a_call_is_none():
    here = SubBuffer(cpu=0).entry(50, 1, FUTEX).far_exit(60, 1, FUTEX)
    there = [SubBuffer(cpu=1, seq=seq).task(time, 2) for seq, time in ((2, 40), (3, 70), (5, 90))]
    assert rows(pair(here, *there)) == [(1, FUTEX, PAIRED, 50, 60, 0)]


def test_events_lost_before_the_first_subbuffer():
    here = SubBuffer(cpu=0).entry(10, 1, FUTEX).far_exit(60, 1, FUTEX)
    there = SubBuffer(cpu=1, lost=1).task(40, 2)
    assert [row[2] for row in rows(pair(here, there))] == [UNFINISHED, NO_ENTRY]


def test_the_same_loss_count_is_no_new_gap():
    buffers = [
        SubBuffer(seq=0, lost=3).entry(10, 1, FUTEX),
        SubBuffer(seq=1, lost=3).far_exit(20, 1, FUTEX),
    ]
    assert rows(pair(*buffers)) == [(1, FUTEX, PAIRED, 10, 20, 0)]


def test_exec_in_a_thread_takes_the_leaders_tid():
    subbuffer = SubBuffer(tgids={101: 100, 102: 100})
    subbuffer.entry(5, 100, FUTEX).entry(6, 101, GETPID).exit(7, 101, GETPID)
    subbuffer.entry(8, 102, READ).entry(10, 101, EXECVE).name(11, 101, b"/bin/sh")
    subbuffer.exec(20, 100, 101).far_exit(30, 100, EXECVE).entry(40, 100, GETPID)
    calls = pair(subbuffer)
    assert rows(calls) == [
        (100, FUTEX, UNFINISHED, 5, 0, 0),
        (101, GETPID, PAIRED, 6, 7, 0),
        (102, READ, UNFINISHED, 8, 0, 0),
        (100, EXECVE, PAIRED, 10, 30, 0),
        (100, GETPID, UNFINISHED, 40, 0, 0),
    ]
    assert named(calls) == [(10, b"/bin/sh")]


def test_exec_in_a_thread_while_the_leader_is_in_a_call():
    calls = pair(
        SubBuffer(tgids={101: 100})
        .entry(10, 101, EXECVE)
        .entry(12, 100, OPENAT)
        .name(13, 101, b"/bin/sh")
        .exec(20, 100, 101)
        .far_exit(30, 100, EXECVE)
    )
    assert rows(calls) == [
        (100, EXECVE, PAIRED, 10, 30, 0),
        (100, OPENAT, UNFINISHED, 12, 0, 0),
    ]
    assert named(calls) == [(10, b"/bin/sh")]


def test_exec_whose_entry_was_lost_takes_no_other_call_along():
    calls = pair(
        SubBuffer(tgids={101: 100}).entry(5, 101, GETPID).exit(6, 101, GETPID),
        SubBuffer(seq=2, tgids={101: 100}).exec(20, 100, 101).far_exit(30, 100, EXECVE),
    )
    assert rows(calls) == [(101, GETPID, PAIRED, 5, 6, 0), (100, EXECVE, NO_ENTRY, 0, 30, 0)]


def test_a_name_across_a_gap_is_of_another_call():
    calls = pair(
        SubBuffer(seq=0).entry(10, 1, OPENAT).name(11, 1, b"/a"),
        SubBuffer(seq=2).name(31, 1, b"/b").far_exit(32, 1, OPENAT, 3),
    )
    assert named(calls) == [(10, b"/a")]


@pytest.mark.parametrize("totals", [[total(0, 1), total(1, 2)], [total(0, 1), total(1, 1, 1)]])
def test_what_is_missing_at_the_end_shows_in_the_totals(totals):
    waits = SubBuffer(cpu=0).entry(10, 1, FUTEX).far_exit(40, 1, FUTEX, 7)
    calls = pair(waits, SubBuffer(cpu=1).task(5, 2), totals=totals)
    assert rows(calls) == [(1, FUTEX, UNFINISHED, 10, 0, 0), (1, FUTEX, NO_ENTRY, 0, 40, 7)]


def test_without_an_end_block_the_last_second_is_in_doubt(tmp_path):
    second = 1_000_000_000
    waits = SubBuffer(cpu=0).entry(10, 1, FUTEX).far_exit(40, 1, FUTEX, 7)
    waits.entry(3 * second, 1, FUTEX).far_exit(3 * second + 9, 1, FUTEX, 7)
    path = write_capture(tmp_path / "a.trace", [waits, SubBuffer(cpu=1).task(5, 2)], is_ended=False)
    with open_capture(path) as capture:
        calls = read_calls(capture)
    assert rows(calls)[0] == (1, FUTEX, PAIRED, 10, 40, 7)
    assert rows(calls)[1][2] == UNFINISHED


def test_whole_calls_are_calls():
    subbuffer = SubBuffer().entry(30, 2, READ).far_exit(35, 2, READ, 5).name(40, 1, b"/in")
    subbuffer.call(50, 1, OPENAT, 10, -2, (7, 8, 9, 0)).call(60, 1, GETPID, 55, 1)
    calls = pair(subbuffer)
    assert sorted(rows(calls), key=lambda row: row[3]) == [
        (1, OPENAT, PAIRED, 10, 50, -2),
        (2, READ, PAIRED, 30, 35, 5),
        (1, GETPID, PAIRED, 55, 60, 1),
    ]
    assert named(calls) == [(10, b"/in")]
    assert calls.arguments[calls.nr == OPENAT].tolist() == [[7, 8, 9, 0, 0, 0]]


def test_copies_of_a_whole_call_may_come_long_before_it():
    first = SubBuffer(seq=0).call(5, 1, GETPID, 4, 1).entry(10, 2, READ).far_exit(12, 2, READ, 5)
    first.name(13, 1, b"/rejected").name(14, 3, b"/of three")
    second = SubBuffer(seq=1).entry(20, 2, READ).far_exit(22, 2, READ, 5).name(25, 1, b"/blocks")
    second.entry(26, 2, READ).far_exit(27, 2, READ, 5)
    third = SubBuffer(seq=2, lost=3).entry(60, 2, READ).far_exit(65, 2, READ, 5)
    third.call(70, 1, OPENAT, 24, 3, (7, 8, 9, 0)).call(71, 3, OPENAT, 13, 4)
    found = pair(first, second, third)
    assert (1, OPENAT, PAIRED, 24, 70, 3) in rows(found)
    assert (3, OPENAT, PAIRED, 13, 71, 4) in rows(found)
    assert sorted(named(found)) == [(13, b"/of three"), (24, b"/blocks")]


def test_exec_in_a_leader_renames_nothing():
    calls = pair(SubBuffer().entry(10, 100, EXECVE).exec(20, 100, 100).far_exit(30, 100, EXECVE))
    assert rows(calls) == [(100, EXECVE, PAIRED, 10, 30, 0)]


def test_a_tid_used_again_after_exec_is_another_thread():
    subbuffer = SubBuffer().entry(10, 101, EXECVE).exec(20, 100, 101).far_exit(30, 100, EXECVE)
    subbuffer.entry(40, 101, READ).exit(50, 101, READ, 3)
    assert rows(pair(subbuffer)) == [
        (100, EXECVE, PAIRED, 10, 30, 0),
        (101, READ, PAIRED, 40, 50, 3),
    ]


def test_names_belong_to_the_call_they_are_in():
    subbuffer = SubBuffer().entry(10, 1, OPENAT).entry(11, 2, OPENAT).name(12, 2, b"/two")
    subbuffer.name(13, 1, b"/one").far_exit(14, 2, OPENAT, 4).far_exit(15, 1, OPENAT, 3)
    subbuffer.entry(16, 1, OPENAT).name(17, 1, b"").exit(18, 1, OPENAT, -2)
    assert named(pair(subbuffer)) == [(10, b"/one"), (11, b"/two"), (16, b"")]


def test_exec_opens_its_program_and_the_interpreter():
    subbuffer = SubBuffer().entry(10, 1, EXECVE).name(11, 1, b"/tmp/script")
    subbuffer.name(12, 1, b"/bin/sh").name(13, 1, b"/lib64/ld-linux-x86-64.so.2")
    subbuffer.exec(14, 1, 1).far_exit(15, 1, EXECVE)
    assert named(pair(subbuffer)) == [
        (10, b"/tmp/script"),
        (10, b"/bin/sh"),
        (10, b"/lib64/ld-linux-x86-64.so.2"),
    ]


def test_a_name_of_a_thread_that_migrates():
    here = SubBuffer(cpu=1).entry(10, 1, OPENAT).name(11, 2, b"/worker")
    there = SubBuffer(cpu=0).name(20, 1, b"/moved").far_exit(30, 1, OPENAT, 3)
    assert named(pair(there, here)) == [(10, b"/moved")]


def test_a_name_outside_any_call_has_none():
    # io_uring's workers open files without a call.
    subbuffer = SubBuffer().name(5, 1, b"/early").entry(10, 1, READ).exit(20, 1, READ)
    assert named(pair(subbuffer.name(30, 1, b"/late"))) == []


def test_a_new_threads_return():
    subbuffer = SubBuffer().entry(10, 1, CLONE).far_exit(20, 1, CLONE, 2)
    subbuffer.far_exit(30, 2, CLONE, 0).entry(40, 2, GETPID).exit(50, 2, GETPID, 2)
    assert rows(pair(subbuffer)) == [
        (1, CLONE, PAIRED, 10, 20, 2),
        (2, CLONE, NO_ENTRY, 0, 30, 0),
        (2, GETPID, PAIRED, 40, 50, 2),
    ]


def test_an_exit_with_another_number_ends_the_call():
    # rt_sigreturn exits as number -1, exec may change the ABI.
    subbuffer = SubBuffer().entry(10, 1, RT_SIGRETURN).exit(20, 1, -1, 5)
    subbuffer.entry(30, 1, EXECVE).far_exit(40, 1, 11, 0, abi_=1)
    calls = pair(subbuffer)
    assert rows(calls) == [(1, RT_SIGRETURN, PAIRED, 10, 20, 5), (1, EXECVE, PAIRED, 30, 40, 0)]
    assert calls.abi.tolist() == [0, 0]


@pytest.mark.parametrize("nr", [511, 512, 0x3FFE, 0x3FFF, 0x4000, 0x12345678, 2**40, -1])
@pytest.mark.parametrize("abi_", [0, 1, 2])
def test_numbers_that_no_table_has(nr, abi_):
    arguments = [2**64 - 1, 2, 3, 4, 5, 2**63]
    subbuffer = SubBuffer().entry(10, 1, nr, arguments, abi_=abi_)
    calls = pair(subbuffer.exit(20, 1, nr, -38, abi_=abi_))
    assert rows(calls) == [(1, nr, PAIRED, 10, 20, -38)]
    assert calls.arguments.tolist() == [arguments]
    assert calls.abi.tolist() == [abi_]


THREADS, CPUS, MOST = 3, 2, 40
NUMBERS = [READ, GETPID, OPENAT, FUTEX, 600, 20000]
STEP = st.builds(
    Step,
    thread=st.integers(0, THREADS - 1),
    cpu=st.integers(0, CPUS - 1),
    gap_ns=st.one_of(st.integers(1, 100), st.just(2**31), st.just(2**33)),
    nr=st.sampled_from(NUMBERS),
    opens=st.booleans(),
    is_wide=st.booleans(),
    is_last=st.booleans(),
)
# A wrong pair takes a few sub-buffers, about every other one of them missing.
LONG = st.lists(STEP, min_size=MOST // 2, max_size=MOST)
DROPS = st.integers(0, 2**MOST - 1)


SETTINGS = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@SETTINGS
@given(steps=st.lists(STEP, max_size=MOST))
def test_without_loss_calls_are_what_happened(way, steps):
    machine = Machine(THREADS).run(steps)
    calls = pair(*machine.done)
    assert rows(calls) == machine.calls
    assert named(calls) == sorted(machine.names, key=lambda name: name[0])


@SETTINGS
@given(steps=LONG, drops=DROPS)
def test_with_missing_subbuffers_no_pair_is_wrong(way, steps, drops):
    machine = Machine(THREADS).run(steps)
    totals = [total(cpu, count) for cpu, count in machine.seqs.items()]
    happened = set(machine.calls)
    for row in rows(pair(*_drop_some(machine, drops), totals=totals)):
        assert row[2] != PAIRED or row in happened


@SETTINGS
@given(steps=LONG, drops=DROPS)
def test_with_lost_events_no_pair_is_wrong(way, steps, drops):
    machine = Machine(THREADS).run(steps)
    kept = _drop_some(machine, drops)
    # What the module loses, the next header counts; sub-buffers are numbered without a hole.
    lost, seqs, by_seq = Counter(), Counter(), {(sub.cpu, sub.seq): sub for sub in kept}
    for subbuffer in sorted(machine.done, key=lambda sub: sub.seq):
        cpu = subbuffer.cpu
        if (cpu, subbuffer.seq) in by_seq:
            subbuffer.lost, subbuffer.seq = lost[cpu], seqs[cpu]
            seqs[cpu] += 1
        else:
            lost[cpu] += len(subbuffer)
    totals = [total(cpu, seqs[cpu], lost[cpu]) for cpu in machine.seqs]
    happened = set(machine.calls)
    for row in rows(pair(*kept, totals=totals)):
        assert row[2] != PAIRED or row in happened


def _drop_some(machine: Machine, drops: int) -> list[SubBuffer]:
    """Without those whose bit is set."""
    return [subbuffer for index, subbuffer in enumerate(machine.done) if not drops >> index & 1]
