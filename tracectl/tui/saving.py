"""What is seen, as a file."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path

from tracectl.errors import CaptureError, UsageError
from tracectl.render.table import format_table

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
                file.write(format_table(header, rows) + "\n")
    except FileExistsError as error:
        raise CaptureError(path, "is there already; choose another name") from error
    except OSError as error:
        raise CaptureError(path, f"cannot be written: {error.strerror}") from error
    return len(rows)
