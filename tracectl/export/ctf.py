"""CTF 1.8: a directory with a metadata text and a stream of packets for each CPU.

A sub-buffer becomes a packet. Its own bytes could nearly be one, but a reader would then see events
called ENTRY, without the names of calls and arguments, and a thread only in events of their own:
no tool that knows CTF would make anything of it. So the packets are written anew, with the names
that LTTng's readers look for.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from tracectl.abi.records import Kind
from tracectl.abi.totals import CpuTotals
from tracectl.capture.metadata import Metadata
from tracectl.decode.subbuffer import Records
from tracectl.export.columns import Source
from tracectl.export.events import Events, events_of
from tracectl.export.pack import Group, join
from tracectl.export.tsdl import PACKET, EventClass, Field, class_of_call, describe
from tracectl.tables.table import SyscallTable

_MAGIC = 0xC1FC1FC1

_OTHERS = {
    Kind.OPEN_HOW: ("open_how", (Field("flags", "<u8", 16), Field("mode", "<u8", 8),
                                 Field("resolve", "<u8", 16))),
    Kind.NAME: ("open_name", (Field("dfd", "<i4"), Field("source", "<u1"), Field("flags", "<u1"),
                              Field("site", "<u1"))),
    Kind.ARGV: ("task_argv", (Field("bytes", "<u4"), Field("variables", "<u2"),
                              Field("flags", "<u1"))),
    Kind.ADDRESS: ("socket_address", (Field("site", "<u1"), Field("flags", "<u1"))),
    Kind.FILE: ("fd_file", (Field("fd", "<i4"), Field("flags", "<u1"))),
    Kind.USER: ("user_memory", (Field("argument", "<u1"), Field("form", "<u1"),
                                Field("flags", "<u1"), Field("given", "<u4"))),
    Kind.DIVERGENCE: ("path_divergence", (Field("argument", "<u1"),
                                          Field("user_bytes", "<u2"))),
    Kind.FORK: ("task_fork", (Field("child_tid", "<i4"), Field("child_pid", "<i4"),
                              Field("uid", "<u4"), Field("inner_tid", "<i4"),
                              Field("parent_pid", "<i4"), Field("cgroup", "<u8"))),
    Kind.EXEC: ("task_exec", (Field("old_tid", "<i4"), Field("uid", "<u4"),
                              Field("cgroup", "<u8"))),
    Kind.TASK_EXIT: ("task_exit", (Field("code", "<i4"),)),
    Kind.RENAME: ("task_rename", (Field("renamed_tid", "<i4"),)),
    Kind.SETUID: ("task_setuid", (Field("uid", "<u4"),)),
    Kind.CGROUP: ("cgroup_mkdir", (Field("cgroup", "<u8"),)),
    Kind.ATTACH: ("cgroup_attach_task", (Field("attached_tid", "<i4"), Field("whole", "<u1"),
                                         Field("cgroup", "<u8"))),
    Kind.SWITCH: ("sched_switch", (Field("next_tid", "<i4"), Field("prev_state", "<u4"))),
}  # fmt: skip
_TEXTS = {
    Kind.NAME: "path",
    Kind.EXEC: "path",
    Kind.ARGV: "argv",
    Kind.ADDRESS: "address",
    Kind.FILE: "path",
    Kind.USER: "data",
    Kind.DIVERGENCE: "paths",
    Kind.RENAME: "comm",
    Kind.CGROUP: "path",
}


def write_ctf(
    directory: Path,
    source: Source,
    metadata: Metadata,
    all_records: Iterable[Records],
    totals: Iterable[CpuTotals] = (),
) -> None:
    """``totals`` tell what each CPU lost after its last sub-buffer. The clock is the session's,
    with the difference to the time of day as its offset. OSError."""
    identity = uuid.uuid5(uuid.NAMESPACE_OID, f"{metadata.host.boot_id}/{metadata.session_id}")
    classes = _Classes(source.tables)
    streams: dict[int, IO[bytes]] = {}
    ends: dict[int, tuple[int, int]] = {}
    try:
        for records in all_records:
            if records.cpu not in streams:
                streams[records.cpu] = (directory / f"cpu_{records.cpu}").open("wb")
            events = events_of(records, metadata.shapes)
            if len(records.whole):
                events = events.in_order(records.first_ns)
            body = join(len(events), *classes.pack(events))
            span = records.first_ns, records.last_ns
            lost = sum(records.lost)
            streams[records.cpu].write(_packet(identity, records.cpu, span, lost, body))
            ends[records.cpu] = records.last_ns, lost
        for total in totals:
            end_ns, lost = ends.get(total.cpu, (0, 0))
            if total.cpu in streams and sum(total.lost_by_cause) > lost:
                after = _packet(
                    identity, total.cpu, (end_ns, end_ns), sum(total.lost_by_cause), b""
                )
                streams[total.cpu].write(after)
    finally:
        for stream in streams.values():
            stream.close()
    text = describe(identity, metadata, source.clock.offset_ns, classes.all())
    (directory / "metadata").write_text(text, encoding="utf-8")


class _Classes:
    """Classes of events, made as they are met."""

    def __init__(self, tables: Sequence[SyscallTable]) -> None:
        self._tables = tables
        self._calls: dict[tuple[bool, int, int], EventClass] = {}
        self._others = {
            kind: EventClass(index, name, fields, _TEXTS.get(kind))
            for index, (kind, (name, fields)) in enumerate(_OTHERS.items())
        }

    def all(self) -> list[EventClass]:
        return list(
            {one.id: one for one in (*self._others.values(), *self._calls.values())}.values()
        )

    def pack(self, events: Events) -> tuple[list[Group], list[tuple[int, bytes]]]:
        groups = []
        for kind, event_class in self._others.items():
            rows = np.flatnonzero(events.kind == kind)
            values = events.result[:, None] if kind == Kind.TASK_EXIT else events.values
            groups.append((rows, event_class.pack(events, rows, values[rows])))
        for kind in (Kind.ENTRY, Kind.EXIT):
            of_kind = np.flatnonzero(events.kind == kind)
            keys = np.stack((events.abi[of_kind], events.nr[of_kind]))
            different, which = np.unique(keys, axis=1, return_inverse=True)
            for index, (abi, nr) in enumerate(different.T.tolist()):
                rows = of_kind[which.reshape(-1) == index]
                groups.append(self._pack_calls(events, rows, kind == Kind.ENTRY, abi, nr))
        tails = [
            (row, text + b"\0")
            for row, text in zip(events.text_rows.tolist(), events.texts, strict=True)
        ]
        return groups, tails

    def _pack_calls(
        self, events: Events, rows: NDArray[np.intp], is_entry: bool, abi: int, nr: int
    ) -> Group:
        key = is_entry, abi, nr
        if key not in self._calls:
            table = self._tables[min(abi, len(self._tables) - 1)]
            count = len(self._others) + len(self._calls)
            self._calls[key] = class_of_call(count, table, abi, nr, is_entry=is_entry)
        event_class = self._calls[key]
        values = events.values[rows] if is_entry else events.result[rows, None].view(np.uint64)
        if event_class.has_number:
            values = np.column_stack((events.nr[rows].view(np.uint64), values))
        return rows, event_class.pack(events, rows, values)


def _packet(
    identity: uuid.UUID, cpu: int, span_ns: tuple[int, int], lost: int, body: bytes
) -> bytes:
    header = np.zeros((), PACKET)
    header["magic"], header["uuid"] = _MAGIC, np.frombuffer(identity.bytes, np.uint8)
    header["timestamp_begin"], header["timestamp_end"] = span_ns
    bits = (PACKET.itemsize + len(body)) * 8
    header["content_size"] = header["packet_size"] = bits
    header["events_discarded"], header["cpu_id"] = lost, cpu
    return header.tobytes() + body
