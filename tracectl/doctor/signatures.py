"""Whether the running kernel takes signed modules only, and whether ours would be one."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

from tracectl.doctor.check import Check, failed, noted, passed
from tracectl.module.packages import install_command, install_module_command

_LOCKDOWN = Path("/sys/kernel/security/lockdown")
_ENFORCED = Path("/sys/module/module/parameters/sig_enforce")
_SECURE_BOOT = Path("/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c")
_FRAMEWORK = Path("/etc/dkms/framework.conf")
# Where DKMS signs with what is found there: its own pair, and Ubuntu's.
_CERTIFICATES = (Path("/var/lib/shim-signed/mok/MOK.der"), Path("/var/lib/dkms/mok.pub"))


def check_signatures(*, is_needed: bool) -> Iterator[Check]:
    """What is missing is but a note unless the module still ``is_needed``."""
    missing = failed if is_needed else noted
    demands = _demands()
    if not demands:
        yield passed("signatures", "unsigned modules are taken")
        return
    yield passed("signatures", f"{', '.join(demands)}: modules must be signed")
    if _is_firmware_silent():
        yield noted(
            "firmware",
            "its variables are not to be read here, and its keys by the kernel perhaps neither",
            "add efi=runtime to the kernel's command line: real-time kernels ask no firmware "
            "otherwise",
        )
    certificate = find_certificate()
    if certificate is None:
        yield missing(
            "signing key",
            "none, so that DKMS cannot sign",
            f"{install_command('openssl', 'mokutil')}; {install_module_command()}, which has DKMS "
            "make one",
        )
        return
    yield passed("signing key", f"DKMS signs for {certificate}")
    yield _enrolment(certificate, missing)


def _demands() -> list[str]:
    """Why only signed modules are taken; empty when others are."""
    demands = []
    mode = lockdown_mode(_read(_LOCKDOWN))
    if mode not in ("", "none"):
        demands.append(f"lockdown={mode}")
    if _read(_ENFORCED).strip() == "Y":
        demands.append("module.sig_enforce")
    # By itself it demands nothing of modules: distributions' kernels lock down because of it.
    if mode != "none" and _is_secure_boot():
        demands.append("Secure Boot")
    return demands


def lockdown_mode(text: str) -> str:
    """Of "none [integrity] confidentiality"; empty when that is not known."""
    match = re.search(r"\[(\w+)\]", text)
    return match[1] if match else ""


def find_certificate() -> Path | None:
    """The certificate that a firmware has to know for what DKMS signs here."""
    named = re.search(r"""^\s*mok_certificate=["']?([^"'\s]+)""", _read(_FRAMEWORK), re.MULTILINE)
    places = (Path(named[1]),) if named else _CERTIFICATES
    return next((path for path in places if path.exists()), None)


def _enrolment(certificate: Path, missing: Callable[[str, str, str], Check]) -> Check:
    name = "key enrolment"
    try:
        done = subprocess.run(
            ["mokutil", "--test-key", certificate], capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        return noted(
            name, "cannot be told without mokutil", install_command("mokutil") + "; tracectl doctor"
        )
    state = enrolment_of(done.stdout + done.stderr)
    if state == "enrolled":
        return passed(name, f"the firmware's MOK list has {certificate}")
    if state == "requested":
        return missing(name, "waits for its confirmation", "reboot, and choose 'Enroll MOK'")
    if state == "absent":
        return missing(
            name, f"{certificate} is not enrolled",
            f"mokutil --import {certificate}; reboot, and choose 'Enroll MOK'",
        )  # fmt: skip
    said = (done.stdout + done.stderr).strip() or "mokutil says nothing"
    return noted(name, said, f"mokutil --test-key {certificate}")


def enrolment_of(said: str) -> str:
    """What ``mokutil --test-key`` has found: enrolled, requested, absent, or nothing."""
    for words, state in (
        ("is already enrolled", "enrolled"),
        ("is already in the enrollment request", "requested"),
        ("is not enrolled", "absent"),
    ):
        if words in said:
            return state
    return ""


def _is_secure_boot() -> bool:
    try:
        # Four bytes of attributes come first.
        return _SECURE_BOOT.read_bytes()[4:5] == b"\1"
    except OSError:
        return False


def _is_firmware_silent() -> bool:
    variables = _SECURE_BOOT.parent
    try:
        return variables.parent.is_dir() and not any(variables.iterdir())
    except OSError:
        return True


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
