"""A throw-away guest: boot, one command, its output and exit code, gone."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread

from tracectl.errors import GuestError, UnsupportedError
from tracectl.module.programs import path_with_sbin
from tracectl.vm.initramfs import build_initramfs
from tracectl.vm.kernel import Kernel, cache_directory
from tracectl.vm.shares import Share, escape, mount_lines, served
from tracectl.vm.userland import BYTECODE, PACKAGE, PYTHON

JOB = Path("/job")
"""Where the job directory is in the guest."""

_TAIL_LINES = 30
_PROBLEM = re.compile(r"WARNING: |BUG: |Oops|Kernel panic|rcu: INFO|general protection|INFO: task")
# What the emulated machine and the distribution's kernel say by themselves.
_HARMLESS = re.compile(r"unsupported hardware|Spectre|MDS CPU bug|BIOS bug")


@dataclass(frozen=True, slots=True)
class Options:
    """How a guest runs. ``icount``: one vCPU on which a nanosecond is an instruction; when it is
    idle its clock jumps to the next timer, or with ``icount_sleeps`` goes on with the host's.
    ``thread_a_cpu``: vCPUs run at the same time, not in turn. QEMU then may run a breakpoint that
    the kernel has patched away meanwhile, for ever: not while probes come and go on busy CPUs.
    ``root``: whose files it has, if the kernel has no userland. ``boot`` is added to the kernel's
    command line, ``qemu`` to the emulator's, where the last of an option counts."""

    smp: int = 2
    memory_mib: int = 2048
    timeout_s: float = 600
    icount: bool = False
    icount_sleeps: bool = False
    thread_a_cpu: bool = False
    module: Path | None = None
    boot: tuple[str, ...] = ()
    qemu: tuple[str, ...] = ()
    root: Path = Path("/")


@dataclass(frozen=True, slots=True)
class GuestResult:
    """``exit_code`` is the command's. ``problems`` are lines of the kernel's log that no healthy
    kernel writes."""

    exit_code: int
    console: str
    dmesg: str
    problems: list[str] = field(default_factory=list)


def run_guest(
    kernel: Kernel,
    argv: Sequence[str],
    job: Path,
    *,
    cwd: Path,
    env: Mapping[str, str],
    options: Options = Options(),
    stdout: int = 1,
    stderr: int = 2,
) -> GuestResult:
    """Runs ``argv`` in ``cwd`` under ``kernel``, on the machine's own files.

    A kernel with a userland has that instead, and of the machine's files those below ``cwd``, where
    the userland has no such directory of its own.

    The directory ``job`` is /job in the guest and the only place whose changes stay. GuestError
    when the guest panics, hangs or does not come up.
    """
    machine = kernel.machine
    if shutil.which(machine.qemu) is None:
        raise UnsupportedError(
            f"a guest needs {machine.qemu}, which is not installed: "
            f"apt-get install {machine.qemu_package}"
        )
    shares = _shares(kernel, options.root, job, cwd)
    if kernel.userland is not None:
        env = {**env, "PYTHONPYCACHEPREFIX": str(BYTECODE)}
    # Whoever asked for it, it runs as root.
    _write_job(job, argv, cwd, {**env, "PATH": path_with_sbin(env)})
    with _Pump(stdout) as out, _Pump(stderr) as err:
        return _run(kernel, job, shares, options, (out, err))


def python_of(kernel: Kernel) -> str:
    """The interpreter in its guest that has this package."""
    return sys.executable if kernel.userland is None else PYTHON


def _shares(kernel: Kernel, root: Path, job: Path, cwd: Path) -> list[Share]:
    shares = [
        Share("root", Path("/"), kernel.userland or root),
        Share("modules", Path("/lib/modules") / kernel.release, kernel.modules),
        Share("job", JOB, job, is_writable=True),
    ]
    if kernel.userland is not None:
        package = Path(__file__).parents[1]
        bytecode = cache_directory() / "bytecode"
        bytecode.mkdir(exist_ok=True)
        shares += [
            Share("package", PACKAGE, package),
            Share("bytecode", BYTECODE, bytecode, is_writable=True),
        ]
        if not (kernel.userland / cwd.relative_to("/")).exists():
            shares.append(Share("cwd", cwd, cwd))
    return shares


def _run(
    kernel: Kernel,
    job: Path,
    shares: Sequence[Share],
    options: Options,
    streams: tuple[int, int],
) -> GuestResult:
    with tempfile.TemporaryDirectory(prefix="tracectl-vm-") as temporary:
        work = Path(temporary)
        (work / "initramfs").write_bytes(
            build_initramfs(kernel, mount_lines(shares), options.module)
        )
        command = _qemu_command(kernel, work, options, streams)
        for attempt in range(2):
            files = work / f"files-{attempt}"
            files.mkdir()
            with served(kernel, shares, options.memory_mib, files) as more:
                boot = [*command, *more, *options.qemu]
                exit_code = _boot(boot, work, job, options.timeout_s, streams)
            # One boot in a dozen of some kernels ends early under emulation.
            if exit_code is not None or attempt or (job / "started").exists():
                break
        console = _read(work / "console")
    if exit_code is None:
        raise GuestError(_what_happened(console))
    dmesg = _read(job / "dmesg")
    return GuestResult(exit_code, console, dmesg, find_problems(console + dmesg))


class _Pump:
    """A pipe whose bytes go to ``fd``. As a context manager it is the end to write to.

    qemu takes a descriptor only with just the access mode that it wants, which a terminal's, open
    for reading too, does not have.
    """

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._read_end, self._write_end = os.pipe()
        self._thread = Thread(target=self._copy, daemon=True)

    def __enter__(self) -> int:
        self._thread.start()
        return self._write_end

    def __exit__(self, *_: object) -> None:
        os.close(self._write_end)
        self._thread.join()
        os.close(self._read_end)

    def _copy(self) -> None:
        while data := os.read(self._read_end, 1 << 16):
            while data:
                try:
                    data = data[os.write(self._fd, data) :]
                except OSError:
                    # The reader went away, as "| head" does; the guest goes on all the same.
                    break


def find_problems(log: str) -> list[str]:
    """Lines of a kernel log that tell of a warning, an oops or a stall."""
    return [
        line
        for line in dict.fromkeys(log.splitlines())
        if _PROBLEM.search(line) and not _HARMLESS.search(line)
    ]


def _write_job(job: Path, argv: Sequence[str], cwd: Path, env: Mapping[str, str]) -> None:
    for name in ("status", "started", "dmesg"):
        (job / name).unlink(missing_ok=True)
    pairs = [f"{name}={value}" for name, value in env.items()]
    (job / "command").write_text(
        f"cd {shlex.quote(str(cwd))} || exit 126\n"
        f"exec {shlex.join(['env', '-i', *pairs, *argv])}\n",
        encoding="utf8",
        errors="surrogateescape",
    )


def _qemu_command(
    kernel: Kernel,
    work: Path,
    options: Options,
    streams: tuple[int, int],
) -> list[str]:
    machine = kernel.machine
    accel, smp = f"tcg,thread={'multi' if options.thread_a_cpu else 'single'}", options.smp
    cpu = ",-".join([machine.cpu, *machine.lacks])
    if options.icount:
        accel, smp, cpu = "tcg", 1, machine.cpu
    boot = [*machine.boot, "quiet", "loglevel=4", "panic=-1", "panic_on_warn=1", "oops=panic"]
    # What hangs ends with its call trace, not with the run's time limit; a guest that shares its
    # CPU with others may stand still for half a minute.
    boot += ["softlockup_panic=1", "watchdog_thresh=30", "sysctl.kernel.panic_on_rcu_stall=1"]
    boot += ["rcupdate.rcu_cpu_stall_timeout=60"]
    boot += ["mitigations=off", *options.boot]
    # A guest must not outlive the tool, not even when that is killed.
    command = ["setpriv", "--pdeathsig", "KILL", "--", machine.qemu]
    command += ["-machine", machine.board, "-cpu", cpu, "-accel", accel, "-smp", str(smp)]
    command += ["-m", str(options.memory_mib), "-nodefaults", "-no-user-config", "-no-reboot"]
    command += ["-display", "none", "-kernel", str(kernel.vmlinuz)]
    command += ["-initrd", str(work / "initramfs"), "-append", " ".join(boot)]
    command += ["-serial", f"file:{escape(work / 'console')}"]
    command += ["-device", "virtio-rng-pci", "-device", "virtio-serial-pci"]
    for name, fd in zip(("stdout", "stderr"), streams, strict=True):
        command += ["-add-fd", f"fd={fd},set={fd}"]
        command += ["-chardev", f"file,id={name},path=/dev/fdset/{fd},append=on"]
        command += ["-device", f"virtserialport,chardev={name},name={name}"]
    if options.icount:
        command += ["-icount", f"shift=0,sleep={'on' if options.icount_sleeps else 'off'}"]
    return command


def _boot(
    command: Sequence[str], work: Path, job: Path, timeout_s: float, fds: tuple[int, int]
) -> int | None:
    """The command's exit code, or None if the guest ended without one. GuestError when it hangs or
    qemu itself refuses."""
    with (
        (work / "qemu").open("wb") as said,
        subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            pass_fds=fds,
            start_new_session=True,
        ) as qemu,
    ):
        try:
            code = qemu.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise GuestError(
                f"the guest did not end within {timeout_s:.0f} s\n{_tail(_read(work / 'console'))}"
            ) from None
        finally:
            qemu.kill()
    if code:
        raise GuestError(f"the guest's emulator failed: {_tail(_read(work / 'qemu'))}")
    status = _read(job / "status").strip()
    return int(status) if status else None


def _what_happened(console: str) -> str:
    panic = re.search(r"^.*Kernel panic - not syncing: (.*)", console, re.MULTILINE)
    if panic is None:
        return f"the guest ended before its command did\n{_tail(console)}"
    # What led to it comes before, its call trace after it.
    before, after = console[: panic.start()], console[panic.start() :]
    trace = "\n".join(after.splitlines()[:_TAIL_LINES])
    return f"the guest's kernel panicked: {panic[1]}\n{_tail(before)}\n{trace}"


def _tail(text: str) -> str:
    return "\n".join(text.rstrip().splitlines()[-_TAIL_LINES:])


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
