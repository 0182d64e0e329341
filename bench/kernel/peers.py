"""The other tracers: how each is started and stopped in the guest, and what it recorded counted."""

from __future__ import annotations

import subprocess
from functools import partial
from pathlib import Path

from bench import peer_root
from bench.kernel.rows import Check, NotRecordedError, Recorded, Row, Tool
from bench.kernel.work import Work
from tracectl.module.dkms import enter_root

MIX = 8000
"""Half a million events: what peers hold in their large buffers, and not in their default ones."""
_SCALE = 4

# What of an event's neighbours is traced with it differs; a tracer that missed one in twenty, and
# did not tell, is not measured.
_MISSED = 0.95

PRELUDE = """\
mkdir -p "$root/job"
for directory in proc sys dev job; do mount --rbind /$directory "$root/$directory"; done
mount -t tmpfs run "$root/run"
mount -t tmpfs tmp "$root/tmp"
# exec: in the background, the shell's $! is the tracer itself.
spawn() { exec chroot "$root" sh -c 'cd /dev/shm/row; exec "$@"' sh "$@"; }
peer() { (spawn "$@"); }
await() { until "$@"; do sleep 0.1; done; }
interrupt() { kill -INT "$1"; wait "$1" || true; }
"""


def _tool(name: str, setup: str, *rows: Row) -> Tool:
    return Tool(name, PRELUDE + setup, rows)


def counted(file: str, shell: str, *, events_per_call: int = 2) -> Check:
    """A check with ``shell``, which runs beside what the row left, in the peers' root, and prints
    how many events there are and how many were lost. ``file``, or the directory of it, holds the
    events; empty for none."""
    return partial(_count, file=file, shell=shell, events_per_call=events_per_call)


def _count(directory: Path, work: Work, *, file: str, shell: str, events_per_call: int) -> Recorded:
    root = peer_root.directory()
    inside = f"cd /{directory.relative_to(root)} && {shell}"
    done = subprocess.run(
        [*enter_root(root), "sh", "-c", inside], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise NotRecordedError(f"it cannot be read: {(done.stderr or done.stdout)[-500:]}")
    events, lost = (int(word) for word in done.stdout.split())
    made = events_per_call * sum(work.calls.values())
    if not events or events + lost < _MISSED * made:
        raise NotRecordedError(f"{events} events and {lost} lost of at least {made}")
    return Recorded(events, lost, _size_bytes(directory / file) if file else None)


def _size_bytes(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())


def _lttng(name: str, *commands: str) -> Row:
    start = ["lttng create bench --output=/dev/shm/row/trace", *commands]
    start += ["lttng start"]
    return Row(
        name,
        "\n".join(f"peer {command} >>lttng.log" for command in start),
        "peer lttng stop >>lttng.log\npeer lttng destroy bench >>lttng.log",
        counted(
            "trace",
            "babeltrace2 trace 2>said | wc -l; "
            r"sed -n 's/.*discarded \([0-9]*\) event.*/\1/p' said | "
            "awk '{n += $1} END {print n+0}'",
        ),
        scale=_SCALE,
        mix=MIX,
    )


_ALL = "lttng enable-event --kernel --syscall --all"
_LARGE = "lttng enable-channel --kernel --subbuf-size=4M --num-subbuf=16 large"
_IDS = "lttng add-context --kernel --channel=large --type=tid --type=pid"
_VIRTUAL_IDS = "lttng add-context --kernel --channel=large --type=vtid --type=vpid"
_IN_LARGE = f"{_ALL} --channel=large"

LTTNG = _tool(
    "LTTng",
    "mkdir /dev/shm/row; peer lttng-sessiond --daemonize; rmdir /dev/shm/row",
    _lttng("lttng", _ALL),
    _lttng("lttng_large", _LARGE, _IN_LARGE),
    _lttng("lttng_tid_pid", _LARGE, _IDS, _IN_LARGE),
    _lttng("lttng_vtid_vpid", _LARGE, _VIRTUAL_IDS, _IN_LARGE),
)


def _ftrace(name: str, size_kb: int) -> Row:
    """Its buffer overwrites the oldest; what it holds is read at the end."""
    tracing = "/sys/kernel/tracing"
    return Row(
        name,
        f"echo {size_kb} >{tracing}/buffer_size_kb; echo >{tracing}/trace\n"
        f"echo 1 >{tracing}/events/raw_syscalls/enable",
        f"echo 0 >{tracing}/events/raw_syscalls/enable\n"
        f"cat {tracing}/per_cpu/cpu0/stats >stats\n"
        f"cat {tracing}/per_cpu/cpu0/trace_pipe_raw >raw & reader=$!\n"
        f"await grep -q '^entries: 0' {tracing}/per_cpu/cpu0/stats; kill $reader",
        counted(
            "raw",
            "awk '/^entries/ {n += $NF} /^(overrun|dropped)/ {lost += $NF} "
            "END {print n, lost+0}' stats",
        ),
        scale=_SCALE,
        mix=MIX,
    )


FTRACE = _tool("ftrace", "", _ftrace("ftrace", 1408), _ftrace("ftrace_large", 65536))


def _trace_cmd(name: str, options: str = "") -> Row:
    return Row(
        name,
        "",
        "",
        counted(
            "trace.dat",
            "trace-cmd report trace.dat 2>said >text; grep -c ' sys_e' text; "
            r"sed -n 's/.*\[\([0-9]*\) EVENTS DROPPED\].*/\1/p' text said | "
            "awk '{n += $1} END {print n+0}'; rm text",
        ),
        prefix=f"peer trace-cmd record -o trace.dat -e raw_syscalls {options}",
        scale=_SCALE,
        mix=MIX,
    )


TRACE_CMD = _tool(
    "trace-cmd", "", _trace_cmd("trace_cmd"), _trace_cmd("trace_cmd_large", "-b 65536")
)


def _perf(name: str, options: str = "") -> Row:
    return Row(
        name,
        "",
        "",
        counted(
            "perf.data",
            "perf script -i perf.data --show-lost-events -F event 2>said >text; "
            "grep -c raw_syscalls text; grep LOST text said | awk '{n += $NF} END {print n+0}'; "
            "rm text",
        ),
        prefix=f"peer perf record -q -a -o perf.data -e 'raw_syscalls:*' {options}",
        scale=_SCALE,
        mix=MIX,
    )


PERF = _tool("perf record", "", _perf("perf_record"), _perf("perf_record_large", "-m 64M"))

PERF_TRACE = _tool(
    "perf trace",
    "",
    Row(
        "perf_trace",
        "",
        "",
        counted(
            "text",
            r"grep -c ') *= ' text; sed -n 's/.*LOST \([0-9]*\) events.*/\1/p' text | "
            "awk '{n += $1} END {print n+0}'",
            events_per_call=1,
        ),
        prefix="peer perf trace -a -o text",
        scale=4,
        mix=MIX // 5,
    ),
)

_BEGIN = 'BEGIN { printf("ready\\n"); } '
_COUNT = "tracepoint:raw_syscalls:sys_enter { @calls[args.id] = count(); }"
_LATENCY = (
    "tracepoint:raw_syscalls:sys_enter { @start[tid] = nsecs; } "
    "tracepoint:raw_syscalls:sys_exit /@start[tid]/ { @calls[args.id] = count(); "
    "@ns[args.id] = hist(nsecs - @start[tid]); delete(@start, tid); }"
)


def _bpftrace(name: str, program: str) -> Row:
    return Row(
        name,
        f"cat >program <<'END'\n{_BEGIN}{program}\nEND\n"
        "spawn bpftrace -B line program >counts 2>&1 & tracer=$!\n"
        # It is not attached everywhere when BEGIN runs.
        "await grep -q ready counts; sleep 2",
        'interrupt "$tracer"',
        counted(
            "",
            "awk '/^@calls/ {n += $NF} END {print n, 0}' counts",
            events_per_call=1,
        ),
        scale=_SCALE,
        mix=MIX,
    )


BPFTRACE = _tool(
    "bpftrace", "", _bpftrace("bpftrace_count", _COUNT), _bpftrace("bpftrace_latency", _LATENCY)
)

SYSDIG = _tool(
    "sysdig",
    "peer modprobe scap",
    Row(
        "sysdig",
        "spawn sysdig -v -w capture.scap >said 2>&1 & tracer=$!\n"
        "await test -s capture.scap; sleep 2",
        'interrupt "$tracer"',
        counted(
            "capture.scap",
            "sysdig -r capture.scap -p %evt.num | wc -l; "
            "awk -F: '/Driver Drops/ {n += $2} END {print n+0}' said",
            events_per_call=1,
        ),
        scale=_SCALE,
        mix=MIX,
    ),
)

STRACE = _tool(
    "strace",
    "",
    Row(
        "strace",
        "",
        "",
        counted("text", "wc -l <text; echo 0", events_per_call=1),
        prefix="peer strace -f -o text",
        scale=10,
        mix=MIX // 20,
        is_waited_for=True,
    ),
)


def _auditd(name: str, backlog: int) -> Row:
    return Row(
        name,
        "rm -f $root/var/log/audit/*\n"
        "spawn auditd -n >said 2>&1 & tracer=$!\n"
        "is_ready() { peer auditctl -s >status; grep -q '^pid [1-9]' status; }\n"
        "await is_ready\n"
        f"peer auditctl -b {backlog} >auditctl.log\n"
        "peer auditctl --reset-lost >>auditctl.log\n"
        "peer auditctl -a always,exit -F arch=b64 -S all >>auditctl.log",
        "peer auditctl -D >>auditctl.log\n"
        "is_drained() { peer auditctl -s >status; grep -q '^backlog 0' status; }\n"
        'await is_drained; sleep 3; kill "$tracer"; wait "$tracer" || true\n'
        "cp -r $root/var/log/audit logs",
        counted(
            "logs",
            "cat logs/* | grep -c type=SYSCALL; awk '/^lost/ {print $2}' status",
            events_per_call=1,
        ),
        scale=20,
        mix=MIX // 40,
        is_waited_for=True,
    )


AUDITD = _tool(
    "auditd",
    # It keeps 40 MB of logs by default.
    "sed -i 's/^max_log_file_action.*/max_log_file_action = ignore/' $root/etc/audit/auditd.conf",
    _auditd("auditd", 8192),
    _auditd("auditd_large", 65536),
)

PEERS = (
    LTTNG, FTRACE, TRACE_CMD, PERF, PERF_TRACE, BPFTRACE, SYSDIG, STRACE, AUDITD,
)  # fmt: skip

PACKAGES = (
    "lttng-tools", "trace-cmd", "linux-perf", "bpftrace", "sysdig", "falcosecurity-scap-dkms",
    "strace", "auditd",
)  # fmt: skip
