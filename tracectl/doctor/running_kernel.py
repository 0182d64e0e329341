"""Whether the running kernel has what the module attaches to, and lets it be loaded."""

from __future__ import annotations

import gzip
import os
import platform
import re
from collections.abc import Iterator
from pathlib import Path

from tracectl.doctor.check import Check, failed, noted, passed

_OLDEST = (5, 10)
_NEEDED = ("MODULES", "RELAY", "TRACEPOINTS", "HAVE_SYSCALL_TRACEPOINTS")
_FOR_NAMES = ("KPROBES", "DYNAMIC_FTRACE")
_TRACEPOINTS = (
    "sys_enter",
    "sys_exit",
    "sched_process_fork",
    "sched_process_exec",
    "sched_process_exit",
)
# Any one of each row.
_FUNCTIONS = (("do_sys_openat2",), ("do_file_open", "do_filp_open"))
_KALLSYMS = Path("/proc/kallsyms")
_LOCKDOWN = Path("/sys/kernel/security/lockdown")
_ENFORCED = Path("/sys/module/module/parameters/sig_enforce")
_SECURE_BOOT = Path("/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c")
_KEYS = (Path("/var/lib/dkms/mok.key"), Path("/var/lib/shim-signed/mok/MOK.priv"))


def check_kernel() -> Iterator[Check]:
    yield _version()
    yield from _config()
    yield from _symbols()
    yield from _signatures()


def _version() -> Check:
    release, machine = os.uname().release, platform.machine()
    match = re.match(r"(\d+)\.(\d+)", release)
    version = (int(match[1]), int(match[2])) if match else (0, 0)
    if machine != "x86_64":
        return failed("kernel", f"{release} on {machine}", "tracectl knows x86_64 only, so far")
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
    built_in = set(re.findall(r"^CONFIG_(\w+)=y$", text, re.MULTILINE))
    missing = [option for option in _NEEDED if option not in built_in]
    if missing:
        yield failed(
            "configuration", f"without {', '.join(missing)}", "boot a distribution's kernel"
        )
    else:
        yield passed("configuration", ", ".join(_NEEDED))
    missing = [option for option in _FOR_NAMES if option not in built_in]
    if missing:
        yield noted(
            "configuration",
            f"without {', '.join(missing)}",
            "tracectl record --no-names --no-open-how",
        )


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
    for row in _FUNCTIONS:
        found = [name for name in row if name in names]
        if found:
            yield passed("function to probe", found[0])
        else:
            yield noted(
                "function to probe",
                f"without {' or '.join(row)}",
                "tracectl record --no-names --no-open-how",
            )


def _signatures() -> Iterator[Check]:
    """Whether only signed modules are taken, and whether there is a key to sign ours with."""
    lockdown = re.search(r"\[(\w+)\]", _read(_LOCKDOWN))
    reasons = []
    if lockdown and lockdown[1] != "none":
        reasons.append(f"lockdown={lockdown[1]}")
    if _read(_ENFORCED).strip() == "Y":
        reasons.append("module.sig_enforce")
    if _is_secure_boot():
        reasons.append("Secure Boot")
    if not reasons:
        yield passed("signatures", "unsigned modules are taken")
        return
    key = next((path for path in _KEYS if path.exists()), None)
    wanted = f"{', '.join(reasons)}: modules must be signed"
    if key is None:
        yield failed(
            "signatures",
            f"{wanted}, and this machine has no key",
            "apt-get install openssl mokutil; tracectl module install; "
            "mokutil --import /var/lib/dkms/mok.pub; reboot",
        )
    else:
        yield noted(
            "signatures",
            f"{wanted}; DKMS signs with {key}",
            f"mokutil --test-key {key.with_suffix('.pub')} tells whether it is enrolled",
        )


def _is_secure_boot() -> bool:
    try:
        # Four bytes of attributes come first.
        return _SECURE_BOOT.read_bytes()[4:5] == b"\1"
    except OSError:
        return False


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
