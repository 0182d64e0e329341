"""Who is who: processes by id, as the session's start and its events told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from tracectl.abi.records import Kind
from tracectl.analysis.tasks import TaskEvent
from tracectl.capture.metadata import Task
from tracectl.live.past import Past

_CAPACITY = 1 << 15


@dataclass(frozen=True, slots=True)
class Process:
    """``exit_code`` is a wait status, None while it runs; ``path`` is of the image, ``cgroup`` from
    cgroup v2's root on, both empty where nothing told them."""

    tgid: int
    ppid: int
    comm: str
    path: str = ""
    cgroup: str = ""
    exit_code: int | None = None


class Processes:
    """``cgroups`` are paths by inode. Processes that ended are forgotten first when there are too
    many. ``past`` is what threads were before."""

    def __init__(self, tasks: Sequence[Task], cgroups: Mapping[int, str]) -> None:
        self._cgroups = dict(cgroups)
        self.past = Past(tasks, self._cgroups)
        self._known = {
            task.tgid: Process(task.tgid, task.ppid, task.comm, task.exe, task.cgroup)
            for task in tasks
            if task.tid == task.tgid
        }

    def __len__(self) -> int:
        return len(self._known)

    def get(self, tgid: int) -> Process:
        """One without a name where nothing told of it."""
        return self._known.get(tgid) or Process(tgid, 0, "")

    def copy(self) -> dict[int, Process]:
        return dict(self._known)

    def add(self, event: TaskEvent) -> None:
        self.past.add(event)
        if event.kind == Kind.FORK and event.other_tgid != event.tgid:
            parent = self.get(event.tgid)
            child = Process(event.other_tgid, event.tgid, parent.comm, parent.path, parent.cgroup)
            self._known[event.other_tgid] = self._in_cgroup(child, event.cgroup)
        elif event.kind == Kind.EXEC:
            process = replace(self.get(event.tgid), comm=event.comm, path=event.path)
            self._known[event.tgid] = self._in_cgroup(process, event.cgroup)
        elif event.kind == Kind.RENAME and event.other_tid in self._known:
            self._known[event.other_tid] = replace(self.get(event.other_tid), comm=event.comm)
        elif event.kind == Kind.CGROUP:
            self._cgroups[event.cgroup] = event.path
        elif event.kind == Kind.ATTACH and event.other_tid in self._known:
            process = self.get(event.other_tid)
            self._known[event.other_tid] = self._in_cgroup(process, event.cgroup)
        elif event.kind == Kind.TASK_EXIT and event.tid == event.tgid:
            self._known[event.tgid] = replace(self.get(event.tgid), exit_code=event.code)
        if len(self._known) > _CAPACITY:
            self._forget()

    def learn(self, tgid: int, comm: str) -> None:
        """Its name from elsewhere: the events that would have told it may be lost."""
        if self.get(tgid).comm != comm:
            self._known[tgid] = replace(self.get(tgid), comm=comm)
            self.past.learn(tgid, comm)

    def _in_cgroup(self, process: Process, cgroup: int) -> Process:
        return replace(process, cgroup=self._cgroups.get(cgroup, process.cgroup))

    def _forget(self) -> None:
        ended = [tgid for tgid, one in self._known.items() if one.exit_code is not None]
        for tgid in (ended or list(self._known))[: _CAPACITY // 4]:
            del self._known[tgid]
