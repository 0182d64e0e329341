"""A session that only counts: the same views, of the counters in the kernel."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tracectl.abi.control import LATENCIES, State
from tracectl.abi.records import OTHER_SLOT, SHAPES, SLOTS
from tracectl.abi.totals import CpuTotals
from tracectl.analysis.histogram import OCTAVES, TIMED_BUCKETS, bucket_of, quantiles_of_rows
from tracectl.capture.metadata import Moment
from tracectl.errors import TracectlError
from tracectl.kernel.device import Clocks, Device
from tracectl.kernel.shapes import shapes_of
from tracectl.live.book import Shelf
from tracectl.live.history import History
from tracectl.live.model import LIVE_BUCKET_NS, View
from tracectl.live.page import I64
from tracectl.live.past import Past
from tracectl.live.paths import Paths
from tracectl.live.ranking import HISTORY, WINDOW, Table, empty_table
from tracectl.live.ring import TimeRing
from tracectl.live.source import Facts, Losses, losses_on
from tracectl.live.worker import Progress
from tracectl.tables.table import load_tables

PERIOD_S = 0.5
OTHER_ERRORS = 0
"""Stands in a table of errors for those that no class has."""
CLASS_ERRNOS = (OTHER_ERRORS, 2, 1, 11, 4, 9, 22, 110)
"""enum tracectl_errno, each by the first of its errors."""
_MIDDLES = bucket_of(np.array([3 << log >> 1 for log in range(LATENCIES)], np.uint64))


class CountingModel:
    """Views of what the counters were one time and the next."""

    def __init__(self, cpus: int) -> None:
        self._history = History(cpus, LIVE_BUCKET_NS)
        self._calls_by_time = TimeRing((SLOTS,), HISTORY, np.int32)
        self._errors_by_time = TimeRing((SLOTS * len(CLASS_ERRNOS),), HISTORY, np.int32)
        self._known = False
        self._events: I64 = np.zeros(cpus, np.int64)
        self._calls: I64 = np.zeros(SLOTS, np.int64)
        self._total_ns: I64 = np.zeros(SLOTS, np.int64)
        self._errors: I64 = np.zeros((SLOTS, len(CLASS_ERRNOS)), np.int64)
        self._latency: I64 = np.zeros((SLOTS, LATENCIES), np.int64)
        self.losses = Losses()
        self._now_ns = 0

    def add(self, counters: Sequence[CpuTotals], now_ns: int) -> None:
        """All CPUs' at the session's time ``now_ns``."""
        events, calls = np.zeros_like(self._events), np.zeros_like(self._calls)
        errors, latency = np.zeros_like(self._errors), np.zeros_like(self._latency)
        self._total_ns[:] = 0
        for cpu in counters:
            events[cpu.cpu] = sum(cpu.generated)
            for slot, counts in cpu.syscalls.items():
                calls[slot] += counts.entries
                errors[slot] += counts.errors
                latency[slot] += counts.latency
                self._total_ns[slot] += counts.total_ns
        bucket = now_ns // LIVE_BUCKET_NS
        for ring in (self._calls_by_time, self._errors_by_time):
            ring.advance(bucket)
        self._history.advance(bucket)
        # What was counted before the first look was at no time that is known.
        if self._known:
            _add(self._calls_by_time, bucket, calls - self._calls)
            _add(self._errors_by_time, bucket, (errors - self._errors).reshape(-1))
            heat = np.zeros(OCTAVES, np.int64)
            heat[:LATENCIES] = (latency - self._latency).sum(axis=0)
            self._history.add_counts(bucket, events - self._events, heat)
        self._known = True
        self._events, self._calls, self._errors, self._latency = events, calls, errors, latency
        self._now_ns = now_ns
        self.losses = losses_on(counters)

    def view(self) -> View:
        nothing = empty_table()
        return View(
            syscalls=self._syscalls(),
            processes=nothing,
            process_syscalls=nothing,
            files=nothing,
            errors=self._errors_table(),
            course=self._history.course(),
            who={},
            past=Past((), {}),
            paths=Paths(),
            shelf=Shelf({}, ()),
            records=0,
            calls=int(self._calls.sum()),
            lost={cpu: state.lost for cpu, state in self.losses.cpus.items()},
            missed=0,
            orphans=0,
            waiting=0,
            problems=(),
            last_ns=self._now_ns,
        )

    def _syscalls(self) -> Table:
        used = np.flatnonzero(self._calls)
        counted = np.zeros((len(used), TIMED_BUCKETS), np.int64)
        # All that is known is the octave: its middle is within 50 % of a duration in it.
        counted[:, _MIDDLES] = self._latency[used]
        return _table(
            np.where(used == OTHER_SLOT, SHAPES - 1, used),
            self._calls[used],
            self._errors[used].sum(axis=1),
            self._total_ns[used],
            self._calls_by_time.last(HISTORY)[:, used].T,
            quantiles_of_rows(counted, (0.5, 0.95, 0.99)),
        )

    def _errors_table(self) -> Table:
        flat = self._errors.reshape(-1)
        used = np.flatnonzero(flat)
        slot, kind = np.divmod(used, len(CLASS_ERRNOS))
        slot[slot == OTHER_SLOT] = SHAPES - 1
        zeros = np.zeros(len(used), np.int64)
        return _table(
            np.array(CLASS_ERRNOS, np.int64)[kind] << 11 | slot,
            flat[used],
            zeros,
            zeros,
            self._errors_by_time.last(HISTORY)[:, used].T,
            np.zeros((len(used), 3), np.int64),
        )


class CountingWorker:
    """The thread that reads the counters. A Feed."""

    def __init__(self) -> None:
        """TracectlError when they cannot be read."""
        self._device = Device()
        try:
            status, clocks = self._device.status(), self._device.clocks()
            self.facts = _facts_of(self._device.info.cpus, clocks)
            self._model = CountingModel(self.facts.cpus)
            self.view = self._model.view()
        except BaseException:
            self._device.close()
            raise
        self._session_id = status.session_id
        self._offset_ns = clocks.trace_ns - clocks.mono_ns
        self.progress = Progress(Losses(), 1.0, has_ended=False)
        self.published = 0
        self.whole_ns = None
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="tracectl-reader", daemon=True)

    def start(self) -> CountingWorker:
        self._thread.start()
        return self

    def select(self, span_ns: tuple[int, int] | None) -> None:
        """There is nothing to choose from."""

    def give_way(self) -> None:
        """It takes little time by itself."""

    def close(self) -> None:
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join()
        self._device.close()

    def _run(self) -> None:
        error, has_ended = None, False
        while not (error or has_ended or self._closing.is_set()):
            try:
                has_ended = not self._read()
            except TracectlError as failure:
                error = str(failure)
            self.view = self._model.view()
            self.progress = Progress(self._model.losses, 1.0, has_ended=has_ended, error=error)
            self.published += 1
            self._closing.wait(PERIOD_S)
        # An open device would keep the module from being unloaded.
        self._device.close()

    def _read(self) -> bool:
        """False once the session has ended."""
        status = self._device.status()
        if status.state == State.IDLE or status.session_id != self._session_id:
            return False
        self._model.add(self._device.counters(), time.monotonic_ns() + self._offset_ns)
        return True


def _facts_of(cpus: int, clocks: Clocks) -> Facts:
    tables = load_tables()
    native, narrow = tables.values()
    uname = os.uname()
    return Facts(
        title="counters",
        host=uname.nodename,
        machine=uname.machine,
        cpus=cpus,
        tables=[native, narrow, native],
        shapes=shapes_of(tables),
        moments=[Moment(clocks.trace_ns, clocks.mono_ns, clocks.real_ns)],
        is_live=True,
        is_here=True,
        has_records=False,
    )


def _add(ring: TimeRing, bucket: int, counts: I64) -> None:
    places = np.flatnonzero(counts)
    ring.add(np.full(len(places), bucket), places, weights=counts[places])


def _table(
    key: I64,
    calls: I64,
    errors: I64,
    total_ns: I64,
    history: NDArray[np.int32],
    found: I64,
) -> Table:
    return Table(
        key=key,
        calls=calls,
        errors=errors,
        total_ns=total_ns,
        size_bytes=np.zeros(len(key), np.int64),
        recent=history[:, -WINDOW:].sum(axis=1, dtype=np.int64),
        history=history,
        percentiles=found,
    )
