"""tracectl status"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tracectl.cli.output import print_json
from tracectl.errors import EXIT_OK, CaptureError, UnsupportedError
from tracectl.module import loading
from tracectl.render.strings import printable

if TYPE_CHECKING:
    from tracectl.kernel.device import Info, Status

NAME = "status"
HELP = "what is being traced, by whom, and what was lost"
EXAMPLES = """\
  tracectl status
  tracectl status --json

The state is 'not loaded', 'idle', 'armed' (paused) or 'tracing'; all of them exit with 0."""

_OVERWRITE, _COUNTERS = 1, 2
_STATES = {0: "idle", 1: "armed", 2: "tracing"}
_ENDS = {0: None, 1: "stopped", 2: "closed"}
_KEYS = (
    "state", "module_version", "session_id", "owner_pid", "owner_uid", "owner_comm", "file",
    "target_pid", "since", "age_s", "subbuf_bytes", "subbuf_count", "generated", "recorded", "lost",
    "filtered", "own", "filter", "counts_only", "last_end", "last_pid", "last_reason",
)  # fmt: skip


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON; what is not known is null")


def run(args: argparse.Namespace) -> int:
    facts = dict.fromkeys(_KEYS) | _facts()
    if args.json:
        print_json(facts)
    else:
        for line in _lines(facts):
            print(printable(line))
    return EXIT_OK


def _facts() -> dict[str, Any]:
    if not loading.is_loaded():
        return {"state": "not loaded"}
    # Only here: construct is half of this command's time.
    from tracectl.kernel.device import Device  # noqa: PLC0415

    try:
        with Device() as device:
            status, info = device.status(), device.info
    except UnsupportedError as error:
        raise UnsupportedError(f"the module is loaded, but: {error}") from error
    return _facts_of(status, info)


def _facts_of(status: Status, info: Info) -> dict[str, Any]:
    from tracectl.cli.scope import facts_of_terms  # noqa: PLC0415 - construct is there by now

    facts: dict[str, Any] = {
        "state": _STATES[status.state],
        "module_version": info.version,
        "last_end": _ENDS[status.last_end],
        "last_pid": status.last_pid or None,
    }
    if not status.session_id:
        return facts
    age_s = (time.monotonic_ns() - status.since_ns) / 1e9
    since = time.strftime("%Y-%m-%dT%H:%M:%S%z", time.localtime(time.time() - age_s))
    counts_only = bool(status.flags & _COUNTERS)
    facts |= {
        "session_id": status.session_id,
        "owner_pid": status.owner_pid or None,
        "owner_uid": status.owner_uid,
        "owner_comm": status.owner_comm,
        "flight": bool(status.flags & _OVERWRITE),
        "counts_only": counts_only,
        "file": None if status.flags & (_OVERWRITE | _COUNTERS) else status.label,
        "target_pid": status.target_pid or None,
        "since": since,
        "age_s": round(age_s, 3),
        "subbuf_bytes": status.subbuf_bytes,
        "subbuf_count": status.subbuf_count,
        "generated": status.generated,
        "recorded": 0 if counts_only else status.generated - status.lost,
        "lost": status.lost,
        "filtered": status.filtered,
        "own": status.own,
        "filter": facts_of_terms(status.terms),
    }
    if facts["state"] == "idle" and facts["last_end"] == "stopped" and facts["file"]:
        facts["last_reason"] = _reason_in(status.label)
    return facts


def _reason_in(label: str) -> str | None:
    """What the file of the last session says of its end: a background recorder whose disk was full
    had nobody to tell it to."""
    from tracectl.capture.ending import find_end  # noqa: PLC0415

    try:
        end, _ = find_end(Path(label))
    except CaptureError:
        return None
    return end.reason if end is not None else None


def _lines(facts: dict[str, Any]) -> list[str]:
    names = {"not loaded": "the module is not loaded", "armed": "armed (paused)"}
    lines = [f"state     {names.get(facts['state'], facts['state'])}"]
    if facts["session_id"] is None:
        return lines
    if facts["state"] == "idle":
        lines += [f"last      {_last(facts)}"]
    else:
        lines += [
            f"owner     {facts['owner_comm']} (pid {facts['owner_pid']}, uid {facts['owner_uid']})",
            f"file      {facts['file'] or _fileless(facts)}",
            f"scope     {_scope(facts)}",
            f"since     {facts['since']} ({facts['age_s']:.0f} s)",
            f"buffers   {facts['subbuf_count']} of {facts['subbuf_bytes'] >> 10} KiB a CPU",
        ]
    count = facts["generated"] if facts["counts_only"] else facts["recorded"]
    return [
        *lines,
        f"events    {count:,} {'counted' if facts['counts_only'] else 'recorded'}, "
        f"{facts['lost']:,} lost, {facts['filtered']:,} filtered out, "
        f"{facts['own']:,} of these tracectl's own",
    ]


def _fileless(facts: dict[str, Any]) -> str:
    return "none: calls are only counted" if facts["counts_only"] else "none: a flight recorder"


def _scope(facts: dict[str, Any]) -> str:
    from tracectl.cli.scope import words_of_scope  # noqa: PLC0415 - construct is there by now

    return words_of_scope(facts["target_pid"], facts["filter"])


def _last(facts: dict[str, Any]) -> str:
    if facts["file"] is None:
        what = "counters only" if facts["counts_only"] else "a flight recorder"
        return f"{what} ({facts['last_end']}; ended by pid {facts['last_pid']})"
    if facts["last_end"] == "stopped":
        reason = facts["last_reason"] or "stopped"
        return f"{facts['file']} ({reason}; ended by pid {facts['last_pid']})"
    return (
        f"{facts['file']}: its recorder (pid {facts['last_pid']}) died without stopping; the file "
        "is readable to its last whole chunk"
    )
