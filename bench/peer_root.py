"""A root file system with the other tracers and with the programs that they trace."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tracectl.vm.kernel import SERIES, Kernel, cache_directory, installed_kernel
from tracectl.vm.root import make_root

SERIES_NAME = "7.2"
"""The one kernel that every peer's module compiles for."""

_TRACERS = (
    "lttng-tools", "lttng-modules-dkms", "babeltrace2", "python3-bt2", "trace-cmd", "linux-perf",
    "bpftrace", "sysdig", "falcosecurity-scap-dkms", "strace", "auditd",
)  # fmt: skip
_TRACED = ("redis-server", "redis-tools", "nginx-light", "wrk", "sqlite3", "libc6-dev")


def directory() -> Path:
    return cache_directory() / "roots" / f"{SERIES[SERIES_NAME].suite}-peers"


def fetch_peer_kernel(progress: Callable[[str], None] = lambda _: None) -> Kernel:
    """The kernel of ``SERIES_NAME`` in a root with the peers, from the cache or else made, which
    takes some minutes: two of them compile modules."""
    series = SERIES[SERIES_NAME]
    root = directory()
    if not root.is_dir():
        progress(f"making a root file system with the peers in {root}")
        make_root(series.suite, [series.flavour], root, [*_TRACERS, *_TRACED])
    return installed_kernel(root, series.flavour)
