"""The tool itself, outside a guest: what it says of a capture that came out of one."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any


def tracectl(*arguments: object) -> str:
    """What ``tracectl ARGUMENTS`` prints, which has to succeed."""
    done = subprocess.run(
        [sys.executable, "-m", "tracectl", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def calls_of(path: object, *options: str) -> list[dict[str, Any]]:
    """What 'tracectl print' tells of the calls in the capture ``path``."""
    return [json.loads(line) for line in tracectl("print", "--json", *options, path).splitlines()]
