"""Captures whose bytes and blocks were changed: every reader ends with a sentence."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[2]))

from bench.fuzz.reading import blocks_of, join_blocks, read_with_all
from captures import write_capture
from subbuffers import SubBuffer
from tracectl.capture.format import FILE_HEADER
from tracectl.capture.reader import open_capture
from tracectl.cli.main import main

READ, OPENAT, FUTEX = 0, 257, 202


def iter_subbuffers():
    for seq in range(3):
        for cpu in range(2):
            start = 1000 * (seq + 1) + cpu
            subbuffer = SubBuffer(cpu, seq).entry(start, 10 + cpu, OPENAT, [0, 1, 0, 0])
            subbuffer.name(start + 1, 10 + cpu, b"/x").exit(start + 5, 10 + cpu, OPENAT, 3)
            subbuffer.entry(start + 10, 10 + cpu, READ, [3, 0, 9])
            subbuffer.far_exit(start + 20, 10 + cpu, READ, 1 << 20)
            yield subbuffer.entry(start + 30, 10 + cpu, FUTEX).far_exit(start + 40, 10 + cpu, FUTEX)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The file header, and the blocks with their payloads, not compressed."""
    path = write_capture(tmp_path_factory.mktemp("whole") / "a.trace", iter_subbuffers())
    data = path.read_bytes()
    with open_capture(path) as capture:
        chunks = {(chunk.cpu, chunk.seq): chunk.data for chunk in capture.iter_chunks()}
        metadata, end = capture.metadata.to_bytes(), capture.end.to_bytes()
    (first, _), *middle, (last, _), index = blocks_of(data)
    blocks = [(block, chunks[block.cpu, block.seq]) for block, _ in middle]
    return data[: FILE_HEADER.size], [(first, metadata), *blocks, (last, end), index]


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data())
def test_changed_bytes(whole, tmp_path, data):
    header, blocks = whole
    which = data.draw(st.integers(1, len(blocks) - 1))
    block, payload = blocks[which]
    changed = bytearray(payload)
    for _ in range(data.draw(st.integers(1, 6))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / "changed.trace"
    others = [*blocks[:which], (block, bytes(changed)), *blocks[which + 1 :]]
    path.write_bytes(join_blocks(header, others))
    read_with_all(path)


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data())
def test_torn_files_and_blocks_in_any_order(whole, tmp_path, capsys, data):
    header, (metadata, *blocks) = whole
    chosen = data.draw(st.lists(st.sampled_from(range(len(blocks))), max_size=10))
    made = join_blocks(header, [metadata, *(blocks[index] for index in chosen)])
    path = tmp_path / "mixed.trace"
    path.write_bytes(
        made[: data.draw(st.integers(0, len(made)))] if data.draw(st.booleans()) else made
    )
    read_with_all(path)


def test_blocks_in_another_order_are_told_and_read(whole, tmp_path, capsys):
    header, (metadata, *chunks, end, _) = whole
    path = tmp_path / "a.trace"
    path.write_bytes(join_blocks(header, [metadata, *chunks, end]))
    assert main(["report", "--json", str(path)]) == 0
    expected = json.loads(capsys.readouterr().out)
    assert not expected["problems"]
    # Reversed, and one of them twice.
    path.write_bytes(join_blocks(header, [metadata, *reversed(chunks), chunks[0], end]))
    assert main(["report", "--json", str(path)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["syscalls"] == expected["syscalls"]
    assert len(found["problems"]) == 2
    assert main(["verify", str(path)]) == 1
    assert "is where 0 is expected" in capsys.readouterr().out
