"""SQL over captures: the views have what the captures have."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from captures import write_capture
from subbuffers import SubBuffer
from tracectl.capture.metadata import Task
from tracectl.cli.main import main
from tracectl.export.columns import CALL_COLUMNS
from tracectl.export.events import EVENT_COLUMNS
from tracectl.export.tables import LOSS_COLUMNS, TASK_COLUMNS

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
        " FROM syscalls"
    )
    minus_100 = 2**32 - 100
    assert rows == [
        (3, "sh", "getpid", "paired", 90, 5, [], 3, None, []),
        (8, "cat", "openat", "paired", 300, 100, [minus_100, 4096, 0, 0], -2, "ENOENT",
         ["/etc/absent"]),
        (7, "cat", "read", "unfinished", 500, None, [3, 4096, 10], None, None, []),
    ]  # fmt: skip


def test_events(ask):
    rows = ask("SELECT time_ns, tid, kind, syscall, args, result, text FROM events")
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
    assert outputs["csv"].decode() == f"syscall,paths,time\nopenat,['/etc/absent'],{when}\n"
    header, _, row = outputs["table"].decode().splitlines()
    assert header.split() == ["syscall", "paths", "time"]
    assert row.split(maxsplit=2) == ["openat", "['/etc/absent']", when]
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


@pytest.mark.parametrize("view", [*VIEWS, "names"])
def test_columns_are_those_described(ask, view):
    text = (REPO / "docs" / "query.md").read_text()
    (section,) = re.findall(rf"^## {view}\n(.*?)(?:^## |\Z)", text, re.MULTILINE | re.DOTALL)
    described = re.findall(r"^\| `(\w+)` \| (\S+) \| (.*) \|$", section, re.MULTILINE)
    rows = [(name, kind) for name, kind, *_ in ask(f"DESCRIBE {view}")]
    assert [(name, kind) for name, kind, _ in described] == rows
    if view in VIEWS:
        assert {name: text for name, _, text in described} == VIEWS[view]
    else:
        assert tuple(name for name, _ in rows) == NAMES_COLUMNS


def test_examples_of_the_document(capture, capsys):
    text = (REPO / "docs" / "query.md").read_text()
    examples = re.findall(r"```sql\n(.*?)```", text, re.DOTALL)
    assert len(examples) >= 4
    for sql in examples:
        assert main(["query", str(capture), sql]) == 0, sql
    capsys.readouterr()
