"""Two captures compared: what is new, and what is noise."""

from __future__ import annotations

import json
import random

import numpy as np
import pytest

from captures import write_capture
from subbuffers import SubBuffer
from tracectl.analysis.ranks import BLOCKS, rank_test, shift_of_medians, shift_of_rates
from tracectl.analysis.sample import MOST, Sample
from tracectl.cli.main import main

READ, OPENAT, GETPID, WRITE = 0, 257, 39, 1


def capture_of(path, calls, **options):
    """``calls`` are (gap before, nr, duration, result, path or None)."""
    subbuffer = SubBuffer(size_bytes=1 << 18)
    now_ns = 1000
    for gap_ns, nr, duration_ns, result, name in calls:
        now_ns += gap_ns
        subbuffer.entry(now_ns, 7, nr)
        if name is not None:
            subbuffer.name(now_ns + 1, 7, name)
        now_ns += duration_ns
        subbuffer.exit(now_ns, 7, nr, result)
    return write_capture(path, [subbuffer], **options)


def workload(seed, *, slow=1.0, gap=1.0, count=1000):
    """Reads whose time drifts from phase to phase, as those of a real machine do."""
    chance = random.Random(seed)
    phase_ns = 0
    for index in range(count):
        if index % 25 == 0:
            phase_ns = chance.randrange(400)
        duration_ns = int((800 + phase_ns + chance.randrange(200)) * slow)
        yield int(chance.randrange(1000, 3000) * gap), READ, duration_ns, 5, None


@pytest.fixture
def diff(tmp_path, capsys):
    def diff_(before, after, *options, **of_after):
        paths = [
            str(capture_of(tmp_path / "before.trace", before)),
            str(capture_of(tmp_path / "after.trace", after, **of_after)),
        ]
        code = main(["diff", "--json", *options, *paths])
        found = json.loads(capsys.readouterr().out)
        assert found["different"] == (code == 1)
        assert main(["diff", *options, *paths]) == code
        text, err = capsys.readouterr()
        assert (text == "no difference\n") <= (code == 0)
        return found, text, err

    return diff_


def test_a_capture_does_not_differ_from_itself(diff):
    found, text, err = diff(workload(1), workload(1))
    assert not found["different"]
    assert (text, err) == ("no difference\n", "")


@pytest.mark.parametrize("seed", range(4))
def test_noise_is_no_difference(diff, seed):
    found, *_ = diff(workload(2 * seed), workload(2 * seed + 1), "--threshold", "0")
    assert not found["different"]
    (row,) = found["latency"]
    assert row["p"] is not None


def test_slower(diff):
    found, text, _ = diff(workload(1), workload(2, slow=1.5))
    (row,) = found["latency"]
    assert row["differs"]
    assert row["p"] < 0.001
    assert row["after_p50_ns"] / row["before_p50_ns"] == pytest.approx(1.5, rel=0.1)
    assert "read" in text
    assert not diff(workload(1), workload(2, slow=1.5), "--only", "files,errors")[0]["different"]
    assert not diff(workload(1), workload(2, slow=1.5), "--threshold", "100")[0]["different"]


def test_faster_by_the_same_factor_differs_as_well(diff):
    found, text, _ = diff(workload(1, slow=1.5), workload(2), "--only", "latency")
    assert found["different"]
    assert "-3" in text


def test_rarer(diff):
    found, text, _ = diff(workload(1), workload(2, gap=3), "--only", "rates")
    (row,) = found["rates"]
    assert row["differs"]
    assert row["before_per_s"] > 2 * row["after_per_s"]
    assert "/s" in text


def test_few_calls_are_too_few_to_tell(diff):
    found, *_ = diff(workload(1, count=50), workload(2, count=50, slow=9), "--only", "latency")
    assert (found["latency"][0]["p"], found["different"]) == (None, False)


def test_system_calls_that_appeared_and_vanished(diff):
    found, text, _ = diff(
        [(10, READ, 5, 0, None), (10, WRITE, 5, 0, None)],
        [(10, READ, 5, 0, None), (10, GETPID, 5, 7, None), (10, GETPID, 5, 7, None)],
        "--only", "syscalls",
    )  # fmt: skip
    assert found["syscalls"] == {"appeared": {"getpid": 2}, "vanished": {"write": 1}}
    assert "getpid" in text


def test_files_and_errors(diff):
    found, text, _ = diff(
        [(10, OPENAT, 5, 3, b"/proc/12/stat"), (10, OPENAT, 5, 3, b"/old"), (9, READ, 5, -9, None)],
        [(10, OPENAT, 5, 3, b"/proc/99/stat"), (10, OPENAT, 5, -2, b"/new\n")],
        "--only", "files,errors",
    )  # fmt: skip
    assert found["files"] == {"new": ["/new\n"], "gone": ["/old"]}
    assert found["errors"] == {
        "new": [{"syscall": "openat", "errno": "ENOENT", "calls": 1}],
        "gone": [{"syscall": "read", "errno": "EBADF", "calls": 1}],
    }
    assert "new file   /new\\n\n" in text
    assert "new  error  openat: ENOENT, 1 times" in text


def test_what_is_gone_alone_is_no_failure_but_told(diff):
    found, text, _ = diff(
        [(10, OPENAT, 5, 3, b"/old")], [(10, OPENAT, 5, 3, None)], "--only", "files"
    )
    assert (found["different"], text) == (False, "gone file  /old\n")


def test_losses_do_not_hide_a_call(diff):
    calls = [(10, READ, 5, 0, None)]
    found, _, err = diff(calls, calls, "--only", "syscalls", lost_calls={WRITE: 3})
    assert found["syscalls"]["appeared"] == {"write": 3}
    assert found["lost"] == {"before": 0, "after": 3}
    assert "3 events were lost" in err


@pytest.mark.parametrize("options", [["--only", "colours"], ["--threshold", "-1"]])
def test_wrong_usage(options, capsys):
    assert main(["diff", *options, "a", "b"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_sample_is_bounded_and_evenly_spread():
    """Of a loop of two calls, one of them fast, in parts that come in any order."""
    began_ns = np.arange(0, 400_000_000, 1000, dtype=np.uint64)
    spent_ns = np.where(np.arange(len(began_ns)) % 2 == 0, 100, 900).astype(np.uint64)
    samples = []
    for seed in range(2):
        sample, parts = Sample(), np.array_split(np.arange(len(began_ns)), 50)
        random.Random(seed).shuffle(parts)
        for rows in parts:
            sample.add(began_ns[rows], spent_ns[rows])
        samples.append(sample.spent_ns())
    assert MOST // 2 <= len(samples[0]) <= MOST
    assert np.array_equal(*samples)
    for block in np.array_split(samples[0], 20):
        assert np.mean(block == 100) == pytest.approx(0.5, abs=0.05)
    all_alike = Sample()
    all_alike.add(np.full(2 * MOST, 7, np.uint64), np.full(2 * MOST, 1, np.uint64))
    assert 0 <= len(all_alike.spent_ns()) <= MOST


def test_rank_test_against_tables():
    """Mann and Whitney: of 20 and 20, U of 127 is where p becomes 0.05, 105 where 0.01."""
    first = np.arange(20.0)
    apart = first + 100
    assert rank_test(first, apart) == pytest.approx(6.8e-8, rel=0.05)
    assert rank_test(first, first) == pytest.approx(1, abs=0.02)
    assert rank_test(np.ones(20), np.ones(20)) == 1
    assert rank_test(first, apart) == rank_test(apart, first)


@pytest.mark.parametrize(("u", "at_most", "at_least"), [(127, 0.052, 0.045), (105, 0.011, 0.009)])
def test_rank_test_at_the_critical_values(u, at_most, at_least):
    # The second sample is above all of the first but for u pairs.
    below, rest = divmod(u, 20)
    first = np.arange(20.0)
    second = np.concatenate((-1 - first[:below], [19.5 - rest], 100 + first[below + 1 :]))
    assert at_least < rank_test(first, second) < at_most


def test_false_alarms_are_rare():
    chance = np.random.default_rng(1)
    alarms = sum(
        shift_of_medians(*chance.exponential(1000, (2, 400))).is_real(1, 0) for _ in range(500)
    )
    assert alarms <= 12
    alarms = sum(
        shift_of_rates(
            *(np.bincount(chance.integers(0, BLOCKS, 400), minlength=BLOCKS) for _ in range(2)),
            10**9,
            10**9,
        ).is_real(1, 0)
        for _ in range(500)
    )
    assert alarms <= 12
