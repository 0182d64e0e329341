"""Documents hold what they say: links lead somewhere, and their programs run."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from reference import decode
from tracectl.abi.records import ABI_VERSION, SUBBUF_MAGIC, Kind, SubbufHeader
from tracectl.capture.metadata import Config, EndBlock, Host, Metadata, Module, Moment
from tracectl.capture.writer import CaptureWriter
from tracectl.tables.table import load_table

REPO = Path(__file__).parents[2]
DOCUMENTS = [REPO / "README.md", REPO / "CONTRIBUTING.md", *sorted((REPO / "docs").glob("*.md"))]


def anchors_of(document):
    """As GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.*)$", document.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document):
    for target in re.findall(r"\]\(([^)]+)\)", document.read_text()):
        path, _, anchor = target.partition("#")
        linked = document.parent / path if path else document
        assert linked.exists(), target
        assert not anchor or anchor in anchors_of(linked), target


def test_every_document_is_linked_from_the_readme():
    readme = (REPO / "README.md").read_text()
    assert all(f"docs/{path.name}" in readme for path in (REPO / "docs").glob("*.md"))


def parse_hexdump(text):
    """As ``hexdump -C`` writes: "*" stands for lines like the one before."""
    data, is_repeated = bytearray(), False
    for line in text.splitlines():
        offset, _, rest = line.partition("  ")
        if offset == "*":
            is_repeated = True
            continue
        if is_repeated:
            data += data[-16:] * ((int(offset, 16) - len(data)) // 16)
            is_repeated = False
        assert int(offset, 16) == len(data)
        data += bytes.fromhex(rest.split("|")[0])
    return bytes(data)


def listing_of(data):
    """A line a record: where, when, whose, what."""
    header = SubbufHeader.parse(data)
    offset = SubbufHeader.sizeof() + header.subbuf_bytes // 64
    for record in decode(data):
        end = offset + 8 + 8 * data[offset + 7]
        kind, text = Kind(record["kind"]).name, record["text"]
        if kind == "ENTRY":
            what = call_of(record["id"], data[offset + 8 : end])
        elif kind == "EXIT_SHORT":
            what = f"result {record['id'] - (record['id'] >> 15 << 16)}"
        else:
            fields = dict(record["fields"])
            what = ", ".join(f"{name} {fields[name]}" for name in fields if name not in UNSAID)
        if text is not None:
            what += ", " + text.decode().replace("\0", r"\0")
            end += (len(text) + 8) // 8 * 8
        when = record["time"] - header.first_ns
        yield f"{offset:#06x} {when:>9} ns  {record['tid']}  {kind:10} {what}"
        offset = end


UNSAID = ("_io", "head", "reserved", "comm")


def call_of(nr, payload):
    """Its name, and its arguments as they lie there."""
    call, values = load_table("x86_64").get(nr), []
    for argument in call.args:
        size = argument.bits // 8
        values.append(hex(int.from_bytes(payload[:size], "little")))
        payload = payload[size:]
    return f"{call.name}({', '.join(values)})"


def test_sub_buffer_of_the_abi_s_example():
    """What stands below the bytes in docs/abi.md is what is in them."""
    text = (REPO / "docs/abi.md").read_text()
    dump, listing = re.findall(r"```text\n(.*?)```", text, re.DOTALL)
    data = parse_hexdump(dump)
    header = SubbufHeader.parse(data)
    assert (header.magic, header.abi) == (SUBBUF_MAGIC, ABI_VERSION)
    assert len(data) == header.used_bytes
    assert listing.splitlines() == list(listing_of(data))
    assert len(listing.splitlines()) == header.records


@pytest.mark.parametrize("compress", [True, False])
def test_reader_of_captures(tmp_path, compress):
    """docs/capture.md's own, on a capture that the recorder's writer made."""
    (program,) = re.findall(
        r"```python\n(.*?)```", (REPO / "docs/capture.md").read_text(), re.DOTALL
    )
    metadata = Metadata(
        session_id=1, host=Host("host", "6.1.0", "x86_64", "boot"), module=Module("0.1.0", "A"),
        clocks=[Moment(1, 2, 3)], config=Config(15, 16384, 4, 0), cpus=2, tables={},
        shapes=[[(6, 63)] * 512] * 3,
    )  # fmt: skip
    path = tmp_path / "a.trace"
    with CaptureWriter(path, metadata, compress=compress) as writer:
        writer.write_chunk(1, 0, b"x" * 1000)
        writer.write_end(EndBlock("stopped", [], []))
    path.write_bytes(path.read_bytes() + b"torn")
    done = subprocess.run(
        [sys.executable, "-c", program, path], capture_output=True, text=True, check=True
    )
    described, chunk, end = done.stdout.splitlines()
    assert {"session_id", "host", "tables", "shapes"} <= set(described.split(", "))
    assert chunk == "CPU 1, sub-buffer 0: 1000 bytes"
    assert end == "reason, clocks, cpus, chosen"


@pytest.mark.parametrize("kind", [Metadata, EndBlock])
def test_keys_of_a_capture_are_all_described(kind):
    text = (REPO / "docs/capture.md").read_text()
    assert all(f"`{name}`" in text for name in kind.__dataclass_fields__)
