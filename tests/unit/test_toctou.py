"""Paths that changed while a call was under way."""

from __future__ import annotations

import argparse
import json
import struct
import subprocess
import sys

import pytest

from captures import write_capture
from subbuffers import SHAPES, SubBuffer
from tracectl.abi.control import READS, EventClass, Read
from tracectl.abi.records import ABIS, AddressSite, Form
from tracectl.analysis.pairing import pair_calls
from tracectl.analysis.toctou import Divergence, find_divergences
from tracectl.cli.plan import add_options, plan_from
from tracectl.cli.recording import config_of
from tracectl.errors import UsageError
from tracectl.kernel.reads import Wanted, pack_reads
from tracectl.tables.table import load_tables

OPENAT, RENAME, CONNECT = 257, 82, 42


def raced(subbuffer: SubBuffer, time_ns: int, tid: int) -> SubBuffer:
    return (
        subbuffer.entry(time_ns, tid, OPENAT, [2**32 - 100, 0x1000])
        .user(time_ns + 1, tid, 1, b"/a", form=Form.PATH)
        .name(time_ns + 2, tid, b"/b")
        .divergence(time_ns + 2, tid, b"/a", b"/b")
        .exit(time_ns + 3, tid, OPENAT, 3)
    )


@pytest.fixture
def capture(tmp_path):
    subbuffer = raced(raced(SubBuffer(), 1000, 7), 2000, 7)
    subbuffer.entry(3000, 7, OPENAT).name(3001, 7, b"/a").exit(3002, 7, OPENAT, 3)
    return write_capture(tmp_path / "a.trace", [subbuffer], classes=15 | EventClass.DIVERGENCE)


def run(*argv) -> str:
    command = [sys.executable, "-m", "tracectl", *map(str, argv)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_those_of_a_process_are_counted():
    records = raced(raced(SubBuffer(), 1000, 7), 2000, 7).decode()
    calls = pair_calls([records], SHAPES, None)
    assert find_divergences(calls) == [Divergence(0, OPENAT, 7, b"/a", b"/b", 2)]


def test_report_lists_them(capture):
    told = json.loads(run("report", "--json", capture))["divergences"]
    assert told == [{"name": "openat", "pid": 7, "entered": "/a", "used": "/b", "calls": 2}]
    last = run("report", capture).splitlines()[-1]
    assert last.split() == ["openat", "2", "7", '"/a"', '"/b"']


def test_print_shows_both(capture):
    first, _, last = run("print", capture).splitlines()
    assert first.startswith('openat(AT_FDCWD, "/b" /* at entry "/a" */, O_RDONLY)')
    assert "at entry" not in last
    assert json.loads(run("print", "--json", capture).splitlines()[0])["divergences"] == [
        ["/a", "/b"]
    ]


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        ([], ""),
        (["--redact", "/home/"], "/home"),
        (["--redact", "/"], "/"),
        (["--redact", "//a/../b"], "/b"),
    ],
)
def test_a_directory_to_redact(options, kept, tmp_path):
    parser = argparse.ArgumentParser()
    add_options(parser)
    plan = plan_from(
        parser.parse_args(["-o", str(tmp_path / "a.trace"), *options]), "a", ["/home/x"]
    )
    assert plan.redact == kept
    assert bool(plan.classes & EventClass.ARGV) == (not kept)
    assert config_of(plan).command == (None if kept else ["/home/x"])


@pytest.mark.parametrize("other", [["--payload", "9"], ["--flight", "1M"]])
def test_what_would_show_it_is_refused(other):
    parser = argparse.ArgumentParser()
    add_options(parser)
    args = parser.parse_args(["--redact", "/home", *other])
    with pytest.raises(UsageError, match="--redact"):
        plan_from(args, "a")


def test_each_path_of_a_call_is_read():
    packed = pack_reads(load_tables("x86_64"), Wanted(paths=True)).calls
    assert len(packed) == ABIS * 512 * READS * Read.sizeof()
    for abi, number in ((0, RENAME), (1, 38), (2, RENAME)):
        at = (abi * 512 + number) * READS * Read.sizeof()
        reads = [Read.parse(packed[at + index * Read.sizeof() :]) for index in range(3)]
        assert [(read.form, read.argument) for read in reads] == [
            (Form.PATH, 0), (Form.PATH, 1), (Form.NONE, 0)
        ]  # fmt: skip


def test_the_address_of_a_call_is_read():
    packed = pack_reads(load_tables("x86_64"), Wanted(paths=True)).calls
    first = Read.parse(packed[CONNECT * READS * Read.sizeof() :])
    assert (first.form, first.argument, first.count, first.bytes) == (Form.ADDRESS, 1, 2, 1)


def test_an_address_is_told_as_one(tmp_path):
    there, used = (struct.pack("<HxBBBBB8x", 2, port, 127, 0, 0, 1) for port in (1, 2))
    subbuffer = SubBuffer().entry(1000, 7, CONNECT, [3, 0x1000, 16])
    subbuffer.address(1001, 7, AddressSite.CONNECT, used).divergence(1001, 7, there, used)
    subbuffer.exit(1002, 7, CONNECT, 0)
    path = write_capture(tmp_path / "a.trace", [subbuffer], classes=EventClass.ALL)
    texts = [
        f'{{sa_family=AF_INET, sin_port=htons({port}), sin_addr=inet_addr("127.0.0.1")}}'
        for port in (1, 2)
    ]
    assert f"{texts[1]} /* at entry {texts[0]} */, 16" in run("print", path)
    assert json.loads(run("print", "--json", path))["divergences"] == [texts]
    (told,) = json.loads(run("report", "--json", path))["divergences"]
    assert [told["entered"], told["used"]] == texts
