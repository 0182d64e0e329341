"""Decodes a capture and does nothing else: ``python decoding.py FILE ANSWER``.

``ANSWER`` is where the figures go. Chunks are held one at a time; that they are read and unpacked
does not count.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from tracectl.capture.reader import open_capture
from tracectl.decode.subbuffer import decode_subbuffer


def decode(path: Path) -> dict[str, int]:
    """Of one core."""
    records, spent_ns = 0, 0
    with open_capture(path) as capture:
        for chunk in capture.iter_chunks():
            start_ns = time.process_time_ns()
            records += len(decode_subbuffer(chunk.data))
            spent_ns += time.process_time_ns() - start_ns
    return {"records": records, "records_per_s": round(records / spent_ns * 1e9)}


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(json.dumps(decode(Path(sys.argv[1]))))
