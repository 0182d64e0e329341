"""Sub-buffers for tests, as the module writes them: by hand, or by a machine that runs threads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from tracectl.abi import records as abi
from tracectl.abi.records import Kind
from tracectl.analysis.calls import State
from tracectl.decode.subbuffer import Records, decode_subbuffer
from tracectl.kernel.shapes import shapes_of
from tracectl.tables.table import load_table

SHAPES = shapes_of({name: load_table(name) for name in ("x86_64", "i386")})
SIX_WIDE = (6, 0x3F)
OPENS = frozenset({257})


class SubBuffer:
    """Records are added in order of time. TASK and TIME come by themselves.

    ``lost`` is the header's count of events lost before this sub-buffer; ``tgids`` has the tgid of
    threads that are not alone in their process.
    """

    def __init__(
        self,
        cpu: int = 0,
        seq: int = 0,
        *,
        lost: int = 0,
        tgids: dict[int, int] | None = None,
        size_bytes: int = 1 << 14,
    ) -> None:
        self.cpu = cpu
        self.seq = seq
        self.lost = lost
        self._tgids = tgids or {}
        self._size_bytes = size_bytes
        self._parts: list[bytes] = []
        self._tid = -1
        self._first_ns = 0
        self._last_ns = 0
        self._epoch_ns = 0

    def __len__(self) -> int:
        """Events, without TASK and TIME."""
        return sum(part[6] not in abi.FRAMING_KINDS for part in self._parts)

    def task(self, time_ns: int, tid: int) -> SubBuffer:
        if not self._parts:
            self._first_ns = time_ns
            self._epoch_ns = time_ns
        elif time_ns - self._epoch_ns >= 1 << 31:
            self._append(time_ns, Kind.TIME, time_ns.to_bytes(8, "little"))
            self._epoch_ns = time_ns
        self._last_ns = time_ns
        if tid != self._tid:
            tgid = self._tgids.get(tid, tid)
            self._append(time_ns, Kind.TASK, _u32(tid) + _u32(tgid))
            self._tid = tid
        return self

    def entry(
        self, time_ns: int, tid: int, nr: int, args: Sequence[int] = (), *, abi_: int = 0
    ) -> SubBuffer:
        """``args`` as the registers have them; missing ones are 0."""
        self.task(time_ns, tid)
        self._append(time_ns, Kind.ENTRY, _arguments(nr, abi_, args), _id(nr, abi_))
        return self

    def exit(self, time_ns: int, tid: int, nr: int, result: int = 0, *, abi_: int = 0) -> SubBuffer:
        """An exit of the last entry in here."""
        self.task(time_ns, tid)
        if -(1 << 15) <= result < 1 << 15:
            self._append(time_ns, Kind.EXIT_SHORT, b"", result & 0xFFFF)
        else:
            self._append(time_ns, Kind.EXIT_NEAR, _s64(result), _id(nr, abi_))
        return self

    def call(
        self, time_ns: int, tid: int, nr: int, entry_ns: int, result: int = 0,
        args: Sequence[int] = (),
    ) -> SubBuffer:  # fmt: skip
        """A whole one that ends now."""
        self.task(time_ns, tid)
        payload = _s64(result) + entry_ns.to_bytes(8, "little") + _arguments(nr, 0, args)
        self._append(time_ns, Kind.CALL, payload, _id(nr, 0))
        return self

    def far_exit(
        self, time_ns: int, tid: int, nr: int, result: int = 0, *, abi_: int = 0
    ) -> SubBuffer:
        self.task(time_ns, tid)
        self._append(time_ns, Kind.EXIT, _s64(result), _id(nr, abi_))
        return self

    def name(
        self, time_ns: int, tid: int, path: bytes, site: int = 0, dfd: int = -100
    ) -> SubBuffer:
        self.task(time_ns, tid)
        body = {"dfd": dfd, "source": 0, "flags": 0, "site": site, "reserved": 0}
        self._append_string(time_ns, Kind.NAME, body, path)
        return self

    def exec(
        self, time_ns: int, tid: int, old_tid: int, path: bytes = b"/bin/sh", **fields: int
    ) -> SubBuffer:
        self.task(time_ns, tid)
        body = {"old_tid": old_tid, "uid": 0, "comm": _comm(path.rpartition(b"/")[2]), "cgroup": 0}
        self._append_string(time_ns, Kind.EXEC, body | fields, path)
        return self

    def fork(
        self,
        time_ns: int,
        tid: int,
        child_tid: int,
        child_tgid: int = 0,
        comm: bytes = b"",
        **fields: int,
    ) -> SubBuffer:
        body = {
            "tid": child_tid, "tgid": child_tgid or child_tid, "uid": 0, "inner_tid": 0, "ppid": 0,
            "reserved": 0, "cgroup": 0, "comm": _comm(comm),
        }  # fmt: skip
        return self._add(time_ns, tid, Kind.FORK, body | fields)

    def rename(self, time_ns: int, tid: int, comm: bytes, other_tid: int = 0) -> SubBuffer:
        body = {"tid": other_tid or tid, "reserved": 0, "comm": _comm(comm)}
        return self._add(time_ns, tid, Kind.RENAME, body)

    def setuid(self, time_ns: int, tid: int, uid: int) -> SubBuffer:
        return self._add(time_ns, tid, Kind.SETUID, {"uid": uid, "reserved": 0})

    def cgroup(self, time_ns: int, tid: int, cgroup: int, path: bytes) -> SubBuffer:
        self.task(time_ns, tid)
        self._append_string(time_ns, Kind.CGROUP, {"cgroup": cgroup}, path)
        return self

    def attach(
        self, time_ns: int, tid: int, other_tid: int, cgroup: int, *, whole: bool = True
    ) -> SubBuffer:
        body = {"tid": other_tid, "whole": int(whole), "cgroup": cgroup}
        return self._add(time_ns, tid, Kind.ATTACH, body)

    def switch(self, time_ns: int, tid: int, next_tid: int, state: int = 0) -> SubBuffer:
        return self._add(time_ns, tid, Kind.SWITCH, {"next_tid": next_tid, "state": state})

    def task_exit(self, time_ns: int, tid: int, code: int = 0) -> SubBuffer:
        self.task(time_ns, tid)
        self._append(time_ns, Kind.TASK_EXIT, _u32(code) + bytes(4))
        return self

    def argv(self, time_ns: int, tid: int, strings: bytes, flags: int = 0) -> SubBuffer:
        self.task(time_ns, tid)
        body = {"bytes": len(strings), "variables": 2, "flags": flags, "reserved": 0}
        self._append_string(time_ns, Kind.ARGV, body, strings)
        return self

    def address(self, time_ns: int, tid: int, site: int, data: bytes) -> SubBuffer:
        self.task(time_ns, tid)
        body = {"site": site, "flags": 0, "reserved0": 0, "reserved1": 0}
        self._append_string(time_ns, Kind.ADDRESS, body, data)
        return self

    def user(
        self, time_ns: int, tid: int, argument: int, data: bytes, *, form: int = 1, flags: int = 0
    ) -> SubBuffer:
        self.task(time_ns, tid)
        body = {
            "argument": argument, "form": form, "source": 1, "flags": flags, "given": len(data)
        }  # fmt: skip
        self._append_string(time_ns, Kind.USER, body, data)
        return self

    def divergence(self, time_ns: int, tid: int, entered: bytes, used: bytes) -> SubBuffer:
        self.task(time_ns, tid)
        body = {"user_bytes": len(entered), "argument": 1, "reserved0": 0, "reserved1": 0}
        self._append_string(time_ns, Kind.DIVERGENCE, body, entered + b"\0" + used)
        return self

    def file(self, time_ns: int, tid: int, fd: int, path: bytes) -> SubBuffer:
        self.task(time_ns, tid)
        body = {"fd": fd, "flags": 0, "reserved0": 0, "reserved1": 0}
        self._append_string(time_ns, Kind.FILE, body, path)
        return self

    def open_how(self, time_ns: int, tid: int, flags: int, mode: int, resolve: int) -> SubBuffer:
        self.task(time_ns, tid)
        payload = b"".join(value.to_bytes(8, "little") for value in (flags, mode, resolve))
        self._append(time_ns, Kind.OPEN_HOW, payload)
        return self

    def build(self) -> bytes:
        """Its bytes; a sub-buffer without records cannot be."""
        bitmap = bytearray(self._size_bytes // 64)
        offset = abi.SubbufHeader.sizeof() + len(bitmap)
        for part in self._parts:
            bitmap[offset // 64] |= 1 << offset // 8 % 8
            offset += len(part)
        assert self._parts
        assert offset <= self._size_bytes
        header = abi.SubbufHeader.build(
            {"magic": abi.SUBBUF_MAGIC, "abi": abi.ABI_VERSION, "reserved0": 0, "cpu": self.cpu,
             "subbuf_bytes": self._size_bytes, "session_id": 1, "seq": self.seq,
             "first_ns": self._first_ns, "last_ns": self._last_ns, "used_bytes": offset,
             "records": len(self._parts), "lost": [self.lost, 0, 0, 0], "generated": self.lost}
        )  # fmt: skip
        return header + bytes(bitmap) + b"".join(self._parts)

    def decode(self) -> Records:
        return decode_subbuffer(self.build())

    def _add(self, time_ns: int, tid: int, kind: Kind, body: dict) -> SubBuffer:
        self.task(time_ns, tid)
        granules = abi.BODIES[kind].sizeof() // abi.GRANULE - 1
        head = {"time": time_ns & 0xFFFFFFFF, "id": 0, "kind": kind, "granules": granules}
        self._parts.append(abi.BODIES[kind].build({"head": head, **body}))
        return self

    def _append(self, time_ns: int, kind: Kind, payload: bytes, record_id: int = 0) -> None:
        payload += bytes(-len(payload) % abi.GRANULE)
        granules = len(payload) // abi.GRANULE
        head = {"time": time_ns & 0xFFFFFFFF, "id": record_id, "kind": kind, "granules": granules}
        self._parts.append(abi.Record.build(head) + payload)

    def _append_string(self, time_ns: int, kind: Kind, body: dict, text: bytes) -> None:
        struct = abi.BODIES[kind]
        granules = struct.sizeof() // abi.GRANULE - 1
        head = {
            "time": time_ns & 0xFFFFFFFF, "id": len(text), "kind": kind, "granules": granules
        }  # fmt: skip
        padding = bytes(abi.GRANULE - len(text) % abi.GRANULE)
        self._parts.append(struct.build({"head": head, **body}) + text + padding)


@dataclass
class Thread:
    tid: int
    cpu: int = -1
    switches: int = 0
    nr: int = -1
    entry_ns: int = 0


@dataclass
class Step:
    """One event: ``thread`` runs on ``cpu`` and enters a call, opens a name in it, or leaves it."""

    thread: int
    cpu: int
    gap_ns: int
    nr: int
    opens: bool
    is_wide: bool
    is_last: bool


class Machine:
    """Runs steps as a kernel would and keeps what really happened.

    ``done`` are the sub-buffers, ``calls`` rows of tid, number, state, entry_ns, exit_ns and result
    by entry, ``names`` each with the entry_ns of its call.
    """

    def __init__(self, threads: int) -> None:
        self.now_ns = 2**32 - 200
        self.threads = [Thread(100 + index) for index in range(threads)]
        self.running: dict[int, Thread] = {}
        # As the module does: the CPU's last entry, how often its thread was switched before, and
        # where it was written.
        self.entered: dict[int, tuple[int, int, SubBuffer]] = {}
        self.open: dict[int, SubBuffer] = {}
        self.done: list[SubBuffer] = []
        self.seqs: Counter[int] = Counter()
        self.calls: list[tuple] = []
        self.names: list[tuple[int, bytes]] = []

    def run(self, steps: list[Step]) -> Machine:
        for step in steps:
            self._run(step)
        for cpu in list(self.open):
            self._hand_over(cpu)
        for thread in self.threads:
            if thread.nr >= 0:
                self._end(thread, State.UNFINISHED, 0, 0)
        self.calls.sort(key=lambda row: row[3])
        return self

    def _run(self, step: Step) -> None:
        thread, cpu = self.threads[step.thread], step.cpu
        self.now_ns += step.gap_ns
        self._switch(thread, cpu)
        if cpu not in self.open:
            self.open[cpu] = SubBuffer(cpu, self.seqs[cpu])
            self.seqs[cpu] += 1
        if thread.nr < 0:
            thread.nr, thread.entry_ns = step.nr, self.now_ns
            self.entered[cpu] = (thread.tid, thread.switches, self.open[cpu])
            self.open[cpu].entry(self.now_ns, thread.tid, step.nr)
        elif thread.nr in OPENS and step.opens:
            path = b"/%d" % self.now_ns
            self.names.append((thread.entry_ns, path))
            self.open[cpu].name(self.now_ns, thread.tid, path)
        else:
            self._leave(thread, cpu, step)
        if step.is_last:
            self._hand_over(cpu)

    def _switch(self, thread: Thread, cpu: int) -> None:
        before = self.running.get(cpu)
        if before is not None and before is not thread:
            before.switches += 1
            before.cpu = -1
        if thread.cpu != cpu:
            thread.switches += 1
        self.running = {at: who for at, who in self.running.items() if who is not thread}
        self.running[cpu] = thread
        thread.cpu = cpu

    def _leave(self, thread: Thread, cpu: int, step: Step) -> None:
        entered = self.entered.pop(cpu, None)
        subbuffer = self.open[cpu]
        is_near = entered == (thread.tid, thread.switches, subbuffer)
        end = subbuffer.exit if is_near else subbuffer.far_exit
        result = 1 << 20 if step.is_wide else step.gap_ns & 0xFF
        end(self.now_ns, thread.tid, thread.nr, result)
        self._end(thread, State.PAIRED, self.now_ns, result)

    def _end(self, thread: Thread, state: State, exit_ns: int, result: int) -> None:
        self.calls.append((thread.tid, thread.nr, state, thread.entry_ns, exit_ns, result))
        thread.nr = -1

    def _hand_over(self, cpu: int) -> None:
        self.done.append(self.open.pop(cpu))


def _arguments(nr: int, abi_: int, args: Sequence[int]) -> bytes:
    count, wide = SHAPES[abi_][nr] if 0 <= nr < abi.SHAPES else SIX_WIDE
    values = [*args, *[0] * 6][:count]
    payload = b"".join(
        value.to_bytes(8, "little") if wide >> index & 1 else _u32(value & 0xFFFFFFFF)
        for index, value in enumerate(values)
    )
    if not 0 <= nr < abi.NR_ESCAPE:
        payload = nr.to_bytes(8, "little", signed=True) + payload
    return payload


def _comm(name: bytes) -> bytes:
    return name[: abi.COMM_BYTES - 1].ljust(abi.COMM_BYTES, b"\0")


def _id(nr: int, abi_: int) -> int:
    number = nr if 0 <= nr < abi.NR_ESCAPE else abi.NR_ESCAPE
    return number | abi_ << abi.NR_BITS


def _s64(value: int) -> bytes:
    return value.to_bytes(8, "little", signed=True)


def _u32(value: int) -> bytes:
    return value.to_bytes(4, "little")
