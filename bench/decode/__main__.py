"""How fast captures are decoded: ``python -m bench.decode``.

Builds a capture of 5,000,000 records in sub-buffers of 1 MiB on two CPUs, and prints the rates on
one core. Exits with 1 when decoding alone is slower than ``--min`` records a second.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import struct
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tracectl.abi.dtype import dtype_of
from tracectl.abi.records import (
    ABI_VERSION,
    LOST_CAUSES,
    SUBBUF_MAGIC,
    Kind,
    Name,
    OpenHow,
    SubbufHeader,
)
from tracectl.capture.metadata import Config, EndBlock, Host, Metadata, Module, Moment
from tracectl.capture.reader import open_capture
from tracectl.capture.writer import CaptureWriter
from tracectl.decode.subbuffer import decode_subbuffer
from tracectl.kernel.shapes import shapes_of
from tracectl.tables.table import load_table

sys.path.insert(0, str(Path(__file__).parents[2] / "tests" / "unit"))
import reference

CPUS = 2
SUBBUF_BYTES = 1 << 20
# The reference copies the rest of its sub-buffer for every record; a small one is kinder to it.
REFERENCE_BYTES = 1 << 15
FIRST_NS = 10**12
ROUNDS = 3

# Number, arguments as their shape has them, weight: a build's mix, as `tracectl report` shows it.
CALLS = (
    (0, "IQQ", 30),  # read
    (1, "IQQ", 15),  # write
    (257, "iQiI", 12),  # openat
    (3, "I", 14),  # close
    (262, "iQQi", 12),  # newfstatat
    (9, "QQQQQQ", 6),  # mmap
    (202, "QiIQQI", 8),  # futex
    (39, "", 3),  # getpid
)
PATHS = (b"/etc/ld.so.cache", b"/usr/lib/x86_64-linux-gnu/libc.so.6", b"include/linux/sched.h")


class Template:
    """A sub-buffer that is built once and then written again and again at later times."""

    def __init__(self, cpu: int, subbuf_bytes: int) -> None:
        self.cpu = cpu
        self.subbuf_bytes = subbuf_bytes
        self._random = random.Random(cpu)
        # Few, as in life: descriptors, sizes and addresses come again and again.
        self._values = [self._random.randrange(1 << 31) for _ in range(64)]
        self._parts: list[bytes] = []
        self._offset = SubbufHeader.sizeof() + subbuf_bytes // 64
        self._starts: list[int] = []
        self._now_ns = FIRST_NS
        self._switch()
        # No call takes more than this.
        while self._offset < subbuf_bytes - 512:
            self._add_call()
        self._words, self._granule = self._assemble()

    def __len__(self) -> int:
        return len(self._starts)

    def at(self, seq: int) -> bytes:
        """The sub-buffer as number ``seq`` of its CPU."""
        words = self._words.copy()
        shift = seq * (self._now_ns - FIRST_NS + 1000)
        heads = words[self._granule]
        low = (heads + np.uint64(shift)) & np.uint64(0xFFFFFFFF)
        words[self._granule] = heads & np.uint64(0xFFFFFFFF00000000) | low
        header = words[: SubbufHeader.sizeof() // 8].view(dtype_of(SubbufHeader))
        header["seq"] = seq
        header["first_ns"] += np.uint64(shift)
        header["last_ns"] += np.uint64(shift)
        return words.tobytes()

    def _add_call(self) -> None:
        if self._random.random() < 0.1:
            self._switch()
        nr, layout, _ = self._random.choices(CALLS, [call[2] for call in CALLS])[0]
        arguments = self._random.choices(self._values, k=len(layout))
        payload = struct.pack("<" + layout, *arguments)
        self._add(Kind.ENTRY, nr, payload + bytes(-len(payload) % 8))
        self._now_ns += self._random.randrange(100, 5000)
        if nr == 257:
            self._add_name()
        if nr == 9:
            self._add(Kind.EXIT_NEAR, nr, struct.pack("<q", 0x7F0000000000 + arguments[0]))
        else:
            self._add(Kind.EXIT_SHORT, min(arguments or [1]) & 0x7FFF, b"")
        self._now_ns += self._random.randrange(100, 5000)

    def _add_name(self) -> None:
        path = self._random.choice(PATHS)
        how = {"flags": 0o2000000, "mode": 0, "resolve": 0}
        name = {"dfd": -100, "source": 0, "flags": 0, "site": 0, "reserved": 0}
        head = {"time": 0, "id": 0, "kind": 0, "granules": 0}
        self._add(Kind.OPEN_HOW, 0, OpenHow.build({"head": head, **how})[8:])
        fixed = Name.build({"head": head, **name})[8:]
        self._add(Kind.NAME, len(path), fixed, path + bytes(8 - len(path) % 8))

    def _switch(self) -> None:
        tgid = 1000 * (self.cpu + 1)
        self._add(Kind.TASK, 0, struct.pack("<II", tgid + self._random.randrange(8), tgid))

    def _add(self, kind: Kind, record_id: int, payload: bytes, text: bytes = b"") -> None:
        head = struct.pack("<IHBB", self._now_ns & 0xFFFFFFFF, record_id, kind, len(payload) // 8)
        self._starts.append(self._offset // 8)
        self._parts.append(head + payload + text)
        self._offset += len(self._parts[-1])
        self._last_ns = self._now_ns

    def _assemble(self) -> tuple[np.ndarray, np.ndarray]:
        granule = np.array(self._starts)
        bits = np.zeros(self.subbuf_bytes // 8, np.uint8)
        bits[granule] = 1
        header = SubbufHeader.build(
            {"magic": SUBBUF_MAGIC, "abi": ABI_VERSION, "reserved0": 0, "cpu": self.cpu,
             "subbuf_bytes": self.subbuf_bytes, "session_id": 1, "seq": 0, "first_ns": FIRST_NS,
             "last_ns": self._last_ns, "used_bytes": self._offset, "records": len(self._starts),
             "lost": [0] * LOST_CAUSES, "generated": 0}
        )  # fmt: skip
        bitmap = np.packbits(bits, bitorder="little").tobytes()
        return np.frombuffer(header + bitmap + b"".join(self._parts), np.uint64), granule


@dataclass(frozen=True, slots=True)
class Figures:
    """Rates in records a second, of one core; the best of three, but for the reference."""

    records: int
    subbufs: int
    plain_bytes: int
    compressed_bytes: int
    decode: float
    read_uncompressed: float
    read_compressed: float
    reference: float
    peak_rss_bytes: int


def write_capture(path: Path, records: int, *, compress: bool) -> tuple[int, int]:
    """A capture of ``records`` records or a few more; how many, and the file's size."""
    shapes = shapes_of({name: load_table(name) for name in ("x86_64", "i386")})
    metadata = Metadata(
        session_id=1,
        host=Host("bench", "0", "x86_64", "0"),
        module=Module("0", "0"),
        clocks=[Moment(FIRST_NS, FIRST_NS, FIRST_NS)],
        config=Config(15, SUBBUF_BYTES, 32, 0),
        cpus=CPUS,
        tables={name: load_table(name).to_json() for name in ("x86_64", "i386")},
        shapes=shapes,
    )
    templates = [Template(cpu, SUBBUF_BYTES) for cpu in range(CPUS)]
    written, seq = 0, 0
    with CaptureWriter(path, metadata, compress=compress) as writer:
        while written < records:
            for template in templates:
                writer.write_chunk(template.cpu, seq, template.at(seq))
                written += len(template)
            seq += 1
        writer.write_end(EndBlock("built", [Moment(FIRST_NS, FIRST_NS, FIRST_NS)], []))
        return written, writer.size_bytes


def iter_data(path: Path) -> Iterator[bytes]:
    """The sub-buffers of a capture that has no damage."""
    with open_capture(path) as capture:
        for chunk in capture.iter_chunks():
            yield chunk.data
        if capture.problems:
            raise SystemExit(f"the built capture is damaged: {capture.problems[0]}")


def time_decode(path: Path) -> float:
    """Records a second of decode_subbuffer alone; reading stands still for the clock."""
    records, spent_ns = 0, 0
    for data in iter_data(path):
        start_ns = time.perf_counter_ns()
        decoded = decode_subbuffer(data)
        spent_ns += time.perf_counter_ns() - start_ns
        records += len(decoded)
    return records / spent_ns * 1e9


def time_read(path: Path) -> float:
    """Records a second from the file to columns."""
    start_ns = time.perf_counter_ns()
    records = sum(len(decode_subbuffer(data)) for data in iter_data(path))
    return records / (time.perf_counter_ns() - start_ns) * 1e9


def time_reference() -> float:
    """Records a second of the decoder that the fast one is held equal to."""
    data = Template(0, REFERENCE_BYTES).at(0)
    start_ns = time.perf_counter_ns()
    records = len(reference.decode(data))
    spent_ns = time.perf_counter_ns() - start_ns
    if records != len(decode_subbuffer(data)):
        raise SystemExit("the reference finds another number of records")
    return records / spent_ns * 1e9


def measure(records: int) -> Figures:
    with tempfile.TemporaryDirectory(prefix="tracectl-bench-") as directory:
        plain, packed = Path(directory, "plain.trace"), Path(directory, "packed.trace")
        written, plain_bytes = write_capture(plain, records, compress=False)
        _, compressed_bytes = write_capture(packed, records, compress=True)
        return Figures(
            records=written,
            subbufs=sum(1 for _ in iter_data(plain)),
            plain_bytes=plain_bytes,
            compressed_bytes=compressed_bytes,
            decode=max(time_decode(plain) for _ in range(ROUNDS)),
            read_uncompressed=max(time_read(plain) for _ in range(ROUNDS)),
            read_compressed=max(time_read(packed) for _ in range(ROUNDS)),
            reference=time_reference(),
            peak_rss_bytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10,
        )


def format_figures(figures: Figures) -> str:
    def line(what: str, rate: float) -> str:
        return f"{what:<28}{rate / 1e6:9.3f} M records/s"

    return "\n".join(
        [
            f"{figures.records:,} records in {figures.subbufs} sub-buffers, "
            f"{figures.plain_bytes >> 20} MiB, {figures.compressed_bytes >> 20} MiB compressed",
            line("decode_subbuffer alone", figures.decode),
            line("from the file, uncompressed", figures.read_uncompressed),
            line("from the file, compressed", figures.read_compressed),
            line("reference decoder", figures.reference),
            f"{'peak RSS':<28}{figures.peak_rss_bytes >> 20:5} MiB",
        ]
    )


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.decode", description=__doc__)
    parser.add_argument("--records", type=int, default=5_000_000, metavar="N")
    parser.add_argument(
        "--min", type=float, default=20e6, metavar="RATE",
        help="exit with 1 below this many records a second (default 20e6)",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser.parse_args()


def main() -> int:
    args = parse_arguments()
    figures = measure(args.records)
    if args.json:
        facts: dict[str, Any] = {name: getattr(figures, name) for name in Figures.__slots__}
        print(json.dumps(facts))
    else:
        print(format_figures(figures))
    if figures.decode < args.min:
        print(f"decoding is slower than {args.min / 1e6:g} M records/s", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
