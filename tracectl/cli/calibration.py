"""What tracing costs on this machine: measured once, kept in a file, told in every capture."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path

from tracectl.capture.metadata import Calibration
from tracectl.errors import TracectlError
from tracectl.kernel.device import Info

_SYSTEM = Path("/var/lib/tracectl")


def store_calibration(found: Calibration, info: Info) -> Path:
    """Where it was stored: for all users where this one may, else for this one."""
    data = json.dumps({"for": _key(info), **asdict(found)}, indent=1) + "\n"
    failure: OSError | None = None
    for path in _paths():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(data, encoding="utf-8")
        except OSError as error:
            failure = error
            continue
        return path
    raise TracectlError(f"the calibration cannot be stored: {failure}")


def load_calibration(info: Info) -> Calibration | None:
    """None where there is none of this kernel and module."""
    for path in reversed(_paths()):
        try:
            tree = json.loads(path.read_text(encoding="utf-8"))
            if tree.pop("for") == _key(info):
                return Calibration(**{name: float(value) for name, value in tree.items()})
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            # Not there, or of another version: it is as if there were none.
            continue
    return None


def _key(info: Info) -> dict[str, str]:
    uname = os.uname()
    return {"release": uname.release, "machine": uname.machine, "build_id": info.build_id}


def _paths() -> list[Path]:
    own = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return [_SYSTEM / "calibration.json", Path(own) / "tracectl" / "calibration.json"]
