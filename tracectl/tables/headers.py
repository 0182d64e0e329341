"""A kernel's headers through the compiler, for the tables that are made of them."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

_REQUEST = r"^#\s*define\s+(\w+)\s+(?:_IO|DRM_IO)[WR]*\("
# Of terminals and sockets: numbers from before there was _IO().
_OLD = r"^#\s*define\s+((?:TC|TIO|FIO|SIOC)[A-Z0-9]+)\s+(?:0x|_IO)"

# What some headers expect to be there.
_BEFORE = """\
#define __always_inline inline
typedef __SIZE_TYPE__ size_t;
#include <linux/types.h>
#include <linux/ioctl.h>
"""


def run_gcc(
    source: str, arch: str, common: Path, flavour: Path, *options: str
) -> subprocess.CompletedProcess[str]:
    """gcc on ``source``, which sees the headers of user space and what they include, and none of
    this machine."""
    includes = []
    for directory in (
        common / "arch" / arch / "include/uapi",
        flavour / "arch" / arch / "include/generated/uapi",
        common / "include/uapi",
        flavour / "include/generated/uapi",
        common / "include",
    ):
        includes += ["-isystem", str(directory)]
    return subprocess.run(
        # Not wanted, and not whole without the kernel's configuration.
        ["gcc", "-nostdinc", "-D__LINUX_COMPILER_H", "-D__user=", *options, *includes,
         "-x", "c", "-o", "-", "-"],
        input=source, capture_output=True, text=True, check=False,
    )  # fmt: skip


def read_requests(common: Path, flavour: Path) -> dict[str, int]:
    """The requests of ioctl: macros made by _IO() and its like, and those of terminals and
    sockets. What does
    not compile in a header of user space alone is left out."""
    found: dict[str, int] = {}
    for root in (common / "include/uapi", common / "arch/x86/include/uapi"):
        for path in sorted(root.rglob("*.h")):
            pattern = _OLD if path.name in ("ioctls.h", "sockios.h") else _REQUEST
            names = re.findall(pattern, path.read_text(), re.M)
            if names:
                found |= _values_of(str(path.relative_to(root)), names, common, flavour)
    return dict(sorted(found.items(), key=lambda item: (item[1], item[0])))


def _values_of(header: str, names: list[str], common: Path, flavour: Path) -> dict[str, int]:
    names = list(dict.fromkeys(names))
    while names:
        lines = [f"unsigned int value_{name} = {name};" for name in names]
        source = _BEFORE + f'#include <{header}>\n# 1 "names"\n'
        done = run_gcc(source + "\n".join(lines), "x86", common, flavour, "-S", "-w")
        if not done.returncode:
            pattern = r"^value_(\w+):\n\s+\.(?:long|zero)\s+(-?\d+)"
            return {name: int(value) & 0xFFFFFFFF
                    for name, value in re.findall(pattern, done.stdout, re.M)}  # fmt: skip
        wrong = {
            int(line) - 1 for line in re.findall(r"^names:(\d+):\d+: error", done.stderr, re.M)
        }
        if not wrong:
            return {}
        names = [name for at, name in enumerate(names) if at not in wrong]
    return {}
