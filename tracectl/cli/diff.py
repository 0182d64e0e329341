"""tracectl diff"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tracectl.capture.reader import open_capture
from tracectl.cli.losses import losses_of
from tracectl.cli.output import print_json, say
from tracectl.cli.reading import tables_of
from tracectl.errors import EXIT_FAILED, EXIT_OK, UsageError
from tracectl.render.results import error_name
from tracectl.render.strings import printable
from tracectl.render.table import format_duration, format_table

if TYPE_CHECKING:
    from tracectl.analysis.compare import Comparison, Profile
    from tracectl.analysis.ranks import Shift

HELP = "what changed from one capture to another"
EXAMPLES = """\
  tracectl diff before.trace after.trace
  tracectl diff --only syscalls,files,errors before.trace after.trace   no times, as for CI
  tracectl diff --threshold 50 --json before.trace after.trace

Exits with 1 when something differs: a system call, a file or an error is new, a system call is
gone, or a rate or latency changed by the threshold or more and by more than noise. Noise is judged
within each capture: the medians (or rates) of 20 blocks of time of the one are ranked with those of
the other (Mann and Whitney), at 1 % for all tests together. What differs from one run to the next
for reasons of the machine is not in a single capture; the threshold is for that. Of a system call
that was made more than 32,768 times, times are of 16,384 calls or more, evenly spread."""

SECTIONS = ("syscalls", "rates", "latency", "files", "errors")


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("before", metavar="FILE", type=Path, help="the capture to compare with")
    parser.add_argument("after", metavar="FILE", type=Path, help="the other capture")
    parser.add_argument(
        "--only",
        metavar="WHAT",
        default=",".join(SECTIONS),
        help=f"compare only these, with commas between: {', '.join(SECTIONS)}",
    )
    parser.add_argument(
        "--threshold",
        metavar="PERCENT",
        type=float,
        default=20,
        help="smaller changes of rates and latencies are none (default: 20)",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    from tracectl.analysis.compare import compare  # noqa: PLC0415 - numpy

    only = args.only.split(",")
    unknown = sorted(set(only) - set(SECTIONS))
    if unknown:
        raise UsageError(f"--only takes {', '.join(SECTIONS)}, not {', '.join(unknown)}")
    if not args.threshold >= 0:
        raise UsageError("--threshold is a percentage from 0 on")
    before, lost_before = _read(args.before, has_files="files" in only)
    after, lost_after = _read(args.after, has_files="files" in only)
    found = compare(before, after, args.threshold / 100)
    is_different = any(_differences(found)[section] for section in only)
    if args.json:
        lost = {"before": lost_before, "after": lost_after}
        sections = {section: _json_of(found, section) for section in SECTIONS if section in only}
        print_json({"different": is_different, "lost": lost, **sections})
    else:
        texts = [_text_of(found, section) for section in SECTIONS if section in only]
        print("\n\n".join(filter(None, texts)) or "no difference")
    return EXIT_FAILED if is_different else EXIT_OK


def _read(path: Path, *, has_files: bool) -> tuple[Profile, int | None]:
    """The capture and how many events it lost; None where it has no end that would tell."""
    from tracectl.analysis.compare import Profile, Profiler  # noqa: PLC0415 - numpy
    from tracectl.analysis.scan import scan_calls  # noqa: PLC0415
    from tracectl.live.capture import span_of  # noqa: PLC0415

    with open_capture(path) as capture:
        tables, (first_ns, last_ns) = tables_of(capture), span_of(capture)
        profile = Profile(last_ns - first_ns)
        shapes = capture.metadata.shapes if has_files else None
        for part in scan_calls(capture, Profiler(first_ns, last_ns), shapes):
            profile.add(part, tables)
        if capture.end is not None and not capture.metadata.config.is_flight:
            profile.count_exactly(capture.end.cpus, tables)
        problems, losses = capture.problems, losses_of(capture)
    for problem in problems:
        say(f"{path}: {problem}")
    if losses.totals.lost:
        say(f"{path}: {losses.describe()}; files, errors and times are of the others only")
    return profile, losses.facts()["lost"]


def _differences(found: Comparison) -> dict[str, bool]:
    return {
        "syscalls": bool(found.appeared or found.vanished),
        "rates": bool(found.shifted_rates),
        "latency": bool(found.shifted_latencies),
        "files": bool(found.new_files),
        "errors": bool(found.new_errors),
    }


def _json_of(found: Comparison, section: str) -> Any:
    if section == "syscalls":
        return {"appeared": found.appeared, "vanished": found.vanished}
    if section == "rates":
        return _shifts_json(found.rates, found.shifted_rates, "per_s")
    if section == "latency":
        return _shifts_json(found.latencies, found.shifted_latencies, "p50_ns")
    if section == "files":
        return {"new": found.new_files, "gone": found.gone_files}
    return {
        word: [
            {"syscall": name, "errno": error_name(error), "calls": count}
            for (name, error), count in errors.items()
        ]
        for word, errors in (("new", found.new_errors), ("gone", found.gone_errors))
    }


def _shifts_json(shifts: dict[str, Shift], real: list[str], unit: str) -> list[dict[str, Any]]:
    return [
        {
            "syscall": name,
            f"before_{unit}": shift.before,
            f"after_{unit}": shift.after,
            "p": shift.p,
            "differs": name in real,
        }
        for name, shift in shifts.items()
    ]


def _text_of(found: Comparison, section: str) -> str:
    """Empty where there is nothing to tell."""
    if section == "syscalls":
        rows = [(name, "", f"{count:,}") for name, count in found.appeared.items()]
        rows += [(name, f"{count:,}", "") for name, count in found.vanished.items()]
        return _table(("system call", "before", "after"), rows)
    if section == "rates":
        header = ("rate", "before", "after", "change", "p")
        return _table(header, _shift_rows(found.rates, found.shifted_rates, _per_second))
    if section == "latency":
        header = ("median time", "before", "after", "change", "p")
        return _table(
            header, _shift_rows(found.latencies, found.shifted_latencies, format_duration)
        )
    if section == "files":
        lines = [f"new file   {printable(name)}" for name in found.new_files]
        lines += [f"gone file  {printable(name)}" for name in found.gone_files]
        return "\n".join(lines)
    lines = [
        f"{word} error  {name}: {error_name(error)}, {count:,} times"
        for word, errors in (("new ", found.new_errors), ("gone", found.gone_errors))
        for (name, error), count in errors.items()
    ]
    return "\n".join(lines)


def _shift_rows(
    shifts: dict[str, Shift], real: list[str], show: Callable[[float], str]
) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for name in real:
        shift = shifts[name]
        change = f"{(shift.ratio - 1) * 100:+,.0f} %"
        rows.append((name, show(shift.before), show(shift.after), change, f"{shift.p:.1g}"))
    return rows


def _per_second(rate: float) -> str:
    return f"{rate:,.1f}/s"


def _table(header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    return format_table(header, rows) if rows else ""
