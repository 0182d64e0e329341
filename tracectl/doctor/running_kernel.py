"""Whether the running kernel has what the module attaches to."""

from __future__ import annotations

import gzip
import os
import platform
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from tracectl.abi.control import EventClass
from tracectl.doctor.check import Check, failed, noted, passed
from tracectl.errors import UnsupportedError
from tracectl.kernel.sites import check_switches
from tracectl.tables.table import MACHINES

_OLDEST = (5, 10)
_NEEDED = ("MODULES", "RELAY", "TRACEPOINTS", "HAVE_SYSCALL_TRACEPOINTS", "CGROUPS")
_FOR_NAMES = ("KPROBES", "DYNAMIC_FTRACE")
_TRACEPOINTS = (
    "sys_enter",
    "sys_exit",
    "sched_process_fork",
    "sched_process_exec",
    "sched_process_exit",
    "task_rename",
    "cgroup_mkdir",
    "cgroup_attach_task",
)
# Any one of each row.
_FUNCTIONS = {
    "open_how function": ("do_sys_openat2",),
    "open name function": ("do_file_open", "do_filp_open"),
    "socket functions": ("security_socket_connect",),
    "path look-up": ("filename_lookup",),
    "directory look-up": ("__filename_parentat", "filename_parentat"),
}
_WITHOUT_NAMES = "tracectl record --no-names --no-paths --no-sockets --no-open-how"
_KALLSYMS = Path("/proc/kallsyms")


def check_kernel() -> Iterator[Check]:
    yield _version()
    yield from _config()
    yield from _symbols()
    yield _switches()


def _version() -> Check:
    release, machine = os.uname().release, platform.machine()
    match = re.match(r"(\d+)\.(\d+)", release)
    version = (int(match[1]), int(match[2])) if match else (0, 0)
    if machine not in MACHINES:
        return failed(
            "kernel", f"{release} on {machine}", f"tracectl knows {' and '.join(MACHINES)} only"
        )
    if version < _OLDEST:
        return failed("kernel", f"{release} is older than 5.10", "install a newer kernel")
    return passed("kernel", f"{release} on {machine}")


def _config() -> Iterator[Check]:
    text = _read_config()
    if text is None:
        yield noted(
            "configuration", "the running kernel's is not to be found", "look for RELAY in it"
        )
        return
    missing = missing_options(text, _NEEDED)
    if missing:
        yield failed(
            "configuration", f"without {', '.join(missing)}", "boot a distribution's kernel"
        )
    else:
        yield passed("configuration", ", ".join(_NEEDED))
    missing = missing_options(text, _FOR_NAMES)
    if missing:
        yield noted("configuration for opens", f"without {', '.join(missing)}", _WITHOUT_NAMES)
    else:
        yield passed("configuration for opens", ", ".join(_FOR_NAMES))


def missing_options(config: str, wanted: Sequence[str]) -> list[str]:
    """Those of ``wanted`` that ``config``, a kernel's .config, has not built in."""
    built_in = set(re.findall(r"^CONFIG_(\w+)=y$", config, re.MULTILINE))
    return [option for option in wanted if option not in built_in]


def _read_config() -> str | None:
    release = os.uname().release
    for path in (
        Path("/proc/config.gz"),
        Path(f"/boot/config-{release}"),
        Path(f"/lib/modules/{release}/config"),
        Path(f"/lib/modules/{release}/build/.config"),
    ):
        try:
            data = path.read_bytes()
        except OSError:
            continue
        return (gzip.decompress(data) if path.suffix == ".gz" else data).decode(errors="replace")
    return None


def _symbols() -> Iterator[Check]:
    try:
        names = set(re.findall(r"^\S+ \w (\S+)", _KALLSYMS.read_text(), re.MULTILINE))
    except OSError as error:
        yield noted("symbols", f"{_KALLSYMS}: {error.strerror}", "boot a kernel with KALLSYMS")
        return
    missing = [name for name in _TRACEPOINTS if f"__tracepoint_{name}" not in names]
    if missing:
        yield failed("tracepoints", f"without {', '.join(missing)}", "boot a distribution's kernel")
    else:
        yield passed("tracepoints", ", ".join(_TRACEPOINTS))
    for check, row in _FUNCTIONS.items():
        found = [name for name in row if name in names]
        if found:
            yield passed(check, found[0])
        else:
            yield noted(check, f"without {' or '.join(row)}", _WITHOUT_NAMES)


def _switches() -> Check:
    name = "probe switches"
    try:
        check_switches(EventClass.OPEN_HOW)
    except UnsupportedError as error:
        return noted(name, str(error), _WITHOUT_NAMES)
    return passed(name, "nobody has switched probes off")
