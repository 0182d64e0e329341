"""The words that select calls, in reports, in print and in the view: each finds the calls that a
slow reader finds, which goes through the records in order of time and remembers who is who."""

from __future__ import annotations

import json
import random
import shlex
import time
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import pytest

import reference
from captures import write_capture
from subbuffers import SubBuffer
from tracectl.abi.records import EXIT_KINDS, Kind, Site
from tracectl.capture.metadata import Task
from tracectl.capture.reader import open_capture
from tracectl.cli import sources
from tracectl.cli.main import main
from tracectl.errors import UsageError
from tracectl.live.capture import CaptureSource
from tracectl.live.past import Past
from tracectl.live.worker import Worker
from tracectl.tui.sieve import parse_sieve

READ, GETPID, OPENAT, RENAME = 0, 39, 257, 82
ENOENT, EACCES = 2, 13
OUTER, INNER = "ab12" * 16, "cd34" * 16
CGROUPS = {
    10: "/a", 11: "/a/b", 12: "/ab", 13: f"/docker/{OUTER}", 14: f"/docker/{OUTER}/docker/{INNER}",
}  # fmt: skip
NEW_CGROUP, NEW_PATH = 15, "/machine.slice/machine-web.scope"
TASKS = [
    Task(100, 100, 1, "sh", uid=0, cgroup="/a"), Task(101, 100, 1, "sh", uid=0, cgroup="/a"),
    Task(200, 200, 1, "cat", uid=1000, cgroup=f"/docker/{OUTER}"), Task(300, 300, 1, "make"),
]  # fmt: skip
COMMS, UIDS = (b"sh", b"cat", b"fifteen-letters"), (0, 1000, 1001)
NAMES = (b"/etc/passwd", b"/etc/", b"/etc", b"/tmp/x", b"etc/passwd", b"\xff\x1b")


class Machine:
    """Threads on three CPUs, with no thought of what a kernel would let them do."""

    def __init__(self, seed: int) -> None:
        self._rng = random.Random(seed)
        self._now_ns = 1_000
        self._open = [SubBuffer(cpu, tgids={101: 100}, size_bytes=1 << 14) for cpu in range(3)]
        self.done: list[SubBuffer] = []
        self._last = [0, 0, 0]
        self._tids = {task.tid: task.tgid for task in TASKS}
        self._in: dict[int, int] = {}
        self._free_ns = dict.fromkeys(self._tids, 0)

    def run(self, steps: int) -> list[SubBuffer]:
        self._open[0].cgroup(self._tick(), 300, NEW_CGROUP, NEW_PATH.encode())
        # Of a call that was entered before.
        self._open[1].far_exit(self._tick(), 200, READ, -ENOENT)
        for _ in range(steps):
            self._step()
        return [*self.done, *(one for one in self._open if len(one))]

    def _tick(self) -> int:
        self._now_ns += 2 * self._rng.randrange(1, 200)
        return self._now_ns

    def _step(self) -> None:
        cpu, tid = self._rng.randrange(3), self._rng.choice(list(self._tids))
        if len(self._open[cpu]) > 60 or (len(self._open[cpu]) and self._rng.random() < 0.03):
            self._hand_over(cpu)
        subbuffer, now_ns = self._open[cpu], self._tick()
        if tid in self._in:
            is_near = self._last[cpu] == tid
            end = subbuffer.exit if is_near else subbuffer.far_exit
            end(now_ns, tid, self._in.pop(tid), self._result())
            self._last = [0 if last == tid else last for last in self._last]
            self._last[cpu] = 0
        elif self._rng.random() < 0.25:
            self._last[cpu] = 0
            self._change(subbuffer, now_ns, tid)
        elif self._rng.random() < 0.1:
            self._last[cpu] = 0
            began_ns = self._rng.randrange(self._free_ns[tid], now_ns) | 1
            subbuffer.call(now_ns, tid, GETPID, began_ns, self._result())
        else:
            self._enter(subbuffer, now_ns, tid)
            self._last[cpu] = tid
        self._free_ns[tid] = self._now_ns

    def _enter(self, subbuffer: SubBuffer, now_ns: int, tid: int) -> None:
        nr = self._rng.choice([READ, GETPID, OPENAT, RENAME])
        self._in[tid] = nr
        subbuffer.entry(now_ns, tid, nr, [0x10, 0x20])
        for site in (Site.OPEN, Site.PARENT)[: (OPENAT, RENAME).index(nr) + 1 if nr > 39 else 0]:
            subbuffer.name(self._tick(), tid, self._rng.choice(NAMES), site)

    def _change(self, subbuffer: SubBuffer, now_ns: int, tid: int) -> None:
        what = self._rng.randrange(5)
        uid, cgroup = self._rng.choice(UIDS), self._rng.choice([*CGROUPS, NEW_CGROUP, 0])
        comm = self._rng.choice(COMMS)
        if what == 0:
            subbuffer.setuid(now_ns, tid, uid)
        elif what == 1:
            other = self._rng.choice(list(self._tids))
            subbuffer.attach(now_ns, tid, other, cgroup, whole=self._rng.random() < 0.5)
        elif what == 2:
            subbuffer.rename(now_ns, tid, comm)
        elif what == 3 and self._tids[tid] == tid:
            subbuffer.exec(now_ns, tid, tid, b"/bin/" + comm, uid=uid, cgroup=cgroup)
        elif len(self._tids) < 12:
            child = 400 + len(self._tids)
            comm = self._rng.choice([b"", comm])
            subbuffer.fork(now_ns, tid, child, comm=comm, uid=uid, cgroup=cgroup)
            self._tids[child], self._free_ns[child] = child, now_ns
        else:
            subbuffer.setuid(now_ns, tid, uid)

    def _hand_over(self, cpu: int) -> None:
        self.done.append(self._open[cpu])
        seq = self._open[cpu].seq + 1
        self._open[cpu] = SubBuffer(cpu, seq, tgids={101: 100}, size_bytes=1 << 14)
        self._last[cpu] = 0

    def _result(self) -> int:
        return self._rng.choice([0, 3, 1 << 20, -ENOENT, -EACCES, -512, -5000])


@dataclass
class Call:
    nr: int
    tid: int
    tgid: int
    cpu: int | None
    began_ns: int | None
    comm: str
    uid: int | None
    cgroup: str
    ended_ns: int | None = None
    result: int = 0
    names: list[bytes] = field(default_factory=list)

    @property
    def has_failed(self) -> bool:
        return self.ended_ns is not None and -4095 <= self.result < 0

    @property
    def took_ns(self) -> float:
        is_whole = None not in (self.began_ns, self.ended_ns)
        return self.ended_ns - self.began_ns if is_whole else float("nan")

    def is_in(self, *tops: str) -> bool:
        return any(self.cgroup == top or self.cgroup.startswith(f"{top}/") for top in tops)


class SlowReader:
    def __init__(self, path) -> None:
        self.calls: list[Call] = []
        self._comm = {task.tid: task.comm for task in TASKS}
        self._uid = {task.tid: task.uid for task in TASKS}
        self._cgroup = {task.tid: task.cgroup for task in TASKS}
        self._tgid = {task.tid: task.tgid for task in TASKS}
        self._paths = dict(CGROUPS)
        self._open: dict[int, Call] = {}
        rows = []
        with open_capture(path) as capture:
            for chunk in capture.iter_chunks():
                rows += [(row["time"], chunk.cpu, row) for row in reference.decode(chunk.data)]
        for time_ns, cpu, row in sorted(rows, key=lambda item: item[0]):
            self._read(time_ns, cpu, row)

    def _read(self, time_ns: int, cpu: int, row: dict) -> None:
        kind, tid, fields = row["kind"], row["tid"], row["fields"]
        if kind == Kind.ENTRY:
            self._open[tid] = self._begin(row, cpu, time_ns)
        elif kind in EXIT_KINDS:
            call = self._open.pop(tid, None) or self._begin(row, None, None)
            call.ended_ns = time_ns
            is_short = kind == Kind.EXIT_SHORT
            call.result = row["id"] - (row["id"] >> 15 << 16) if is_short else fields.result
        elif kind == Kind.NAME:
            self._open[tid].names.append(row["text"])
        elif kind == Kind.CGROUP:
            self._paths[fields.cgroup] = row["text"].decode()
        elif kind == Kind.RENAME:
            self._comm[fields.tid] = _text(fields.comm)
        elif kind == Kind.SETUID:
            self._uid[tid] = fields.uid
        elif kind in (Kind.FORK, Kind.EXEC):
            who = tid if kind == Kind.EXEC else fields.tid
            self._comm[who] = _text(fields.comm) or self._comm[tid]
            self._uid[who], self._cgroup[who] = fields.uid, self._paths.get(fields.cgroup, "")
            self._tgid[who] = who
        elif kind == Kind.ATTACH:
            of = self._tgid[fields.tid]
            for one in [one for one, tgid in self._tgid.items() if tgid == of]:
                if fields.whole or one == fields.tid:
                    self._cgroup[one] = self._paths.get(fields.cgroup, "")

    def _begin(self, row: dict, cpu: int | None, time_ns: int | None) -> Call:
        tid, tgid = row["tid"], row["tgid"]
        who = self._comm.get(tgid, ""), self._uid.get(tid), self._cgroup.get(tid, "")
        self.calls.append(Call(row["id"] & 0xFFF, tid, tgid, cpu, time_ns, *who))
        return self.calls[-1]


def _text(comm) -> str:
    return bytes(comm).split(b"\0")[0].decode()


SELECTIONS = {
    "--failed": lambda call: call.has_failed,
    "--errno ENOENT": lambda call: call.has_failed and call.result == -ENOENT,
    "--errno eacces,ENOENT": lambda call: call.has_failed and -call.result in (ENOENT, EACCES),
    "--slower 2us": lambda call: call.took_ns >= 2_000,
    "--path /etc/": lambda call: any(name.startswith(b"/etc/") for name in call.names),
    "--uid root": lambda call: call.uid == 0,
    "--uid 1000": lambda call: call.uid == 1000,
    "--comm cat": lambda call: call.comm == "cat",
    "--comm fifteen-letters-and-more": lambda call: call.comm == "fifteen-letters",
    "--cgroup /a": lambda call: call.is_in("/a"),
    "--cgroup /sys/fs/cgroup/a/b/": lambda call: call.is_in("/a/b"),
    f"--container {OUTER[:8]}": lambda call: call.is_in(f"/docker/{OUTER}"),
    f"--container {INNER}": lambda call: call.is_in(f"/docker/{OUTER}/docker/{INNER}"),
    "--container web": lambda call: call.is_in(NEW_PATH),
    "--cpus 0,2": lambda call: call.cpu in (0, 2),
    "-p 100": lambda call: call.tgid == 100,
    "--tid 101": lambda call: call.tid == 101,
    "-e rename,openat --path /etc --uid 1000 --cpus 0-1": lambda call: (
        call.nr in (RENAME, OPENAT)
        and any(name.startswith(b"/etc") for name in call.names)
        and call.uid == 1000
        and call.cpu in (0, 1)
    ),
    "--failed --slower 1us --cgroup a --comm sh": lambda call: (
        call.has_failed and call.took_ns >= 1_000 and call.is_in("/a") and call.comm == "sh"
    ),
}


@pytest.fixture(scope="module", params=range(2))
def made(request, tmp_path_factory):
    path = tmp_path_factory.mktemp("made") / "a.trace"
    done = Machine(request.param).run(1500)
    write_capture(path, done, tasks=TASKS, cgroups=CGROUPS)
    return path, SlowReader(path).calls


@pytest.mark.parametrize("words", SELECTIONS)
def test_reports_and_print_select_what_a_slow_reader_does(made, capsys, words):
    path, calls = made
    wanted = {(c.tid, c.began_ns, c.ended_ns) for c in calls if SELECTIONS[words](c)}
    assert 0 < len(wanted) < len(calls), "the words tell calls apart"
    assert main(["print", "--json", str(path), *words.split()]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    found = [(call["tid"], call["entry_ns"], call["exit_ns"]) for call in lines]
    assert len(found) == len(wanted)
    assert set(found) == wanted
    assert main(["print", str(path), *words.split()]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(wanted)
    # Reports count what was entered.
    entered = [began_ns for _, began_ns, _ in wanted if began_ns is not None]
    for by in ("syscall", "process"):
        assert main(["report", "--json", "--by", by, str(path), *words.split()]) == 0
        rows = json.loads(capsys.readouterr().out)["syscalls" if by == "syscall" else "processes"]
        assert sum(row["calls"] for row in rows) == len(entered)


def test_the_view_selects_the_same(made):
    path, calls = made
    worker = Worker(partial(CaptureSource, path)).start()
    try:
        deadline_s = time.monotonic() + 60
        while worker.progress.part < 1 or not worker.progress.has_ended:
            assert time.monotonic() < deadline_s
            time.sleep(0.01)
        view, tables = worker.view, worker.facts.tables
        for words, is_wanted in SELECTIONS.items():
            sieve = parse_sieve(shlex.join(words.split()), tables, view.past.cgroups)
            found = []
            for page in view.shelf.pages.values():
                rows = np.flatnonzero(sieve.mask(page, view, tables))
                found += zip(page.tid[rows].tolist(), page.time_ns[rows].tolist(), strict=True)
            # It has no calls that were entered before.
            assert sorted(found) == sorted(
                (c.tid, c.began_ns) for c in calls if c.began_ns is not None and is_wanted(c)
            ), words
    finally:
        worker.close()


NONE = {
    "--uid nobody-of-this-name": "no user 'nobody-of-this-name'",
    "--cgroup /nowhere": "nothing is known of a cgroup /nowhere",
    "--container beef": "there is no container 'beef': no cgroup is of it",
    "--container ''": "these begin so: ab12ab12ab12, cd34cd34cd34, web",
    "--cgroup /a --container web": "not allowed with argument",
    "--cpus many": "no list of CPUs",
    "--errno EWHAT": "no error is called 'EWHAT'",
    "--slower soon": "--slower 'soon' is no time",
    "--path ''": "--path is 1 to 255 bytes",
}


@pytest.mark.parametrize("words", NONE)
def test_what_there_is_not(made, capsys, words):
    path, _ = made
    for command in ("report", "print"):
        assert main([command, str(path), *shlex.split(words)]) == 2
        assert NONE[words] in capsys.readouterr().err
    with open_capture(path) as capture:
        tables = CaptureSource(path).facts.tables
        known = {*capture.metadata.cgroups.values(), NEW_PATH}
    with pytest.raises(UsageError) as caught:
        parse_sieve(words, tables, known)
    assert NONE[words] in str(caught.value)


def test_paths_that_were_not_recorded_are_not_looked_for(tmp_path, capsys):
    path = write_capture(tmp_path / "a.trace", [SubBuffer().entry(1, 100, READ)], classes=9)
    assert main(["report", str(path), "--path", "/etc"]) == 1
    assert "was recorded with --no-names and --no-paths" in capsys.readouterr().err


def test_a_capture_is_read_once_where_nothing_is_asked_of_its_threads(made, capsys, monkeypatch):
    """Who was who is found in a pass of its own."""
    path, _ = made
    monkeypatch.setattr(sources, "lives_in", None)
    words = ["--errno", "ENOENT", "--slower", "1us", "--cpus", "0", "--path", "/", "--tid", "101"]
    assert main(["report", str(path), *words]) == 0
    assert main(["report", str(path)]) == 0


@pytest.mark.parametrize("word", ["--comm", "--uid", "--cgroup", "--container"])
def test_who_was_who_is_not_known_yet_of_what_goes_on(made, capsys, word):
    path, _ = made
    assert main(["print", "--follow", str(path), word, "0"]) == 2
    assert "--follow knows neither" in capsys.readouterr().err


def test_the_other_words_select_of_what_goes_on(made, capsys):
    path, calls = made
    words = "--errno ENOENT --cpus 0,1"
    wanted = [c for c in calls if c.has_failed and c.result == -ENOENT and c.cpu in (0, 1)]
    assert main(["print", "--follow", str(path), *words.split()]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(wanted)


def test_the_past_forgets_who_has_ended_before_the_calls_that_are_kept():
    from tracectl.analysis.tasks import TaskEvent

    past = Past(TASKS, {})
    for number in range(1, 20_001):
        tid = 1000 + number % 9000
        past.add(TaskEvent(10 * number, Kind.FORK, 300, 300, tid, tid, comm="x", uid=number))
        past.add(TaskEvent(10 * number + 5, Kind.TASK_EXIT, tid, tid))
        past.forget(10 * number - 1000)
    assert len(past) < 9000
    times = np.array([199_999, 200_004, 5], np.int64)
    tids = np.array([1000 + 19_999 % 9000, 1000 + 20_000 % 9000, 200])
    assert past.find_uid(tids, times, {19_999, 20_000, 1000}.__contains__).tolist() == [True] * 3
    assert past.find_comm(tids, times, "cat".__eq__).tolist() == [False, False, True]
