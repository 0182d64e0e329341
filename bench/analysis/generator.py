"""Captures of any size, made of the calls of a real recording."""

from __future__ import annotations

import random
import struct
from collections import Counter
from pathlib import Path

import numpy as np

from bench.analysis.mix import CallMix, Mix
from tracectl.abi.dtype import dtype_of
from tracectl.abi.records import (
    ABI_VERSION,
    KINDS,
    LOST_CAUSES,
    SUBBUF_MAGIC,
    Kind,
    Name,
    OpenHow,
    SubbufHeader,
)
from tracectl.abi.totals import CpuTotals, SyscallTotals
from tracectl.analysis.balance import CpuBalance, count_of
from tracectl.capture.metadata import (
    Config,
    EndBlock,
    Host,
    Metadata,
    Module,
    Moment,
    Task,
)
from tracectl.capture.writer import CaptureWriter
from tracectl.decode.subbuffer import decode_subbuffer
from tracectl.kernel.shapes import shapes_of
from tracectl.tables.table import load_table

CPUS = 2
SUBBUF_BYTES = 1 << 20
FIRST_NS = 10**12
_TEMPLATES = 4
"""So many different sub-buffers a CPU, again and again at later times."""
_THREADS = 16
_LARGEST_CALL = 1024
_FUTEX = 202
_SHAPES = shapes_of({name: load_table(name) for name in ("x86_64", "i386")})
_HEAD = {"time": 0, "id": 0, "kind": 0, "granules": 0}
_HOW = OpenHow.build({"head": _HEAD, "flags": 0o2000000, "mode": 0, "resolve": 0})[8:]
_NAME = Name.build({"head": _HEAD, "dfd": -100, "source": 0, "flags": 0, "site": 0, "reserved": 0})[
    8:
]


class Template:
    """A sub-buffer that fits behind itself: its threads begin and end inside a call."""

    def __init__(self, cpu: int, mix: Mix, seed: int) -> None:
        self.cpu = cpu
        self._random = random.Random(seed)
        self._mix = mix
        self._weights = [call.calls for call in mix.calls]
        # Few, as in life: descriptors, sizes and addresses come again and again.
        self._values = [self._random.randrange(1 << 31) for _ in range(64)]
        self._paths = [b"/%x" % self._random.getrandbits(1200) for _ in range(200)]
        self._parts: list[bytes] = []
        self._offset = SubbufHeader.sizeof() + SUBBUF_BYTES // 64
        self._starts: list[int] = []
        self._now_ns = FIRST_NS
        self._tids = [1000 * (cpu + 1) + index for index in range(_THREADS)]
        self._inside = dict.fromkeys(self._tids, _FUTEX)
        self._tid = -1
        self._run()
        self._words, self._granule = self._assemble()

    def __len__(self) -> int:
        return len(self._starts)

    @property
    def span_ns(self) -> int:
        return self._now_ns - FIRST_NS

    def at(self, seq: int, start_ns: int, generated: int) -> bytes:
        """The sub-buffer as number ``seq`` of its CPU."""
        words = self._words.copy()
        shift = start_ns - FIRST_NS
        heads = words[self._granule]
        low = (heads + np.uint64(shift)) & np.uint64(0xFFFFFFFF)
        words[self._granule] = heads & np.uint64(0xFFFFFFFF00000000) | low
        header = words[: SubbufHeader.sizeof() // 8].view(dtype_of(SubbufHeader))
        header["seq"] = seq
        header["first_ns"] += np.uint64(shift)
        header["last_ns"] += np.uint64(shift)
        header["generated"] = generated
        return words.tobytes()

    def _run(self) -> None:
        reserve = _LARGEST_CALL + _THREADS * 64
        left = 0
        while self._offset < SUBBUF_BYTES - reserve:
            if left <= 0:
                self._switch()
                left = round(self._random.expovariate(1 / self._mix.calls_a_turn)) + 1
            left -= 1
            self._tell(self._gap_ns())
            (call,) = self._random.choices(self._mix.calls, self._weights)
            if not self._add_call(call):
                left = 0
        for tid in self._tids:
            if tid not in self._inside:
                self._switch(tid)
                self._enter(_FUTEX)

    def _switch(self, tid: int = 0) -> None:
        self._tid = tid or self._random.choice(self._tids)
        self._add(Kind.TASK, 0, struct.pack("<II", self._tid, self._tids[0]))
        if (nr := self._inside.pop(self._tid, None)) is not None:
            self._add(Kind.EXIT, nr, struct.pack("<q", 0))

    def _add_call(self, call: CallMix) -> bool:
        """False when the thread waits in it."""
        self._enter(call.nr)
        if call.has_how:
            self._add(Kind.OPEN_HOW, 0, _HOW)
        for length in self._random.choice(call.names):
            path = self._random.choice(self._paths)[:length]
            self._add(Kind.NAME, len(path), _NAME, path + bytes(8 - len(path) % 8))
        if self._random.random() > call.near:
            self._inside[self._tid] = call.nr
            return False
        self._tell(min(self._random.choice(call.durations_ns), 10**6))
        result = self._random.choice(call.results)
        if -(1 << 15) <= result < 1 << 15:
            self._add(Kind.EXIT_SHORT, result & 0xFFFF, b"")
        else:
            self._add(Kind.EXIT_NEAR, call.nr, struct.pack("<q", result))
        return True

    def _enter(self, nr: int) -> None:
        count, wide = _SHAPES[0][nr]
        layout = "<" + "".join("Q" if wide >> index & 1 else "I" for index in range(count))
        payload = struct.pack(layout, *self._random.choices(self._values, k=count))
        self._add(Kind.ENTRY, nr, payload + bytes(-len(payload) % 8))
        if nr == _FUTEX:
            self._inside[self._tid] = nr

    def _gap_ns(self) -> int:
        return min(self._random.choice(self._mix.gaps_ns), 10**6)

    def _tell(self, time_ns: int) -> None:
        self._now_ns += time_ns

    def _add(self, kind: Kind, record_id: int, payload: bytes, text: bytes = b"") -> None:
        head = struct.pack("<IHBB", self._now_ns & 0xFFFFFFFF, record_id, kind, len(payload) // 8)
        self._starts.append(self._offset // 8)
        self._parts.append(head + payload + text)
        self._offset += len(self._parts[-1])

    def _assemble(self) -> tuple[np.ndarray, np.ndarray]:
        granule = np.array(self._starts)
        bits = np.zeros(SUBBUF_BYTES // 8, np.uint8)
        bits[granule] = 1
        header = SubbufHeader.build(
            {"magic": SUBBUF_MAGIC, "abi": ABI_VERSION, "reserved0": 0, "cpu": self.cpu,
             "subbuf_bytes": SUBBUF_BYTES, "session_id": 1, "seq": 0, "first_ns": FIRST_NS,
             "last_ns": self._now_ns, "used_bytes": self._offset, "records": len(self._starts),
             "lost": [0] * LOST_CAUSES, "generated": 0}
        )  # fmt: skip
        bitmap = np.packbits(bits, bitorder="little").tobytes()
        return np.frombuffer(header + bitmap + b"".join(self._parts), np.uint64), granule


def write_capture(path: Path, mix: Mix, events: int, *, compress: bool) -> int:
    """A capture of ``events`` events or a few more; how many."""
    names = ("x86_64", "i386")
    templates = [
        [Template(cpu, mix, cpu * _TEMPLATES + index) for index in range(_TEMPLATES)]
        for cpu in range(CPUS)
    ]
    balances = [[_balance_of(template) for template in mine] for mine in templates]
    span_ns = max(template.span_ns for mine in templates for template in mine) + 1000
    metadata = Metadata(
        session_id=1,
        host=Host("bench", mix.host, "x86_64", "0"),
        module=Module("0", "0"),
        clocks=[Moment(FIRST_NS, FIRST_NS, FIRST_NS)],
        config=Config(15, SUBBUF_BYTES, 32, 0),
        cpus=CPUS,
        tables={name: load_table(name).to_json() for name in names},
        shapes=_SHAPES,
        tasks=[Task(1000 * (cpu + 1), 1000 * (cpu + 1), 1, f"worker{cpu}") for cpu in range(CPUS)],
    )
    used: Counter[tuple[int, int]] = Counter()
    written = seq = 0
    generated = [0] * CPUS
    with CaptureWriter(path, metadata, compress=compress) as writer:
        while written < events:
            for cpu, mine in enumerate(templates):
                index = seq % _TEMPLATES
                start_ns = FIRST_NS + seq * span_ns
                writer.write_chunk(cpu, seq, mine[index].at(seq, start_ns, generated[cpu]))
                count = balances[cpu][index].spans[0].recorded
                used[cpu, index] += 1
                generated[cpu] += count
                written += count
            seq += 1
        totals = [_totals(cpu, balances[cpu], used, seq) for cpu in range(CPUS)]
        writer.write_end(EndBlock("built", [Moment(FIRST_NS, FIRST_NS, FIRST_NS)], totals))
    return written


def _balance_of(template: Template) -> CpuBalance:
    balance = CpuBalance(template.cpu)
    balance.add(count_of(decode_subbuffer(template.at(0, FIRST_NS, 0))))
    return balance


def _totals(
    cpu: int, balances: list[CpuBalance], used: Counter[tuple[int, int]], subbufs: int
) -> CpuTotals:
    times = [used[cpu, index] for index in range(len(balances))]

    def add(column: str) -> np.ndarray:
        return sum(
            (getattr(one, column) * count for one, count in zip(balances, times, strict=True)),
            start=np.zeros(1, np.int64),
        )

    kinds, entries, exits = add("kinds"), add("entries"), add("exits")
    kinds[Kind.EXIT] += kinds[Kind.EXIT_NEAR] + kinds[Kind.EXIT_SHORT]
    kinds[[Kind.TASK, Kind.TIME, Kind.EXIT_NEAR, Kind.EXIT_SHORT]] = 0
    slots = np.flatnonzero(entries + exits).tolist()
    return CpuTotals(
        cpu=cpu,
        generated=kinds[:KINDS].tolist(),
        lost=[0] * KINDS,
        lost_by_cause=[0] * LOST_CAUSES,
        filtered=0,
        subbufs=subbufs,
        syscalls={
            slot: SyscallTotals(int(entries[slot]), int(exits[slot]), 0, 0) for slot in slots
        },
    )
