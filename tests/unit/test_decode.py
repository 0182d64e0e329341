"""The fast decoder equals the slow one, and damage ends in a DecodeError."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import reference
from tracectl.abi import records as abi
from tracectl.abi.records import Kind
from tracectl.decode.subbuffer import decode_subbuffer
from tracectl.errors import DecodeError

SIZE = 1 << 16
U32 = st.integers(0, 2**32 - 1)
U64 = st.integers(0, 2**64 - 1)
U16 = st.integers(0, 2**16 - 1)
S64 = st.integers(-(2**63), 2**63 - 1)


def _head(time_ns: int, kind: Kind, granules: int, record_id: int = 0) -> dict:
    return {"time": time_ns & 0xFFFFFFFF, "id": record_id, "kind": kind, "granules": granules}


@st.composite
def subbuffers(draw) -> bytes:
    now = draw(st.integers(0, 2**50))
    first, parts = now, []
    epoch, is_entered = now, False

    def add(kind: Kind, fields: dict, text: bytes | None = None) -> None:
        body = abi.BODIES[kind]
        head = _head(now, kind, body.sizeof() // 8 - 1, len(text or b""))
        data = body.build({"head": head, **fields})
        if text is not None:
            data += text + b"\0" * (8 - len(text) % 8)
        parts.append(data)

    add(Kind.TASK, {"tid": draw(U32), "tgid": draw(U32)})
    for _ in range(draw(st.integers(0, 20))):
        step = draw(
            st.one_of(st.integers(0, 5000), st.integers(0, 2**31 - 1), st.integers(2**31, 2**40))
        )
        now += step
        if now - epoch >= 2**31:
            add(Kind.TIME, {"time_ns": now})
            epoch = now
        kind = draw(
            st.sampled_from(
                [
                    "entry",
                    "call",
                    "exit",
                    "near",
                    "short",
                    "name",
                    "exec",
                    "argv",
                    "address",
                    "file",
                    "task",
                    "fork",
                    "how",
                ]
            )
        )
        if kind in ("entry", "call"):
            which = {"entry": Kind.ENTRY, "call": Kind.CALL}[kind]
            began = draw(st.integers(max(0, now - 2**40), now + 100))
            words = [] if kind == "entry" else [draw(U64), began]
            words += draw(st.lists(U64, max_size=6))
            head = _head(now, which, len(words), draw(st.integers(0, 65535)))
            parts.append(abi.Record.build(head) + b"".join(a.to_bytes(8, "little") for a in words))
            is_entered = True
        elif kind == "exit" or (kind in ("near", "short") and not is_entered):
            add(Kind.EXIT, {"result": draw(S64)})
        elif kind == "near":
            add(Kind.EXIT_NEAR, {"result": draw(S64)})
        elif kind == "short":
            parts.append(abi.Record.build(_head(now, Kind.EXIT_SHORT, 0, draw(U16))))
        elif kind == "name":
            fields = {"dfd": -100, "source": 0, "flags": 0, "site": 0, "reserved": 0}
            add(Kind.NAME, fields, draw(st.binary(max_size=200)))
        elif kind == "exec":
            fields = {"old_tid": draw(U32), "reserved": 0, "comm": b"x".ljust(16, b"\0")}
            add(Kind.EXEC, fields, draw(st.binary(max_size=50)))
        elif kind == "argv":
            fields = {"bytes": draw(U32), "variables": draw(U16), "flags": 0, "reserved": 0}
            add(Kind.ARGV, fields, draw(st.binary(max_size=50)))
        elif kind in ("address", "file"):
            which = {"address": Kind.ADDRESS, "file": Kind.FILE}[kind]
            own = {"address": "site", "file": "fd"}[kind]
            fields = {own: draw(st.integers(0, 3)), "flags": 0, "reserved0": 0, "reserved1": 0}
            add(which, fields, draw(st.binary(max_size=128)))
        elif kind == "how":
            add(Kind.OPEN_HOW, {"flags": draw(U64), "mode": draw(U64), "resolve": 0})
        else:
            which = Kind.TASK if kind == "task" else Kind.FORK
            is_entered = is_entered and which is not Kind.TASK
            add(which, {"tid": draw(U32), "tgid": draw(U32)})
    return assemble(parts, first, now)


def assemble(parts: list[bytes], first_ns: int, last_ns: int) -> bytes:
    bitmap = bytearray(SIZE // 64)
    offset = 96 + len(bitmap)
    for part in parts:
        bitmap[offset // 64] |= 1 << offset // 8 % 8
        offset += len(part)
    header = abi.SubbufHeader.build(
        {"magic": abi.SUBBUF_MAGIC, "abi": abi.ABI_VERSION, "reserved0": 0, "cpu": 1,
         "subbuf_bytes": SIZE, "session_id": 1, "seq": 0, "first_ns": first_ns,
         "last_ns": last_ns, "used_bytes": offset, "records": len(parts), "lost": [0] * 4,
         "generated": 0}
    )  # fmt: skip
    return header + bytes(bitmap) + b"".join(parts)


@settings(max_examples=200, deadline=None)
@given(subbuffers())
def test_equals_the_reference(data):
    slow, fast = reference.decode(data), decode_subbuffer(data)
    assert [row["time"] for row in slow] == fast.time_ns.tolist()
    assert [row["tid"] for row in slow] == fast.tid.tolist()
    assert [row["tgid"] for row in slow] == fast.tgid.tolist()
    assert [row["kind"] for row in slow] == fast.kind.tolist()
    assert [row["id"] for row in slow] == fast.id.tolist()
    near = fast.rows(*abi.NEAR_KINDS)
    assert fast.near_entries(near).tolist() == [slow[row]["entry"] for row in near.tolist()]
    for kind in abi.BODIES:
        rows = fast.rows(kind)
        bodies = fast.bodies(kind, rows)
        for row, body in zip(rows.tolist(), bodies, strict=True):
            for name in body.dtype.names[1:]:
                expected = slow[row]["fields"][name]
                expected = expected.rstrip(b"\0") if isinstance(expected, bytes) else expected
                assert body[name] == expected
        if kind in abi.STRING_KINDS:
            assert list(fast.iter_strings(rows)) == [slow[row]["text"] for row in rows.tolist()]


@settings(max_examples=300, deadline=None)
@given(subbuffers(), st.data())
def test_damage_is_an_error_or_harmless(data, draw):
    damaged = bytearray(data)
    for _ in range(draw.draw(st.integers(1, 4))):
        damaged[draw.draw(st.integers(0, len(damaged) - 1))] = draw.draw(st.integers(0, 255))
    damaged = damaged[: draw.draw(st.integers(0, len(damaged)))]
    try:
        records = decode_subbuffer(bytes(damaged))
        for kind in abi.BODIES:
            records.bodies(kind, records.rows(kind))
        records.near_entries(records.rows(*abi.NEAR_KINDS))
    except DecodeError:
        pass


def test_another_abi_is_named():
    data = bytearray(assemble([abi.Record.build(_head(0, Kind.TASK, 1)) + bytes(8)], 0, 0))
    data[4] = 9
    with pytest.raises(DecodeError, match=r"ABI version 9.*reads 3"):
        decode_subbuffer(bytes(data))


@pytest.mark.parametrize("before", [[], [Kind.ENTRY, Kind.TASK]])
def test_an_exit_whose_entry_is_not_near(before):
    parts = [abi.Task.build({"head": _head(0, Kind.TASK, 1), "tid": 1, "tgid": 1})]
    if before:
        parts.append(abi.Record.build(_head(0, Kind.ENTRY, 0)))
        parts.append(abi.Task.build({"head": _head(0, Kind.TASK, 1), "tid": 2, "tgid": 2}))
    parts.append(abi.Record.build(_head(0, Kind.EXIT_SHORT, 0)))
    records = decode_subbuffer(assemble(parts, 0, 0))
    with pytest.raises(DecodeError, match="near"):
        records.near_entries(records.rows(*abi.NEAR_KINDS))


def test_a_clock_that_steps_back_keeps_the_order():
    parts = [abi.Task.build({"head": _head(9, Kind.TASK, 1), "tid": 1, "tgid": 1})]
    parts += [abi.Record.build(_head(time_ns, Kind.ENTRY, 0)) for time_ns in (20, 17, 21)]
    assert decode_subbuffer(assemble(parts, 9, 30)).time_ns.tolist() == [9, 20, 20, 21]
