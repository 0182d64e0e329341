"""Recording is not dearer than it was: instructions are counted in a guest."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

REPO = Path(__file__).parents[2]


@pytest.mark.guest
def test_a_system_call_costs_no_more_than_is_stored():
    done = subprocess.run(
        [sys.executable, "-m", "bench.regression"],
        capture_output=True,
        text=True,
        check=False,
        cwd=REPO,
    )
    assert done.returncode == 0, done.stderr
    assert min(json.loads(done.stdout).values()) > 0
