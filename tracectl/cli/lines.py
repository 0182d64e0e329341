"""Blocks of calls as lines of text."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tracectl.analysis.calls import Calls, State
from tracectl.analysis.wallclock import WallClock
from tracectl.decode.copies import Copy
from tracectl.render.lines import format_lines
from tracectl.tables.table import SyscallTable

_SECOND_NS = 1_000_000_000


@dataclass(slots=True)
class Lines:
    """Formats one block after the other. Lines tell their thread from the first block on that has
    more than one, as strace does once there is a second."""

    tables: Sequence[SyscallTable]
    clock: WallClock
    clocks: int = 0
    is_relative: bool = False
    has_durations: bool = False
    has_threads: bool = False
    _last_ns: int = -1
    _tid: int = -1

    def format(self, calls: Calls) -> list[str]:
        return self.decorate(calls, self._format_calls(calls) if len(calls) else [])

    def decorate(self, calls: Calls, lines: list[str]) -> list[str]:
        """``lines`` of ``calls`` with their times and threads."""
        if not lines:
            return []
        if self.clocks or self.is_relative:
            times = self._relative(calls) if self.is_relative else self._times(calls)
            lines = [f"{begin} {line}" for begin, line in zip(times, lines, strict=True)]
        if self.has_durations:
            ends = [
                f" <{spent / 1e9:.6f}>" if state == State.PAIRED else ""
                for spent, state in zip(
                    calls.duration_ns.tolist(), calls.state.tolist(), strict=True
                )
            ]
            lines = list(map(str.__add__, lines, ends))
        tids = calls.tid.tolist()
        self.has_threads |= len({*tids, self._tid if self._tid >= 0 else tids[0]}) > 1
        self._tid = tids[-1]
        if self.has_threads:
            names = {tid: f"[pid {tid:5}] " for tid in set(tids)}
            lines = [names[tid] + line for tid, line in zip(tids, lines, strict=True)]
        return lines

    def _format_calls(self, calls: Calls) -> list[str]:
        lines = np.empty(len(calls), np.object_)
        copies: dict[int, list[Copy]] = {}
        for row, copy in zip(calls.copy_row, calls.copies, strict=True):
            copies.setdefault(row, []).append(copy)
        has_copies = np.zeros(len(calls), np.bool_)
        has_copies[list(copies)] = True
        kinds = np.stack((calls.abi, calls.nr, calls.state.astype(np.int64)))
        order = np.lexsort(kinds)
        ends = np.flatnonzero((kinds[:, order[1:]] != kinds[:, order[:-1]]).any(axis=0)) + 1
        for rows in np.split(order, ends):
            abi, nr, state = kinds[:, rows[0]].tolist()
            with_copies = np.flatnonzero(has_copies[rows])
            mine = {at: copies[row] for at, row in zip(
                with_copies.tolist(), rows[with_copies].tolist(), strict=True
            )}  # fmt: skip
            lines[rows] = format_lines(
                self.tables[min(abi, len(self.tables) - 1)],
                nr,
                None if state == State.NO_ENTRY else calls.arguments[rows],
                mine,
                None if state == State.UNFINISHED else calls.result[rows].tolist(),
            )
        return lines.tolist()

    def _times(self, calls: Calls) -> list[str]:
        real_ns = self.clock.real_ns(calls.first_ns)
        seconds, fraction_us = real_ns // _SECOND_NS, real_ns % _SECOND_NS // 1000
        if self.clocks == 1:
            return _clock(seconds)
        texts = list(map(str, seconds.tolist())) if self.clocks > 2 else _clock(seconds)
        parts = zip(texts, fraction_us.tolist(), strict=True)
        return [f"{text}.{fraction:06}" for text, fraction in parts]

    def _relative(self, calls: Calls) -> list[str]:
        first_ns = calls.first_ns.astype(np.int64)
        before = np.concatenate(
            ([first_ns[0] if self._last_ns < 0 else self._last_ns], first_ns[:-1])
        )
        self._last_ns = int(first_ns[-1])
        return [f"{(ns / 1e9):13.6f}" for ns in np.maximum(first_ns - before, 0).tolist()]


def _clock(seconds: NDArray[np.int64]) -> list[str]:
    """Local time, as strace has it."""
    texts = {
        second: time.strftime("%H:%M:%S", time.localtime(second))
        for second in np.unique(seconds).tolist()
    }
    return [texts[second] for second in seconds.tolist()]
