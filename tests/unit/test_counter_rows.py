"""What CPUs counted, summed up by system call."""

from tracectl.abi.records import OTHER_SLOT, SHAPES
from tracectl.abi.totals import SyscallTotals
from tracectl.analysis.counters import sum_counts

GETPID, OPENAT = 39, 257


def counts(entries, total_ns=0, latency=(), errors=()):
    def padded(values, count):
        return [*values, *[0] * (count - len(values))]

    return SyscallTotals(
        entries, entries, 0, 0, 0, total_ns, padded(errors, 8), padded(latency, 32)
    )


def test_rows_are_summed_over_cpus_and_ordered_by_time():
    first = {GETPID: counts(3, 30, [0, 0, 0, 3]), OPENAT: counts(1, 900, [0] * 9 + [1], [0, 1])}
    second = {OPENAT: counts(2, 1200, [0] * 9 + [2], [1, 1]), SHAPES + 5: counts(1)}
    opened, got, other = sum_counts([first, second])
    assert (opened.abi, opened.nr, opened.calls, opened.total_ns) == (0, OPENAT, 3, 2100)
    assert opened.errors == [1, 2, 0, 0, 0, 0, 0, 0]
    assert (opened.timed, opened.mean_ns) == (3, 700)
    assert (got.nr, got.mean_ns) == (GETPID, 10)
    assert (other.abi, other.nr, other.timed, other.mean_ns) == (1, 5, 0, 0)


def test_what_has_no_number_and_what_was_only_filtered():
    (row,) = sum_counts([{OTHER_SLOT: counts(2), GETPID: SyscallTotals(0, 0, 0, 0, 9)}])
    assert (row.abi, row.nr, row.calls) == (-1, -1, 2)


def test_shares_are_below_powers_of_two():
    (row,) = sum_counts([{GETPID: counts(100, 0, [0, 0, 50, 45, 4, 1])}])
    assert [row.below_ns(share) for share in (0.5, 0.95, 0.99, 1)] == [8, 16, 32, 64]
    (slow,) = sum_counts([{GETPID: counts(2, 0, [1, *[0] * 30, 1])}])
    assert (slow.below_ns(0.5), slow.below_ns(0.99)) == (2, None)
    (none,) = sum_counts([{GETPID: counts(1)}])
    assert none.below_ns(0.5) is None
