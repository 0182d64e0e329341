"""What doctor reads: what mokutil 0.6 said under Secure Boot, and what kernels say."""

import grp
import json
import os
import stat
import subprocess
import sys

import pytest

from tracectl import __version__
from tracectl.cli.main import main
from tracectl.doctor import access, build, running_kernel, signatures
from tracectl.doctor.access import check_device, check_disk, check_permission
from tracectl.doctor.build import check_build, check_headers, find_compiler
from tracectl.doctor.check import Verdict, failed, noted, passed
from tracectl.doctor.running_kernel import missing_options
from tracectl.doctor.signatures import check_signatures, enrolment_of, lockdown_mode
from tracectl.errors import AbiError, UnsupportedError
from tracectl.module import loading, packages
from tracectl.module.packages import install_command

CONFIG = """\
CONFIG_MODULES=y
CONFIG_RELAY=y
# CONFIG_KPROBES is not set
CONFIG_TRACEPOINTS=y
CONFIG_EFIVAR_FS=m
CONFIG_LSM="landlock,lockdown"
"""


def test_options_of_a_kernel():
    assert missing_options(CONFIG, ["MODULES", "RELAY", "TRACEPOINTS"]) == []
    assert missing_options(CONFIG, ["RELAY", "KPROBES", "EFIVAR_FS"]) == ["KPROBES", "EFIVAR_FS"]


@pytest.mark.parametrize(
    ("text", "mode"),
    [
        ("[none] integrity confidentiality\n", "none"),
        ("none [integrity] confidentiality\n", "integrity"),
        ("none integrity [confidentiality]\n", "confidentiality"),
        ("", ""),
    ],
)
def test_lockdown(text, mode):
    assert lockdown_mode(text) == mode


@pytest.mark.parametrize(
    ("said", "state"),
    [
        ("MOK.der is already enrolled\n", "enrolled"),
        ("MOK.der is already in the enrollment request\n", "requested"),
        ("other.der is not enrolled\n", "absent"),
        ("EFI variables are not supported on this system\n", ""),
        ("", ""),
    ],
)
def test_enrolment(said, state):
    assert enrolment_of(said) == state


@pytest.fixture
def locked_down(tmp_path, monkeypatch):
    """A machine under lockdown; ``machine(said)`` gives it a key and a mokutil that says so."""
    (tmp_path / "lockdown").write_text("none [integrity] confidentiality\n")
    certificate = tmp_path / "mok.pub"
    monkeypatch.setattr(signatures, "_LOCKDOWN", tmp_path / "lockdown")
    monkeypatch.setattr(signatures, "_FRAMEWORK", tmp_path / "framework.conf")
    monkeypatch.setattr(signatures, "_CERTIFICATES", (tmp_path / "absent", certificate))
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    def machine(said=None):
        if said is not None:
            certificate.write_bytes(b"certificate")
            mokutil = tmp_path / "mokutil"
            mokutil.write_text(f'#!/bin/sh\necho "$2 {said}"\nexit 1\n')
            mokutil.chmod(stat.S_IRWXU)
        return certificate

    return machine


def verdicts(*, is_needed=True):
    return {check.name: check.verdict for check in check_signatures(is_needed=is_needed)}


def test_locked_down_machine_without_a_key(locked_down):
    locked_down()
    assert verdicts()["signing key"] is Verdict.FAILED
    assert verdicts(is_needed=False)["signing key"] is Verdict.NOTE


@pytest.mark.parametrize(
    ("said", "verdict"),
    [
        ("is already enrolled", Verdict.OK),
        ("is not enrolled", Verdict.FAILED),
        ("is already in the enrollment request", Verdict.FAILED),
        ("something new", Verdict.NOTE),
    ],
)
def test_locked_down_machine_with_a_key(locked_down, said, verdict):
    locked_down(said)
    assert verdicts()["key enrolment"] is verdict


@pytest.mark.parametrize(
    ("variables", "is_told"), [(None, False), ((), True), (("SecureBoot-1",), False)]
)
def test_a_firmware_that_tells_nothing(locked_down, tmp_path, monkeypatch, variables, is_told):
    """As on a real-time kernel; ``variables`` are None where there is no such firmware."""
    locked_down()
    directory = tmp_path / "efi" / "efivars"
    monkeypatch.setattr(signatures, "_SECURE_BOOT", directory / "SecureBoot-1")
    if variables is not None:
        directory.mkdir(parents=True)
        for name in variables:
            (directory / name).write_bytes(b"\6\0\0\0\1")
    assert ("firmware" in verdicts()) is is_told


def test_remedy_names_the_certificate(locked_down):
    certificate = locked_down("is not enrolled")
    enrolment = list(check_signatures(is_needed=True))[-1]
    assert f"mokutil --import {certificate};" in enrolment.remedy


def test_certificate_that_dkms_is_told_of(locked_down, tmp_path):
    named = tmp_path / "own.der"
    named.write_bytes(b"certificate")
    (tmp_path / "framework.conf").write_text(f'# x\nmok_certificate="{named}"\n')
    assert signatures.find_certificate() == named


def test_machine_that_takes_any_module(tmp_path, monkeypatch):
    (tmp_path / "lockdown").write_text("[none] integrity confidentiality\n")
    (tmp_path / "secure").write_bytes(b"\6\0\0\0\1")
    monkeypatch.setattr(signatures, "_LOCKDOWN", tmp_path / "lockdown")
    monkeypatch.setattr(signatures, "_ENFORCED", tmp_path / "absent")
    monkeypatch.setattr(signatures, "_SECURE_BOOT", tmp_path / "secure")
    assert verdicts() == {"signatures": Verdict.OK}


def test_remedies_speak_the_distribution_s_language(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    for tool in ("dnf", "apt-get"):
        (tmp_path / tool).touch(stat.S_IRWXU)
    assert install_command("dkms") == "apt-get install dkms"
    (tmp_path / "apt-get").unlink()
    assert (
        install_command("dkms", "linux-headers-6.1.0-9") == "dnf install dkms kernel-devel-6.1.0-9"
    )


@pytest.fixture
def host(tmp_path, monkeypatch):
    """A machine whose module is as ``machine`` is told; opening the device raises ``error``."""
    (tmp_path / "packaged").touch()

    def machine(installed=None, *, loaded=False, packaged=False, refused=False, error=None):
        def device():
            raise error

        monkeypatch.setattr(access, "installed_version", lambda: installed)
        monkeypatch.setattr(access, "is_loaded", lambda: loaded)
        monkeypatch.setattr(access, "_is_refused", lambda: refused)
        monkeypatch.setattr(access, "Device", device)
        monkeypatch.setattr(
            packages, "_SCRIPT", tmp_path / ("packaged" if packaged else "unpackaged")
        )

    return machine


LOAD = "sudo tracectl module load"
RELOAD = f"sudo tracectl module unload; {LOAD}"
OTHER = f"install version {__version__} of the package tracectl-dkms"


@pytest.mark.parametrize(
    ("installed", "packaged", "remedy"),
    [
        (None, False, "sudo tracectl module install"),
        (None, True, f"sudo dpkg-reconfigure tracectl-dkms; {LOAD}"),
        ("0.0.9", False, "sudo tracectl module install"),
        ("0.0.9", True, f"{OTHER}; {LOAD}"),
    ],
)
def test_remedy_for_a_module_that_is_not_installed(host, installed, packaged, remedy):
    host(installed, packaged=packaged)
    check = check_device()
    assert (check.verdict, check.remedy) == (Verdict.FAILED, remedy)


@pytest.mark.parametrize("packaged", [False, True])
def test_installed_module_has_but_to_be_loaded(host, packaged):
    host(__version__, packaged=packaged)
    check = check_device()
    assert (check.verdict, check.remedy) == (Verdict.NOTE, LOAD)


@pytest.mark.parametrize(
    ("installed", "packaged", "remedy"),
    [
        (__version__, True, RELOAD),
        (None, False, f"sudo tracectl module install; {RELOAD}"),
        ("0.0.9", True, f"{OTHER}; {RELOAD}"),
    ],
)
def test_remedy_for_a_loaded_module_of_another_abi(host, installed, packaged, remedy):
    host(installed, packaged=packaged, loaded=True, error=AbiError("another ABI"))
    check = check_device()
    assert (check.verdict, check.found, check.remedy) == (Verdict.FAILED, "another ABI", remedy)


@pytest.mark.parametrize("refused", [False, True])
@pytest.mark.parametrize(
    ("groups", "found", "remedy"),
    [
        (None, "there is no group tracectl", "sudo"),
        ([], "is not in the group tracectl", "sudo usermod -aG tracectl"),
        ([7], "a member of the group tracectl", "udevadm trigger"),
    ],
)
def test_who_may_use_the_device(host, monkeypatch, refused, groups, found, remedy):
    """One check tells that the device is not for this user, and what to do; ``groups`` are None
    where there is no group."""

    def getgrnam(name):
        if groups is None:
            raise KeyError(name)
        return grp.struct_group((name, "x", 7, []))

    host(__version__, loaded=True, refused=refused, error=AbiError("unopened"))
    monkeypatch.setattr(os, "geteuid", lambda: 65534)
    monkeypatch.setattr(os, "getgroups", lambda: groups or [])
    monkeypatch.setattr(grp, "getgrnam", getgrnam)
    permission = check_permission()
    assert found in permission.found
    if refused:
        assert check_device().verdict is Verdict.OK
        assert permission.verdict is Verdict.FAILED
        assert remedy in permission.remedy
    else:
        assert permission.verdict is (Verdict.OK if groups else Verdict.NOTE)


def test_installed_module_is_modinfo_s(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    modinfo = tmp_path / "modinfo"
    modinfo.touch(stat.S_IRWXU)
    modinfo.write_text('#!/bin/sh\n[ "$*" = "-F version tracectl" ] && echo 0.0.9\n')
    assert loading.installed_version() == "0.0.9"
    modinfo.write_text("#!/bin/sh\nexit 1\n")
    assert loading.installed_version() is None


def test_signing_key_is_made_by_who_may_install_the_module(locked_down, host):
    locked_down()
    for packaged, command in ((False, "tracectl module install"), (True, "dpkg-reconfigure")):
        host(packaged=packaged)
        key = list(check_signatures(is_needed=True))[-1]
        assert f"sudo {command}" in key.remedy


def test_compiler_of_the_kernel_s_headers(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_compiler() is None
    for tool in ("gcc-ar-12", "gcc-12"):
        (tmp_path / tool).touch(stat.S_IRWXU)
    assert find_compiler() == str(tmp_path / "gcc-12")


def test_a_fresh_machine_lacks_dkms_and_headers_at_once(monkeypatch):
    def no_dkms():
        raise UnsupportedError("dkms is not installed")

    def no_source():
        raise UnsupportedError("the module's source is not there")

    monkeypatch.setattr(build, "Dkms", no_dkms)
    monkeypatch.setattr(build, "find_source", no_source)
    monkeypatch.setattr(build, "releases_with_headers", list)
    for is_needed, verdict in ((True, Verdict.FAILED), (False, Verdict.NOTE)):
        checks = {check.name: check for check in check_build(dry=True, is_needed=is_needed)}
        for name in ("module source", "headers", "dkms"):
            assert checks[name].verdict is verdict


def test_kernels_that_may_be_booted_next(tmp_path):
    running = os.uname().release
    for release in (running, "1-headers", "2-none"):
        (tmp_path / release / "kernel").mkdir(parents=True)
    (tmp_path / "0-removed").mkdir()
    (tmp_path / "0-removed" / "modules.dep").touch()
    of_running, *others = check_headers(["1-headers"], failed, tmp_path)
    assert (of_running.name, of_running.verdict) == ("headers", Verdict.FAILED)
    assert [(check.name, check.verdict) for check in others] == [
        ("headers of 2-none", Verdict.NOTE)
    ]
    assert "headers-2-none" in others[0].remedy or "devel-2-none" in others[0].remedy


def test_a_directory_that_takes_no_capture_is_but_a_note(tmp_path):
    assert check_disk(tmp_path / "absent").verdict is Verdict.NOTE


@pytest.mark.parametrize(
    ("module", "signature", "code"),
    [
        (noted("module", "installed", "load it"), passed("signatures", "none"), 0),
        (noted("module", "installed", "load it"), failed("signatures", "none", "enrol"), 3),
        (failed("module", "absent", "install it"), passed("signatures", "none"), 3),
    ],
)
def test_exit_code_is_of_what_the_module_needs(monkeypatch, capsys, module, signature, code):
    """Headers are missing for all of them, and matter where the module is not installed."""
    needed = {}

    def signatures_of(*, is_needed):
        needed["signatures"] = is_needed
        return [signature]

    def build_of(*, dry, is_needed):
        return [(failed if is_needed else noted)("headers", "none", "install them")]

    monkeypatch.setattr(running_kernel, "check_kernel", list)
    monkeypatch.setattr(access, "check_device", lambda: module)
    monkeypatch.setattr(signatures, "check_signatures", signatures_of)
    monkeypatch.setattr(build, "check_build", build_of)
    assert main(["doctor", "--json"]) == code
    tree = json.loads(capsys.readouterr().out)
    assert tree["possible"] == (code == 0)
    assert needed["signatures"]


def test_json_has_the_keys_that_the_manual_promises(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "tracectl", "doctor", "--json", "--no-build", "--output", tmp_path],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    tree = json.loads(done.stdout)
    assert set(tree) == {"possible", "checks"}
    assert done.returncode == (0 if tree["possible"] else 3)
    for check in tree["checks"]:
        assert set(check) == {"name", "verdict", "found", "remedy"}
        assert check["verdict"] in ("ok", "not ok", "note")
        assert bool(check["remedy"]) == (check["verdict"] != "ok")
    names = [check["name"] for check in tree["checks"]]
    assert len(set(names)) == len(names)
    assert {"kernel", "module", "permission", "signatures", "disk", "guest"} <= set(names)
