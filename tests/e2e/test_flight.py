"""The flight recorder, in a guest with the real module."""

from __future__ import annotations

import json

import pytest

from tool import tracectl
from tracectl.capture.reader import open_capture

pytestmark = pytest.mark.guest

# The marker is an open that fails, after a flood that fills the buffers more than once.
SCRIPT = """
set -e
tracectl start --flight 1M 2>/job/start
tracectl snapshot /job/early.trace
{flood} 200000 2
cat /marker-of-the-flight 2>/dev/null || true
tracectl snapshot --json /job/marked.trace >/job/marked.json
{flood} 20000 2 &
tracectl snapshot /job/busy.trace
wait
tracectl status --json >/job/facts
tracectl record -o /job/second.trace -- true 2>/job/second || echo $? >/job/second.code
tracectl stop --json >/job/stopped
tracectl snapshot /job/none.trace 2>/job/none || echo $? >/job/none.code
tracectl record --flight 256K -o /job/end.trace -- {flood} 100000 2
rmmod tracectl
"""


def test_the_newest_records_are_kept(guest, workload, tmp_path):
    code = guest(SCRIPT.replace("{flood}", workload("getppid_threads")))
    assert code == 0, (tmp_path / "out").read_text()

    def read(name: str) -> str:
        return (tmp_path / name).read_text()

    for name in ("early", "marked", "busy", "end"):
        verified = json.loads(tracectl("verify", "--json", tmp_path / f"{name}.trace"))
        assert verified["whole"], verified
        assert verified["recorded"] > 0
    printed = tracectl("print", "--json", tmp_path / "marked.trace").splitlines()
    opened = {path for line in printed for path in json.loads(line)["paths"]}
    assert "/marker-of-the-flight" in opened
    marked = json.loads(read("marked.json"))
    assert marked["generated"] > 400_000
    with open_capture(tmp_path / "marked.trace") as capture:
        # All that the buffers can hold, but for the sub-buffer that is written next.
        config = capture.metadata.config
        seqs: dict[int, list[int]] = {cpu: [] for cpu in range(capture.metadata.cpus)}
        for chunk in capture.iter_chunks():
            seqs[chunk.cpu].append(chunk.seq)
        budget = (1 << 20) // len(seqs)
        sizes = [config.subbuf_bytes * len(kept) for kept in seqs.values()]
        assert max(sizes) <= budget
        assert max(sizes) >= budget - config.subbuf_bytes
        # The newest: nothing is older than the buffers are deep, and nothing in between is gone.
        produced = {cpu.cpu: cpu.subbufs for cpu in capture.end.cpus}
        for cpu, kept in seqs.items():
            assert kept == list(range(produced[cpu] - len(kept), produced[cpu]))
        assert any(kept[0] > config.subbuf_count for kept in seqs.values() if kept)
    status = json.loads(read("facts"))
    assert status["flight"] is True
    assert status["file"] is None
    assert "already tracing" in read("second")
    assert json.loads(read("stopped"))["lost"] == 0
    assert "no flight recorder is running" in read("none")
    assert read("none.code") == "1\n"
