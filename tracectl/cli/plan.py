"""What to record and where to: the options that ``record`` and ``start`` share."""

from __future__ import annotations

import argparse
import os
import time
from dataclasses import dataclass, field
from pathlib import Path

from tracectl.abi.control import (
    BUFFER_MAX,
    COUNT_MAX,
    COUNT_MIN,
    SUBBUF_MAX,
    SUBBUF_MIN,
    USER_BYTES,
    EventClass,
)
from tracectl.cli.terms import add_terms, terms_from
from tracectl.cli.triggers import TriggerPlan, add_triggers, triggers_from
from tracectl.errors import CaptureError, UsageError
from tracectl.kernel.device import LABEL_MAX_BYTES
from tracectl.kernel.filter import Terms
from tracectl.kernel.reads import Wanted

DEFAULT_SUBBUF_BYTES = 1 << 20
DEFAULT_CPU_BYTES = 32 << 20
_MEMORY_SHARE = 8
# Classes of events that an option asks for.
_OPTIONS = {
    EventClass.OPEN_HOW: "open_how",
    EventClass.OPEN_NAME: "names",
    EventClass.PATH: "paths",
    EventClass.ARGV: "argv",
    EventClass.SOCKET: "sockets",
    EventClass.SCHED: "sched",
    EventClass.FILE: "files",
    EventClass.DIVERGENCE: "detect_toctou",
}


@dataclass(frozen=True, slots=True)
class Plan:
    """``output`` is absolute, None for a flight recorder and for a session that only counts;
    ``target_pid`` 0 is the whole machine."""

    output: Path | None
    classes: EventClass
    subbuf_bytes: int
    subbuf_count: int
    compress: bool
    target_pid: int = 0
    command: tuple[str, ...] | None = None
    is_flight: bool = False
    counts_only: bool = False
    terms: Terms = field(default_factory=Terms)
    wanted: Wanted = field(default_factory=Wanted)
    redact: str = ""
    triggers: TriggerPlan | None = None


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE",
        help="write the capture here (default: tracectl-NAME-DATE.trace)",
    )  # fmt: skip
    parser.add_argument(
        "-p", "--pid", type=int, default=0, help="only this process and what it forks"
    )
    parser.add_argument(
        "--names", action=argparse.BooleanOptionalAction, default=True,
        help="record the names of opened files (default)",
    )  # fmt: skip
    parser.add_argument(
        "--paths", action=argparse.BooleanOptionalAction, default=True,
        help="record the paths of other calls: stat, unlink, rename, ... (default)",
    )  # fmt: skip
    parser.add_argument(
        "--argv", action=argparse.BooleanOptionalAction, default=True,
        help="record the arguments of programs that are executed (default)",
    )  # fmt: skip
    parser.add_argument(
        "--sockets", action=argparse.BooleanOptionalAction, default=True,
        help="record the addresses of sockets: connect, bind, accept, ... (default)",
    )  # fmt: skip
    parser.add_argument(
        "--files", action=argparse.BooleanOptionalAction, default=False,
        help="record what each new file descriptor is, which 'print -y' shows",
    )  # fmt: skip
    parser.add_argument(
        "--open-how", action=argparse.BooleanOptionalAction, default=True,
        help="record open_how: flags, mode, resolve (default)",
    )  # fmt: skip
    parser.add_argument(
        "--structs", action=argparse.BooleanOptionalAction, default=False,
        help="also read the structures that arguments point to: timespec, stat, sigaction, ...",
    )  # fmt: skip
    parser.add_argument(
        "--payload", type=int, default=0, metavar="N",
        help="also read the first N bytes of what is read, written, sent and received",
    )  # fmt: skip
    parser.add_argument(
        "--sched", action=argparse.BooleanOptionalAction, default=False,
        help="record which thread each CPU leaves for which, for 'report --time'",
    )  # fmt: skip
    parser.add_argument(
        "--detect-toctou", action="store_true",
        help="also read each path and each address as its call is entered, and tell where the "
        "kernel then acted on another one",
    )  # fmt: skip
    parser.add_argument(
        "--redact", default="", metavar="DIRECTORY",
        help="hash what follows DIRECTORY in paths, with a key that is forgotten, and all of "
        "relative ones; no arguments of programs",
    )  # fmt: skip
    parser.add_argument(
        "--flight", type=parse_size, metavar="SIZE",
        help="a flight recorder: keep the newest records, in SIZE of memory for all CPUs; "
        "'tracectl snapshot' writes them, -o names a file for those held at the end",
    )  # fmt: skip
    parser.add_argument("--no-compress", action="store_true", help="write chunks uncompressed")
    parser.add_argument(
        "--subbuf-size", type=parse_size, metavar="SIZE",
        help="size of a sub-buffer, a power of two (default 1M; 1/16 of a flight recorder's share)",
    )  # fmt: skip
    parser.add_argument(
        "--subbuf-count", type=int, metavar="N",
        help="sub-buffers a CPU (default: 32M a CPU, at most 1/8 of the memory that is available "
        "for all of them)",
    )  # fmt: skip
    add_terms(parser)
    add_triggers(parser)


def parse_size(text: str) -> int:
    """Bytes: a number with an optional K, M or G."""
    units = {"k": 10, "m": 20, "g": 30}
    number, shift = text.lower(), 0
    if number and number[-1] in units:
        number, shift = number[:-1], units[number[-1]]
    try:
        return int(number) << shift
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no size, such as 512K or 1M") from error


def plan_counting(args: argparse.Namespace) -> Plan:
    """The plan of a session without records. UsageError."""
    terms = terms_from(args)
    if terms.await_ends:
        raise UsageError("--counters-only counts calls as they come; --failed, --errno, --slower "
                         "and --path choose records")  # fmt: skip
    if args.output is not None or args.flight is not None:
        raise UsageError("--counters-only records nothing that -o or --flight could keep")
    return Plan(
        None, EventClass.SYSCALL, SUBBUF_MIN, COUNT_MIN, False, _target_of(args),
        counts_only=True, terms=terms,
    )  # fmt: skip


def plan_from(args: argparse.Namespace, name: str, command: list[str] | None = None) -> Plan:
    """The plan that the options make; ``name`` is for a capture without -o.

    UsageError, or CaptureError when there can be no such file.
    """
    size, count = _buffers_of(args)
    target_pid = _target_of(args)
    wanted, terms = _wanted_of(args), terms_from(args)
    classes = _classes_of(args, wanted)
    if terms.path is not None and not classes & (EventClass.OPEN_NAME | EventClass.PATH):
        raise UsageError("--path needs names to compare with: leave out --no-names or --no-paths")
    if wanted and terms.await_ends:
        raise UsageError(
            "what --structs, --payload and --detect-toctou read is of each call as it begins; not "
            "with --failed, --errno, --slower or --path"
        )
    is_flight = args.flight is not None
    return Plan(
        None if is_flight and args.output is None else _output_of(args.output, name),
        classes,
        size,
        count,
        not args.no_compress,
        target_pid,
        tuple(command) if command else None,
        is_flight,
        terms=terms,
        wanted=wanted,
        redact=_normal(args.redact),
        triggers=triggers_from(args),
    )


def _wanted_of(args: argparse.Namespace) -> Wanted:
    if not 0 <= args.payload <= USER_BYTES:
        raise UsageError(f"--payload is a number of bytes, at most {USER_BYTES}")
    if args.redact and args.payload:
        raise UsageError("--payload shows what --redact is to hide; one of them")
    if args.redact and args.flight is not None:
        raise UsageError("a snapshot shows what --redact is to hide; not with --flight")
    return Wanted(args.detect_toctou, args.structs, args.payload, texts=not args.redact)


def _classes_of(args: argparse.Namespace, wanted: Wanted) -> EventClass:
    classes = EventClass.ALL
    for one, option in _OPTIONS.items():
        if not getattr(args, option):
            classes &= ~one
    if not wanted:
        classes &= ~EventClass.USER
    # What a program is told may be a path to redact, in any form.
    return classes & ~EventClass.ARGV if args.redact else classes


def _normal(directory: str) -> str:
    """Absolute, without a slash at its end; an empty one stays empty."""
    return "/" + os.path.normpath(Path(directory).absolute()).lstrip("/") if directory else ""


def _target_of(args: argparse.Namespace) -> int:
    if not 0 <= args.pid < 1 << 31:
        raise UsageError("--pid is the number of a process")
    return int(args.pid)


def _buffers_of(args: argparse.Namespace) -> tuple[int, int]:
    """Bytes of a sub-buffer, and how many a CPU has."""
    if args.flight is not None and args.subbuf_count is not None:
        raise UsageError("--flight tells the number of sub-buffers; --subbuf-count is one too many")
    share = None if args.flight is None else args.flight // (os.cpu_count() or 1)
    size = args.subbuf_size
    if size is None:
        size = DEFAULT_SUBBUF_BYTES if share is None else flight_subbuf(share, bool(args.trigger))
    if size & (size - 1) or not SUBBUF_MIN <= size <= SUBBUF_MAX:
        raise UsageError("--subbuf-size is a power of two from 16K to 16M")
    count = args.subbuf_count
    if count is None:
        count = default_count(size) if share is None else share // size
    if COUNT_MIN <= count <= COUNT_MAX and size * count <= BUFFER_MAX:
        return size, count
    if share is not None:
        raise UsageError(f"--flight is {size >> 9}K a CPU or more, and at most 1G")
    raise UsageError("--subbuf-count is 2 to 4096, and all of a CPU's are at most 1G")


def flight_subbuf(share_bytes: int, is_watched: bool = False) -> int:
    """A power of two, small enough that what is overwritten at once is little of the whole.

    A recorder that ``is_watched`` for triggers begins a sub-buffer every 100 ms: with a thousand of
    them a quiet CPU's records are kept for 100 s."""
    power = 1 << (share_bytes // (1024 if is_watched else 16)).bit_length() >> 1
    return max(SUBBUF_MIN, min(DEFAULT_SUBBUF_BYTES, power))


def default_count(subbuf_bytes: int) -> int:
    """As much as holds a second of a busy CPU, as long as memory is there for all of them."""
    share = _available_bytes() // _MEMORY_SHARE // (os.cpu_count() or 1)
    return max(COUNT_MIN, min(DEFAULT_CPU_BYTES, share) // subbuf_bytes)


def _output_of(named: Path | None, name: str) -> Path:
    if named is None:
        date = time.strftime("%Y%m%d-%H%M%S")
        named = Path(f"tracectl-{name.replace('/', '_')}-{date}.trace")
    output = named.absolute()
    if len(os.fsencode(output)) > LABEL_MAX_BYTES:
        raise UsageError(f"the path of the capture is longer than {LABEL_MAX_BYTES} bytes")
    if not output.parent.is_dir():
        raise CaptureError(output, "cannot be written: its directory does not exist")
    return output


def _available_bytes() -> int:
    """MemAvailable: free memory alone is next to nothing on a machine that caches files."""
    for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) << 10
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
