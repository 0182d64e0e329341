"""Which argument of a call each of the kernel's copies was."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from tracectl.abi.records import Site
from tracectl.tables.roles import role_of
from tracectl.tables.table import Syscall


class Name(NamedTuple):
    """A path that the kernel used for a call. ``site`` is a Site."""

    site: int
    path: bytes


# What becomes of a call's paths, in order of its arguments.
_SITES: dict[str, tuple[Site, ...]] = {
    **dict.fromkeys(
        ("open", "openat", "openat2", "creat", "execve", "execveat", "uselib", "acct", "swapon",
         "swapoff"),
        (Site.OPEN,),
    ),
    **dict.fromkeys(
        ("mkdir", "mkdirat", "mknod", "mknodat", "rmdir", "unlink", "unlinkat"), (Site.PARENT,)
    ),
    **dict.fromkeys(("rename", "renameat", "renameat2"), (Site.PARENT, Site.PARENT)),
    **dict.fromkeys(("link", "linkat"), (Site.LOOKUP, Site.PARENT)),
    **dict.fromkeys(("symlink", "symlinkat"), (Site.TARGET, Site.PARENT)),
}  # fmt: skip
_OTHERS = (Site.LOOKUP, Site.LOOKUP)


def paths_of(call: Syscall, arguments: Sequence[int], names: Iterable[Name]) -> dict[int, bytes]:
    """The path of each argument that has one, by its index.

    Names that belong to none are the kernel's own: an interpreter, a mount's device.
    """
    rest = list(names)
    found = {}
    places = [at for at, argument in enumerate(call.args) if role_of(call, argument) == "path"]
    for index, site in zip(places, _SITES.get(call.name, _OTHERS), strict=False):
        name = next((name for name in rest if name.site == site), None)
        if name is not None and arguments[index]:
            found[index] = name.path
            rest.remove(name)
    return found
