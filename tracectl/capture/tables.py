"""The system-call tables that a capture brings."""

from __future__ import annotations

from pathlib import Path

from tracectl.capture.metadata import Metadata
from tracectl.errors import CaptureError
from tracectl.tables.table import MACHINES, SyscallTable


def tables_in(metadata: Metadata, path: Path) -> list[SyscallTable]:
    """Those of the capture ``path``, by ABI; x32 shares the numbers of x86-64. CaptureError where
    they are not, or are none."""
    machine = metadata.host.machine
    if machine not in MACHINES:
        raise CaptureError(path, f"it was made on {machine}, whose ABIs are not known here")
    try:
        native, narrow = (
            SyscallTable.from_json(abi, metadata.tables[abi]) for abi in MACHINES[machine]
        )
    except (KeyError, TypeError, ValueError) as error:
        raise CaptureError(path, f"its system-call tables are damaged ({error!r})") from error
    return [native, narrow, native]
