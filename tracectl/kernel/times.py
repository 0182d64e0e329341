"""Times out of words."""

from __future__ import annotations

import argparse
import re

_UNITS_NS = {"ns": 1, "us": 1_000, "µs": 1_000, "ms": 1_000_000, "s": 10**9, "m": 60 * 10**9}


def parse_ns(text: str) -> int:
    """A number with a unit, such as 1.5s."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m)", text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no time, such as 500us, 100ms, 2s or 1m")
    return round(float(found[1]) * _UNITS_NS[found[2]])
