"""The fast decoder equals the slow one, and damage ends in a DecodeError."""

from __future__ import annotations

import pytest
from construct import Bytes
from hypothesis import HealthCheck, given, settings
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


KINDS = sorted(set(Kind) - {Kind.TIME})


def _values_of(field) -> st.SearchStrategy:
    if isinstance(field.subcon, Bytes):
        return st.binary(max_size=field.sizeof() - 1).map(lambda text: text.ljust(16, b"\0"))
    code = field.subcon.fmtstr[1]
    top = 1 << 8 * field.sizeof()
    return st.integers(-top // 2, top // 2 - 1) if code.islower() else st.integers(0, top - 1)


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
        kind = draw(st.sampled_from(KINDS))
        if kind in (Kind.ENTRY, Kind.CALL):
            began = draw(st.integers(max(0, now - 2**40), now + 100))
            words = [] if kind == Kind.ENTRY else [draw(U64), began]
            words += draw(st.lists(U64, max_size=6))
            head = _head(now, kind, len(words), draw(st.integers(0, 65535)))
            parts.append(abi.Record.build(head) + b"".join(a.to_bytes(8, "little") for a in words))
            is_entered = True
        elif kind == Kind.EXIT or (kind in abi.NEAR_KINDS and not is_entered):
            add(Kind.EXIT, {"result": draw(S64)})
        elif kind == Kind.EXIT_SHORT:
            parts.append(abi.Record.build(_head(now, Kind.EXIT_SHORT, 0, draw(U16))))
        else:
            fields = {field.name: draw(_values_of(field)) for field in abi.BODIES[kind].subcons[1:]}
            add(kind, fields, draw(st.binary(max_size=200)) if kind in abi.STRING_KINDS else None)
            is_entered = is_entered and kind != Kind.TASK
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


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=subbuffers())
def test_equals_the_reference(way, data):
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
            assert fast.strings(rows) == [slow[row]["text"] for row in rows.tolist()]


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


def test_a_cpu_that_cannot_be():
    data = bytearray(
        assemble([abi.Task.build({"head": _head(0, Kind.TASK, 1), "tid": 1, "tgid": 1})], 0, 0)
    )
    data[8:12] = (1 << 31).to_bytes(4, "little")
    with pytest.raises(DecodeError, match="CPU 2147483648"):
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
