"""The slow decoder: construct alone, record by record. The fast one is held equal to it."""

from __future__ import annotations

from tracectl.abi.records import BODIES, STRING_KINDS, Kind, Record, SubbufHeader


def decode(data: bytes) -> list[dict]:
    """Each record's time, thread, kind, id, fixed part and string."""
    header = SubbufHeader.parse(data)
    offset = SubbufHeader.sizeof() + header.subbuf_bytes // 64
    time_ns, tid, tgid, decoded = header.first_ns, 0, 0, []
    epoch_ns, entry = header.first_ns, None
    while offset < header.used_bytes:
        head = Record.parse(data[offset:])
        body = BODIES.get(Kind(head.kind))
        fields = body.parse(data[offset:]) if body else None
        if head.kind == Kind.TIME:
            epoch_ns = fields.time_ns
        time_ns = epoch_ns + ((head.time - epoch_ns) & 0xFFFFFFFF)
        if head.kind == Kind.CALL:
            # An entry and its exit, the row after it.
            began_ns = min(fields.entry_ns, time_ns)
            decoded.append(
                {"time": began_ns, "tid": tid, "tgid": tgid, "kind": Kind.ENTRY, "id": head.id,
                 "fields": None, "text": None, "entry": entry}
            )  # fmt: skip
            entry, head.kind = len(decoded) - 1, Kind.EXIT_NEAR
        if head.kind == Kind.ENTRY:
            entry = len(decoded)
        if head.kind == Kind.TASK:
            tid, tgid = fields.tid, fields.tgid
        end = offset + 8 + 8 * head.granules
        text = None
        if head.kind in STRING_KINDS:
            text = data[end : end + head.id]
            end += (head.id + 8) // 8 * 8
        decoded.append(
            {"time": time_ns, "tid": tid, "tgid": tgid, "kind": head.kind, "id": head.id,
             "fields": fields, "text": text, "entry": entry}
        )  # fmt: skip
        offset = end
    return decoded
