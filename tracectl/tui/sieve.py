"""Which calls a view shows, in the words of the command line."""

from __future__ import annotations

import argparse
import errno
import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from tracectl.errors import UsageError
from tracectl.kernel.choice import slot_name, slots_in
from tracectl.live.model import View
from tracectl.live.page import NO_PATH, OPEN_NS, Page
from tracectl.render.results import error_name
from tracectl.tables.table import SyscallTable

_MAX_ERRNO = 4095
_UNITS_NS = {"ns": 1, "us": 1_000, "µs": 1_000, "ms": 1_000_000, "s": 1_000_000_000}
WORDS = """\
-e read,%file     only these calls, or classes; all others after a !
-p 1234           only this process or thread
--comm ls         only processes of this name
--failed          only calls that failed
--errno ENOENT    only with these errors
--slower 1ms      only calls that took as long, or longer
--faster 1ms      only calls that took less
--path /etc       only calls whose path begins so
word              in the call's name, its path or its process's name"""


@dataclass(frozen=True, slots=True)
class Sieve:
    """All of what is given has to hold. ``text`` is what was typed; the rest of a view's own, as
    where it was opened from, is told by ``label``."""

    text: str = ""
    label: str = ""
    slots: frozenset[int] | None = None
    pid: int | None = None
    comm: str | None = None
    is_failed: bool = False
    errnos: frozenset[int] | None = None
    slower_ns: int | None = None
    faster_ns: int | None = None
    path: str | None = None
    words: tuple[str, ...] = ()
    span_ns: tuple[int, int] | None = None

    @property
    def is_open(self) -> bool:
        """Lets everything through."""
        return replace(self, text="", label="") == Sieve()

    def __and__(self, other: Sieve) -> Sieve:
        """Both: what ``other`` says goes where both say something."""
        given = {
            name: getattr(other, name)
            for name in Sieve.__slots__
            if getattr(other, name) not in (None, False, "", ())
        }
        return replace(self, **given)

    def mask(self, page: Page, view: View, tables: list[SyscallTable]) -> NDArray[np.bool_]:
        """Which calls of ``page`` get through."""
        kept = np.ones(len(page), np.bool_)
        if self.slots is not None:
            kept &= np.isin(page.slot, list(self.slots))
        if self.pid is not None:
            kept &= (page.tgid == self.pid) | (page.tid == self.pid)
        if self.comm is not None:
            kept &= _by_value(page.tgid, lambda tgid: view.who_is(tgid).comm == self.comm)
        if self.span_ns is not None:
            kept &= (page.time_ns >= self.span_ns[0]) & (page.time_ns < self.span_ns[1])
        if self.path is not None:
            prefix = self.path
            kept &= _by_value(page.path, lambda path: view.path(path).startswith(prefix))
        for word in self.words:
            kept &= _holds(page, view, tables, word.lower())
        return kept & self._mask_of_end(page)

    def _mask_of_end(self, page: Page) -> NDArray[np.bool_]:
        kept = np.ones(len(page), np.bool_)
        failed = (page.result < 0) & (page.result >= -_MAX_ERRNO)
        if self.is_failed:
            kept &= failed
        if self.errnos is not None:
            kept &= failed & np.isin(-page.result, list(self.errnos))
        if self.slower_ns is not None:
            kept &= page.duration_ns >= self.slower_ns
        if self.faster_ns is not None:
            kept &= (page.duration_ns < self.faster_ns) & (page.duration_ns != OPEN_NS)
        return kept


def parse_sieve(text: str, tables: list[SyscallTable]) -> Sieve:
    """UsageError for what is no filter."""
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise UsageError(f"{text!r}: a quote is missing") from error
    args = _parser().parse_args(words)
    return Sieve(
        text=text.strip(),
        slots=None if args.trace is None else slots_in(args.trace, tables),
        pid=args.pid,
        comm=args.comm,
        is_failed=args.failed,
        errnos=None if args.errno is None else _errnos_of(args.errno),
        slower_ns=args.slower,
        faster_ns=args.faster,
        path=args.path,
        words=tuple(args.words),
    )


def parse_duration(text: str) -> int:
    """ns: a number with its unit."""
    found = re.fullmatch(r"(\d+(?:\.\d*)?)\s*(ns|us|µs|ms|s)", text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no duration, such as 100us or 1.5ms")
    return round(float(found[1]) * _UNITS_NS[found[2]])


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(message)


def _parser() -> _Parser:
    parser = _Parser(prog="filter", add_help=False, allow_abbrev=False)
    add: Callable[..., Any] = parser.add_argument
    add("-e", "--trace")
    add("-p", "--pid", type=int)
    add("--comm")
    add("--failed", action="store_true")
    add("--errno")
    add("--slower", type=parse_duration)
    add("--faster", type=parse_duration)
    add("--path")
    add("words", nargs="*")
    return parser


def _errnos_of(text: str) -> frozenset[int]:
    numbers = {error_name(number): number for number in errno.errorcode}
    found = set()
    for name in text.split(","):
        if name.upper() not in numbers:
            raise UsageError(f"no error is called {name!r}")
        found.add(numbers[name.upper()])
    return frozenset(found)


def _holds(page: Page, view: View, tables: list[SyscallTable], word: str) -> NDArray[np.bool_]:
    names = _by_value(page.slot, lambda slot: word in slot_name(slot, tables).lower())
    paths = _by_value(page.path, lambda path: path != NO_PATH and word in view.path(path).lower())
    return names | paths | _by_value(page.tgid, lambda tgid: word in view.who_is(tgid).comm.lower())


def _by_value(values: NDArray[Any], test: Callable[[int], bool]) -> NDArray[np.bool_]:
    """``test`` of each of ``values``, asked once for those that are equal."""
    unique, inverse = np.unique(values, return_inverse=True)
    answers = np.array([test(value) for value in unique.tolist()], np.bool_)
    found: NDArray[np.bool_] = answers[inverse] if len(unique) else np.zeros(0, np.bool_)
    return found
