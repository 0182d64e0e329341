"""Libraries that only some commands need."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tracectl.errors import UnsupportedError

# As pyproject.toml has them. Those of the view come with the wheel; Debian's package goes without.
_VIEW = "view"
LIBRARIES = {
    "completion": ("shtab>=1.13",),
    "export": ("pyarrow>=20",),
    "html": ("plotly>=5.20",),
    "query": ("duckdb>=2,<3", "pyarrow>=20"),
    "web": ("textual-serve>=1.1,<2",),
    _VIEW: ("textual>=6,<9",),
}


@contextmanager
def needs(extra: str) -> Iterator[None]:
    """Around imports of the LIBRARIES of ``extra``. UnsupportedError when one is missing."""
    try:
        yield
    except ImportError as error:
        raise UnsupportedError(
            f"{error.name or 'a library'} is not installed{_how_to_add(extra)}"
        ) from error


def _how_to_add(extra: str) -> str:
    """Ends the sentence. The libraries are named, since no package index has tracectl."""
    if sys.prefix == sys.base_prefix:
        wheel = "FILE.whl" if extra == _VIEW else f"FILE.whl[{extra}]"
        command = ["pipx", "install", wheel]
        return f"; a tracectl of your own can have it, from its wheel: {shlex.join(command)}"
    environment = Path(sys.prefix)
    if (environment / "pipx_metadata.json").is_file():
        home = environment.parent.parent
        command = ["env", f"PIPX_HOME={home}", "pipx", "inject", environment.name]
    else:
        command = [str(environment / "bin" / "pip"), "install"]
    if not os.access(environment, os.W_OK):
        command.insert(0, "sudo")
    return f": {shlex.join([*command, *LIBRARIES[extra]])}"
