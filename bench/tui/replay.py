"""A source that goes on at a fixed rate, as a busy machine would: sub-buffers built once, handed
over again and again when their time has come."""

from __future__ import annotations

import time
from math import ceil

import numpy as np

from bench.decode.__main__ import FIRST_NS, SUBBUF_BYTES, Template
from tracectl.abi.records import FRAMING_KINDS, SubbufHeader
from tracectl.capture.metadata import Moment, Task
from tracectl.capture.reader import Chunk
from tracectl.decode.subbuffer import decode_subbuffer
from tracectl.kernel.shapes import shapes_of
from tracectl.live.source import CpuState, Facts, Losses, Settling
from tracectl.tables.table import load_table


class ReplaySource:
    """``rate`` events a second or a few more: so many CPUs as it takes. ``given`` counts them."""

    def __init__(self, rate: float) -> None:
        first = Template(0, SUBBUF_BYTES)
        records = decode_subbuffer(first.at(0))
        self._events = int((~np.isin(records.kind, list(FRAMING_KINDS))).sum())
        self._length_ns = SubbufHeader.parse(first.at(1)).first_ns - FIRST_NS
        cpus = ceil(rate / (self._events / self._length_ns * 1e9))
        self._templates = [first, *(Template(cpu, SUBBUF_BYTES) for cpu in range(1, cpus))]
        self._seqs = [0] * cpus
        self._settling = Settling(cpus, 1_000_000_000)
        self.given = 0
        # The session's clock at which this begins.
        self._start_ns = time.monotonic_ns()
        tables = {name: load_table(name) for name in ("x86_64", "i386")}
        self.facts = Facts(
            title="replay", host="bench", machine="x86_64", cpus=cpus,
            tables=[tables["x86_64"], tables["i386"], tables["x86_64"]], shapes=shapes_of(tables),
            moments=[Moment(FIRST_NS, self._start_ns, time.time_ns())], is_live=True,
            tasks=[Task(pid, pid, 1, f"busy-{pid}") for pid in range(1000, 1000 * cpus + 1, 1000)],
        )  # fmt: skip
        self.problems: list[str] = []

    @property
    def settled_ns(self) -> int:
        return self._settling.settled_ns

    def read(self, timeout_s: float) -> list[Chunk]:
        deadline_s = time.monotonic() + timeout_s
        while True:
            chunks = [chunk for cpu in range(len(self._seqs)) if (chunk := self._next(cpu))]
            rest_s = deadline_s - time.monotonic()
            if chunks or rest_s <= 0:
                return chunks
            time.sleep(min(0.005, rest_s))

    def has_ended(self) -> bool:
        return False

    def losses(self) -> Losses:
        cpus = {cpu: CpuState(fill=0.5) for cpu in range(len(self._seqs))}
        return Losses(generated=self.given, cpus=cpus)

    def progress(self) -> float:
        return 1.0

    def close(self) -> None:
        pass

    def _next(self, cpu: int) -> Chunk | None:
        seq = self._seqs[cpu]
        if time.monotonic_ns() - self._start_ns < (seq + 1) * self._length_ns:
            return None
        self._seqs[cpu] += 1
        self.given += self._events
        self._settling.add(cpu, FIRST_NS + (seq + 1) * self._length_ns)
        return Chunk(cpu, seq, self._templates[cpu].at(seq), 0)
