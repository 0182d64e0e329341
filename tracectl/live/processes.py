"""Who is who: processes by id, as the session's start and its events told."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from tracectl.abi.records import Kind
from tracectl.analysis.tasks import TaskEvent
from tracectl.capture.metadata import Task

_CAPACITY = 1 << 15


@dataclass(frozen=True, slots=True)
class Process:
    """``exit_code`` is a wait status, None while it runs; ``path`` is of the image, where an exec
    told it."""

    tgid: int
    ppid: int
    comm: str
    path: str = ""
    exit_code: int | None = None


class Processes:
    """Those that ended are forgotten first when there are too many."""

    def __init__(self, tasks: Iterable[Task]) -> None:
        self._known = {
            task.tgid: Process(task.tgid, task.ppid, task.comm)
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
        process = self.get(event.tgid)
        if event.kind == Kind.FORK:
            if event.other_tgid != event.tgid:
                self._known[event.other_tgid] = Process(
                    event.other_tgid, event.tgid, process.comm, process.path
                )
        elif event.kind == Kind.EXEC:
            self._known[event.tgid] = replace(process, comm=event.comm, path=event.path)
        elif event.tid == event.tgid:
            self._known[event.tgid] = replace(process, exit_code=event.code)
        if len(self._known) > _CAPACITY:
            self._forget()

    def learn(self, tgid: int, comm: str) -> None:
        """A name from elsewhere, for one that has none."""
        if not self.get(tgid).comm:
            self._known[tgid] = replace(self.get(tgid), comm=comm)

    def _forget(self) -> None:
        ended = [tgid for tgid, one in self._known.items() if one.exit_code is not None]
        for tgid in (ended or list(self._known))[: _CAPACITY // 4]:
            del self._known[tgid]
