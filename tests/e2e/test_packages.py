"""The Debian packages and 'tracectl module install' on clean machines of bookworm and forky.

Installing, upgrading and removing run in the machine's root file system, entered from here: DKMS
compiles, which would take many minutes in an emulated guest. What needs the machine's own kernel
(the load at boot, udev's rule, recording, the service, purging a module in use) runs in a guest
booted from that root.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys

import pytest

from tracectl import __version__
from tracectl.capture.reader import open_capture
from tracectl.vm.initramfs import read_module
from user_root import add_broken_kernel, add_kernel, add_kernel_without, copy_of, remove_kernel

pytestmark = [pytest.mark.guest, pytest.mark.slow]

NEWER = f"{__version__}.1"
PACKAGES = ("tracectl", "tracectl-dkms")
BUILDER = {"DEBFULLNAME": "Alice", "DEBEMAIL": "alice@example.net"}
BROKEN = "0.0.0-broken"
WHY = "fatal error: linux/relay.h: No such file or directory"
LACKING = "0.0.0-lacking"
LACKS = "the kernel is configured without CONFIG_RELAY"


@pytest.fixture(scope="module")
def debs(tmp_path_factory, repo):
    """By version, the directory with both packages. lintian must be silent. NEWER has a maintainer
    that the builder named."""
    built = tmp_path_factory.mktemp("debs")
    subprocess.run(["make", "-C", repo, "man"], check=True)
    for version, named in ((__version__, {"DEBEMAIL": ""}), (NEWER, BUILDER)):
        done = subprocess.run(
            [sys.executable, repo / "packaging/deb.py", "--version", version, built / version],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
            env=os.environ | named,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout
        assert not [line for line in done.stdout.splitlines() if line[:3] in ("E: ", "W: ", "I: ")
                    and not line.startswith("I: pybuild")]  # fmt: skip
    return {version: built / version for version in (__version__, NEWER)}


@pytest.fixture(scope="module", params=["bookworm", "forky"])
def root(request):
    """Each test leaves it as it was, and says so."""
    copy = copy_of(request.param)
    yield copy
    shutil.rmtree(copy.path)


def install(root, debs) -> str:
    for deb in debs.glob("*.deb"):
        shutil.copy(deb, root.path / "tmp")
    said = root.check("dpkg", "-i", *(f"/tmp/{deb.name}" for deb in debs.glob("*.deb")))
    assert root.check("dpkg", "--audit") == ""
    return said


def maintainers(root) -> set[str]:
    return set(root.check("dpkg-query", "-W", "-f", "${Maintainer}\\n", *PACKAGES).splitlines())


def status(root) -> list[str]:
    return root.check("dkms", "status", "-m", "tracectl").splitlines()


def module_of(root, release):
    (path,) = (root.path / "lib/modules" / release / "updates/dkms").glob("tracectl.ko*")
    return path


def test_install_upgrade_record_purge(root, debs, tmp_path):
    release = root.kernel().release
    before = root.state()
    assert f"tracectl-dkms: installed for {release}\n" in install(root, debs[__version__])
    assert status(root) == [f"tracectl/{__version__}, {release}, x86_64: installed"]
    assert maintainers(root) == {"tracectl maintainers <maintainers@tracectl.invalid>"}
    assert f"tracectl-dkms: installed for {release}\n" in install(root, debs[NEWER])
    assert status(root) == [f"tracectl/{NEWER}, {release}, x86_64: installed"]
    assert maintainers(root) == {"Alice <alice@example.net>"}
    assert root.check("tracectl", "--version") == f"tracectl {NEWER}\n"
    compiled = "from tracectl import walk; print(walk.compiled is not None)"
    assert root.check("python3", "-c", compiled) == "True\n"
    # DKMS made a key and signed with it.
    assert read_module(module_of(root, release)).endswith(b"~Module signature appended~\n")
    check_kernel_hook(root, release)
    check_unit(root)
    refused = root.run("tracectl", "module", "remove")
    assert refused.returncode == 3
    assert "'apt-get purge tracectl-dkms' removes it" in refused.stdout
    check_in_guest(root, debs[__version__].glob("*.deb"), tmp_path)
    shutil.copy(tmp_path / "alice.trace", root.path / "tmp")
    # With the versions of construct, numpy and zstandard that this suite has.
    assert "execve" in root.check("tracectl", "report", "/tmp/alice.trace")
    assert "/etc/ld.so.cache" in root.check("tracectl", "print", "/tmp/alice.trace")
    root.check("tracectl", "verify", "/tmp/alice.trace")
    root.check("dpkg", "--purge", *PACKAGES)
    assert status(root) == []
    assert root.state() == before


def check_kernel_hook(root, release):
    """A kernel that comes later."""
    root.check("dkms", "unbuild", f"tracectl/{NEWER}", "-k", release)
    assert status(root) == [f"tracectl/{NEWER}: added"]
    assert f"tracectl-dkms: installed for {release}\n" in run_kernel_hooks(root, release)
    assert status(root) == [f"tracectl/{NEWER}, {release}, x86_64: installed"]
    assert "tracectl" not in run_kernel_hooks(root, release)


def run_kernel_hooks(root, release) -> str:
    """As the package of its headers does, whose installation fails with them."""
    hooks = "/etc/kernel/header_postinst.d"
    return root.check("run-parts", "--exit-on-error", f"--arg={release}", hooks)


def check_unit(root):
    unit = "tracectl-flight.service"
    assert root.run("systemctl", "is-enabled", unit).stdout == "disabled\n"
    root.check("systemd-analyze", "verify", "--man=no", unit)
    # A tenth of the scale's points, from 0 (nothing is allowed) to 100.
    root.check("systemd-analyze", "security", "--offline=yes", "--threshold=20", unit)


GUEST = """
try() { name=$1; shift; "$@" >"/job/$name" 2>&1; echo $? >"/job/$name.code"; }
as() { user=$1; shift; setpriv --reuid $user --regid $user --init-groups -- "$@"; }
is_tracing() { tracectl status | grep -q tracing; }
useradd alice
useradd bob
usermod -aG tracectl alice
SYSTEMD
on udevadm wait /dev/tracectl
try device stat -c '%U %G %a' /dev/tracectl
try member as alice tracectl record -o /tmp/alice.trace -- ls /
cp /tmp/alice.trace /job
try member_start as alice tracectl start -o /tmp/all.trace
try member_stop as alice tracectl stop
try stranger as bob tracectl record -o /tmp/bob.trace -- ls /
usermod -aG tracectl bob
try joined setpriv --reuid bob --regid bob --clear-groups tracectl record -o /tmp/bob.trace -- ls /
try nothing ls /tmp/bob.trace

try flight on systemctl start tracectl-flight
wait_until is_tracing
try snapshot tracectl snapshot /job/flight.trace
try member_snapshot as alice tracectl snapshot /tmp/alice-flight.trace
try member_meddles as alice tracectl stop
try flight_stop on systemctl stop tracectl-flight
try flight_end on systemctl show --property=Result,NRestarts tracectl-flight
on systemctl start tracectl-flight
wait_until is_tracing

# Another version, here the one before; compiling it would take many minutes in a guest.
build=$(echo /lib/modules/*/build)
mv $build $build.away
try other on dpkg --force-unsafe-io -i /job/*.deb
mv $build.away $build
try goes_on tracectl snapshot /job/over.trace
try device_after stat -c '%U %G %a' /dev/tracectl
try listed modinfo -F version tracectl
on systemctl stop tracectl-flight
rmmod tracectl
ko=$(echo /lib/modules/*/updates/dkms/tracectl.ko*)
mv $ko $ko.away
before=$(cut -d. -f1 /proc/uptime)
try without on systemctl start tracectl-flight
echo $(($(cut -d. -f1 /proc/uptime) - before)) >/job/without.seconds
mv $ko.away $ko
on systemctl start tracectl-flight
wait_until is_tracing

try purge on dpkg --force-unsafe-io --purge tracectl tracectl-dkms
try purged ls -d /sys/module/tracectl /dev/tracectl /lib/modules/*/updates /var/lib/tracectl
try group getent group tracectl
try user getent passwd tracectl
try dkms dkms status -m tracectl
echo tracectl >/etc/modules-load.d/left.conf
try missing on systemctl restart systemd-modules-load
"""


def check_in_guest(root, other_debs, tmp_path):
    """The module is loaded at boot; another version comes, and all is purged, while the flight
    recorder uses it."""
    for deb in other_debs:
        shutil.copy(deb, tmp_path)
    result = root.boot(GUEST, tmp_path)
    assert result.exit_code == 0
    assert not result.problems

    def told(name: str) -> tuple[int, str]:
        text = (tmp_path / name).read_text()
        assert "Traceback" not in text
        return int((tmp_path / f"{name}.code").read_text()), text

    assert told("device") == (0, "root tracectl 660\n")
    for name in ("member", "member_start", "member_stop"):
        assert told(name)[0] == 0, told(name)
    refused = "no permission to open /dev/tracectl; root and the group 'tracectl' may"
    join = "'sudo usermod -aG tracectl bob' adds bob, from the next login on"
    assert told("stranger") == (3, f"tracectl: {refused}; {join}\n")
    assert told("joined") == (3, f"tracectl: {refused}, which bob is in from the next login on\n")
    assert told("nothing")[0] == 2

    for name in ("flight", "snapshot", "member_snapshot", "flight_stop"):
        assert told(name)[0] == 0, told(name)
    code, said = told("member_meddles")
    assert code == 1, said
    assert re.fullmatch(
        r"tracectl: the session can be stopped only by its owner "
        r"\(pid \d+, tracectl, uid \d+\) or by root\n",
        said,
    )
    assert told("flight_end") == (0, "Result=success\nNRestarts=0\n")
    with open_capture(tmp_path / "flight.trace") as capture:
        assert capture.metadata.config.is_flight
        assert list(capture.iter_chunks())

    code, said = told("other")
    assert code == 0, said
    stays = "stays loaded until 'tracectl module unload' or the next boot"
    assert f"tracectl-dkms: version {NEWER} {stays}\n" in said
    assert told("goes_on")[0] == 0, told("goes_on")
    assert told("device_after") == told("device")
    with open_capture(tmp_path / "over.trace") as capture:
        assert list(capture.iter_chunks())
    # What was kept is there for the next boot.
    assert told("listed") == (0, f"{NEWER}\n")
    assert told("without")[0] == 1
    assert int((tmp_path / "without.seconds").read_text()) < 60

    code, said = told("purge")
    assert code == 0, said
    assert "userdel" not in said
    assert "in use" not in said
    assert told("purged")[1].count("No such file") == 4, told("purged")
    assert told("group") == told("user") == (2, "")
    assert told("dkms") == (0, "")
    assert told("missing")[0] == 0, "a boot without the module fails"


def test_a_kernel_that_the_module_does_not_compile_for(root, debs):
    """It is named in a sentence; neither dpkg nor the other kernel minds; what it had stays."""
    release = root.kernel().release
    before = root.state()
    header = add_broken_kernel(root, BROKEN)
    add_kernel_without(root, LACKING, "CONFIG_RELAY")
    said = install(root, debs[__version__])
    assert complaints(said) == [
        f"tracectl-dkms: the module does not compile for {BROKEN}: {WHY}",
        f"tracectl-dkms: the module does not compile for {LACKING}: {LACKS}",
    ]
    remove_kernel(root, LACKING)
    assert status(root) == [f"tracectl/{__version__}, {release}, x86_64: installed"]
    assert complaints(run_kernel_hooks(root, BROKEN)) == [
        f"tracectl-dkms: the module does not compile for {BROKEN}: {WHY}"
    ]

    (good,) = root.path.glob("usr/src/linux-headers-[1-9]*-common/include/linux/relay.h")
    old = module_of(root, release).read_bytes()
    good.rename(header)
    said = install(root, debs[NEWER])
    assert complaints(said) == [f"tracectl-dkms: the module does not compile for {release}: {WHY}"]
    assert status(root) == [f"tracectl/{NEWER}, {BROKEN}, x86_64: installed"]
    assert module_of(root, release).read_bytes() == old
    assert version_for(root, release) == __version__

    root.check("dpkg", "--purge", *PACKAGES)
    header.rename(good)
    remove_kernel(root, BROKEN)
    assert status(root) == []
    assert root.state() == before


def complaints(said: str) -> list[str]:
    """Without the place in our source that the compiler names."""
    lines = [line for line in said.splitlines() if "compile" in line]
    return [re.sub(r" relay\.h:[0-9:]+ fatal", " fatal", line) for line in lines]


def test_module_install_from_a_wheel(root, wheel):
    release = root.kernel().release
    before = root.state()
    prefix = root.path / "opt/tracectl"
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-compile",
         "--ignore-installed", "--prefix", prefix, wheel], check=True,
    )  # fmt: skip
    (packages,) = prefix.glob("lib/python*/site-packages")

    def tracectl(*argv):
        path = f"/{packages.relative_to(root.path)}"
        return root.run("python3", "-B", "-m", "tracectl", *argv, PYTHONPATH=path)

    add_kernel_without(root, LACKING, "CONFIG_RELAY")
    done = tracectl("module", "install", "--no-load", "--kernel", LACKING)
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        f"tracectl: building for {LACKING}",
        f"tracectl: {LACKING}: the module does not compile: {LACKS}; nothing was changed",
    ]
    assert status(root) == []
    remove_kernel(root, LACKING)

    add_broken_kernel(root, BROKEN)
    done = tracectl("module", "install", "--no-load")
    assert done.returncode == 1
    assert f"tracectl: {release}: installed\n" in done.stdout
    assert [line for line in done.stdout.splitlines() if WHY in line] == [
        f"tracectl: {BROKEN}: does not compile: relay.h:5:15: {WHY}"
    ]
    installed = [f"tracectl/{__version__}, {release}, x86_64: installed"]
    assert status(root) == installed
    assert read_module(module_of(root, release)).endswith(b"~Module signature appended~\n")
    assert root.run("getent", "group", "tracectl").returncode == 0
    for made in ("udev/rules.d/60-tracectl.rules", "modules-load.d/tracectl.conf"):
        assert "tracectl" in (root.path / "etc" / made).read_text()

    old = module_of(root, release).read_bytes()
    done = tracectl("module", "install", "--no-load", "--kernel", BROKEN)
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1] == (
        f"tracectl: {BROKEN}: the module does not compile: relay.h:5:15: {WHY}; nothing was changed"
    )
    assert status(root) == installed
    assert module_of(root, release).read_bytes() == old

    check_versions(root, release, prefix, tracectl)
    assert tracectl("module", "remove").returncode == 0
    assert status(root) == []
    shutil.rmtree(prefix)
    assert root.state() == before


def check_versions(root, release, prefix, tracectl):
    """A kernel that the newer module does not compile for, or that it was not asked for, keeps the
    older one, under DKMS."""
    other = "0.0.0-other"
    header = add_kernel(root, other).with_name(f"linux-headers-{other}-common")
    header /= "include/linux/relay.h"
    text = header.read_text()
    remove_kernel(root, BROKEN)
    assert tracectl("module", "install", "--no-load").returncode == 0
    old = module_of(root, other).read_bytes()

    header.unlink()
    (conf,) = prefix.glob("share/tracectl/module/dkms.conf")
    conf.write_text(conf.read_text().replace(f'"{__version__}"', f'"{NEWER}"'))
    assert tracectl("module", "install", "--no-load").returncode == 1
    mixed = [
        f"tracectl/{__version__}, {other}, x86_64: installed",
        f"tracectl/{NEWER}, {release}, x86_64: installed",
    ]
    assert status(root) == mixed
    assert module_of(root, other).read_bytes() == old
    assert version_for(root, other) == __version__
    assert version_for(root, release) == NEWER

    header.write_text(text)
    assert tracectl("module", "install", "--no-load", "--kernel", release).returncode == 0
    assert status(root) == mixed
    assert tracectl("module", "install", "--no-load").returncode == 0
    assert status(root) == [
        f"tracectl/{NEWER}, {kernel}, x86_64: installed" for kernel in (other, release)
    ]
    assert version_for(root, other) == NEWER
    assert not (root.path / "usr/src" / f"tracectl-{__version__}").exists()
    remove_kernel(root, other)


def version_for(root, release) -> str:
    return root.check("modinfo", "-k", release, "-F", "version", "tracectl").strip()
