"""A capture of a small machine, always the same: two CPUs, a few programs, ten seconds."""

from __future__ import annotations

import random
from pathlib import Path

from captures import write_capture
from subbuffers import SubBuffer
from tracectl.abi.records import Site
from tracectl.capture.metadata import Task

READ, WRITE, CLOSE, FSTATAT, OPENAT, FUTEX, GETPPID, NANOSLEEP = 0, 1, 3, 262, 257, 202, 110, 230
FORK, EXECVE, EXIT_GROUP = 56, 59, 231
ENOENT, EAGAIN, EACCES = 2, 11, 13
TASKS = [
    Task(1, 1, 0, "systemd"), Task(50, 50, 1, "sshd"), Task(100, 100, 50, "bash"),
    Task(200, 200, 100, "stress"), Task(301, 300, 1, "nginx"),
    Task(300, 300, 1, "nginx", cgroup=f"/docker/{'c0ffee' * 10}beef"),
]  # fmt: skip
FILES = (
    b"/etc/passwd",
    b"/var/www/index.html",
    b"/usr/lib/x86_64-linux-gnu/libc.so.6",
    b"/tmp/a b",
)
SECONDS = 10
GAP_NS = 3_000_000
AT_FDCWD, PATH = 0xFFFFFF9C, 0x55D00010
_FIRST_NS = 1_000_000_000
_SIZE_BYTES = 1 << 14


class Cpu:
    """Writes calls one after the other, in as many sub-buffers as it takes."""

    def __init__(self, number: int, rng: random.Random) -> None:
        self._rng = rng
        self.now_ns = _FIRST_NS + number
        self.done: list[SubBuffer] = []
        self._number = number
        self._next()

    def call(self, tid: int, nr: int, spent_ns: int, result: int, args=(), path: bytes = b""):
        self._make_room()
        self._open.entry(self.now_ns, tid, nr, args)
        if path:
            site = Site.LOOKUP if nr == FSTATAT else Site.OPEN
            self._open.name(self.now_ns + spent_ns // 4, tid, path, site)
        self.now_ns += spent_ns
        self._open.exit(self.now_ns, tid, nr, result)
        self.now_ns += 200 + self._rng.randrange(2 * GAP_NS)

    def start(self, tid: int, child: int, path: bytes) -> None:
        self.call(tid, FORK, 90_000, child)
        self._open.fork(self.now_ns, tid, child)
        self._open.exec(self.now_ns + 100, child, child, path)
        self.now_ns += 300

    def end(self, tid: int) -> None:
        self._make_room()
        self._open.entry(self.now_ns, tid, EXIT_GROUP, [0]).task_exit(self.now_ns + 50, tid)
        self.now_ns += 100

    def _make_room(self) -> None:
        if len(self._open) > 300:
            self._next()

    def _next(self) -> None:
        tgids = {301: 300}
        self._open = SubBuffer(self._number, len(self.done), tgids=tgids, size_bytes=_SIZE_BYTES)
        self.done.append(self._open)


def write_machine(path: Path) -> Path:
    rng = random.Random(7)
    cpus = [Cpu(0, rng), Cpu(1, rng)]
    for second in range(SECONDS):
        start_ns = _FIRST_NS + second * 1_000_000_000
        for cpu in cpus:
            cpu.now_ns = max(cpu.now_ns, start_ns)
        _serve(cpus[0], rng, 20 + 4 * second)
        for _ in range(40 * (1 + second % 4)):
            cpus[1].call(200, GETPPID, rng.randrange(80, 400), 100)
        if second % 3 == 1:
            _list(cpus[1], rng, 400 + second)
    subbuffers = [one for cpu in cpus for one in cpu.done if len(one)]
    return write_capture(path, subbuffers, tasks=TASKS, filtered={READ: 12}, host="small")


def _serve(cpu: Cpu, rng: random.Random, requests: int) -> None:
    for request in range(requests):
        tid = 300 + request % 2
        cpu.call(tid, READ, rng.randrange(900, 9_000), 320, [7])
        if request % 5 == 4:
            cpu.call(tid, READ, 600, -EAGAIN, [7])
        name = FILES[request % len(FILES)]
        error = -ENOENT if request % 9 == 8 else 9
        cpu.call(
            tid, OPENAT, rng.randrange(2_000, 60_000), error, [0xFFFFFF9C, 0x55D0_0010, 0], name
        )
        if error > 0:
            cpu.call(tid, READ, rng.randrange(2_000, 2_000_000), 4096, [9])
            cpu.call(tid, CLOSE, 400, 0, [9])
        cpu.call(tid, WRITE, rng.randrange(3_000, 30_000), 4500, [7])
    cpu.call(301, FUTEX, 80_000_000, 0)


def _list(cpu: Cpu, rng: random.Random, pid: int) -> None:
    cpu.start(100, pid, b"/usr/bin/ls")
    for name in FILES:
        result = -EACCES if name.startswith(b"/var") else 0
        cpu.call(
            pid, FSTATAT, rng.randrange(1_000, 20_000), result, [0xFFFFFF9C, 0x55D0_0010], name
        )
    cpu.call(pid, WRITE, 5_000, 120, [1])
    cpu.end(pid)
