"""Below the directory to redact no name of a file is in a capture."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest

from tracectl.abi.records import Kind
from tracectl.capture.reader import open_capture
from tracectl.decode.subbuffer import decode_subbuffer

pytestmark = pytest.mark.guest
SECRETS = (b"plan", b"plot", b"socket\0", b"deed")
HASH = "[0-9a-f]{16}"


def test_what_is_below_is_hashed(guest, workload, files_option, tmp_path):
    program = workload("redacted", "-static")
    code = guest(
        "tracectl record --redact /dev/shm/secret --detect-toctou --structs "
        f"{files_option} --no-compress -o /job/a.trace -- {program}"
    )
    assert code == 0, (tmp_path / "out").read_text()
    path = tmp_path / "a.trace"
    subprocess.run([sys.executable, "-m", "tracectl", "verify", path], check=True)
    with open_capture(path) as capture:
        chunks = [chunk.data for chunk in capture.iter_chunks()]
        assert b"/dev/shm/secretary" in b"".join(chunks)
        assert not [word for word in SECRETS if any(word in chunk for chunk in chunks)]
        assert capture.metadata.config.command is None
        records = [decode_subbuffer(chunk) for chunk in chunks]
    comms = {comm.decode() for comm in _comms(records, Kind.EXEC)}
    assert len(comms) == 2, comms
    (hashed,) = comms - {"redacted"}
    assert re.fullmatch("[0-9a-f]{15}", hashed)
    # A child's is its parent's.
    assert set(_comms(records, Kind.FORK)) == {b""}
    _check_forms(path)


def _comms(records, kind) -> list[bytes]:
    return [body["comm"] for one in records for body in one.bodies(kind, one.rows(kind))]


def _check_forms(path) -> None:
    command = [sys.executable, "-m", "tracectl", "print", "--json", str(path)]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    calls = [json.loads(line) for line in lines.splitlines()]
    below = f"/dev/shm/secret/({HASH})"
    first, second = [
        call["paths"][0] for call in calls if call["name"] == "openat" and call["paths"]
        and "secret" in call["paths"][0]
    ][:2]  # fmt: skip
    made = re.fullmatch(below, first)
    # The same file by another way of writing it.
    assert made
    assert second == f"/dev/shm//secret/./{made[1]}"
    climbed, relative = [
        call["paths"][0] for call in calls if call["name"] in ("access", "faccessat")
    ][-2:]
    assert re.fullmatch(HASH, climbed)
    assert re.fullmatch(HASH, relative)
    (renamed,) = [call["paths"] for call in calls if call["name"] in ("rename", "renameat")]
    assert renamed[0] == first
    assert re.fullmatch(below, renamed[1])
    (bound,) = [call["arguments"] for call in calls if call["name"] == "bind"]
    assert re.search(f'sun_path="{below}"', bound)
