"""A filtered capture is the unfiltered one of the same calls, filtered afterwards."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import pytest

from tool import tracectl

pytestmark = pytest.mark.guest

ID = "0123456789abcdef" * 4
SLICE, CONTAINER = "/costumes.slice", f"/system.slice/docker-{ID}.scope"
PROGRAM = "/dev/shm/costumes"
CHOSEN = ("lseek", "openat", "prctl")
NOBODY, NOENT, BADF = 65534, -2, -9
# They tell who threads are, and are recorded whatever the filter.
TASKS = ("fork", "exec", "task_exit", "rename", "setuid", "attach")


@dataclass(frozen=True)
class Event:
    """``call`` is the system call that it is of, and ``began_on`` the CPU where that was entered;
    ``told`` is what every run tells alike."""

    kind: str
    comm: str
    uid: int
    cgroup: str
    container: str | None
    call: str | None
    began_on: int | None
    told: tuple


def is_chosen(event: Event) -> bool:
    return event.kind == "argv" or event.call in CHOSEN


def is_in(cgroup: str) -> Callable[[Event], bool]:
    return lambda event: event.cgroup == cgroup


FILTERS: dict[str, tuple[str, Callable[[Event], bool]]] = {
    "uid": ("--uid nobody", lambda event: event.uid == NOBODY),
    "comm": ("--comm marked", lambda event: event.comm == "marked"),
    "slice": (f"--cgroup {SLICE}", is_in(SLICE)),
    "container": (f"--container {ID[:8]}", lambda event: event.container == ID[:12]),
    "above": ("--cgroup system.slice", is_in(CONTAINER)),
    "cpus": ("--cpus 1", lambda event: event.began_on == 1),
    "calls": (f"-e {','.join(CHOSEN)}", is_chosen),
    "uid_comm": (
        "--uid nobody --comm marked",
        lambda event: (event.uid, event.comm) == (NOBODY, "marked"),
    ),
    "slice_cpus": (
        f"--cgroup {SLICE} --cpus 1",
        lambda event: (event.cgroup, event.began_on) == (SLICE, 1),
    ),
    "comm_calls": (
        f"--comm marked -e {','.join(CHOSEN)}",
        lambda event: event.comm == "marked" and is_chosen(event),
    ),
    "all": (
        f"--uid 0 --comm marked --cgroup {SLICE} --cpus 1 -e lseek",
        lambda event: (
            (event.uid, event.comm, event.cgroup, event.began_on, event.call)
            == (0, "marked", SLICE, 1, "lseek")
        ),
    ),
}


def is_nowhere(call: dict) -> bool:
    return any(path.startswith("/nowhere/") for path in call["paths"])


# Terms that wait for the end of a call choose among whole calls.
JUDGED: dict[str, tuple[str, Callable[[dict], bool]]] = {
    "uid_failed": (
        "--uid nobody --failed",
        lambda call: call["uid"] == NOBODY and -4095 <= call["result"] < 0,
    ),
    "comm_path": (
        "--comm marked --path /nowhere/",
        lambda call: call["process"] == "marked" and is_nowhere(call),
    ),
    "slice_errno": (
        f"--cgroup {SLICE} --errno EBADF -e lseek,openat",
        lambda call: (call["cgroup"], call["result"]) == (SLICE, BADF),
    ),
    "cpus_errno": (
        "--comm marked --cpus 1 --errno ENOENT",
        lambda call: (call["process"], call["cpu"], call["result"]) == ("marked", 1, NOENT),
    ),
}

SCRIPT = (
    f"""
set -e
cp {{costumes}} {PROGRAM}
slice=/sys/fs/cgroup{SLICE} container=/sys/fs/cgroup{CONTAINER}
mkdir -p $slice $container
run() {{ "$@" env -i taskset -c 0 setarch -R {PROGRAM} $slice $container; }}
tracectl start -o /job/everything.trace
run
tracectl stop
"""
    + "".join(
        f"tracectl start -o /job/{name}.trace {options}\nrun\ntracectl stop\n"
        for name, (options, _) in (FILTERS | JUDGED).items()
    )
    + "run tracectl record --uid nobody -o /job/tree.trace --\n"
)

OF_THE_PROGRAM = f"pid IN (SELECT pid FROM tasks WHERE path = '{PROGRAM}')"
EVENTS = f"""
    SELECT pid, time_ns, kind, cpu, process, uid, cgroup, container, syscall, args, result, text
    FROM events WHERE {OF_THE_PROGRAM} ORDER BY time_ns
"""
CALLS = f"""
    SELECT call.*, event.cpu FROM syscalls AS call LEFT JOIN events AS event
    ON event.kind = 'entry' AND event.pid = call.pid AND event.time_ns = call.entry_ns
    WHERE call.{OF_THE_PROGRAM} AND state = 'paired' ORDER BY entry_ns
"""


def query(path, sql: str) -> list[dict]:
    return json.loads(tracectl("query", "--format", "json", path, sql))


def program_only(rows: Iterable[dict], pids: set[int], begin_ns: int, time: str) -> list[dict]:
    """Without what its first process did before the exec, at addresses that differ by run; ids of
    processes differ, too."""
    return [
        row | {"answer": "a process" if row["result"] in pids else row["result"]}
        for row in rows
        if row[time] >= begin_ns
    ]


def event_of(row: dict, call: str | None, began_on: int | None) -> Event:
    told = (row["kind"], row["text"])
    if row["kind"] == "exit":
        told += (call, row["answer"])
    elif row["kind"] not in TASKS:
        told += (row["syscall"], row["args"])
    return Event(
        row["kind"], row["process"], row["uid"], row["cgroup"], row["container"], call, began_on,
        told,
    )  # fmt: skip


def events_by_process(rows: Iterable[dict]) -> list[list[Event]]:
    found: dict[int, list[Event]] = {}
    entered: dict[int, tuple[str | None, int | None]] = {}
    for row in rows:
        pid, kind = row["pid"], row["kind"]
        if kind == "entry":
            entered[pid] = row["syscall"], row["cpu"]
        # A new process, or one that has come to be recorded, returns from a call without entry.
        call, began_on = entered.get(pid, (row["syscall"], None))
        found.setdefault(pid, []).append(event_of(row, call, began_on))
        if kind == "exit":
            entered.pop(pid, None)
    return list(found.values())


class Reading:
    """A capture of a run."""

    def __init__(self, path) -> None:
        rows = query(path, EVENTS)
        pids = {row["pid"] for row in rows}
        begin_ns = next(
            row["time_ns"] for row in rows if (row["kind"], row["text"]) == ("exec", PROGRAM)
        )
        self.processes = events_by_process(program_only(rows, pids, begin_ns, "time_ns"))
        self.calls = program_only(query(path, CALLS), pids, begin_ns, "entry_ns")

    def told(self, is_wanted: Callable[[Event], bool], by_cpu: bool = False) -> list[list[tuple]]:
        """By process, those that have any. ``by_cpu``: an exit is wanted with its entry only, since
        nothing else tells where its call began."""
        found = []
        for events in self.processes:
            kept: list[tuple] = []
            has_entry = False
            for event in events:
                if event.kind == "entry":
                    has_entry = is_wanted(event)
                if event.kind in TASKS or (by_cpu and event.kind == "exit" and not has_entry):
                    continue
                if is_wanted(event):
                    kept.append(event.told)
            found.append(kept)
        return [kept for kept in found if kept]

    def tasks(self) -> list[list[tuple]]:
        return [
            [event.told for event in events if event.kind in TASKS] for events in self.processes
        ]

    def told_calls(self, is_wanted: Callable[[dict], bool]) -> list[tuple]:
        return [
            (call["syscall"], call["args"], call["answer"], call["paths"])
            for call in self.calls
            if is_wanted(call)
        ]


def test_filtered_before_is_filtered_afterwards(guest, workload, tmp_path):
    script = SCRIPT.replace("{costumes}", workload("costumes"))
    assert guest(script) == 0, (tmp_path / "out").read_text()
    everything = Reading(tmp_path / "everything.trace")
    assert len(everything.processes) == 3
    for name, (options, is_wanted) in (FILTERS | {"tree": FILTERS["uid"]}).items():
        tracectl("verify", tmp_path / f"{name}.trace")
        filtered = Reading(tmp_path / f"{name}.trace")
        expected = everything.told(is_wanted, by_cpu="--cpus" in options)
        assert sum(map(len, expected)) >= 12, name
        assert filtered.told(lambda _: True) == expected, name
        assert filtered.tasks() == everything.tasks(), name
    for name, (_, is_wanted_call) in JUDGED.items():
        tracectl("verify", tmp_path / f"{name}.trace")
        expected_calls = everything.told_calls(is_wanted_call)
        assert len(expected_calls) >= 6, name
        found = Reading(tmp_path / f"{name}.trace").told_calls(lambda _: True)
        assert found == expected_calls, name
