"""A recording from configure to end block, as ``record`` and ``start`` make it."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType

from tracectl.abi.control import ConfigFlag
from tracectl.abi.totals import CpuTotals
from tracectl.capture.metadata import (
    Chosen,
    Config,
    EndBlock,
    Host,
    Metadata,
    Module,
    Moment,
    OpenFiles,
    Task,
)
from tracectl.capture.writer import CaptureWriter
from tracectl.cli.calibration import load_calibration
from tracectl.cli.chosen import chosen_by, chosen_until
from tracectl.cli.plan import Plan
from tracectl.cli.summary import Summary, summary_of
from tracectl.errors import CaptureError, DeviceError
from tracectl.kernel.device import Device, Status
from tracectl.kernel.files import iter_opened
from tracectl.kernel.reads import pack_reads
from tracectl.kernel.recorder import Recorder
from tracectl.kernel.shapes import shapes_of
from tracectl.kernel.tasks import find_cgroups, iter_tasks
from tracectl.tables.table import load_tables

_NO_FLAGS = ConfigFlag(0)


class Recording:
    """An armed session with its file, ``output``. Leave it as a context manager: the session ends
    with it."""

    def __init__(self, device: Device, plan: Plan, output: Path) -> None:
        self.output = output
        self._device = device
        self._stack = ExitStack()
        # Before the file is touched: it may be the one that a session is being written to.
        session_id = arm(device, plan, label=str(output))
        self._stack.callback(self._stop)
        self._session_id, self._terms = session_id, plan.terms
        try:
            metadata = describe(config_of(plan), device, session_id, with_paths=not plan.redact)
            self._writer = self._stack.enter_context(
                CaptureWriter(output, metadata, compress=plan.compress)
            )
            self._recorder = self._stack.enter_context(
                Recorder(device, plan.subbuf_bytes, plan.subbuf_count)
            )
        except BaseException:
            self._stack.close()
            raise

    def __enter__(self) -> Recording:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stack.close()

    @property
    def size_bytes(self) -> int:
        """Of the file, so far."""
        return self._writer.size_bytes

    def status(self) -> Status:
        return self._device.status()

    def resume(self) -> None:
        self._device.resume()

    def run(self, is_done: Callable[[], bool], reason: str, wake_fd: int | None = None) -> Summary:
        """Records until ``is_done()``, for which ``reason`` stands in the file, or until the
        session is stopped by another process; then ends the file.

        CaptureError when the file cannot be written any further: what is in it stays readable.
        """
        try:
            if not self._recorder.run(self._writer, is_done, wake_fd):
                reason = "stopped"
            self._stop()
            end = self._end(reason, self._recorder.drain(self._writer))
            self._writer.write_end(end)
        except CaptureError:
            self._stop()
            end = self._end(self._writer.failure, self._recorder.counters())
            # It is small, and what failed was cut off: there may be room.
            with suppress(CaptureError):
                self._writer.write_end(end)
            raise
        return summary_of(self.output, end, self._writer.size_bytes)

    def _end(self, reason: str, counters: list[CpuTotals]) -> EndBlock:
        return EndBlock(reason, [moment_of(self._device)], counters, self._chosen())

    def _chosen(self) -> Chosen:
        status = self._device.status()
        # Stopped by another process, it may have a successor already.
        if status.session_id != self._session_id:
            return chosen_by(self._terms)
        return chosen_until(status, self._terms)

    def _stop(self) -> None:
        # ENXIO: somebody else stopped it.
        with suppress(DeviceError):
            self._device.stop()


def arm(device: Device, plan: Plan, *, label: str, flags: ConfigFlag = _NO_FLAGS) -> int:
    """Configures the session of ``plan``; answers its id."""
    tables = load_tables()
    return device.configure(
        shapes_of(tables),
        classes=plan.classes,
        subbuf_bytes=plan.subbuf_bytes,
        subbuf_count=plan.subbuf_count,
        target_pid=plan.target_pid,
        flags=flags,
        terms=plan.terms,
        reads=pack_reads(tables, plan.wanted) if plan.wanted else None,
        redact=plan.redact,
        label=label,
    )


def config_of(plan: Plan) -> Config:
    return Config(
        classes=int(plan.classes),
        subbuf_bytes=plan.subbuf_bytes,
        subbuf_count=plan.subbuf_count,
        target_pid=plan.target_pid,
        # It may name what is not to be told.
        command=list(plan.command) if plan.command and not plan.redact else None,
        is_partial=bool(plan.target_pid) or plan.terms.has_threads,
        recorder_pid=os.getpid(),
        chosen=chosen_by(plan.terms),
    )


def describe(
    config: Config, device: Device, session_id: int, *, with_paths: bool = True
) -> Metadata:
    """The metadata of a capture that begins now."""
    uname = os.uname()
    tables = load_tables()
    tasks = [Task(*task) for task in iter_tasks()]
    recorded = _recorded(tasks, config.target_pid) if with_paths else []
    if not with_paths:
        tasks = [replace(task, exe="") for task in tasks]
    return Metadata(
        session_id=session_id,
        host=Host(uname.nodename, uname.release, uname.machine, _boot_id()),
        module=Module(device.info.version, device.info.build_id),
        clocks=[moment_of(device)],
        config=config,
        cpus=device.info.cpus,
        tables={name: table.to_json() for name, table in tables.items()},
        shapes=shapes_of(tables),
        tasks=tasks,
        opened=[OpenFiles(*one) for one in iter_opened(recorded)],
        cgroups=find_cgroups(),
        calibration=load_calibration(device.info),
    )


def _recorded(tasks: list[Task], target_pid: int) -> list[int]:
    """The processes that are recorded: all, or ``target_pid`` and its descendants."""
    if not target_pid:
        return [task.tgid for task in tasks if task.tid == task.tgid]
    found = [target_pid]
    for tgid in found:
        found += [task.tgid for task in tasks if task.ppid == tgid and task.tid == task.tgid]
    return found


def moment_of(device: Device) -> Moment:
    """Now."""
    clocks = device.clocks()
    return Moment(clocks.trace_ns, clocks.mono_ns, clocks.real_ns)


def _boot_id() -> str:
    with suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return ""
