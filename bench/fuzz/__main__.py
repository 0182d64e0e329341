"""Coverage-guided fuzzing of the readers: ``python -m bench.fuzz --seconds 600``.

Needs atheris: ``pip install 'tracectl[fuzz]'``. Starts from captures that are made here, of one CPU
and of two, and changes their bytes and the order of their blocks; lengths and checksums are made
right again in every other file, so that damage gets past them. Each input is read by one command.
Ends with an error at the first traceback, at an input that takes 20 s, or beyond 1 GiB of memory.
"""

from __future__ import annotations

import argparse
import struct
import sys
import tempfile
from importlib import import_module
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "tests" / "unit"))

import atheris

with atheris.instrument_imports(include=["tracectl"]):
    from bench.fuzz.reading import COMMANDS, blocks_of, join_blocks, read_with
    from tracectl.capture.format import FILE_HEADER

    # Commands import them when they run, which would be too late.
    for _name in ("analysis.report", "analysis.merge", "analysis.balance", "analysis.descriptors",
                  "cli.verify", "cli.report", "cli.print_", "cli.lines", "cli.sources",
                  "live.capture"):  # fmt: skip
        import_module(f"tracectl.{_name}")
from captures import write_capture
from subbuffers import SubBuffer

_MOST_BYTES = 1 << 16
_RSS_MIB = 1024


def write_seeds(directory: Path) -> None:
    """Small captures with every kind of record, uncompressed."""
    first = SubBuffer(tgids={101: 100}).exec(1000, 100, 100, b"/bin/sh")
    first.entry(2000, 100, 257, [0, 1, 0, 0]).name(2001, 100, b"/etc/passwd")
    first.open_how(2002, 100, 0, 0, 0).exit(2600, 100, 257, 3)
    first.entry(3000, 101, 0, [3, 0, 9]).fork(3001, 101, 102).far_exit(3100, 101, 0, 1 << 20)
    first.entry(4000, 100, 42, [3, 1, 16]).address(4001, 100, 0, bytes(16)).exit(4002, 100, 42)
    first.entry(5000, 100, 59).exec(5001, 101, 100).argv(5002, 101, b"a\0b\0")
    first.task_exit(6000, 101, 0)
    second = SubBuffer(cpu=1).entry(1500, 200, 202).far_exit(5500, 200, 202).entry(5600, 200, 20000)
    third = SubBuffer(seq=1, lost=3).far_exit(7_000_000_000, 100, 59).entry(7_000_000_001, 101, 3)
    for name, subbuffers in (("one", [first, third]), ("two", [first, second, third])):
        path = write_capture(directory / f"{name}.trace", subbuffers)
        data = path.read_bytes()
        whole = join_blocks(data[: FILE_HEADER.size], _plain(path))
        path.unlink()
        # The metadata would be most of the input: the fuzzer gets what comes after it.
        metadata = blocks_of(whole)[0]
        _PREFIX[:] = [join_blocks(whole[: FILE_HEADER.size], [metadata])]
        for index in range(len(COMMANDS)):
            seed = bytes([index << 1 | 1]) + whole[len(_PREFIX[0]) :]
            (directory / f"{name}{index}").write_bytes(seed)


_PREFIX: list[bytes] = []


def _plain(path: Path) -> list:
    from tracectl.capture.blockfile import BlockFile  # noqa: PLC0415

    with BlockFile(path) as file:
        return [(block, file.read(block)) for block, _ in blocks_of(path.read_bytes())]


def make_file(data: bytes) -> bytes:
    """The first byte says whether lengths and checksums are made right, and which command reads."""
    body = data[1:]
    if not data[:1] or not data[0] & 1:
        return _PREFIX[0] + body
    try:
        blocks = blocks_of(_PREFIX[0] + body)
    except (AssertionError, struct.error):
        return _PREFIX[0] + body
    return join_blocks(_PREFIX[0][: FILE_HEADER.size], blocks)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=int, default=600)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tracectl-fuzz-") as directory:
        seeds, path = Path(directory, "seeds"), Path(directory, "input.trace")
        seeds.mkdir()
        write_seeds(seeds)

        def test_one(data: bytes) -> None:
            path.write_bytes(make_file(data))
            read_with(COMMANDS[(data[0] >> 1) % len(COMMANDS)] if data else COMMANDS[0], path)

        options = [
            f"-max_total_time={args.seconds}", f"-rss_limit_mb={_RSS_MIB}", "-timeout=20",
            f"-max_len={_MOST_BYTES}", f"-artifact_prefix={Path.cwd()}/",
        ]  # fmt: skip
        atheris.Setup([sys.argv[0], *options, str(seeds)], test_one)
        atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main())
