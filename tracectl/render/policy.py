"""Allow-lists as container runtimes and systemd read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

# By the names of tables and ABIs here.
_SECCOMP_ABIS = {
    "x86_64": "SCMP_ARCH_X86_64",
    "i386": "SCMP_ARCH_X86",
    "x32": "SCMP_ARCH_X32",
    "aarch64": "SCMP_ARCH_AARCH64",
    "arm": "SCMP_ARCH_ARM",
}
_SYSTEMD_ABIS = {
    "x86_64": "x86-64",
    "i386": "x86",
    "x32": "x32",
    "aarch64": "arm64",
    "arm": "arm",
}
_EPERM = 1
_WIDTH = 90


def seccomp_profile(names: Mapping[str, Sequence[str]], notes: Sequence[str]) -> dict[str, Any]:
    """An OCI profile, as ``--security-opt seccomp=FILE`` of docker and podman takes. ``names`` are
    by ABI. The runtime applies it before it executes the program, so that execve is in it."""
    allowed = sorted({"execve"}.union(*names.values()))
    rule: dict[str, Any] = {"names": allowed, "action": "SCMP_ACT_ALLOW"}
    if notes:
        # The only place for words that runtimes accept.
        rule["comment"] = "; ".join(notes)
    return {
        "defaultAction": "SCMP_ACT_ERRNO",
        "defaultErrnoRet": _EPERM,
        "architectures": [_SECCOMP_ABIS[abi] for abi in names],
        "syscalls": [rule],
    }


def systemd_unit(names: Mapping[str, Sequence[str]], notes: Sequence[str]) -> str:
    """Lines of a unit, to be put below ``/etc/systemd/system/NAME.service.d/``."""
    lines = [f"# {note}" for note in notes]
    lines += [
        "[Service]",
        f"SystemCallArchitectures={' '.join(_SYSTEMD_ABIS[abi] for abi in names)}",
        "SystemCallErrorNumber=EPERM",
    ]
    # Several lines are one list.
    line = "SystemCallFilter="
    for name in sorted(set().union(*names.values())):
        if len(line) + len(name) > _WIDTH:
            lines.append(line.rstrip())
            line = "SystemCallFilter="
        line += name + " "
    return "\n".join([*lines, line.rstrip()])
