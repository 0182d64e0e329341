"""Calls of every ABI of x86-64, and opens outside any call."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tool import calls_of
from tracectl.abi.records import Kind, NameFlag
from tracectl.capture.reader import open_capture
from tracectl.decode.subbuffer import decode_subbuffer
from tracectl.vm.build import build_module
from tracectl.vm.machine import ARM64

pytestmark = pytest.mark.guest
SLEEPING = frozenset({"7.2", "7.3"})
"""Kernels whose probes of system calls may sleep."""
WORKER = Path(__file__).parents[1] / "kmod" / "worker"
FREESTANDING = ("-m32", "-nostdlib", "-static", "-fno-pie", "-fno-stack-protector")


def _names_outside_calls(path: Path, flag: NameFlag) -> list[tuple[bytes, int]]:
    """Paths and the threads they are of."""
    found = []
    with open_capture(path) as capture:
        for chunk in capture.iter_chunks():
            records = decode_subbuffer(chunk.data)
            rows = records.rows(Kind.NAME)
            rows = rows[records.bodies(Kind.NAME, rows)["flags"] & flag != 0]
            found += zip(records.strings(rows), records.tid[rows].tolist(), strict=True)
    return found


def test_each_call_is_of_its_abi(guest, workload, kernel, tmp_path):
    if kernel.machine is ARM64:
        pytest.skip("these are the ABIs of x86-64")
    narrow, abis = workload("narrow", *FREESTANDING), workload("abis", "-static")
    build_module(kernel, WORKER, tmp_path)
    code = guest(
        f"tracectl record --structs --payload 9 -o /job/narrow.trace -- {narrow}\n"
        f"tracectl record -o /job/abis.trace -- {abis} || exit $?\n"
        "tracectl record --all -o /job/worker.trace -- insmod /job/worker.ko"
    )
    assert code in (0, 77), (tmp_path / "out").read_text()
    for name in ("narrow", "abis", "worker"):
        subprocess.run(
            [sys.executable, "-m", "tracectl", "verify", tmp_path / f"{name}.trace"], check=True
        )
    _check_narrow([call for call in calls_of(tmp_path / "narrow.trace") if call["abi"] == "i386"])
    _check_x32(calls_of(tmp_path / "abis.trace"))
    _check_outside(tmp_path, has_ring=code == 0)


def _check_narrow(calls: list[dict]) -> None:
    lines = [f"{call['name']}({call['arguments']}) = {call['result']}" for call in calls]
    fds = re.fullmatch(r"pipe\(\[(\d+), (\d+)\]\) = 0", lines[2])
    assert lines[0] == 'open("/etc/passwd", O_RDONLY) = 3'
    assert lines[1] == "nanosleep({tv_sec=0, tv_nsec=1000}, NULL) = 0"
    assert lines[3] == (
        f'writev({fds[2]}, [{{iov_base="ab", iov_len=2}}, {{iov_base="cde", iov_len=3}}], 2) = 5'
    )
    assert lines[4].startswith("getppid() = ")
    assert lines[5] == "exit(0) = None"


def _check_x32(calls: list[dict]) -> None:
    x32 = [call for call in calls if call["abi"] == "x32"]
    assert [call["name"] for call in x32] == ["getppid", "openat"]
    native = [call for call in calls if call["name"] == "getppid" and call["abi"] == "x86_64"]
    # Where the kernel takes no call of x32, it has looked at no path.
    is_refused = x32[0]["result"] == -38
    assert x32[0]["result"] == (-38 if is_refused else native[0]["result"])
    assert x32[1]["paths"] == ([] if is_refused else ["/etc/passwd"])


def _check_outside(directory: Path, *, has_ring: bool) -> None:
    """They are marked, and no call has them: their threads have none."""
    if has_ring:
        ring = _names_outside_calls(directory / "abis.trace", NameFlag.IO_WORKER)
        assert [path for path, _ in ring] == [b"/etc/group"]
        calls = calls_of(directory / "abis.trace")
        assert ring[0][1] not in {call["tid"] for call in calls}
        assert not [call for call in calls if "/etc/group" in call["paths"]]
    worker = _names_outside_calls(directory / "worker.trace", NameFlag.KTHREAD)
    tids = {tid for path, tid in worker if path == b"/etc/hostname"}
    assert len(tids) == 1
    assert not tids & {call["tid"] for call in calls_of(directory / "worker.trace")}


@pytest.mark.parametrize("place", ["/dev/shm", "/job"])
def test_a_path_that_is_not_in_memory(guest, workload, series, tmp_path, place):
    """Where the probes may sleep it is brought in, unless another machine would be waited for, as
    for what is in /job."""
    program = workload("absent")
    code = guest(f"tracectl record --detect-toctou -o /job/a.trace -- {program} {place}/file")
    assert code == 0, (tmp_path / "out").read_text()
    calls = calls_of(tmp_path / "a.trace")
    after = next(index for index, call in enumerate(calls) if call["name"] == "getppid")
    absent, last, beyond = [call for call in calls[after:] if call["name"] == "openat"]
    # The kernel's copy is whole, whatever was there at the entry.
    assert absent["paths"] == last["paths"] == ["/etc/hostname"]
    assert absent["result"] > 0 < last["result"]
    is_brought_in = series in SLEEPING and place == "/dev/shm"
    assert [one["faulted"] for one in absent["memory"] + last["memory"]] == [
        not is_brought_in, False
    ]  # fmt: skip
    if is_brought_in:
        assert absent["memory"][0]["bytes"] == len("/etc/hostname")
    assert (beyond["result"], beyond["paths"]) == (-14, [])
    (read,) = beyond["memory"]
    assert read["faulted"]
    assert re.match(r"AT_FDCWD, 0x[0-9a-f]+, O_RDONLY", beyond["arguments"])
    assert not any(call["divergences"] for call in calls)


def test_memory_that_never_comes_keeps_no_session(guest, workload, table, tmp_path):
    program = workload("held_back")
    code = guest(
        "tracectl start --detect-toctou -o /job/a.trace || exit\n"
        f"{program} & pid=$!\n"
        f'wait_until grep -q "^{table.by_name("openat").nr} " /proc/$pid/syscall\n'
        "tracectl stop && kill -9 $pid"
    )
    assert code == 0, (tmp_path / "out").read_text()
    # tracectl's own, of the device, ends after the recording, too.
    (call,) = [
        call for call in calls_of(tmp_path / "a.trace")
        if call["name"] == "openat" and call["result"] is None and not call["paths"]
    ]  # fmt: skip
    assert [one["faulted"] for one in call["memory"]] == [True]
