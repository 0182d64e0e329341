"""The entries and exits of a capture as the files of other tracers: perf.data, and trace-cmd's
trace.dat.

Both hold raw_syscalls:sys_enter and sys_exit as the kernel writes them, with the descriptions of
their fields; neither has names of files.
"""

from __future__ import annotations

import shutil
import struct
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracectl.abi.records import Kind
from tracectl.capture.reader import open_capture
from tracectl.decode.subbuffer import decode_subbuffer
from tracectl.export.events import Events, events_of
from tracectl.export.pack import Group, join

_ENTER_ID, _EXIT_ID = 1, 2
_PAGE_BYTES = 4096
_PAGE_HEADER = struct.Struct("<QQ")
_MOST_DELTA_NS = 1 << 27

_COMMON = [("type", "<u2"), ("flags", "u1"), ("preempt", "u1"), ("pid", "<i4"), ("id", "<i8")]
_ENTER = [*_COMMON, ("args", "<u8", (6,))]
_EXIT = [*_COMMON, ("ret", "<i8")]


def write_perf(path: Path, capture: Path) -> int:
    """As ``perf record -e raw_syscalls:*`` has it; how many events."""
    ids = {_ENTER_ID: 11, _EXIT_ID: 12}
    attributes = [_attribute(event) for event in ids]
    data_at = 104 + len(attributes) * (len(attributes[0]) + 16) + 8 * len(ids)
    ids_at = data_at - 8 * len(ids)
    count = 0
    with path.open("wb") as file:
        file.seek(data_at)
        for events in _iter_events(capture):
            rows, groups = _groups(events, _perf_records)
            count += len(rows)
            file.write(join(len(rows), groups))
            # No later event is older than these: PERF_RECORD_FINISHED_ROUND.
            file.write(struct.pack("<IHH", 68, 0, 8))
        end = file.tell()
        tracing = _tracing(b"0.6") + struct.pack("<Q", 0)
        file.write(struct.pack("<QQ", end + 16, len(tracing)) + tracing)
        file.seek(0)
        attribute_bytes = len(attributes[0]) + 16
        features = [1 << 1, 0, 0, 0]  # HEADER_TRACING_DATA
        file.write(b"PERFILE2" + struct.pack(
            "<QQQQQQQQ4Q", 104, attribute_bytes, 104, attribute_bytes * len(ids), data_at,
            end - data_at, 0, 0, *features,
        ))  # fmt: skip
        for place, attribute in enumerate(attributes):
            file.write(attribute + struct.pack("<QQ", ids_at + 8 * place, 8))
        file.write(struct.pack("<QQ", *ids.values()))
    return count


def write_trace_dat(path: Path, capture: Path) -> int:
    """As ``trace-cmd record -e raw_syscalls`` has it; how many events."""
    count, cpus = 0, dict[int, Path]()
    for events in _iter_events(capture):
        rows, _ = _groups(events, None)
        count += len(rows)
        part = cpus.setdefault(events.cpu, path.with_suffix(f".cpu{events.cpu}"))
        with part.open("ab") as file:
            file.writelines(_iter_pages(events, rows))
    head = _tracing(b"6") + struct.pack("<Q", 0) + struct.pack("<I", len(cpus))
    head += b"options  \0" + struct.pack("<H", 0) + b"flyrecord\0"
    offset = -(-(len(head) + 16 * len(cpus)) // _PAGE_BYTES) * _PAGE_BYTES
    with path.open("wb") as file:
        for part in (cpus[cpu] for cpu in sorted(cpus)):
            head += struct.pack("<QQ", offset, part.stat().st_size)
            offset += part.stat().st_size
        file.write(head.ljust(-(-len(head) // _PAGE_BYTES) * _PAGE_BYTES, b"\0"))
        for part in (cpus[cpu] for cpu in sorted(cpus)):
            with part.open("rb") as pages:
                shutil.copyfileobj(pages, file)
            part.unlink()
    return count


def _iter_events(path: Path) -> Iterator[Events]:
    with open_capture(path) as capture:
        for chunk in capture.iter_chunks():
            yield events_of(decode_subbuffer(chunk.data), capture.metadata.shapes)


Maker = Callable[[Events, NDArray[np.intp], int, NDArray[Any]], NDArray[np.uint8]]


def _groups(events: Events, make: Maker | None) -> tuple[NDArray[np.intp], list[Group]]:
    """The rows of entries and exits, and their pieces as ``make`` makes them of raw events."""
    rows = np.flatnonzero(np.isin(events.kind, [Kind.ENTRY, Kind.EXIT]))
    groups: list[Group] = []
    for kind, event, layout in ((Kind.ENTRY, _ENTER_ID, _ENTER), (Kind.EXIT, _EXIT_ID, _EXIT)):
        places = np.flatnonzero(events.kind[rows] == kind)
        mine = rows[places]
        raw = np.zeros(len(mine), np.dtype(layout))
        raw["type"], raw["pid"], raw["id"] = event, events.tid[mine], events.nr[mine]
        if kind == Kind.ENTRY:
            raw["args"] = events.values[mine]
        else:
            raw["ret"] = events.result[mine]
        if make is not None:
            groups.append((places, make(events, mine, event, raw)))
    return rows, groups


def _perf_records(
    events: Events, rows: NDArray[np.intp], event: int, raw: NDArray[Any]
) -> NDArray[np.uint8]:
    size = raw.dtype.itemsize
    # The size of the raw part counts its padding.
    padded = -(-(size + 4) // 8) * 8 - 4
    layout = np.dtype(
        [
            ("kind", "<u4"), ("misc", "<u2"), ("size", "<u2"), ("identifier", "<u8"),
            ("pid", "<u4"), ("tid", "<u4"), ("time", "<u8"), ("cpu", "<u4"), ("reserved", "<u4"),
            ("raw_size", "<u4"), ("raw", "u1", (padded,)),
        ]
    )  # fmt: skip
    records = np.zeros(len(rows), layout)
    records["kind"], records["misc"], records["size"] = 9, 1, layout.itemsize
    records["identifier"] = 10 + event
    records["pid"], records["tid"] = events.tgid[rows], events.tid[rows]
    records["time"], records["cpu"], records["raw_size"] = events.time_ns[rows], events.cpu, padded
    records["raw"][:, :size] = raw.view(np.uint8).reshape(len(rows), size)
    return records.view(np.uint8).reshape(len(rows), layout.itemsize)


def _attribute(event: int) -> bytes:
    sample = 1 << 16 | 1 << 1 | 1 << 2 | 1 << 7 | 1 << 10  # IDENTIFIER, TID, TIME, CPU, RAW
    head = struct.pack("<IIQQQQQ", 2, 112, event, 1, sample, 0, 1 << 18)  # sample_id_all
    return head.ljust(112, b"\0")


def _iter_pages(events: Events, rows: NDArray[np.intp]) -> Iterator[bytes]:
    """Pages of the kernel's ring buffer; what is too long after the last event begins a new one."""
    time_ns = events.time_ns[rows].astype(np.int64)
    is_entry = events.kind[rows] == Kind.ENTRY
    sizes = np.where(is_entry, 4 + np.dtype(_ENTER).itemsize, 4 + np.dtype(_EXIT).itemsize)
    ends = np.cumsum(sizes)
    far = np.flatnonzero(np.diff(time_ns) >= _MOST_DELTA_NS) + 1
    starts, start = [], 0
    while start < len(rows):
        starts.append(start)
        full = int(np.searchsorted(
            ends, ends[start] - sizes[start] + _PAGE_BYTES - _PAGE_HEADER.size, side="right"
        ))  # fmt: skip
        later = far[np.searchsorted(far, start, side="right") :][:1]
        start = min([full, *later.tolist()])
    delta_ns = np.diff(time_ns, prepend=time_ns[:1])
    delta_ns[starts] = 0

    def with_head(
        _: Events, mine: NDArray[np.intp], __: int, raw: NDArray[Any]
    ) -> NDArray[np.uint8]:
        size = raw.dtype.itemsize
        records = np.zeros(len(mine), np.dtype([("head", "<u4"), ("raw", "u1", (size,))]))
        place = np.searchsorted(rows, mine)
        records["head"] = size // 4 | delta_ns[place] << 5
        records["raw"] = raw.view(np.uint8).reshape(len(mine), size)
        return records.view(np.uint8).reshape(len(mine), 4 + size)

    _, groups = _groups(events, with_head)
    data = join(len(rows), groups)
    for first, after in zip(starts, [*starts[1:], len(rows)], strict=True):
        piece = data[int(ends[first] - sizes[first]) : int(ends[after - 1])]
        page = _PAGE_HEADER.pack(int(time_ns[first]), len(piece)) + piece
        yield page.ljust(_PAGE_BYTES, b"\0")


def _tracing(version: bytes) -> bytes:
    """What both files begin the description of their events with."""
    parts = [b"\x17\x08\x44tracing" + version + b"\0", struct.pack("<BBI", 0, 8, _PAGE_BYTES)]
    for name, text in ((b"header_page\0", _HEADER_PAGE), (b"header_event\0", _HEADER_EVENT)):
        parts += [name, struct.pack("<Q", len(text)), text.encode()]
    parts += [struct.pack("<I", 0), struct.pack("<I", 1), b"raw_syscalls\0", struct.pack("<I", 2)]
    formats = ("sys_enter", _ENTER_ID, _OF_ENTER), ("sys_exit", _EXIT_ID, _OF_EXIT)
    for text in (_format(*one) for one in formats):
        parts += [struct.pack("<Q", len(text)), text.encode()]
    # Neither symbols nor formats of trace_printk().
    return b"".join([*parts, struct.pack("<II", 0, 0)])


def _format(name: str, number: int, rest: str) -> str:
    return f"name: {name}\nID: {number}\nformat:\n{_OF_ALL}\n{rest}"


def _fields(rows: Iterable[tuple[str, int, int, int]]) -> str:
    return "".join(
        f"\tfield:{name};\toffset:{offset};\tsize:{size};\tsigned:{signed};\n"
        for name, offset, size, signed in rows
    )


_OF_ALL = _fields(
    [
        ("unsigned short common_type", 0, 2, 0),
        ("unsigned char common_flags", 2, 1, 0),
        ("unsigned char common_preempt_count", 3, 1, 0),
        ("int common_pid", 4, 4, 1),
    ]
)
_ID = ("long id", 8, 8, 1)
_OF_ENTER = (
    _fields([_ID, ("unsigned long args[6]", 16, 48, 0)])
    + '\nprint fmt: "NR %ld (%lx, %lx, %lx, %lx, %lx, %lx)", REC->id, '
    + ", ".join(f"REC->args[{index}]" for index in range(6))
    + "\n"
)
_OF_EXIT = (
    _fields([_ID, ("long ret", 16, 8, 1)]) + '\nprint fmt: "NR %ld = %ld", REC->id, REC->ret\n'
)
_HEADER_PAGE = _fields(
    [
        (" u64 timestamp", 0, 8, 0),
        (" local_t commit", 8, 8, 1),
        (" int overwrite", 8, 1, 1),
        (" char data", 16, _PAGE_BYTES - 16, 1),
    ]
)
_HEADER_EVENT = """\
# compressed entry header
\ttype_len    :    5 bits
\ttime_delta  :   27 bits
\tarray       :   32 bits

\tpadding     : type == 29
\ttime_extend : type == 30
\ttime_stamp : type == 31
\tdata max type_len  == 28
"""
