"""Sub-buffers to columns, without a loop over records.

The start bitmap gives all records of a sub-buffer at once; the rest is arithmetic on columns.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracectl import walk
from tracectl.abi.dtype import dtype_of
from tracectl.abi.records import (
    ABI_VERSION,
    BODIES,
    GRANULE,
    STRING_KINDS,
    SUBBUF_MAGIC,
    Kind,
    Record,
    SubbufHeader,
)
from tracectl.decode.whole import split_calls
from tracectl.errors import DecodeError

_HEADER = dtype_of(SubbufHeader)
_HEAD = dtype_of(Record)
_BODY = {kind: dtype_of(body) for kind, body in BODIES.items()}

_HAS_STRING = np.zeros(256, np.bool_)
_HAS_STRING[list(STRING_KINDS)] = True

Buffer = bytes | bytearray | memoryview
Rows = NDArray[np.intp]

_COLUMNS = {
    "granule": np.intp,
    "time_ns": np.uint64,
    "kind": np.uint8,
    "id": np.uint16,
    "granules": np.uint8,
    "tid": np.uint32,
    "tgid": np.uint32,
}
"""Those of Records, in the order in which the compiled pass fills them."""
_Columns = dict[str, NDArray[Any]]
"""And ``kinds``."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a sub-buffer belongs, of its header; the fields are those of Records."""

    cpu: int
    seq: int
    session_id: int
    first_ns: int
    last_ns: int
    lost: tuple[int, ...]
    generated: int


@dataclass(frozen=True, slots=True)
class Records:
    """All records of one sub-buffer; the columns have one element a record.

    ``granule`` is where the record starts, in granules from the start of the sub-buffer. ``lost``,
    by cause, and ``generated`` are events of this CPU from the start of the session to the first
    one in here. Times are of the session's clock, and ascend but for the entries ``whole``: their
    calls were told when they ended. ``kinds`` is how many there are of each kind.
    """

    cpu: int
    seq: int
    session_id: int
    first_ns: int
    last_ns: int
    lost: tuple[int, ...]
    generated: int
    words: NDArray[np.uint64]
    granule: NDArray[np.intp]
    time_ns: NDArray[np.uint64]
    kind: NDArray[np.uint8]
    id: NDArray[np.uint16]
    granules: NDArray[np.uint8]
    tid: NDArray[np.uint32]
    tgid: NDArray[np.uint32]
    kinds: NDArray[np.int64]
    whole: Rows = field(default_factory=lambda: np.zeros(0, np.intp))

    def __len__(self) -> int:
        return len(self.kind)

    @property
    def place(self) -> Place:
        return Place(
            self.cpu,
            self.seq,
            self.session_id,
            self.first_ns,
            self.last_ns,
            self.lost,
            self.generated,
        )

    @property
    def columns(self) -> tuple[NDArray[Any], ...]:
        """In the order in which compiled passes have them."""
        return (
            self.words,
            self.granule,
            self.granules,
            self.time_ns,
            self.kind,
            self.id,
            self.tid,
            self.tgid,
        )

    def rows(self, *kinds: Kind) -> Rows:
        """Indices of the records of these kinds, ascending."""
        wanted = np.zeros(256, np.bool_)
        wanted[list(kinds)] = True
        count = int(self.kinds[wanted].sum())
        if not count:
            return np.zeros(0, np.intp)
        if walk.compiled is not None:
            rows = np.empty(count, np.intp)
            if walk.compiled.find_records(self.kind, wanted, rows) == count:
                return rows
        return np.flatnonzero(wanted[self.kind])

    def bodies(self, kind: Kind, rows: Rows) -> NDArray[Any]:
        """The fixed parts of ``rows``, all of ``kind``, as a structured array of its dtype."""
        dtype = _BODY[kind]
        granules = dtype.itemsize // GRANULE
        if len(rows) and int(self.granules[rows].min()) + 1 < granules:
            raise DecodeError(f"a {kind.name} record is shorter than its kind")
        words = self.words[self.granule[rows, None] + np.arange(granules)]
        bodies: NDArray[Any] = words.view(dtype).reshape(-1)
        return bodies

    def near_entries(self, rows: Rows) -> Rows:
        """The ENTRY record of each of ``rows``, all of them EXIT_NEAR or EXIT_SHORT."""
        is_entry = self.kind == Kind.ENTRY
        entries = np.flatnonzero(is_entry)
        before = np.cumsum(is_entry, dtype=np.int32)[rows] - 1
        if len(rows) and (before[0] < 0 or (self.tid[entries[before]] != self.tid[rows]).any()):
            raise DecodeError("an exit says that its entry is near, which it is not")
        found: Rows = entries[before]
        return found

    def strings(self, rows: Rows) -> list[bytes]:
        """The strings of ``rows``, all of them of a kind that has one."""
        data = self.words.tobytes()
        starts = (self.granule[rows] + 1 + self.granules[rows]) * GRANULE
        ends = starts + self.id[rows]
        pairs = zip(starts.tolist(), ends.tolist(), strict=True)
        return [data[start:end] for start, end in pairs]


def decode_subbuffer(data: Buffer) -> Records:
    """Decodes a sub-buffer of ``used_bytes`` bytes or more.

    DecodeError when the bytes contradict the ABI; no length in them is trusted.
    """
    header = _read_header(data)
    words = np.frombuffer(data, "<u8", int(header["used_bytes"]) // GRANULE)
    columns = _fill_columns(header, words) or _find_columns(header, words)
    records = Records(
        cpu=int(header["cpu"]),
        seq=int(header["seq"]),
        session_id=int(header["session_id"]),
        first_ns=int(header["first_ns"]),
        last_ns=int(header["last_ns"]),
        lost=tuple(header["lost"].tolist()),
        generated=int(header["generated"]),
        words=words,
        **columns,
    )
    return split_calls(records)


def _read_header(data: Buffer) -> np.void:
    if len(data) < _HEADER.itemsize:
        raise DecodeError(f"{len(data)} bytes are too few for a sub-buffer")
    header: np.void = np.frombuffer(data, _HEADER, 1)[0]
    if header["magic"] != SUBBUF_MAGIC:
        raise DecodeError(f"not a sub-buffer: magic 0x{header['magic']:08x}")
    if header["abi"] != ABI_VERSION:
        raise DecodeError(
            f"a sub-buffer of ABI version {header['abi']}; this tracectl reads {ABI_VERSION}"
        )
    if header["last_ns"] >> np.uint64(63):
        raise DecodeError("a sub-buffer of the year 2262, or later")
    # The kernel's own numbers of CPUs are int.
    if header["cpu"] >> np.uint32(31):
        raise DecodeError(f"a sub-buffer of CPU {header['cpu']}")
    used, size = int(header["used_bytes"]), int(header["subbuf_bytes"])
    if size % 4096 or not _records_start(size) <= used <= min(size, len(data)) or used % GRANULE:
        raise DecodeError(
            f"a sub-buffer of {size} bytes with {used} used, of which {len(data)} are here"
        )
    return header


def _records_start(subbuf_bytes: int) -> int:
    return _HEADER.itemsize + subbuf_bytes // GRANULE // 8


def _fill_columns(header: np.void, words: NDArray[np.uint64]) -> _Columns | None:
    """By the compiled pass; None where there is none, and where the sub-buffer is damaged."""
    count = int(header["records"])
    if walk.compiled is None or count > len(words):
        return None
    columns: _Columns = {name: np.empty(count, dtype) for name, dtype in _COLUMNS.items()}
    columns["kinds"] = np.zeros(256, np.int64)
    first_ns, last_ns = int(header["first_ns"]), int(header["last_ns"])
    start = _records_start(int(header["subbuf_bytes"])) // GRANULE
    made = walk.compiled.fill_records(words, *columns.values(), first_ns, last_ns, start)
    return None if made is None else columns


def _find_columns(header: np.void, words: NDArray[np.uint64]) -> _Columns:
    granule = _find_starts(header, words)
    heads = words[granule].view(_HEAD)
    # Close together, they are read eight times as fast.
    kind, granules = heads["kind"].copy(), heads["granules"].copy()
    _check_chain(granule, kind, granules, heads["id"], len(words))
    if kind[0] != Kind.TASK:
        raise DecodeError("a sub-buffer does not begin with a TASK record")
    if not bool(granules[(kind == Kind.TASK) | (kind == Kind.TIME)].all()):
        raise DecodeError("a TASK or TIME record is shorter than its kind")
    tid, tgid = _fill_tasks(words, granule, kind)
    return {
        "granule": granule,
        "time_ns": _unfold_time(header, words, granule, kind, heads["time"]),
        "kind": kind,
        "id": heads["id"],
        "granules": granules,
        "tid": tid,
        "tgid": tgid,
        "kinds": np.bincount(kind, minlength=256),
    }


def _find_starts(header: np.void, words: NDArray[np.uint64]) -> Rows:
    start = _records_start(int(header["subbuf_bytes"]))
    bitmap = words.view(np.uint8)[_HEADER.itemsize : start]
    bits = np.unpackbits(bitmap, bitorder="little", count=len(words))
    # As bytes they would be counted one by one.
    granule = np.flatnonzero(bits.view(np.bool_))
    if not len(granule) or granule[0] != start // GRANULE:
        raise DecodeError("the start bitmap does not begin with the first record")
    if len(granule) != header["records"]:
        raise DecodeError(
            f"the start bitmap has {len(granule)} records, the header {header['records']}"
        )
    return granule


def _check_chain(
    granule: Rows,
    kind: NDArray[np.uint8],
    granules: NDArray[np.uint8],
    length: NDArray[np.uint16],
    end: int,
) -> None:
    """Each record ends where the bitmap has the next one."""
    ends = granule + 1
    ends += granules
    rows = np.flatnonzero(_HAS_STRING[kind])
    ends[rows] += length[rows] // GRANULE + 1
    if not np.array_equal(ends[:-1], granule[1:]) or ends[-1] != end:
        raise DecodeError("the records of a sub-buffer do not fit the start bitmap")


def _fill_tasks(
    words: NDArray[np.uint64], granule: Rows, kind: NDArray[np.uint8]
) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    rows = np.flatnonzero(kind == Kind.TASK)
    tasks = words[granule[rows] + 1]
    counts = np.diff(rows, append=len(kind))
    tid, tgid = (tasks & 0xFFFFFFFF).astype(np.uint32), (tasks >> 32).astype(np.uint32)
    return np.repeat(tid, counts), np.repeat(tgid, counts)


def _unfold_time(
    header: np.void,
    words: NDArray[np.uint64],
    granule: Rows,
    kind: NDArray[np.uint8],
    low: NDArray[np.uint32],
) -> NDArray[np.uint64]:
    """The low 32 bits to whole ones, counted from the last TIME record or from first_ns."""
    first_ns = int(header["first_ns"])
    if int(low[0]) != first_ns & 0xFFFFFFFF:
        raise DecodeError("the first record of a sub-buffer is not of its first_ns")
    time_ns = np.empty(len(low), np.uint64)
    np.subtract(low, low[0], out=time_ns, dtype=np.uint32, casting="unsafe")
    time_ns += np.uint64(first_ns)
    for row in np.flatnonzero(kind == Kind.TIME).tolist():
        epoch_ns = words[granule[row] + 1]
        if int(epoch_ns) & 0xFFFFFFFF != int(low[row]):
            raise DecodeError("a TIME record is not of its own time")
        np.subtract(low[row:], low[row], out=time_ns[row:], dtype=np.uint32, casting="unsafe")
        time_ns[row:] += epoch_ns
    # A clock that is set back by some ns must not put a thread's records out of order.
    np.maximum.accumulate(time_ns, out=time_ns)
    if time_ns[-1] > header["last_ns"]:
        raise DecodeError("the last record of a sub-buffer is later than its last_ns")
    return time_ns
