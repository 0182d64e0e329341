"""SQL over captures: the views have what the captures have."""

from __future__ import annotations

import io
import json
import re
from contextlib import redirect_stdout
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from captures import write_capture
from subbuffers import SubBuffer
from tracectl.capture.format import INDEX_FOOTER
from tracectl.capture.metadata import Task
from tracectl.cli.main import main
from tracectl.errors import TracectlError
from tracectl.export.columns import CALL_COLUMNS
from tracectl.export.database import Database
from tracectl.export.events import EVENT_COLUMNS
from tracectl.export.tables import LOSS_COLUMNS, TASK_COLUMNS
from tracectl.export.views import schema_of

REPO = Path(__file__).parents[2]
VIEWS = {
    "syscalls": CALL_COLUMNS,
    "events": EVENT_COLUMNS,
    "tasks": TASK_COLUMNS,
    "loss": LOSS_COLUMNS,
}
NAMES_COLUMNS = (
    "file", "host", "time", "entry_ns", "pid", "tid", "process", "uid", "container", "syscall",
    "result", "errno", "path",
)  # fmt: skip
FILES_COLUMNS = (
    "file", "host", "time", "entry_ns", "duration_ns", "pid", "tid", "process", "uid", "container",
    "syscall", "fd", "path", "result", "errno",
)  # fmt: skip


@pytest.fixture
def capture(tmp_path):
    subbuffer = (
        SubBuffer(tgids={8: 7})
        .entry(90, 3, 39)
        .exit(95, 3, 39, 3)
        .fork(100, 3, 7)
        .exec(200, 7, 7, b"/bin/cat")
        .fork(250, 7, 8, 7)
        .entry(300, 8, 257, [-100, 0x1000, 0, 0])
        .open_how(310, 8, 0x8000, 0, 0)
        .name(320, 8, b"/etc/absent")
        .exit(400, 8, 257, -2)
        .entry(500, 7, 0, [3, 0x1000, 10])
        .task_exit(600, 7, 9)
    )
    tasks = [Task(3, 3, 1, "sh")]
    return write_capture(tmp_path / "a.trace", [subbuffer], tasks=tasks, lost_calls={0: 4})


@pytest.fixture
def ask(capture, capsys):
    def ask_(sql, *files):
        assert main(["query", "--format", "json", *map(str, files or [capture]), sql]) == 0
        return [tuple(row.values()) for row in json.loads(capsys.readouterr().out)]

    return ask_


def test_syscalls(ask):
    rows = ask(
        "SELECT tid, process, syscall, state, entry_ns, duration_ns, args, result, errno, paths"
        " FROM syscalls ORDER BY entry_ns"
    )
    minus_100 = 2**32 - 100
    assert rows == [
        (3, "sh", "getpid", "paired", 90, 5, [], 3, None, []),
        (8, "cat", "openat", "paired", 300, 100, [minus_100, 4096, 0, 0], -2, "ENOENT",
         ["/etc/absent"]),
        (7, "cat", "read", "unfinished", 500, None, [3, 4096, 10], None, None, []),
    ]  # fmt: skip


def test_events(ask):
    rows = ask(
        "SELECT time_ns, tid, kind, syscall, args, result, text FROM events ORDER BY time_ns"
    )
    assert rows[2:] == [
        (100, 3, "fork", None, [7, 7, 0, 0, 0, 0], None, None),
        (200, 7, "exec", None, [7, 0, 0], None, "/bin/cat"),
        (250, 7, "fork", None, [8, 7, 0, 0, 0, 0], None, None),
        (300, 8, "entry", "openat", [2**32 - 100, 4096, 0, 0], None, None),
        (310, 8, "open_how", None, [0x8000, 0, 0], None, None),
        (320, 8, "name", None, [2**64 - 100, 0, 0, 0], None, "/etc/absent"),
        (400, 8, "exit", "openat", [], -2, None),
        (500, 7, "entry", "read", [3, 4096, 10], None, None),
        (600, 7, "task_exit", None, [], 9, None),
    ]


def test_tasks(ask):
    rows = ask("SELECT tid, pid, ppid, comm, path, start_ns, end_ns, exit_code, signal FROM tasks")
    assert rows == [
        (3, 3, 1, "sh", None, None, None, None, None),
        (7, 7, 3, "sh", None, 100, 200, None, None),
        (7, 7, 3, "cat", "/bin/cat", 200, 600, 0, 9),
        (8, 7, 3, "cat", "/bin/cat", 250, None, None, None),
    ]


def test_names(ask):
    assert ask("SELECT time, process, path, errno FROM names") == [
        ("2025-11-25 00:00:00.000000300", "cat", "/etc/absent", "ENOENT")
    ]


def test_files(ask, tmp_path):
    subbuffer = (
        SubBuffer()
        .entry(10, 7, 257, [-100 & (1 << 64) - 1, 0x1000, 0, 0])
        .name(11, 7, b"/etc/passwd")
        .exit(20, 7, 257, 5)
        .entry(30, 7, 0, [5, 0x1000, 100])
        .exit(40, 7, 0, 100)
        .entry(50, 7, 3, [5])
        .exit(60, 7, 3, 0)
        .entry(70, 7, 0, [5, 0x1000, 100])
        .exit(80, 7, 0, -9)
    )
    path = write_capture(tmp_path / "b.trace", [subbuffer])
    rows = ask("SELECT syscall, fd, path, result, errno FROM files ORDER BY entry_ns", path)
    assert rows == [
        ("read", 5, "/etc/passwd", 100, None),
        ("close", 5, "/etc/passwd", 0, None),
        ("read", 5, None, -9, "EBADF"),
    ]
    assert ask("SELECT fd, fd_path FROM syscalls WHERE syscall = 'openat'", path) == [(None, None)]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT count(*) FROM syscalls",
        "SELECT count(*) FROM syscalls WHERE result < 0",
        "SELECT * EXCLUDE (file, time) FROM syscalls ORDER BY ALL",
        "SELECT COLUMNS('.*_ns') FROM syscalls ORDER BY ALL",
        "SELECT a.syscall FROM syscalls a JOIN syscalls b ON a.tid = b.tid ORDER BY ALL",
        "WITH t AS (FROM syscalls) SELECT tid FROM t UNION ALL SELECT pid FROM t ORDER BY ALL",
        "SELECT tid, (SELECT max(e.time_ns) FROM events e WHERE e.tid = s.tid) FROM syscalls s"
        " ORDER BY ALL",
        "SELECT comm, syscall FROM tasks JOIN syscalls USING (pid, tid) ORDER BY ALL",
        "SELECT syscall, rank() OVER (PARTITION BY pid ORDER BY entry_ns) FROM syscalls"
        " QUALIFY rank() OVER (PARTITION BY pid ORDER BY entry_ns) = 1 ORDER BY ALL",
        "PIVOT syscalls ON syscall USING count(*) GROUP BY pid ORDER BY pid",
        "SELECT column_name, count, max FROM (SUMMARIZE syscalls) ORDER BY ALL",
        "SELECT arg_max(syscalls.syscall, duration_ns), list(DISTINCT path ORDER BY path)"
        " FROM syscalls, names WHERE names.entry_ns = syscalls.entry_ns",
    ],
)
def test_what_is_asked_for_is_read_and_nothing_is_missing(capture, sql):
    """The same is answered of tables that have all columns."""
    found = answer(capture, sql)
    assert len(found)
    with duckdb.connect() as connection:
        for view in (*VIEWS, "names", "files"):
            if view in sql:
                connection.register(view, answer(capture, f"FROM {view}"))
        assert found.to_pylist() == connection.sql(sql).to_arrow_table().to_pylist()


def answer(capture, sql):
    with redirect_stdout(io.TextIOWrapper(io.BytesIO())) as out:
        assert main(["query", "--format", "parquet", str(capture), sql]) == 0
        return pq.read_table(io.BytesIO(out.buffer.getvalue()))


def test_a_view_that_is_read_on_several_cores(tmp_path, capsys):
    """More than is worked on by one process."""
    many = 1 << 16
    subbuffers = []
    for seq in range(20):
        subbuffer = SubBuffer(seq=seq, size_bytes=1 << 20)
        for index in range(many // 4):
            at_ns = (seq * many + index) * 10 + 10
            subbuffer.entry(at_ns, 7, 39).exit(at_ns + 5, 7, 39, 7)
        subbuffers.append(subbuffer)
    path = write_capture(tmp_path / "large.trace", subbuffers)
    sql = "SELECT count(*), count(DISTINCT entry_ns), sum(duration_ns) FROM syscalls"
    assert main(["query", "--format", "json", str(path), sql]) == 0
    count = 20 * many // 4
    assert list(json.loads(capsys.readouterr().out)[0].values()) == [count, count, 5 * count]


def test_a_damaged_capture_says_so_once(capture, tmp_path, capsys):
    whole = capture.read_bytes()
    index, _ = INDEX_FOOTER.unpack(whole[-INDEX_FOOTER.size :])
    (tmp_path / "torn.trace").write_bytes(whole[: index - 10])
    sql = "SELECT count(*) FROM syscalls a JOIN syscalls b USING (tid)"
    assert main(["query", str(tmp_path / "torn.trace"), sql]) == 0
    assert capsys.readouterr().err.count("the end is missing") == 1
    (tmp_path / "torn.trace").write_bytes(b"")
    assert main(["query", str(tmp_path / "torn.trace"), sql]) == 1
    assert capsys.readouterr().err.splitlines() == [f"tracectl: {tmp_path}/torn.trace: is empty"]


@pytest.mark.parametrize("ends", [KeyboardInterrupt(), SystemExit(143), TracectlError("no disk")])
def test_what_ends_the_reading_is_not_for_duckdb_to_tell(ends):
    """A signal, or an error that has a sentence and an exit code of its own."""
    database = Database({view: schema_of(view) for view in VIEWS})
    sql, began = "SELECT sum(lost) FROM loss", []

    def begin(view):
        began.append(view)
        yield pa.record_batch({"lost": [1, 2]})
        raise ends

    with pytest.raises(type(ends)), database.answer(sql, database.plan(sql), begin):
        pass
    assert began == ["loss"]


def test_loss(ask):
    assert ask("SELECT kind, syscall, generated, lost FROM loss WHERE lost > 0") == [
        ("entry", "read", 5, 4)
    ]
    assert ask("SELECT sum(generated) FROM loss") == [(15,)]


def test_several_files_and_patterns(ask, capture, tmp_path):
    other = write_capture(tmp_path / "b.trace", [SubBuffer().entry(5, 1, 39)], host="other")
    expected = [("host", 3), ("other", 1)]
    sql = "SELECT host, count(*) FROM syscalls GROUP BY ALL ORDER BY ALL"
    assert ask(sql, capture, other) == expected
    assert ask(sql, f"{tmp_path}/*.trace") == expected


def test_formats(capture, capsysbinary):
    sql = "SELECT syscall, paths, time FROM syscalls WHERE tid = 8"
    outputs = {}
    for form in ("table", "csv", "parquet"):
        assert main(["query", "--format", form, str(capture), sql]) == 0
        outputs[form] = capsysbinary.readouterr().out
    when = "2025-11-25 00:00:00.000000300"
    assert outputs["csv"].decode() == f"syscall,paths,time\nopenat,[/etc/absent],{when}\n"
    header, _, row = outputs["table"].decode().splitlines()
    assert header.split() == ["syscall", "paths", "time"]
    assert row.split(maxsplit=2) == ["openat", "[/etc/absent]", when]
    table = pq.read_table(io.BytesIO(outputs["parquet"]))
    assert table.drop_columns(["time"]).to_pylist() == [
        {"syscall": "openat", "paths": ["/etc/absent"]}
    ]


@pytest.mark.parametrize(
    "sql",
    [
        "SELEC",
        "SELECT * FROM absent",
        "SELECT 1; SELECT 2",
        "",
        "COPY (SELECT 1) TO 'made.csv'",
        "ATTACH 'made.db'",
        "SELECT * FROM read_csv('secret.csv')",
        "SELECT * FROM 'secret.csv'",
        "SELECT * FROM capture",
        "SET enable_external_access = true",
        "INSTALL httpfs",
    ],
)
def test_what_is_refused(sql, capture, tmp_path, monkeypatch, capsys):
    (tmp_path / "secret.csv").write_text("secret\n")
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.iterdir())
    assert main(["query", str(capture), sql]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 2 if "lost" in err else 1)
    assert sorted(tmp_path.iterdir()) == before


def test_absent_file(capsys, tmp_path):
    assert main(["query", f"{tmp_path}/*.trace", "SELECT 1"]) == 1
    assert "no such file" in capsys.readouterr().err


@pytest.mark.parametrize("view", [*VIEWS, "names", "files"])
def test_columns_are_those_described(ask, view):
    text = (REPO / "docs" / "query.md").read_text()
    (section,) = re.findall(rf"^## {view}\n(.*?)(?:^## |\Z)", text, re.MULTILINE | re.DOTALL)
    described = re.findall(r"^\| `(\w+)` \| (\S+) \| (.*) \|$", section, re.MULTILINE)
    rows = [(name, kind) for name, kind, *_ in ask(f"DESCRIBE {view}")]
    assert [(name, kind) for name, kind, _ in described] == rows
    if view in VIEWS:
        assert {name: text for name, _, text in described} == VIEWS[view]
    else:
        columns = {"names": NAMES_COLUMNS, "files": FILES_COLUMNS}[view]
        assert tuple(name for name, _ in rows) == columns


def test_examples_of_the_document(capture, capsys):
    text = (REPO / "docs" / "query.md").read_text()
    examples = re.findall(r"```sql\n(.*?)```", text, re.DOTALL)
    assert len(examples) >= 4
    for sql in examples:
        assert main(["query", str(capture), sql]) == 0, sql
    capsys.readouterr()
