"""Screenshots of the view for the documents: ``make screenshots``.

Of the capture that the tests look at, so that they are the same wherever they are made.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "unit"))

# As on a terminal of today, wherever this runs.
os.environ |= {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
os.environ.pop("NO_COLOR", None)

from machine import write_machine

from tracectl.tui.app import ViewApp

SIZE = (100, 26)
SCREENS = {
    "overview": ["1"],
    "syscalls": ["2"],
    "processes": ["3"],
    "files": ["4"],
    "errors": ["5"],
    "latency": ["6"],
    "events": ["7"],
    "detail": ["7", "slash", *"passwd", "enter", "enter"],
}


async def take(capture: Path, into: Path) -> None:
    app = ViewApp(capture)
    async with app.run_test(size=SIZE) as pilot:
        while app.part < 1:
            await pilot.pause(0.05)
        await pilot.pause(0.2)
        for name, keys in SCREENS.items():
            for key in keys:
                await pilot.press(key)
            await pilot.pause(0.2)
            svg = app.export_screenshot(title=f"tracectl tui: {name}")
            (into / f"tui-{name}.svg").write_text(without_fonts(svg))


def without_fonts(svg: str) -> str:
    """A document asks nobody else for a font, and its classes are named alike each time."""
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
    return re.sub(r"terminal-\d+", "terminal", svg).replace("Fira Code", "monospace")


def main() -> None:
    into = Path(sys.argv[1])
    into.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="tracectl-screenshots-") as directory:
        asyncio.run(take(write_machine(Path(directory, "machine.trace")), into))


if __name__ == "__main__":
    main()
