"""A whole capture has no fault; each kind of damage gives just its sentence."""

from __future__ import annotations

from dataclasses import replace

import pytest

from subbuffers import SubBuffer
from tracectl.abi.records import (
    FRAMING_KINDS,
    KINDS,
    LOST_CAUSES,
    NEAR_KINDS,
    OTHER_SLOT,
    SHAPES,
    Kind,
)
from tracectl.abi.totals import CpuTotals, SyscallTotals
from tracectl.analysis.balance import (
    count_of,
    count_records,
    find_faults,
    iter_call_balances,
)

GETPID, OPENAT = 39, 257


def totals(cpu=0, *, subbufs=0, generated=(), lost=(), syscalls=()):
    def by_kind(counts):
        return [dict(counts).get(kind, 0) for kind in range(KINDS)]

    return CpuTotals(
        cpu=cpu,
        generated=by_kind(generated),
        lost=by_kind(lost),
        lost_by_cause=[0] * LOST_CAUSES,
        filtered=0,
        subbufs=subbufs,
        syscalls={slot: SyscallTotals(*counts) for slot, counts in dict(syscalls).items()},
    )


def faults(subbuffers, *all_totals):
    return find_faults(count_records(count_of(sub.decode()) for sub in subbuffers), all_totals)


def a_capture():
    """Two CPUs, every kind that a test can make, calls of two ABIs and of no table."""
    first = SubBuffer(cpu=0, seq=0).entry(10, 1, GETPID).exit(20, 1, GETPID, 1)
    first.entry(30, 1, OPENAT).name(40, 1, b"/etc/passwd").far_exit(50, 1, OPENAT, 3)
    second = SubBuffer(cpu=0, seq=1).entry(60, 2, 3, abi_=1).exec(70, 2, 2)
    other = SubBuffer(cpu=3, seq=0).entry(15, 5, 20000).far_exit(25, 5, 600).far_exit(35, 6, -1)
    return [first, second, other]


def its_totals():
    return (
        totals(
            0,
            subbufs=2,
            generated={Kind.ENTRY: 3, Kind.EXIT: 2, Kind.NAME: 1, Kind.EXEC: 1},
            syscalls={GETPID: (1, 1, 0, 0), OPENAT: (1, 1, 0, 0), SHAPES + 3: (1, 0, 0, 0)},
        ),
        totals(
            3,
            subbufs=1,
            generated={Kind.ENTRY: 1, Kind.EXIT: 2},
            syscalls={OTHER_SLOT: (1, 2, 0, 0)},
        ),
    )


def test_a_whole_capture():
    assert faults(a_capture(), *its_totals()) == []


def test_an_idle_cpu():
    assert faults([], totals(7)) == []
    assert faults([], totals(7, subbufs=1)) == ["CPU 7: 1 of 1 sub-buffers missing (0)"]


def test_what_was_lost_is_accounted_for():
    subbuffer = SubBuffer(lost=5).entry(10, 1, GETPID)
    whole = totals(
        subbufs=1,
        generated={Kind.ENTRY: 3, Kind.EXIT: 2, Kind.TASK_EXIT: 1},
        lost={Kind.ENTRY: 2, Kind.EXIT: 2, Kind.TASK_EXIT: 1},
        syscalls={GETPID: (3, 2, 2, 2)},
    )
    assert faults([subbuffer], whole) == []


@pytest.mark.parametrize(
    ("present", "subbufs", "sentence"),
    [
        ([0, 2, 3], 4, "CPU 2: 1 of 4 sub-buffers missing (1)"),
        ([1, 2], 4, "CPU 2: 2 of 4 sub-buffers missing (0, 3)"),
        ([1], 6, "CPU 2: 5 of 6 sub-buffers missing (0, 2, 3, 4, 5)"),
        ([1], 7, "CPU 2: 6 of 7 sub-buffers missing (0, 2, 3, 4, 5, …)"),
    ],
)
def test_a_missing_subbuffer(present, subbufs, sentence):
    # TASK is no event, so nothing but the number tells.
    subbuffers = [SubBuffer(cpu=2, seq=seq).task(10 + seq, 1) for seq in present]
    assert faults(subbuffers, totals(2, subbufs=subbufs)) == [sentence]


@pytest.mark.parametrize(
    "kind",
    [kind for kind in Kind if kind not in FRAMING_KINDS | NEAR_KINDS],
    ids=lambda kind: kind.name,
)
def test_an_event_too_few(kind):
    whole = totals(1, subbufs=1, generated={kind: 4}, lost={kind: 3})
    assert faults([SubBuffer(cpu=1).task(10, 1)], whole) == [
        f"CPU 1: {kind.name}: 0 recorded + 3 lost != 4 generated"
    ]


def test_an_event_too_many():
    subbuffer = SubBuffer().name(10, 1, b"/a").name(11, 1, b"/b")
    assert faults([subbuffer], totals(subbufs=1, generated={Kind.NAME: 1})) == [
        "CPU 0: NAME: 2 recorded + 0 lost != 1 generated"
    ]


def test_exits_of_all_kinds_are_counted_together():
    subbuffer = SubBuffer().entry(9, 1, GETPID).exit(10, 1, GETPID).far_exit(11, 1, GETPID)
    subbuffer.entry(12, 1, GETPID).exit(13, 1, GETPID, 1 << 40)
    syscalls = {GETPID: (2, 3, 0, 0)}
    counts = {Kind.ENTRY: 2, Kind.EXIT: 3}
    assert faults([subbuffer], totals(subbufs=1, generated=counts, syscalls=syscalls)) == []
    counts[Kind.EXIT] = 4
    assert faults([subbuffer], totals(subbufs=1, generated=counts, syscalls=syscalls)) == [
        "CPU 0: EXIT: 3 recorded + 0 lost != 4 generated"
    ]


def test_task_and_time_are_no_events():
    subbuffer = SubBuffer().task(10, 1).task(10 + 2**32, 2)
    assert faults([subbuffer], totals(subbufs=1)) == []


@pytest.mark.parametrize(
    "counts", [(2, 1, 0, 0), (1, 2, 0, 0), (1, 1, 1, 0), (1, 1, 0, 1), (2, 1, 0, 1)]
)
def test_a_system_call_that_does_not_add_up(counts):
    subbuffer = SubBuffer().entry(10, 1, GETPID).exit(20, 1, GETPID)
    generated = {Kind.ENTRY: 1, Kind.EXIT: 1}
    whole = totals(subbufs=1, generated=generated, syscalls={GETPID: counts})
    assert faults([subbuffer], whole) == ["CPU 0: system call slot 39 does not add up"]


@pytest.mark.parametrize(
    ("nr", "abi", "slot"),
    [(0, 0, 0), (511, 0, 511), (512, 0, 1536), (-1, 0, 1536), (5, 1, 517), (511, 2, 1535),
     (512, 1, 1536), (1, 3, 1536)],
)  # fmt: skip
def test_the_slot_of_a_system_call(nr, abi, slot):
    subbuffer = SubBuffer().far_exit(10, 1, nr, abi_=abi)
    counted = count_records([count_of(subbuffer.decode())])[0]
    assert counted.exits.nonzero()[0].tolist() == [slot]
    assert not counted.entries.any()


def test_disorder():
    subbuffers = [
        SubBuffer(cpu=4, seq=0).task(10, 1).task(50, 2),
        SubBuffer(cpu=4, seq=1).task(49, 1).task(60, 2),
        SubBuffer(cpu=4, seq=2).task(60, 1).task(70, 2),
        SubBuffer(cpu=4, seq=3).task(8, 1),
    ]
    whole = totals(4, subbufs=4)
    assert faults(subbuffers, whole) == ["CPU 4: 2 sub-buffers begin before the last"]


def test_a_subbuffer_may_begin_when_the_last_ended():
    subbuffers = [SubBuffer(seq=seq).task(50, seq) for seq in range(2)]
    assert faults(subbuffers, totals(subbufs=2)) == []


def test_each_cpu_has_its_own_faults():
    first, second, other = a_capture()
    assert faults([first, other], *its_totals()) == [
        "CPU 0: 1 of 2 sub-buffers missing (1)",
        "CPU 0: ENTRY: 2 recorded + 0 lost != 3 generated",
        "CPU 0: EXEC: 0 recorded + 0 lost != 1 generated",
        "CPU 0: system call slot 515 does not add up",
    ]
    assert faults([first, second], *its_totals()) == [
        "CPU 3: 1 of 1 sub-buffers missing (0)",
        "CPU 3: ENTRY: 0 recorded + 0 lost != 1 generated",
        "CPU 3: EXIT: 0 recorded + 0 lost != 2 generated",
        "CPU 3: system call slot 1536 does not add up",
    ]


def test_a_cpu_that_no_total_knows():
    records = [SubBuffer(cpu=9).entry(1, 1, 0)]
    assert faults(records) == ["CPU 9: in the file, but not in the totals of its end block"]


def test_a_subbuffer_that_is_there_twice():
    twice = [SubBuffer(seq=0).task(5, 1), SubBuffer(seq=0).task(5, 1)]
    assert "CPU 0: 1 of 1 sub-buffers too many (0)" in faults(twice, totals(0, subbufs=1))


def withheld(call, *, lost=0, rejected=0):
    """Of ``call`` getpid calls that were withheld on CPU 3, and ended on CPU 0."""
    begun = SyscallTotals(0, 0, 0, 0, withheld=call)
    told = SyscallTotals(
        1 + lost, 1 + lost, lost, lost, rejected, calls_lost=lost, rejected=rejected
    )
    ended = totals(
        0, subbufs=1, generated={Kind.ENTRY: 1 + lost, Kind.EXIT: 1 + lost},
        lost={Kind.ENTRY: lost, Kind.EXIT: lost},
    )  # fmt: skip
    return (
        replace(ended, syscalls={GETPID: told}, filtered=2 * rejected),
        replace(totals(3), syscalls={GETPID: begun}),
    )


def test_withheld_calls_are_recorded_lost_or_filtered_out():
    capture = SubBuffer().call(50, 1, GETPID, 10, 1)
    assert faults([capture], *withheld(1)) == []
    assert faults([capture], *withheld(4, lost=1, rejected=2)) == []
    (fault,) = faults([capture], *withheld(5, lost=1, rejected=2))
    assert "slot 39: 1 recorded + 1 lost + 2 filtered out != 5 withheld" in fault


def test_calls_that_were_filtered_out_are_events_that_were():
    counts = SyscallTotals(0, 0, 0, 0, 5, skipped=3)
    whole = replace(totals(2), syscalls={GETPID: counts}, filtered=8)
    assert faults([], whole) == []
    (fault,) = faults([], replace(whole, filtered=7))
    assert fault == "CPU 2: 8 calls filtered out, but only 7 events"
    rejected = replace(counts, rejected=6, withheld=6)
    (fault,) = faults([], replace(whole, syscalls={GETPID: rejected}))
    assert fault == "CPU 2: system call slot 39: 6 rejected, but only 5 filtered out"


def test_what_became_of_calls():
    first, second = its_totals()
    counts = SyscallTotals(4, 1, 3, 0, 5, skipped=20)
    first = replace(first, syscalls={**first.syscalls, GETPID: counts})
    counted = count_records(count_of(sub.decode()) for sub in a_capture())
    balances = {(one.cpu, one.slot): one for one in iter_call_balances(counted, [first, second])}
    assert len(balances) == 4
    one = balances[0, GETPID]
    assert (one.made, one.recorded, one.lost, one.filtered) == (29, 1, 3, 25)
    assert balances[0, SHAPES + 3].made == balances[3, OTHER_SLOT].made == 1
