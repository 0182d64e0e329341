"""docs/reading.md."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from bench.analysis.measure import Figure

TEXT = Path(__file__).parents[2] / "docs" / "reading.md"
_TEMPLATE = Path(__file__).with_name("template.md")
FIRST_LINE = "print, to its first line"
_TEXT_OF_PEER = "babeltrace2, text"
_OWN_TEXT = "print, of the peers' events"
_OWN_REPORT = "report, of the peers' events"

FIRST_OF_ALL = ("report", "verify", "query, calls by system call")


def first_of_all(name: str) -> str:
    return f"{name}, before all other work"


def write(
    decoded: Mapping[str, float], figures: Mapping[str, Figure], cores: int, load: float
) -> None:
    heads = "| | events | M events/s | M events a CPU s | s | CPU s | MiB | s to the first output |"
    rows = [heads, "|---|" + "---:|" * 7]
    rows += [_row(*item) for item in figures.items() if item[0] != FIRST_LINE]
    TEXT.write_text(
        _TEMPLATE.read_text().format(
            decode=f"{decoded['records_per_s'] / 1e6:.0f}",
            table="\n".join(rows),
            processor=_processor(),
            cores=cores,
            load=f"{load:.0f}",
            comparison=_comparison(figures),
            first_cpu_s=f"{figures[FIRST_LINE].cpu_s:.2f}",
            first_s=f"{figures[FIRST_LINE].wall_s:.2f}",
            first_events=f"{figures[FIRST_LINE].events:,}",
        )
    )


def _row(name: str, figure: Figure) -> str:
    first = "" if figure.first_line_s is None else f"{figure.first_line_s:.2f}"
    cells = (
        f"{figure.events:,}",
        f"{figure.events_per_s / 1e6:.2f}",
        f"{figure.events_per_cpu_s / 1e6:.2f}",
        f"{figure.wall_s:.1f}",
        f"{figure.cpu_s:.1f}",
        f"{figure.peak_rss_mb:,}",
        first,
    )
    return f"| {name} | {' | '.join(cells)} |"


def _comparison(figures: Mapping[str, Figure]) -> str:
    """How many times as fast as babeltrace2's text, by CPU time."""
    if _TEXT_OF_PEER not in figures:
        return "babeltrace2 was not installed."
    peer = figures[_TEXT_OF_PEER].events_per_cpu_s
    of_print = figures[_OWN_TEXT].events_per_cpu_s / peer
    of_report = figures[_OWN_REPORT].events_per_cpu_s / peer
    large = figures["report"].events_per_cpu_s / peer
    text = (
        f"By CPU time, `report` gets through the same events {of_report:.0f} times as fast as "
        f"babeltrace2 writes them as text, and {large:.0f} times where there are "
        f"{figures['report'].events:,} of them, so that starting does not count; `print`, which "
        f"writes text as well, a line a call and not a line an event, {of_print:.1f} times."
    )
    first, peer_first = map(first_of_all, ("report", _TEXT_OF_PEER))
    if not {first, peer_first} <= figures.keys():
        return text
    by_clock = figures[first].events_per_s / figures[peer_first].events_per_s
    return (
        f"{text} By the clock, each before all other work, `report` of all events is "
        f"{by_clock:.0f} times as fast: babeltrace2 keeps one processor busy, `report` all."
    )


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else "A processor without a name"
