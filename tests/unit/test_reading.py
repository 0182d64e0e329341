"""The tables that a capture is shown with."""

import pytest

from test_capture import metadata
from tracectl.capture.metadata import Host
from tracectl.capture.reader import open_capture
from tracectl.capture.writer import CaptureWriter
from tracectl.cli.reading import tables_of
from tracectl.cli.sources import source_of
from tracectl.errors import CaptureError
from tracectl.live.capture import facts_of
from tracectl.tables.table import load_tables


@pytest.fixture
def capture_of(tmp_path):
    """Makes a capture of ``machine`` with these tables and opens it."""

    def make(machine, tables):
        host = Host("host", "6.12", machine, "boot")
        with CaptureWriter(tmp_path / "a.trace", metadata(host=host, tables=tables)):
            pass
        return open_capture(tmp_path / "a.trace")

    return make


@pytest.mark.parametrize(
    ("machine", "names"),
    [("x86_64", ["clone", "mpx", "clone"]), ("aarch64", ["openat", "syscall_56", "openat"])],
)
def test_they_are_those_of_the_machine_it_was_made_on(capture_of, machine, names):
    tables = {abi: table.to_json() for abi, table in load_tables(machine).items()}
    with capture_of(machine, tables) as capture:
        assert [table.name(56) for table in tables_of(capture)] == names


@pytest.mark.parametrize(
    "row",
    [
        ["re\x1b[31mad"],
        ["[bold]read[/bold]"],
        ["réad"],
        [""],
        ["read", "f d:int:32:s"],
        ["read", "fd:int\x07:32:s"],
    ],
)
def test_names_in_them_are_names(capture_of, row):
    """They become words of SQL and CTF, and are printed as they are."""
    tables = {abi: table.to_json() for abi, table in load_tables("x86_64").items()}
    tables["i386"] = {"kernel": "6.1", "calls": {"0": row}}
    with capture_of("x86_64", tables) as capture:
        for read in (tables_of, source_of, lambda capture: facts_of(capture, 0)):
            with pytest.raises(CaptureError, match="tables are damaged"):
                read(capture)


@pytest.mark.parametrize(
    ("machine", "words"), [("riscv64", "made on riscv64"), ("aarch64", "tables are damaged")]
)
def test_they_may_be_missing(capture_of, machine, words):
    with capture_of(machine, {}) as capture, pytest.raises(CaptureError, match=words):
        tables_of(capture)
