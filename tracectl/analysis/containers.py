"""Containers, by the cgroup that their engine puts them into."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from tracectl.errors import UsageError

ID_DIGITS = 12
"""What docker and podman show of an id."""
_MOUNT = "/sys/fs/cgroup"
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


def choose_container(wanted: str, names: Iterable[str]) -> str:
    """The one of ``names`` that is ``wanted``, or begins so; UsageError for none, and for more."""
    found = {
        name
        for name in names
        if name and (name == wanted or name.startswith(wanted[:ID_DIGITS].lower()))
    }
    if wanted in found:
        return wanted
    if len(found) != 1:
        some = f"these begin so: {', '.join(sorted(found))}" if found else "no cgroup is of it"
        raise UsageError(f"there is no container {wanted!r}: {some}")
    return found.pop()


def cgroups_wanted(
    cgroup: str | None, container: str | None, known: Collection[str]
) -> tuple[str, ...] | None:
    """The topmost of the ``known`` cgroups, paths from the root on, that are ``cgroup`` or below
    it, or of ``container``; None without either. UsageError when none of them is."""
    if container is not None:
        name = choose_container(container, map(container_of, known))
        return _topmost(path for path in known if container_of(path) == name)
    if cgroup is None:
        return None
    path = "/" + cgroup.removeprefix(_MOUNT).strip("/")
    if not any(is_within(one, (path,)) for one in known):
        raise UsageError(f"nothing is known of a cgroup {path}")
    return (path,)


def is_within(cgroup: str, tops: Collection[str]) -> bool:
    """It is one of ``tops``, or below one."""
    return any(cgroup == top or cgroup.startswith(top.rstrip("/") + "/") for top in tops)


def _topmost(paths: Iterable[str]) -> tuple[str, ...]:
    found: list[str] = []
    for path in sorted(paths, key=len):
        if not is_within(path, found):
            found.append(path)
    return tuple(found)
