"""What is seen, as a file."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tracectl.errors import CaptureError, TracectlError, UsageError
from tracectl.render.strings import printable
from tracectl.render.table import format_table
from tracectl.tui.dialogs import AskDialog

if TYPE_CHECKING:
    from tracectl.tui.screens.base import ViewScreen

SUFFIXES = (".csv", ".json", ".txt")


def save_table(path: Path, header: Sequence[str], rows: Sequence[Sequence[str]]) -> int:
    """Writes a new file, as its suffix says; answers how many rows. UsageError for another suffix,
    CaptureError where it cannot be written, or is there already."""
    if path.suffix not in SUFFIXES:
        raise UsageError(f"{path} ends in none of {', '.join(SUFFIXES)}")
    try:
        with path.open("x", encoding="utf-8", newline="") as file:
            if path.suffix == ".csv":
                writer = csv.writer(file)
                writer.writerow(header)
                writer.writerows(rows)
            elif path.suffix == ".json":
                json.dump([dict(zip(header, row, strict=True)) for row in rows], file, indent=1)
            else:
                # This one is for a terminal.
                shown = [[printable(cell) for cell in row] for row in rows]
                file.write(format_table(header, shown) + "\n")
    except FileExistsError as error:
        raise CaptureError(path, "is there already; choose another name") from error
    except OSError as error:
        raise CaptureError(path, f"cannot be written: {error.strerror}") from error
    return len(rows)


def ask_to_save(screen: ViewScreen) -> None:
    """Asks for the file, and writes what is seen on ``screen``."""
    app = screen.app
    header, rows = screen.seen()

    def save(name: str | None) -> None:
        if name is None:
            return
        try:
            count = save_table(Path(name), header, rows)
        except TracectlError as error:
            app.notify(str(error), severity="error", markup=False)
        else:
            app.notify(f"{name}: {count:,} rows", markup=False)

    name = f"tracectl-{type(screen).__name__.removesuffix('Screen').lower()}.csv"
    app.push_screen(AskDialog("Export what is seen", "into .csv, .json or .txt", name), save)
