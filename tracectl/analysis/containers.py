"""Containers, by the cgroup that their engine puts them into."""

from __future__ import annotations

import re

ID_DIGITS = 12
"""What docker and podman show of an id."""
_ID = re.compile(r"(?:^|[/-])([0-9a-f]{64})(?:\.scope)?(?=/|$)")
_NAMES = (
    # systemd's escapes apart from nspawn's own prefix
    re.compile(r"/machine\.slice/(?:machine-|systemd-nspawn@)(.+?)\.(?:scope|service)(?=/|$)"),
    re.compile(r"/lxc(?:\.payload\.|/)([^/]+)"),
)


def container_of(cgroup: str) -> str:
    """The container that a cgroup, a path from the root on, is in or belongs to: the first twelve
    digits of its id, as docker, podman and containerd (also under Kubernetes) name their cgroups,
    or the name of a systemd-nspawn or LXC machine. Empty for none."""
    ids = _ID.findall(cgroup)
    if ids:
        # The innermost: a container may hold an engine.
        return str(ids[-1][:ID_DIGITS])
    for pattern in _NAMES:
        found = pattern.search(cgroup)
        if found:
            return re.sub(r"\\x([0-9a-f]{2})", lambda code: chr(int(code[1], 16)), found[1])
    return ""
