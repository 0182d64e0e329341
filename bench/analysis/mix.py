"""What a recording is made of: ``python -m bench.analysis.mix CAPTURE > bench/analysis/mix.json``.

The generator draws its calls from this, so that they come as often, last as long and carry as much
as those of the machine that was recorded.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from tracectl.abi.records import FRAMING_KINDS, Kind
from tracectl.analysis.calls import Calls, State
from tracectl.analysis.merge import read_calls
from tracectl.capture.reader import open_capture
from tracectl.decode.near import near_pairs
from tracectl.decode.subbuffer import decode_subbuffer

MIX = Path(__file__).with_name("mix.json")
_MOST_CALLS = 40
_SAMPLES = 16


@dataclass(frozen=True, slots=True)
class CallMix:
    """``near`` is the share of calls whose thread was not switched out in between. The samples of
    results, times and names stand for all of them; a name is its length in bytes."""

    nr: int
    calls: int
    near: float
    has_how: bool
    results: list[int]
    durations_ns: list[int]
    names: list[list[int]]


@dataclass(frozen=True, slots=True)
class Mix:
    """``calls_a_turn`` are the calls that a thread makes before another one is recorded."""

    host: str
    events: int
    threads: int
    calls_a_turn: float
    gaps_ns: list[int]
    calls: list[CallMix]


def read_mix(path: Path = MIX) -> Mix:
    tree = json.loads(path.read_text())
    return Mix(**tree | {"calls": [CallMix(**call) for call in tree["calls"]]})


def mix_of(path: Path) -> Mix:
    with open_capture(path) as capture:
        calls = read_calls(capture)
        near = np.zeros(1 << 16, np.int64)
        events = turns = 0
        has_how = False
        for chunk in capture.iter_chunks():
            records = decode_subbuffer(chunk.data)
            near += np.bincount(records.id[near_pairs(records)[0]], minlength=1 << 16)
            events += len(records) - len(records.rows(*FRAMING_KINDS))
            turns += len(records.rows(Kind.TASK))
            has_how |= len(records.rows(Kind.OPEN_HOW)) > 0
        machine = capture.metadata.host
    native = np.flatnonzero((calls.state == State.PAIRED) & (calls.abi == 0))
    numbers, counts = np.unique(calls.nr[native], return_counts=True)
    frequent = numbers[np.argsort(-counts)][:_MOST_CALLS].tolist()
    by_thread = np.lexsort((calls.first_ns, calls.tid))
    starts, ends = calls.entry_ns[by_thread][1:], calls.exit_ns[by_thread][:-1]
    is_next = (calls.tid[by_thread][1:] == calls.tid[by_thread][:-1]) & (starts > ends) & (ends > 0)
    return Mix(
        host=f"{machine.release} {machine.machine}",
        events=events,
        threads=len(np.unique(calls.tid)),
        calls_a_turn=len(calls) / turns,
        gaps_ns=_sample((starts - ends)[is_next]),
        calls=[
            _call_mix(calls, native[calls.nr[native] == nr], int(near[nr]), has_how)
            for nr in frequent
        ],
    )


def _call_mix(calls: Calls, rows: np.ndarray, near: int, has_how: bool) -> CallMix:
    nr = int(calls.nr[rows[0]])
    lengths: dict[int, list[int]] = {}
    for name, row in zip(calls.names, calls.name_row, strict=True):
        lengths.setdefault(row, []).append(len(name))
    places = np.linspace(0, len(rows) - 1, _SAMPLES).astype(int)
    names = [lengths.get(row, []) for row in rows[places].tolist()]
    return CallMix(
        nr=nr,
        calls=len(rows),
        near=round(near / len(rows), 4),
        has_how=has_how and nr in (2, 257, 437),
        results=calls.result[rows[places]].tolist(),
        durations_ns=_sample(calls.duration_ns[rows]),
        names=names,
    )


def _sample(values: np.ndarray) -> list[int]:
    """Evenly spaced quantiles."""
    ordered = np.sort(values)
    return ordered[np.linspace(0, len(ordered) - 1, _SAMPLES).astype(int)].tolist()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.analysis.mix", description=__doc__)
    parser.add_argument("capture", type=Path)
    json.dump(asdict(mix_of(parser.parse_args().capture)), sys.stdout)
    print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
