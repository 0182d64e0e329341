"""Addresses of sockets that the kernel used, as strace writes them."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tool import calls_of

pytestmark = pytest.mark.guest
CALLS = 20_000
PORT = re.compile(r"sin_port=htons\((\d+)\)")


def _loopback(port: str) -> str:
    return f'{{sa_family=AF_INET, sin_port=htons({port}), sin_addr=inet_addr("127.0.0.1")}}'


def test_addresses_of_each_family(guest, workload, tmp_path):
    program = workload("addresses")
    code = guest(
        f"tracectl record -o /job/a.trace -- {program} && rm -f /dev/shm/named && "
        f"strace -o /job/strace.log {program}"
    )
    assert code == 0, (tmp_path / "out").read_text()
    command = [sys.executable, "-m", "tracectl", "verify", str(tmp_path / "a.trace")]
    subprocess.run(command, check=True)
    pattern = re.compile(r"\{sa_family=[^}]*\}")
    ours, theirs = [], []
    for call in calls_of(tmp_path / "a.trace"):
        ours += [(call["name"], text) for text in pattern.findall(call["arguments"] or "")]
    for line in (tmp_path / "strace.log").read_text().splitlines():
        theirs += [(line.split("(")[0], text) for text in pattern.findall(line)]
    # What the kernel chooses differs from run to run.
    chosen = re.compile(r"htons\((?!400\d\))\d+\)|nl_pid=[1-9]\d*")
    assert [(name, chosen.sub("", text)) for name, text in ours] == [
        (name, chosen.sub("", text)) for name, text in theirs
    ]
    assert {name for name, _ in ours} == {
        "bind", "connect", "accept", "getpeername", "getsockname", "sendto", "recvfrom"
    }  # fmt: skip
    assert ("connect", _loopback("4004")) in ours


@pytest.mark.parametrize("name", ["connect", "bind"])
def test_a_racing_writer_changes_no_address(guest, workload, tmp_path, name):
    program = workload("racing_ports")
    code = guest(
        f"tracectl record --detect-toctou -o /job/race.trace -- {program} {name} {CALLS} "
        "/job/truth",
        thread_a_cpu=True,
    )
    assert code == 0, (tmp_path / "out").read_text()
    truth = (tmp_path / "truth").read_text()
    lines = calls_of(tmp_path / "race.trace", "-e", name)
    digits = [PORT.search(line["arguments"])[1][-1] for line in lines]
    assert set(truth) == {"1", "2"}, "nothing raced"
    assert sum(a != b for a, b in zip("".join(digits), truth, strict=True)) == 0
    # Some calls were entered with the other one, and that is told.
    diverged = [line for line in lines if line["divergences"]]
    assert diverged
    for line in diverged:
        ((entered, used),) = line["divergences"]
        assert {entered, used} == {_loopback("4001"), _loopback("4002")}
        assert f"{used} /* at entry {entered} */" in line["arguments"]
    subprocess.run(
        [sys.executable, "-m", "tracectl", "verify", tmp_path / "race.trace"], check=True
    )
