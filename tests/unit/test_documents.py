"""Documents hold what they say: links lead somewhere, and their programs run."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tracectl.capture.metadata import ClockPair, Config, EndBlock, Host, Metadata, Module
from tracectl.capture.writer import CaptureWriter

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


@pytest.mark.parametrize("compress", [True, False])
def test_reader_of_captures(tmp_path, compress):
    """docs/capture.md's own, on a capture that the recorder's writer made."""
    (program,) = re.findall(
        r"```python\n(.*?)```", (REPO / "docs/capture.md").read_text(), re.DOTALL
    )
    metadata = Metadata(
        session_id=1, host=Host("host", "6.1.0", "x86_64", "boot"), module=Module("0.1.0", "A"),
        clocks=[ClockPair(1, 2)], config=Config(15, 16384, 4, 0), cpus=2, tables={},
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
    assert end == "reason, clocks, cpus"


@pytest.mark.parametrize("kind", [Metadata, EndBlock])
def test_keys_of_a_capture_are_all_described(kind):
    text = (REPO / "docs/capture.md").read_text()
    assert all(f"`{name}`" in text for name in kind.__dataclass_fields__)
