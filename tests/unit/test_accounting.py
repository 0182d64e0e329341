"""Where time went, against a machine that knows it."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from subbuffers import SubBuffer
from tracectl.analysis.accounting import Accountant
from tracectl.analysis.timeline import NO_CALL
from tracectl.capture.metadata import Task

READ, FUTEX, CLONE = 0, 202, 56
SLEEPS, DEAD = 1, 0x80


def _account(*subbuffers, tasks=()):
    """The same whenever it is summed up."""
    found = []
    for steps in ((), range(0, 10_000, 50), (1101, 1401, 1501, 1900)):
        accountant = Accountant(tasks)
        for subbuffer in subbuffers:
            accountant.add(subbuffer.decode())
        for settled_ns in steps:
            accountant.advance(settled_ns)
        found.append({
            (row.tgid, row.call): (
                row.calls, row.user_ns, row.kernel_ns, row.blocked_ns, row.waiting_ns
            )
            for row in accountant.spans()
        })  # fmt: skip
    assert found[1:] == found[:-1]
    return found[0]


def test_a_call_that_waits():
    subbuffer = (
        SubBuffer()
        .entry(1000, 7, READ)
        .switch(1100, 7, 0, SLEEPS)
        .switch(1500, 0, 7)
        .far_exit(1600, 7, READ)
        .switch(1900, 7, 8)
        .switch(2000, 8, 7, SLEEPS)
        .entry(2050, 7, FUTEX)
        .exit(2060, 7, FUTEX)
    )
    assert _account(subbuffer, tasks=[Task(7, 7, 1, "x"), Task(8, 8, 1, "y")]) == {
        (7, READ): (1, 0, 200, 400, 0),
        (7, NO_CALL): (0, 350, 0, 0, 100),
        (7, FUTEX): (1, 0, 10, 0, 0),
        (8, NO_CALL): (0, 100, 0, 960, 0),
    }


def test_a_life_from_fork_to_its_last_switch():
    subbuffer = (
        SubBuffer()
        .entry(1000, 7, CLONE)
        .fork(1010, 7, 9)
        .exit(1020, 7, CLONE, 9)
        .switch(1100, 7, 9)
        .far_exit(1150, 9, CLONE)
        .entry(1250, 9, 231)
        .task_exit(1300, 9)
        .switch(1400, 9, 7, DEAD)
        .entry(1500, 7, READ)
    )
    rows = _account(subbuffer)
    assert rows[9, CLONE] == (0, 0, 50, 0, 90)
    assert rows[9, NO_CALL] == (0, 100, 0, 0, 0)
    assert rows[9, 231] == (1, 0, 150, 0, 0)
    assert rows[7, NO_CALL] == (0, 180, 0, 0, 300)


def test_before_the_first_event():
    """What a thread does first tells what it did before."""
    subbuffer = (
        SubBuffer()
        .entry(1000, 7, READ)
        .far_exit(1400, 8, FUTEX)
        .switch(1500, 9, 10, SLEEPS)
        .switch(1600, 10, 11, SLEEPS)
    )
    tasks = [Task(tid, tid, 2 if tid == 11 else 1, "x") for tid in (7, 8, 9, 10, 11, 12)]
    rows = _account(subbuffer, tasks=tasks)
    assert rows[8, FUTEX] == (0, 0, 400, 0, 0)
    assert rows[9, NO_CALL] == (0, 500, 0, 100, 0)
    assert rows[10, NO_CALL] == (0, 100, 0, 500, 0)
    # A kernel thread is never in user mode; of thread 12 nothing is known.
    assert rows[11, NO_CALL] == (0, 0, 0, 600, 0)
    assert 12 not in {tgid for tgid, _ in rows}


def test_time_with_a_loss_in_it_is_nobodys():
    """The second sub-buffer says that an event was lost before it."""
    first = SubBuffer().entry(1000, 7, READ).exit(1100, 7, READ).entry(1300, 7, FUTEX)
    second = SubBuffer(seq=1, lost=1).far_exit(5000, 7, READ).entry(5200, 7, READ)
    accountant = Accountant([Task(7, 7, 1, "x")])
    for subbuffer in (first, second):
        accountant.add(subbuffer.decode())
        accountant.advance(1300)
    rows = {row.call: (row.user_ns, row.kernel_ns) for row in accountant.spans()}
    assert rows == {READ: (0, 100), NO_CALL: (400, 0), FUTEX: (0, 0)}
    assert accountant.unknown_ns == 3700


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(1, 50)), min_size=1, max_size=60),
    st.integers(1, 3000),
)
def test_no_time_is_lost_or_counted_twice(steps, stride):
    """Two threads on one CPU: every ns is spent once for each of them."""
    now, running, inside = 1000, 7, {7: False, 8: False}
    subbuffer = (
        SubBuffer().entry(now, 7, READ).exit(now, 7, READ).switch(now, 7, 8).switch(now, 8, 7)
    )
    truth: Counter = Counter()
    state = {7: "user", 8: "waiting"}

    def advance(count):
        for tid in (7, 8):
            mode = state[tid]
            if tid == running:
                mode = "kernel" if inside[tid] else "user"
            truth[tid, mode] += count

    for step, gap in steps:
        advance(gap)
        now += gap
        if step == 0 and not inside[running]:
            subbuffer.entry(now, running, READ)
            inside[running] = True
        elif step == 0:
            subbuffer.far_exit(now, running, READ)
            inside[running] = False
        else:
            other = 15 - running
            blocks = step == 2 and inside[running]
            subbuffer.switch(now, running, other, SLEEPS if blocks else 0)
            state[running] = "blocked" if blocks else "waiting"
            running = other
    found: Counter = Counter()
    accountant = Accountant([Task(7, 7, 1, "x"), Task(8, 8, 1, "y")])
    accountant.add(subbuffer.decode())
    for settled_ns in range(1000, now + 100, stride):
        accountant.advance(settled_ns)
    for row in accountant.spans():
        for name in ("user", "kernel", "blocked", "waiting"):
            found[row.tgid, name] += getattr(row, f"{name}_ns")
    assert +found == +truth
