"""The capture file: what was written is read, and no damage ends in anything but a sentence."""

import json
import os
import resource
import tracemalloc
import zlib
from pathlib import Path

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tracectl.abi.records import ABIS, KINDS, LOST_CAUSES, SHAPES
from tracectl.abi.totals import CpuTotals, SyscallTotals
from tracectl.capture.ending import read_end
from tracectl.capture.format import (
    BLOCK_HEADER,
    CHUNK_MAX_BYTES,
    FILE_HEADER,
    INDEX_FOOTER,
    INDEX_MAGIC,
    MAGIC,
    Block,
    BlockFlag,
    BlockType,
)
from tracectl.capture.metadata import (
    Config,
    EndBlock,
    Host,
    Metadata,
    Module,
    Moment,
    OpenFiles,
    Task,
)
from tracectl.capture.reader import open_capture
from tracectl.capture.writer import CaptureWriter
from tracectl.errors import CaptureError, DecodeError

CHUNKS = [(0, 0, b"first" * 20), (1, 0, b"x"), (0, 1, bytes(range(256)))]

FILE_SETTINGS = settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def metadata(**changes):
    fields = {
        "session_id": 2**64 - 1,
        "host": Host("host", "6.1.0", "x86_64", "boot"),
        "module": Module("0.1.0", "ABC"),
        "clocks": [Moment(1, 2, 3)],
        "config": Config(15, 16384, 4, 0, ["ls", "-l"]),
        "cpus": 2,
        "tables": {"x86_64": {"kernel": "6.1", "calls": {"0": ["read"]}}},
        "shapes": [[(6, 63)] * SHAPES for _ in range(ABIS)],
        "tasks": [Task(1, 1, 0, "init"), Task(7, 7, 1, 'q"\udcff\n')],
        "opened": [OpenFiles(7, "/", {0: "/dev/null", 3: "/a\udcff"}, [3], 2)],
    }
    return Metadata(**(fields | changes))


def end_block(subbufs=(2, 1)):
    return EndBlock(
        "stopped",
        [Moment(3, 4, 5)],
        [
            CpuTotals(
                cpu,
                [cpu] * KINDS,
                [0] * KINDS,
                [0] * LOST_CAUSES,
                5,
                count,
                {1536: SyscallTotals(4, 3, 2, 1, 0, 9, [1] * 8, [2] * 32)},
            )
            for cpu, count in enumerate(subbufs)
        ],
    )


def write(path, *, compress=True, chunks=CHUNKS, end=None):
    with CaptureWriter(path, metadata(), compress=compress) as writer:
        for cpu, seq, data in chunks:
            writer.write_chunk(cpu, seq, data)
        if end is not None:
            writer.write_end(end)
    return path


def read(path):
    """Chunks, end and problems of a capture that can be opened."""
    with open_capture(path) as capture:
        chunks = [(chunk.cpu, chunk.seq, bytes(chunk.data)) for chunk in capture.iter_chunks()]
        return chunks, capture.end, capture.problems


def block(kind, payload, *, flags=0, raw_bytes=None, stored_bytes=None):
    raw = len(payload) if raw_bytes is None else raw_bytes
    stored = len(payload) if stored_bytes is None else stored_bytes
    return Block(kind, flags, stored, raw, zlib.crc32(payload), 0, 0).pack() + payload


def file_of(path, *blocks):
    path.write_bytes(FILE_HEADER.pack(MAGIC, 1, 3, 0) + b"".join(blocks))
    return path


@pytest.mark.parametrize("compress", [True, False])
def test_roundtrip(tmp_path, compress):
    path = write(tmp_path / "a.trace", compress=compress, end=end_block())
    with open_capture(path) as capture:
        assert capture.metadata == metadata()
        assert len(capture) == len(CHUNKS)
        assert capture.raw_bytes == sum(len(data) for _, _, data in CHUNKS)
    assert read(path) == (CHUNKS, end_block(), [])
    assert read_end(path) == end_block()


@given(st.lists(st.tuples(st.integers(0, 3), st.binary(max_size=2000)), max_size=8), st.booleans())
@FILE_SETTINGS
def test_roundtrip_of_any_bytes(tmp_path, parts, compress):
    count = [0] * 4
    chunks = []
    for cpu, data in parts:
        chunks.append((cpu, count[cpu], data))
        count[cpu] += 1
    end = end_block(count)
    path = write(tmp_path / "a.trace", compress=compress, chunks=chunks, end=end)
    assert read(path) == (chunks, end, [])


def test_largest_sub_buffer_is_read_back_even_if_it_cannot_be_compressed(tmp_path):
    chunks = [(0, 0, os.urandom(CHUNK_MAX_BYTES))]
    assert read(write(tmp_path / "a.trace", chunks=chunks))[0] == chunks


def test_larger_one_is_refused_by_the_writer(tmp_path):
    with pytest.raises(CaptureError, match="more than a capture can hold"):
        write(tmp_path / "a.trace", chunks=[(0, 0, bytes(CHUNK_MAX_BYTES + 1))])


def test_memoryview_is_written_without_a_copy(tmp_path):
    data = memoryview(bytearray(b"abc" * 100))
    assert read(write(tmp_path / "a.trace", chunks=[(0, 0, data)]))[0] == [(0, 0, bytes(data))]


def test_only_the_owner_may_read(tmp_path):
    assert write(tmp_path / "a.trace").stat().st_mode & 0o777 == 0o600


def test_torn_at_every_byte(tmp_path):
    whole = write(tmp_path / "a.trace", end=end_block()).read_bytes()
    starts = block_starts(whole)
    for length in range(len(whole)):
        path = tmp_path / "torn.trace"
        path.write_bytes(whole[:length])
        assert read_end(path) is None
        whole_blocks = sum(start <= length for start in starts[1:])
        if whole_blocks == 0:
            with pytest.raises(CaptureError):
                open_capture(path)
            continue
        chunks, end, problems = read(path)
        assert chunks == CHUNKS[: whole_blocks - 1]
        ignored = length - starts[whole_blocks]
        # The end block is the last but the index.
        is_ended = whole_blocks == len(starts) - 2
        assert end == (end_block() if is_ended else None)
        assert any("end is missing" in problem for problem in problems) != is_ended
        assert any(f"last {ignored} bytes" in problem for problem in problems) == bool(ignored)


def test_with_an_index_headers_are_not_looked_for(tmp_path):
    path = write(tmp_path / "a.trace", end=end_block())
    data = bytearray(path.read_bytes())
    second = block_starts(data)[1]
    data[second : second + 4] = b"gone"
    path.write_bytes(data)
    cpu, seq, _ = CHUNKS[0]
    problem = f"sub-buffer {seq} of CPU {cpu} is damaged: its header is not what the index has"
    assert read(path) == (CHUNKS[1:], end_block(), [problem])


def test_an_index_that_contradicts_the_file_is_not_believed(tmp_path):
    path = write(tmp_path / "a.trace", end=end_block())
    data = path.read_bytes()
    *starts, index, _ = block_starts(data)
    headers = b"".join(data[start : start + BLOCK_HEADER.size] for start in starts)
    footer = INDEX_FOOTER.pack(index, INDEX_MAGIC)
    assert data[index + BLOCK_HEADER.size :] == headers + footer
    for wrong in (
        headers[:-1],
        headers[: -BLOCK_HEADER.size],
        headers[BLOCK_HEADER.size :],
        headers + headers[-BLOCK_HEADER.size :],
        b"x" + headers[1:],
        headers[:8] + b"\xff\xff\xff\xff" + headers[12:],
        b"",
    ):
        path.write_bytes(data[:index] + block(BlockType.INDEX, wrong + footer))
        read_end(path)
        assert read(path) == (CHUNKS, end_block(), [])
    for place in (0, index - 1, index + 1, len(data) - INDEX_FOOTER.size, (1 << 64) - 1):
        footer = INDEX_FOOTER.pack(place, INDEX_MAGIC)
        path.write_bytes(data[:index] + block(BlockType.INDEX, headers + footer))
        assert read_end(path) is None
        assert read(path) == (CHUNKS, end_block(), [])


def block_starts(data):
    starts = [FILE_HEADER.size]
    while starts[-1] < len(data):
        header = Block.unpack(data[starts[-1] :][: BLOCK_HEADER.size], 0)
        starts.append(starts[-1] + BLOCK_HEADER.size + header.stored_bytes)
    return starts


@given(st.data())
@FILE_SETTINGS
def test_flipped_bytes(tmp_path, data):
    whole = bytearray(write(tmp_path / "a.trace", end=end_block()).read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] ^= data.draw(st.integers(1, 255))
    path = tmp_path / "flipped.trace"
    path.write_bytes(whole)
    try:
        assert read_end(path) in (None, end_block())
        chunks, _, problems = read(path)
    except CaptureError:
        return
    # A block's own header has no checksum, its payload has.
    assert {chunk[2] for chunk in chunks} <= {chunk[2] for chunk in CHUNKS}
    assert problems or chunks == CHUNKS


@given(st.binary(max_size=3000), st.sampled_from([b"", MAGIC, FILE_HEADER.pack(MAGIC, 1, 3, 0)]))
@FILE_SETTINGS
def test_random_bytes(tmp_path, data, start):
    path = tmp_path / "random.trace"
    path.write_bytes(start + data)
    with pytest.raises(CaptureError):
        open_capture(path)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.floats(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@given(st.sampled_from(sorted(Metadata.__dataclass_fields__)), JSON)
@FILE_SETTINGS
def test_metadata_of_other_types(name, value):
    """Valid checksums prove nothing of who wrote the file."""
    tree = json.loads(metadata().to_bytes()) | {name: value}
    try:
        parsed = Metadata.from_bytes(json.dumps(tree).encode())
    except DecodeError:
        return
    assert Metadata.from_bytes(parsed.to_bytes()) == parsed


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"null", b"{}", b"\xff", b"[" * 100_000, b'{"reason": 5}', b"9" * 5000]
)
def test_no_metadata_and_no_end_block(data):
    for parse in (Metadata.from_bytes, EndBlock.from_bytes):
        with pytest.raises(DecodeError):
            parse(data)


def test_captures_of_before_filters_were_told():
    tree = json.loads(metadata().to_bytes())
    del tree["config"]["chosen"]
    assert Metadata.from_bytes(json.dumps(tree).encode()) == metadata()
    tree = json.loads(end_block().to_bytes())
    del tree["chosen"]
    assert EndBlock.from_bytes(json.dumps(tree).encode()) == end_block()


def test_unknown_field_is_left_out():
    text = metadata().to_bytes().replace(b"{", b'{"future":[1],', 1)
    assert Metadata.from_bytes(text) == metadata()


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (FILE_HEADER.pack(MAGIC, 7, 1, 0), "has capture format 7; this tracectl reads format 1"),
        (FILE_HEADER.pack(MAGIC, 1, 9, 0), "has ABI version 9; this tracectl reads version 3: read "
         "it with a newer tracectl, the one that recorded it"),
        (FILE_HEADER.pack(MAGIC, 1, 2, 0), "reads version 3: read it with an older tracectl"),
        (MAGIC, "is no tracectl capture"),
        (b"#!/bin/sh\necho no capture\n", "is no tracectl capture"),
        (b"", "is empty"),
        (FILE_HEADER.pack(MAGIC, 1, 3, 0), "ends before its metadata"),
    ],
)  # fmt: skip
def test_other_files(tmp_path, header, message):
    path = tmp_path / "other"
    path.write_bytes(header)
    with pytest.raises(CaptureError, match=message) as caught:
        open_capture(path)
    assert caught.value.path == str(path)


def test_directory_pipe_device_and_nothing(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path, message in (
        (tmp_path, "is a directory"),
        (tmp_path / "pipe", "is no regular file"),
        (Path("/dev/zero"), "is no regular file"),
        (tmp_path / "absent", "No such file"),
    ):
        with pytest.raises(CaptureError, match=message):
            open_capture(path)


@pytest.mark.parametrize("where", ["/dev/full", "/dev/null", ".", "absent/a.trace"])
def test_writer_takes_regular_files_only(tmp_path, monkeypatch, where):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CaptureError):
        CaptureWriter(Path(where), metadata())
    assert Path("/dev/full").exists()


def test_no_permission(tmp_path):
    path = write(tmp_path / "a.trace")
    tmp_path.chmod(0o755)
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            if os.geteuid() == 0:
                os.setresuid(65534, 65534, 65534)
            else:
                path.chmod(0)
            open_capture(path)
        except CaptureError as error:
            code = 0 if "Permission denied" in str(error) else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_lengths_are_checked_before_memory_is_taken(tmp_path):
    bomb = zstandard.ZstdCompressor().compress(bytes(64 << 20))
    good = block(BlockType.METADATA, metadata().to_bytes())
    cases = [
        [block(BlockType.METADATA, b"", stored_bytes=0xFFFFFFFF)],
        [block(BlockType.METADATA, bomb, flags=BlockFlag.ZSTD, raw_bytes=1000)],
        [good, block(BlockType.CHUNK, bomb, flags=BlockFlag.ZSTD, raw_bytes=1 << 20)],
        [good, block(BlockType.CHUNK, b"", stored_bytes=16 << 20, raw_bytes=16 << 20)],
        [good, block(BlockType.CHUNK, bomb, flags=BlockFlag.ZSTD, raw_bytes=64 << 20)],
    ]
    for index, blocks in enumerate(cases):
        path = file_of(tmp_path / f"{index}.trace", *blocks)
        tracemalloc.start()
        try:
            chunks, _, problems = read(path)
            assert not chunks
            assert problems
        except CaptureError:
            pass
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 4 << 20


def test_damaged_chunk_is_left_out_and_named(tmp_path):
    path = write(tmp_path / "a.trace", compress=False, end=end_block())
    data = path.read_bytes()
    path.write_bytes(data.replace(CHUNKS[2][2], bytes(256)))
    chunks, end, problems = read(path)
    assert chunks == CHUNKS[:2]
    assert end == end_block()
    assert problems == ["sub-buffer 1 of CPU 0 is damaged: its checksum is wrong"]


def test_damaged_end_block_leaves_the_chunks(tmp_path):
    path = write(tmp_path / "a.trace", end=end_block())
    data = bytearray(path.read_bytes())
    data[block_starts(data)[-2] - 1] ^= 1
    path.write_bytes(data)
    chunks, end, problems = read(path)
    assert (chunks, end) == (CHUNKS, None)
    assert problems == ["the end block is damaged: its checksum is wrong"]


def test_missing_sub_buffers_are_named(tmp_path):
    path = write(tmp_path / "a.trace", chunks=[CHUNKS[0], (0, 4, b"y")], end=end_block((5, 3)))
    assert read(path)[2] == [
        "CPU 0: sub-buffer 4 is where 1 is expected",
        "CPU 1: the last 3 sub-buffers were never written",
    ]


def test_disk_full_leaves_whole_blocks(tmp_path):
    path = tmp_path / "a.trace"
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    with CaptureWriter(path, metadata(), compress=False) as writer:
        writer.write_chunk(0, 0, b"a" * 1000)
        size = writer.size_bytes
        # Room for the end block, but not for the next chunk.
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 2000, limit[1]))
        try:
            with pytest.raises(CaptureError, match=f"disk full after {size} bytes"):
                writer.write_chunk(0, 1, b"b" * 5000)
            assert writer.failure == "disk full"
            assert path.stat().st_size == size
            writer.write_end(end_block((2, 0)))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    chunks, end, problems = read(path)
    assert chunks == [(0, 0, b"a" * 1000)]
    assert end is not None
    assert problems == ["CPU 0: the last 1 sub-buffers were never written"]
