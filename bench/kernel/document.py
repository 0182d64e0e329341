"""docs/benchmarks.md and the figures beside it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.kernel.figures import merge
from bench.kernel.peers import PACKAGES
from bench.kernel.rows import OWN
from tracectl.module.source import find_source, version_of
from tracectl.vm.kernel import Kernel

SECTIONS = ("tools", "profile", "applications", "readers")
"""By row: what bench.kernel, bench.profile, bench.app and bench.decode.peers measured."""

_DOCS = Path(__file__).parents[2] / "docs"
FIGURES = _DOCS / "benchmarks.json"
TEXT = _DOCS / "benchmarks.md"

_KINDS = {
    "getppid": "getppid",
    "read": "read",
    "openat_close": "openat, close",
    "stat": "stat",
    "pipe": "pipe",
    "fork_exec": "fork+exec",
}

_NOTHING = "Not measured on this kernel."
_TEMPLATE = Path(__file__).with_name("template.md")


def write_section(kernel: Kernel, section: str, found: Mapping[str, Any]) -> dict[str, Any]:
    """Stores figures by name in a section, keeping what it has by other names on the same kernel,
    and writes the text anew. Answers all of the section."""
    data: dict[str, Any] = _stored(kernel)
    data[section] |= found
    data |= {"kernel": kernel.release, "versions": _versions(kernel)}
    FIGURES.write_text(json.dumps(data, indent=1) + "\n")
    # Without our own figures there is no text.
    if OWN.name in data["tools"]:
        TEXT.write_text(_text(data))
    all_: dict[str, Any] = data[section]
    return all_


def section(kernel: Kernel, name: str) -> dict[str, Any]:
    """What is stored of the same kernel."""
    return _stored(kernel)[name]


def _stored(kernel: Kernel) -> dict[str, dict[str, Any]]:
    stored = json.loads(FIGURES.read_text()) if FIGURES.is_file() else {}
    if stored.get("kernel") != kernel.release:
        stored = {}
    return {name: stored.get(name, {}) for name in SECTIONS}


def table(found: Mapping[str, Any]) -> str:
    """The rows of the table in Markdown."""
    names = next(iter(found["added_instructions"].values()))
    return "\n".join(_row(name, found) for name in names)


def applications_table(found: Mapping[str, Any]) -> str:
    """In Markdown: a row a tracer, and how many times as long its applications took."""
    if not found:
        return _NOTHING
    apps = list(next(iter(found.values()))["slow_down"])
    lines = [f"| slow-down | {' | '.join(apps)} | lost |", f"|---|{'---:|' * (len(apps) + 1)}"]
    for name, row in found.items():
        cells = [f"{row['slow_down'][app]:.2f}" for app in apps]
        lines.append(f"| {name} | {' | '.join(cells)} | {_lost_of(row['lost'], row['recorded'])} |")
    return "\n".join(lines)


def profile_table(found: Mapping[str, Mapping[str, float]]) -> str:
    """In Markdown: a row a function, a column a session."""
    if not found:
        return _NOTHING
    functions = {name: None for row in found.values() for name in row if name != "others"}
    lines = [
        f"| instructions added a call | {' | '.join(found)} |",
        f"|---|{'---:|' * len(found)}",
    ]
    for name in (*functions, "others"):
        cells = [f"{row[name]:.0f}" if name in row else "" for row in found.values()]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    sums = [f"{sum(row.values()):.0f}" for row in found.values()]
    return "\n".join([*lines, f"| all | {' | '.join(sums)} |"])


def readers_table(found: Mapping[str, Any]) -> str:
    """In Markdown: a row a reader."""
    if not found:
        return _NOTHING
    lines = [
        "| reader | events/s | peak MiB | s to the first line |",
        "|---|---:|---:|---:|",
    ]
    lines += [
        f"| {name} | {row['events_per_s']:,} | {row['peak_mib']} | {row['first_line_s']:.2f} |"
        for name, row in found.items()
    ]
    return "\n".join(lines)


def _row(name: str, found: Mapping[str, Any]) -> str:
    added = [found["added_instructions"][kind].get(name) for kind in _KINDS]
    size, plain = (found["bytes_per_event"].get(key) for key in (name, f"{name}_plain"))
    sizes = "" if size is None else f"{size:.1f}"
    if plain is not None:
        sizes += f" ({plain:.1f} not compressed)"
    cells = [*map(_signed, added), _signed(found["added_with_consumer"].get(name)), sizes]
    return f"| {name} | {' | '.join(cells)} | {_losses(name, found)} |"


def _losses(name: str, found: Mapping[str, Any]) -> str:
    return _lost_of(found["lost"].get(name), found["recorded"].get(name, 0))


def _lost_of(lost: int | None, recorded: int) -> str:
    if lost is None:
        return ""
    return f"{lost:,} of {lost + recorded:,}" if lost else "0"


def _signed(value: int | None) -> str:
    return "" if value is None else f"{value:+,}"


def _text(data: Mapping[str, Any]) -> str:
    own, *peers = sorted(data["tools"], key=lambda name: name != OWN.name)
    found = merge(data["tools"][name] for name in (own, *peers))
    versions = ", ".join(f"{name} {version}" for name, version in data["versions"].items())
    return _TEMPLATE.read_text().format(
        versions=f"Linux {data['kernel']}, {versions}",
        heads=" | ".join(_KINDS.values()),
        rules="---:|" * (len(_KINDS) + 1),
        rows=table(found),
        name_event=_name_event(found),
        profile=profile_table(data["profile"]),
        applications=applications_table(data["applications"]),
        readers=readers_table(data["readers"]),
        **found["second_copy"],
    )


def _name_event(found: Mapping[str, Any]) -> int:
    """Of an open: what is added to a pair of calls by the event with the name."""
    added = found["added_instructions"]["openat_close"]
    return 2 * int(added["names"] - added["entry_exit"])


def _versions(kernel: Kernel) -> dict[str, str]:
    emulator = subprocess.run(
        ["qemu-system-x86_64", "--version"], capture_output=True, text=True, check=True
    )
    versions = {
        "tracectl": version_of(find_source()),
        "QEMU": emulator.stdout.split("version ")[1].split()[0],
    }
    assert kernel.root is not None
    done = subprocess.run(
        ["dpkg-query", f"--admindir={kernel.root / 'var/lib/dpkg'}", "-W",
         "-f", "${Package} ${Version}\n", *PACKAGES],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return versions | dict(line.split() for line in done.stdout.splitlines())
