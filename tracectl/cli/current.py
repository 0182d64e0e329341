"""What is being recorded now, as a capture."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tracectl.abi.control import ConfigFlag, State
from tracectl.errors import DeviceError


@contextmanager
def current_capture() -> Iterator[Path]:
    """The file that the session on this machine writes, or a snapshot of its flight recorder, which
    goes with the context. DeviceError when nothing is recorded."""
    from tracectl.kernel.device import Device  # noqa: PLC0415 - who names a file does not need it

    with Device() as device, tempfile.TemporaryDirectory(prefix="tracectl-") as directory:
        status = device.status()
        if status.state == State.IDLE:
            raise DeviceError("nothing is being recorded; name a capture, or 'tracectl start'")
        if status.flags & ConfigFlag.OVERWRITE:
            from tracectl.cli.flight import write_snapshot  # noqa: PLC0415 - the tables

            path = Path(directory, "flight.trace")
            write_snapshot(device, path, compress=False)
            yield path
        else:
            yield Path(status.label)
