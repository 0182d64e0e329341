"""Views of a session that only counts."""

from tracectl.abi.records import OTHER_SLOT, SHAPES
from tracectl.abi.totals import CpuTotals, SyscallTotals
from tracectl.live.counting import OTHER_ERRORS, CountingModel

GETPID, OPENAT = 39, 257
SECOND_NS = 1_000_000_000
ENOENT = 2


def counts(calls: int, took_log2: int = 10, *, absent: int = 0, other: int = 0) -> SyscallTotals:
    latency = [0] * 32
    latency[took_log2] = calls
    return SyscallTotals(
        calls, calls, 0, 0, 0, calls << took_log2, [other, absent, 0, 0, 0, 0, 0, 0], latency
    )


def cpu(number: int, syscalls: dict[int, SyscallTotals], lost: int = 0) -> CpuTotals:
    generated = 2 * sum(one.entries for one in syscalls.values())
    return CpuTotals(number, [generated], [lost], [lost], 5, 0, syscalls)


def model() -> CountingModel:
    """Looked at twice, a second between."""
    made = CountingModel(2)
    before = [cpu(0, {GETPID: counts(1000)}), cpu(1, {OPENAT: counts(10, 20, absent=4)})]
    made.add(before, 100 * SECOND_NS)
    after = [
        cpu(0, {GETPID: counts(1600), OPENAT: counts(5, 20, absent=1)}, lost=7),
        cpu(1, {OPENAT: counts(10, 20, absent=4), OTHER_SLOT: counts(3, other=3)}),
    ]
    made.add(after, 101 * SECOND_NS)
    return made


def test_calls_are_summed_over_cpus():
    table = model().view().syscalls
    rows = dict(zip(table.key.tolist(), table.calls.tolist(), strict=True))
    assert rows == {GETPID: 1600, OPENAT: 15, SHAPES - 1: 3}
    at = table.key.tolist().index(OPENAT)
    assert table.errors[at] == 5
    assert table.total_ns[at] == 15 << 20
    p50, _, p99 = table.percentiles[at]
    assert 1 << 20 <= p50 <= p99 < 2 << 20


def test_only_what_was_counted_since_the_first_look_is_recent():
    view = model().view()
    recent = dict(zip(view.syscalls.key.tolist(), view.syscalls.recent.tolist(), strict=True))
    assert recent == {GETPID: 600, OPENAT: 5, SHAPES - 1: 3}
    assert view.course.events[-1].tolist() == [1210, 6]
    assert view.course.events.sum() == 1216
    assert view.course.heat[-1, 10] == 603
    assert view.course.heat[-1, 20] == 5


def test_errors_are_by_class_and_losses_are_told():
    made = model()
    table = made.view().errors
    rows = dict(zip(table.key.tolist(), table.calls.tolist(), strict=True))
    assert rows == {ENOENT << 11 | OPENAT: 5, OTHER_ERRORS << 11 | SHAPES - 1: 3}
    assert (made.losses.lost, made.losses.filtered) == (7, 10)
    assert made.losses.cpus[0].lost == 7
    assert not len(made.view().processes)
