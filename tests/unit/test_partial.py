"""Exports take the place of earlier ones as a whole, and of nothing else."""

from __future__ import annotations

import os
import subprocess
import threading

import pyarrow.parquet as pq
import pytest

from captures import write_capture
from subbuffers import SubBuffer
from tracectl.cli import export
from tracectl.cli.main import main

FORMS = ("jsonl", "parquet", "ctf", "perfetto")
READERS = ("iter_calls", "iter_records")


def capture_of(path, *calls, **of_capture):
    """Of (CPU, thread) a call each."""
    path.parent.mkdir(exist_ok=True)
    subbuffers = [
        SubBuffer(cpu=cpu).entry(10 + tid, tid, 39).exit(20 + tid, tid, 39, tid)
        for cpu, tid in calls
    ]
    return write_capture(path, subbuffers, **of_capture)


def run(form, capture, output):
    return main(["export", "--to", form, "-o", str(output), str(capture)])


def files_below(directory):
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file()
    }


def threads_in_ctf(directory):
    done = subprocess.run(["babeltrace2", directory], capture_output=True, text=True, check=True)
    return [line.split("tid = ")[1].split(",")[0] for line in done.stdout.splitlines()]


def test_a_ctf_export_into_the_one_before(tmp_path):
    assert run("ctf", capture_of(tmp_path / "a.trace", (0, 1), (1, 2), (3, 3)), tmp_path / "o") == 0
    assert threads_in_ctf(tmp_path / "o") == ["1", "2", "3", "1", "2", "3"]
    other = capture_of(tmp_path / "b.trace", (1, 7), boot_id="other")
    (tmp_path / "o" / ".partial-1").mkdir()
    assert run("ctf", other, tmp_path / "o") == 0
    assert threads_in_ctf(tmp_path / "o") == ["7", "7"]
    assert {one.name for one in (tmp_path / "o").iterdir()} == {"cpu_1", "metadata"}


@pytest.mark.parametrize(
    "files",
    [
        {"notes": "mine"},
        {"cpu_0": "whose?"},
        {"metadata": 'tracer_name = "lttng-modules"', "cpu_0": ""},
        {"metadata": 'tracer_name = "tracectl"', "cpu_0": "", "notes": "mine"},
    ],
)
def test_a_directory_that_is_no_export_is_left_alone(files, tmp_path, capsys):
    (tmp_path / "o").mkdir()
    for name, text in files.items():
        (tmp_path / "o" / name).write_text(text)
    before = files_below(tmp_path / "o")
    assert run("ctf", capture_of(tmp_path / "a.trace", (0, 1)), tmp_path / "o") == 2
    assert "no CTF export of tracectl" in capsys.readouterr().err
    assert files_below(tmp_path / "o") == before


def test_captures_with_one_name_in_one_data_set(tmp_path):
    captures = [
        capture_of(tmp_path / "x" / "a.trace", (0, 1)),
        capture_of(tmp_path / "y" / "a.trace", (0, 2), boot_id="other"),
    ]
    for capture in [*captures, *captures]:
        assert run("parquet", capture, f"{tmp_path}/set/") == 0
    parts = sorted((tmp_path / "set" / "host=host" / "day=2025-11-25").iterdir())
    assert [part.name.rpartition("-")[0] for part in parts] == ["a", "a"]
    rows = [tid for part in parts for tid in pq.ParquetFile(part).read(["tid"])["tid"].to_pylist()]
    assert sorted(rows) == [1, 2]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("stops", [KeyboardInterrupt(), OSError(28, "No space left on device")])
@pytest.mark.parametrize("is_first", [True, False])
def test_what_ends_an_export_leaves_the_one_before(form, stops, is_first, tmp_path, monkeypatch):
    capture = capture_of(tmp_path / "a.trace", (0, 1))
    if not is_first:
        assert run(form, capture, tmp_path / "o") == 0
    before = files_below(tmp_path)

    def failing(reader):
        def read(capture):
            yield from reader(capture)
            raise stops

        return read

    for name in READERS:
        monkeypatch.setattr(export, name, failing(getattr(export, name)))
    assert run(form, capture, tmp_path / "o") in (1, 130)
    assert files_below(tmp_path) == before
    assert (tmp_path / "o").exists() != is_first


def test_an_interrupted_data_set_keeps_what_it_had(tmp_path, monkeypatch):
    capture = capture_of(tmp_path / "a.trace", (0, 1))
    assert run("parquet", capture, f"{tmp_path}/set/") == 0
    before = files_below(tmp_path)

    def read(capture):
        yield next(export_calls(capture))
        raise KeyboardInterrupt

    export_calls = export.iter_calls
    monkeypatch.setattr(export, "iter_calls", read)
    assert run("parquet", capture, f"{tmp_path}/set/") == 130
    assert files_below(tmp_path) == before


def test_a_pipe_and_a_link_stay_what_they_are(tmp_path):
    capture = capture_of(tmp_path / "a.trace", (0, 1))
    os.mkfifo(tmp_path / "pipe")
    found = []
    reader = threading.Thread(target=lambda: found.append((tmp_path / "pipe").read_text()))
    reader.start()
    assert run("jsonl", capture, tmp_path / "pipe") == 0
    reader.join()
    (tmp_path / "target").write_text("old")
    (tmp_path / "link").symlink_to("target")
    assert run("jsonl", capture, tmp_path / "link") == 0
    assert (tmp_path / "link").is_symlink()
    assert found == [(tmp_path / "target").read_text()]
