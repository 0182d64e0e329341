"""Exports, read by the programs they are for: what they say is what the capture has."""

from __future__ import annotations

import json
import random
import re
import subprocess
import sys

import duckdb
import pyarrow.parquet as pq
import pytest
from perfetto.protos.perfetto.trace import perfetto_trace_pb2

from captures import DAY_NS, write_capture
from subbuffers import Machine, Step, SubBuffer
from tracectl.capture.metadata import Task
from tracectl.cli.main import main
from tracectl.cli.progress import estimate_size
from tracectl.export import protobuf
from tracectl.export.columns import CALL_COLUMNS, WRITTEN_COLUMNS
from tracectl.tables.table import load_table

TABLE = load_table("x86_64")
NUMBERS = (0, 1, 3, 39, 257, 202)
ENOENT = 2


@pytest.fixture(scope="module")
def machine():
    chance = random.Random(1)
    steps = [
        Step(
            thread=chance.randrange(4),
            cpu=chance.randrange(2),
            gap_ns=chance.randrange(1, 5000),
            nr=chance.choice(NUMBERS),
            opens=chance.random() < 0.5,
            is_wide=chance.random() < 0.1,
            is_last=chance.random() < 0.02,
        )
        for _ in range(3000)
    ]
    return Machine(4).run(steps)


@pytest.fixture(scope="module")
def capture(machine, tmp_path_factory):
    subbuffers = sorted(machine.done, key=lambda one: (one.cpu, one.seq))
    tasks = [Task(thread.tid, thread.tid, 1, "worker") for thread in machine.threads]
    return write_capture(tmp_path_factory.mktemp("captures") / "a.trace", subbuffers, tasks=tasks)


def export(capture, form, output, *options):
    assert main(["export", "--to", form, "-o", str(output), str(capture), *options]) == 0
    return output


def truth(machine):
    """(tid, name, entry_ns, exit_ns, result, paths) of every call, as it really was."""
    paths = {}
    for entry_ns, path in machine.names:
        paths.setdefault(entry_ns, []).append(path.decode())
    return [
        (tid, TABLE.name(nr), entry, exit_ or None, result if exit_ else None, paths.get(entry, []))
        for tid, nr, _, entry, exit_, result in machine.calls
    ]


def row_of(row):
    names = ("tid", "syscall", "entry_ns", "exit_ns", "result", "paths")
    return tuple(row.get(name) for name in names)


def test_json_lines(machine, capture, tmp_path):
    lines = export(capture, "jsonl", tmp_path / "a.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    assert [row_of(row) for row in rows] == truth(machine)
    assert {key for row in rows for key in row} <= set(WRITTEN_COLUMNS)
    first = rows[0]
    seconds, ns = divmod(first["entry_ns"], 1_000_000_000)
    assert first["time"] == f"2025-11-25T00:00:{seconds:02}.{ns:09}Z"
    assert first["process"] == "worker"


def test_json_lines_on_stdout(machine, capture, capsys):
    assert main(["export", "--to", "jsonl", "-o", "-", str(capture)]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(machine.calls)


def test_parquet(machine, capture, tmp_path):
    path = export(capture, "parquet", tmp_path / "a.parquet")
    table = pq.read_table(path)
    assert [field.metadata[b"description"].decode() for field in table.schema] == [
        CALL_COLUMNS[name] for name in WRITTEN_COLUMNS
    ]
    assert [row_of(row) for row in table.drop_columns(["time"]).to_pylist()] == truth(machine)
    times_ns = table["time"].cast("int64").to_pylist()
    assert times_ns == [DAY_NS + entry_ns for _, _, entry_ns, *_ in truth(machine)]
    with duckdb.connect() as connection:
        found = connection.execute(
            f"SELECT tid, syscall, entry_ns, exit_ns, result, paths FROM '{path}' ORDER BY entry_ns"
        ).fetchall()
    assert found == truth(machine)
    assert pq.ParquetFile(path).metadata.row_group(0).column(0).compression == "ZSTD"


def test_a_call_that_is_open_for_long_holds_nothing_up(tmp_path):
    """Its row is where it ended, and in order with those around it."""
    subbuffers, count = [SubBuffer(size_bytes=1 << 20).entry(1, 8, 202)], 7 * (1 << 14)
    for index in range(count):
        if index % (1 << 14) == 0:
            subbuffers.append(SubBuffer(seq=len(subbuffers), size_bytes=1 << 20))
        at_ns = 100 + 10 * index
        subbuffers[-1].entry(at_ns, 7, 39).exit(at_ns + 5, 7, 39, 7)
    subbuffers[-1].far_exit(at_ns + 9, 8, 202)
    capture = write_capture(tmp_path / "a.trace", subbuffers)
    file = pq.ParquetFile(export(capture, "parquet", tmp_path / "a.parquet"))
    groups = [
        file.read_row_group(index, ["entry_ns", "tid"]).to_pydict()
        for index in range(file.num_row_groups)
    ]
    assert all(group["entry_ns"] == sorted(group["entry_ns"]) for group in groups)
    assert sum(len(group["tid"]) for group in groups) == count + 1
    assert [8 in group["tid"] for group in groups].index(True) > 0


def test_parquet_data_set_by_host_and_day(tmp_path):
    day_ns = 86_400_000_000_000
    subbuffer = SubBuffer()
    for day in range(3):
        at_ns = day * day_ns + 5
        subbuffer.entry(at_ns, 7, 39).exit(at_ns + 10, 7, 39, 7)
    for host in ("one", "two/../x"):
        capture = write_capture(tmp_path / f"{host[:3]}.trace", [subbuffer], host=host)
        export(capture, "parquet", f"{tmp_path}/set/")
    parts = sorted(str(path.relative_to(tmp_path / "set")) for path in tmp_path.rglob("*.parquet"))
    assert len(parts) == 6
    for part, day in zip(parts, (25, 26), strict=False):
        assert re.fullmatch(rf"host=one/day=2025-11-{day}/one-[0-9a-f]{{8}}\.parquet", part)
    assert all(part.startswith(("host=one/", "host=two%2F..%2Fx/")) for part in parts)
    with duckdb.connect() as connection:
        rows = connection.execute(
            f"SELECT host, day, count(*) FROM '{tmp_path}/set/**/*.parquet' GROUP BY ALL"
        ).fetchall()
    assert len(rows) == 6
    assert {count for *_, count in rows} == {1}


LINE = re.compile(r"\[(\d+)\.(\d{9})\] \(.*?\) (?:\S+ )?(\w+): \{ cpu_id = (\d+) \}, (.*)")
TASK = re.compile(r"\{ tid = (\d+), pid = (\d+) \}, \{ ?(.*?) ?\}$")


def in_babeltrace(directory):
    """(ns, name, cpu, tid, pid, fields) of each event."""
    done = subprocess.run(
        ["babeltrace2", "--clock-seconds", directory],
        capture_output=True, text=True, errors="backslashreplace", check=True,
    )  # fmt: skip
    assert done.stderr == ""
    for line in done.stdout.splitlines():
        seconds, ns, name, cpu, rest = LINE.fullmatch(line).groups()
        tid, pid, fields = TASK.fullmatch(rest).groups()
        when_ns = int(seconds) * 1_000_000_000 + int(ns) - DAY_NS
        yield when_ns, name, int(cpu), int(tid), int(pid), fields


def test_ctf(machine, capture, tmp_path):
    directory = export(capture, "ctf", tmp_path / "a.ctf")
    found = sorted((when, name, tid) for when, name, _, tid, _, _ in in_babeltrace(directory))
    expected = [(begin, f"syscall_entry_{name}", tid) for tid, name, begin, *_ in truth(machine)]
    expected += [
        (end, f"syscall_exit_{name}", tid) for tid, name, _, end, *_ in truth(machine) if end
    ]
    names = [(when, text) for when, name, *_, text in in_babeltrace(directory) if "name" in name]
    assert [path for _, path in names] == [
        f'dfd = -100, source = 0, flags = 0, site = 0, path = "{path.decode()}"'
        for _, path in machine.names
    ]
    assert [one for one in found if one[1] != "open_name"] == sorted(expected)


def test_ctf_of_everything(tmp_path):
    subbuffer = (
        SubBuffer(cpu=3, tgids={8: 7})
        .fork(100, 7, 8, 7)
        .entry(200, 8, 257, [-100 & (1 << 64) - 1, 0x1000, 0o101, 0o644])
        .open_how(210, 8, 0o101, 0o644, 4)
        .name(220, 8, b'a"\n\xff')
        .exit(300, 8, 257, -ENOENT)
        .entry(400, 8, 3, [9], abi_=1)
        .exit(450, 8, 3, 1 << 40, abi_=1)
        .entry(460, 8, 500, [1, 2, 3, 4, 5, 6])
        .entry(470, 8, -1, [1])
        .far_exit(480, 8, -1, 5)
        .exec(500, 7, 8, b"/bin/true")
        .argv(510, 7, b"true\0-x\0")
        .address(520, 7, 1, b"\2\0\0\x50\x7f\0\0\1" + bytes(8))
        .task_exit(600, 7, 256)
    )
    capture = write_capture(tmp_path / "a.trace", [subbuffer])
    events = list(in_babeltrace(export(capture, "ctf", tmp_path / "a.ctf")))
    assert all(cpu == 3 and pid == 7 for _, _, cpu, _, pid, _ in events)
    text = {(when, name): fields for when, name, *_, fields in events}
    assert text[100, "task_fork"] == (
        "child_tid = 8, child_pid = 7, uid = 0, inner_tid = 0, parent_pid = 0, cgroup = 0"
    )
    assert text[200, "syscall_entry_openat"].startswith("dfd = -100, filename = 0x1000, flags = 65")
    assert text[210, "open_how"] == "flags = 0x41, mode = 0644, resolve = 0x4"
    assert (220, "open_name") in text
    assert text[300, "syscall_exit_openat"] == "ret = -2"
    assert text[400, "compat_syscall_entry_read"].startswith("fd = 9")
    assert text[450, "compat_syscall_exit_read"] == f"ret = {1 << 40}"
    assert text[460, "syscall_entry_500"].startswith("id = 500, arg0 = 0x1, arg1 = 0x2")
    assert text[470, "syscall_entry_unknown"].startswith("id = -1, arg0 = 0x1")
    assert text[480, "syscall_exit_unknown"] == "id = -1, ret = 5"
    assert text[500, "task_exec"] == 'old_tid = 8, uid = 0, cgroup = 0, path = "/bin/true"'
    assert text[510, "task_argv"] == (
        r'bytes = 8, variables = 2, flags = 0, argv = "[\"true\", \"-x\"]"'
    )
    assert text[520, "socket_address"] == (
        'site = 1, flags = 0, address = "{sa_family=AF_INET, sin_port=htons(80), '
        r'sin_addr=inet_addr(\"127.0.0.1\")}"'
    )
    assert text[600, "task_exit"] == "code = 256"
    assert len(events) == len(subbuffer)


def test_ctf_of_calls_told_when_they_end(tmp_path):
    first = SubBuffer().entry(10, 1, 39).exit(20, 1, 39, 7).name(30, 2, b"/a")
    first.call(40, 2, 257, 25, 3)
    second = SubBuffer(seq=1).name(50, 1, b"/b").call(60, 1, 257, 15, 4)
    capture = write_capture(tmp_path / "a.trace", [first, second])
    events = list(in_babeltrace(export(capture, "ctf", tmp_path / "a.ctf")))
    assert [(when, name, tid) for when, name, _, tid, *_ in events] == [
        (10, "syscall_entry_getpid", 1),
        (20, "syscall_exit_getpid", 1),
        (25, "syscall_entry_openat", 2),
        (30, "open_name", 2),
        (40, "syscall_exit_openat", 2),
        (50, "open_name", 1),
        (50, "syscall_entry_openat", 1),
        (60, "syscall_exit_openat", 1),
    ]


def test_ctf_tells_losses(tmp_path):
    subbuffers = [SubBuffer().entry(10, 1, 39), SubBuffer(seq=1, lost=5).entry(20, 1, 39)]
    capture = write_capture(tmp_path / "a.trace", subbuffers, lost_calls={39: 7})
    directory = export(capture, "ctf", tmp_path / "a.ctf")
    done = subprocess.run(["babeltrace2", directory], capture_output=True, text=True, check=True)
    assert re.findall(r"discarded (\d+) events?", done.stderr) == ["5", "2"]


def parse(path):
    trace = perfetto_trace_pb2.Trace()
    trace.ParseFromString(path.read_bytes())
    return trace


def test_perfetto(machine, capture, tmp_path):
    trace = parse(export(capture, "perfetto", tmp_path / "a.perfetto-trace"))
    events, arguments, tracks, found = {}, {}, {}, []
    open_ = {}
    for packet in trace.packet:
        events |= {one.iid: one.name for one in packet.interned_data.event_names}
        names = packet.interned_data.debug_annotation_names
        arguments |= {one.iid: one.name for one in names}
        if packet.HasField("track_descriptor"):
            tracks[packet.track_descriptor.uuid] = packet.track_descriptor
        event = packet.track_event
        notes = [(arguments[note.name_iid], note) for note in event.debug_annotations]
        paths = [note.string_value for name, note in notes if name == "path"]
        if event.type == event.TYPE_SLICE_BEGIN:
            assert event.track_uuid not in open_
            open_[event.track_uuid] = events[event.name_iid], packet.timestamp, paths
        elif event.type == event.TYPE_SLICE_END:
            name, begin, paths = open_.pop(event.track_uuid)
            result = next(note.int_value for word, note in notes if word == "result")
            thread = tracks[event.track_uuid].thread
            assert thread.thread_name == "worker"
            found.append((thread.tid, name, begin, packet.timestamp, result, paths))
        elif event.type == event.TYPE_INSTANT:
            assert [note.string_value for name, note in notes if name == "state"] == ["unfinished"]
            thread = tracks[event.track_uuid].thread
            found.append((thread.tid, events[event.name_iid], packet.timestamp, None, None, paths))
    assert not open_
    assert sorted(found, key=lambda row: row[2]) == truth(machine)
    first = trace.packet[0].clock_snapshot
    assert {clock.clock_id: clock.timestamp for clock in first.clocks} == {3: 0, 1: DAY_NS}


def test_perfetto_arguments_errors_and_counters(tmp_path):
    subbuffers = [
        SubBuffer().entry(10, 1, 257, [-100, 0x1000, 1 << 31, 0]).exit(30, 1, 257, -ENOENT),
        SubBuffer(seq=1, lost=4).entry(50_000_000, 1, 39),
    ]
    trace = parse(
        export(
            write_capture(tmp_path / "a.trace", subbuffers, lost_calls={39: 6}),
            "perfetto",
            tmp_path / "a.pftrace",
        )
    )
    (names,) = (
        {one.iid: one.name for one in packet.interned_data.debug_annotation_names}
        for packet in trace.packet
        if packet.HasField("interned_data")
    )
    begin, end = (
        {names[note.name_iid]: note for note in packet.track_event.debug_annotations}
        for packet in trace.packet
        if packet.track_event.type in (1, 2)
    )
    assert begin["dfd"].int_value == -100
    assert begin["filename"].pointer_value == 0x1000
    assert begin["flags"].int_value == -(1 << 31)
    assert (end["result"].int_value, end["errno"].string_value) == (-2, "ENOENT")
    tracks = {packet.track_descriptor.uuid: packet.track_descriptor for packet in trace.packet}
    counters = [
        (tracks[event.track_uuid].name, packet.timestamp, event.counter_value)
        for packet in trace.packet
        if (event := packet.track_event).type == event.TYPE_COUNTER
    ]
    assert counters == [
        ("system calls", 0, 100),
        ("system calls", 10_000_000, 0),
        ("system calls", 50_000_000, 100),
        ("system calls", 60_000_000, 0),
        ("lost on CPU 0", 10, 0),
        ("lost on CPU 0", 50_000_000, 4),
        ("lost on CPU 0", 50_000_000, 6),
    ]


@pytest.mark.parametrize("value", [0, 1, 127, 128, 1 << 35, (1 << 63) - 1, -1, -4096])
def test_varint(value):
    message = perfetto_trace_pb2.DebugAnnotation()
    message.ParseFromString(protobuf.number(4, value))
    assert message.int_value == value


@pytest.mark.parametrize("form", ["jsonl", "parquet", "ctf", "perfetto"])
def test_no_calls(form, tmp_path):
    capture = write_capture(tmp_path / "a.trace", [SubBuffer().task(5, 1)])
    output = export(capture, form, tmp_path / "out")
    if form == "ctf":
        assert list(in_babeltrace(output)) == []
    elif form == "parquet":
        assert len(pq.read_table(output)) == 0
    elif form == "perfetto":
        assert not any(packet.HasField("track_event") for packet in parse(output).packet)
    else:
        assert output.read_text() == ""


def test_names_beside_the_capture(capture, tmp_path, monkeypatch, capsys):
    copied = tmp_path / "b.trace"
    copied.write_bytes(capture.read_bytes())
    for form in ("jsonl", "parquet", "ctf", "perfetto"):
        assert main(["export", "--to", form, str(copied)]) == 0
    made = {path.name for path in tmp_path.iterdir()}
    assert made == {"b.trace", "b.jsonl", "b.parquet", "b.ctf", "b.perfetto-trace"}
    assert capsys.readouterr().out == ""


def test_losses_are_told(tmp_path, capsys):
    capture = write_capture(tmp_path / "a.trace", [SubBuffer().entry(5, 1, 39)], lost_calls={0: 3})
    export(capture, "jsonl", tmp_path / "out")
    assert "3 events were lost and are missing in the export" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["--to", "parquet", "-o", "-"], 2),
        (["--to", "jsonl", "-o", "a.trace"], 2),
        (["--to", "jsonl", "-o", "absent/out"], 1),
        (["--to", "perfetto", "-o", "."], 1),
        (["--to", "parquet", "-o", "absent/out"], 1),
        (["--to", "ctf", "-o", "a.trace/out"], 1),
    ],
)
def test_what_cannot_be(options, code, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    capture = write_capture(tmp_path / "a.trace", [SubBuffer().entry(5, 1, 39)])
    before = capture.read_bytes()
    assert main(["export", "a.trace", *options]) == code
    assert capsys.readouterr().err.count("\n") == 1
    assert capture.read_bytes() == before


def test_a_capture_that_is_not_there(tmp_path, capsys):
    (tmp_path / "out").write_text("old")
    argv = ["export", "--to", "jsonl", "-o", f"{tmp_path}/out", f"{tmp_path}/absent.trace"]
    assert main(argv) == 1
    assert capsys.readouterr().err.startswith(f"tracectl: {tmp_path}/absent.trace: cannot be read")


@pytest.mark.parametrize(
    ("library", "argv", "libraries"),
    [
        ("pyarrow", ["export", "--to", "parquet", "a.trace"], "'pyarrow>=20'"),
        ("duckdb", ["query", "a.trace", "SELECT 1"], "'duckdb>=2,<3' 'pyarrow>=20'"),
        ("pyarrow", ["query", "a.trace", "SELECT 1"], "'duckdb>=2,<3' 'pyarrow>=20'"),
    ],
)
def test_without_a_library_a_sentence_says_what_to_install(library, argv, libraries, tmp_path):
    (tmp_path / f"{library}.py").write_text(
        f'raise ModuleNotFoundError("No module named {library!r}", name={library!r})'
    )
    write_capture(tmp_path / "a.trace", [SubBuffer().entry(5, 1, 39)])
    done = subprocess.run(
        [sys.executable, "-m", "tracectl", *argv],
        env={"PYTHONPATH": str(tmp_path)}, cwd=tmp_path,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr.count("\n")) == (3, 1)
    assert library in done.stderr
    assert f"pip install {libraries}\n" in done.stderr


def test_estimate_of_the_size():
    assert estimate_size(100, 10, 50) == 500
    assert estimate_size(0, 0, 50) == 0
