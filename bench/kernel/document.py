"""docs/benchmarks.md and the figures beside it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.kernel.figures import merge
from bench.kernel.peers import PACKAGES
from tracectl.module.source import find_source, version_of
from tracectl.vm.kernel import Kernel

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

_TEMPLATE = Path(__file__).with_name("template.md")


def write(kernel: Kernel, by_tool: Mapping[str, Any]) -> dict[str, Any]:
    """Stores the figures by tool, keeping those of other tools on the same kernel, and writes the
    text anew. Answers all that are stored."""
    stored = json.loads(FIGURES.read_text()) if FIGURES.is_file() else {}
    kept = stored["tools"] if stored.get("kernel") == kernel.release else {}
    tools = {**kept, **by_tool}
    data = {"kernel": kernel.release, "versions": _versions(kernel), "tools": tools}
    FIGURES.write_text(json.dumps(data, indent=1) + "\n")
    TEXT.write_text(_text(data))
    return tools


def table(found: Mapping[str, Any]) -> str:
    """The rows of the table in Markdown."""
    names = next(iter(found["added_instructions"].values()))
    return "\n".join(_row(name, found) for name in names)


def _row(name: str, found: Mapping[str, Any]) -> str:
    added = [found["added_instructions"][kind].get(name) for kind in _KINDS]
    size, plain = (found["bytes_per_event"].get(key) for key in (name, f"{name}_plain"))
    sizes = "" if size is None else f"{size:.1f}"
    if plain is not None:
        sizes += f" ({plain:.1f} not compressed)"
    cells = [*map(_signed, added), _signed(found["added_with_consumer"].get(name)), sizes]
    return f"| {name} | {' | '.join(cells)} | {_losses(name, found)} |"


def _losses(name: str, found: Mapping[str, Any]) -> str:
    lost = found["lost"].get(name)
    if lost is None:
        return ""
    return f"{lost:,} of {lost + found['recorded'][name]:,}" if lost else "0"


def _signed(value: int | None) -> str:
    return "" if value is None else f"{value:+,}"


def _text(data: Mapping[str, Any]) -> str:
    found = merge(data["tools"].values())
    versions = ", ".join(f"{name} {version}" for name, version in data["versions"].items())
    return _TEMPLATE.read_text().format(
        versions=f"Linux {data['kernel']}, {versions}",
        heads=" | ".join(_KINDS.values()),
        rules="---:|" * (len(_KINDS) + 1),
        rows=table(found),
        name_event=_name_event(found),
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
