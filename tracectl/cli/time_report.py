"""``report --time``: where the time of processes and of their calls went."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from tracectl.abi.control import EventClass
from tracectl.capture.reader import Capture
from tracectl.cli.losses import losses_of
from tracectl.cli.output import print_json
from tracectl.cli.reading import tables_of
from tracectl.errors import CaptureError
from tracectl.render.strings import printable
from tracectl.render.table import format_duration, format_table

if TYPE_CHECKING:
    from tracectl.analysis.accounting import Span

_TIMES = ("user_ns", "kernel_ns", "blocked_ns", "waiting_ns")
_CALL_ROWS = 40
_BATCH = 1 << 18
"""So many events are summed up at once."""


def report_time(capture: Capture, *, as_json: bool) -> None:
    """CaptureError when the capture does not tell when its threads had a CPU."""
    from tracectl.analysis.accounting import Accountant, without_tracer  # noqa: PLC0415 - numpy
    from tracectl.analysis.settled import iter_settled  # noqa: PLC0415

    config = capture.metadata.config
    if not config.classes & EventClass.SCHED:
        raise CaptureError(
            capture.path,
            "was recorded without --sched; nothing in it tells when its threads had a CPU",
        )
    totals = () if capture.end is None else capture.end.cpus
    accountant = Accountant(capture.metadata.tasks, totals, is_partial=config.is_partial)
    for one in iter_settled(capture, lambda records: records, cores=1):
        accountant.add(one.made)
        if accountant.waiting > _BATCH:
            accountant.advance(one.settled_ns)
    spans = accountant.spans()
    # Its calls are not recorded, so its modes are not known.
    own = [span for span in spans if span.tgid == config.recorder_pid]
    spans = [span for span in spans if span.tgid != config.recorder_pid]
    calibration = capture.metadata.calibration
    if calibration is not None:
        without_tracer(spans, calibration)
    calls = _describe(capture, spans, accountant.comms())
    losses = losses_of(capture)
    told = losses.facts()
    facts: dict[str, Any] = {
        "lost": told["lost"],
        "lost_at_least": told["lost_at_least"],
        "problems": capture.problems,
        "calibration": None if calibration is None else asdict(calibration),
        "unknown_ns": accountant.unknown_ns,
        "filtered_calls": None
        if capture.end is None
        else sum(counts.filtered for cpu in totals for counts in cpu.syscalls.values()),
        "recorder_ns": sum(span.user_ns + span.kernel_ns for span in own),
        "processes": _by_process(calls),
        "syscalls": [call for call in calls if call["syscall"] is not None],
    }
    if as_json:
        print_json(facts)
    else:
        _print(facts, losses.describe())


def _describe(capture: Capture, spans: list[Span], comms: dict[int, str]) -> list[dict[str, Any]]:
    from tracectl.analysis.timeline import NO_CALL  # noqa: PLC0415 - numpy

    tables = tables_of(capture)
    return [
        {
            "pid": span.tgid,
            "process": comms.get(span.tgid),
            "syscall": None
            if span.call == NO_CALL
            else tables[min(span.call >> 32, 2)].name(span.call & 0xFFFFFFFF),
            "calls": span.calls,
            **{name: getattr(span, name) for name in _TIMES},
        }
        for span in spans
    ]


def _by_process(calls: list[dict[str, Any]]) -> list[dict[str, Any]]:
    rows: dict[int, dict[str, Any]] = {}
    for call in calls:
        fresh = {"pid": call["pid"], "process": call["process"], "calls": 0}
        row = rows.setdefault(call["pid"], fresh | dict.fromkeys(_TIMES, 0))
        for name in ("calls", *_TIMES):
            row[name] += call[name]
    return sorted(rows.values(), key=lambda row: -(row["user_ns"] + row["kernel_ns"]))


def _print(facts: dict[str, Any], lost: str) -> None:
    for problem in facts["problems"]:
        print(f"! {problem}")
    if lost:
        unknown = format_duration(facts["unknown_ns"])
        print(f"! {lost}: {unknown} of all threads' time is not known")
    if facts["filtered_calls"]:
        print(
            f"! {facts['filtered_calls']:,} calls were filtered out: their time counts as user mode"
        )
    if facts["recorder_ns"]:
        print(f"the recorder itself had a CPU for {format_duration(facts['recorder_ns'])}")
    found = facts["calibration"]
    if found is None:
        print(
            "the tracer's own time is in it; 'tracectl calibrate' before recording measures that\n"
        )
    else:
        print(
            f"without the tracer's own time, by its calibration: {found['inside_ns']:.0f} ns a "
            f"call in the kernel and {found['outside_ns']:.0f} ns in user mode, "
            f"each ± {found['uncertainty_ns']:.0f} ns\n"
        )
    header = ("process", "pid", "calls", "user", "kernel", "blocked", "waiting")
    rows = [
        (printable(row["process"] or "?"), str(row["pid"]), f"{row['calls']:,}", *_durations(row))
        for row in facts["processes"]
    ]
    print(format_table(header, rows))
    most = sorted(facts["syscalls"], key=lambda row: -(row["kernel_ns"] + row["blocked_ns"]))
    calls = [
        (
            printable(row["process"] or "?"), row["syscall"], f"{row['calls']:,}",
            *_durations(row)[1:],
        )
        for row in most[:_CALL_ROWS]
    ]  # fmt: skip
    if calls:
        header_of_calls = ("process", "syscall", "calls", "kernel", "blocked", "waiting")
        print(f"\n{format_table(header_of_calls, calls, left=2)}")
    if len(most) > len(calls):
        print(f"\n{len(most) - len(calls)} rows more: --json has all")


def _durations(row: dict[str, Any]) -> list[str]:
    return [format_duration(row[name]) if row[name] else "" for name in _TIMES]
