"""Which calls a view shows, in the words of the command line."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from tracectl.abi.records import COMM_BYTES
from tracectl.analysis.containers import cgroups_wanted, is_within
from tracectl.errors import UsageError
from tracectl.kernel.choice import slot_name, slots_in
from tracectl.kernel.words import add_words, cpus_of, duration_of, errnos_of, prefix_of, uid_of
from tracectl.live.files import has_path
from tracectl.live.model import View
from tracectl.live.page import NO_PATH, OPEN_NS, Page
from tracectl.live.past import Past
from tracectl.tables.table import SyscallTable

_MAX_ERRNO = 4095
WORDS = """\
-e read,%file     only these calls, or classes; all others after a !
-p 1234           only this process
--tid 1234        only this thread
--comm ls         only processes while they have this name
--uid root        only threads of this user
--cgroup /a.slice only threads in this cgroup or below it
--container 0ab   only threads in this container: how its id begins, or its name
--cpus 0-3,8      only calls that began on these CPUs
--failed          only calls that failed
--errno ENOENT    only with these errors
--slower 1ms      only calls that took as long, or longer
--faster 1ms      only calls that took less
--path /etc       only calls with a path that begins so
word              in the call's name, its path or its process's name"""


@dataclass(frozen=True, slots=True)
class Sieve:
    """All of what is given has to hold. ``text`` is what was typed; the rest of a view's own, as
    where it was opened from, is told by ``label``."""

    text: str = ""
    label: str = ""
    slots: frozenset[int] | None = None
    pid: int | None = None
    tid: int | None = None
    comm: str | None = None
    uid: int | None = None
    cgroups: tuple[str, ...] | None = None
    cpus: frozenset[int] | None = None
    is_failed: bool = False
    errnos: frozenset[int] | None = None
    slower_ns: int | None = None
    faster_ns: int | None = None
    path: bytes | None = None
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
            kept &= page.tgid == self.pid
        if self.tid is not None:
            kept &= page.tid == self.tid
        if self.cpus is not None and page.cpu not in self.cpus:
            kept[:] = False
        if self.span_ns is not None:
            kept &= (page.time_ns >= self.span_ns[0]) & (page.time_ns < self.span_ns[1])
        if self.path is not None:
            kept &= has_path(page, self.path)
        for word in self.words:
            kept &= _holds(page, view, tables, word.lower())
        return kept & self._mask_of_end(page) & self._mask_of_threads(page, view.past)

    def _mask_of_threads(self, page: Page, past: Past) -> NDArray[np.bool_]:
        """By what they were when the calls were entered."""
        kept, (comm, uid, tops) = np.ones(len(page), np.bool_), (self.comm, self.uid, self.cgroups)
        if comm is not None:
            kept &= past.find_comm(page.tgid, page.time_ns, lambda one: one == comm)
        if uid is not None:
            kept &= past.find_uid(page.tid, page.time_ns, lambda one: one == uid)
        if tops is not None:
            kept &= past.find_cgroup(page.tid, page.time_ns, lambda one: is_within(one, tops))
        return kept

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


def parse_sieve(
    text: str, tables: list[SyscallTable], known_cgroups: Collection[str] = ()
) -> Sieve:
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
        tid=args.tid,
        # The kernel keeps so much of a name.
        comm=None if args.comm is None else args.comm[: COMM_BYTES - 1],
        uid=None if args.uid is None else uid_of(args.uid),
        cgroups=cgroups_wanted(args.cgroup, args.container, known_cgroups),
        cpus=None if args.cpus is None else cpus_of(args.cpus),
        is_failed=args.failed,
        errnos=None if args.errno is None else errnos_of(args.errno),
        slower_ns=None if args.slower is None else duration_of(args.slower, "--slower"),
        faster_ns=None if args.faster is None else duration_of(args.faster, "--faster"),
        path=None if args.path is None else prefix_of(args.path),
        words=tuple(args.words),
    )


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(message)


def _parser() -> _Parser:
    parser = _Parser(prog="filter", add_help=False, allow_abbrev=False)
    add_words(parser.add_argument_group())
    add: Callable[..., Any] = parser.add_argument
    add("-p", "--pid", type=int)
    add("--tid", type=int)
    add("--faster")
    add("words", nargs="*")
    return parser


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
