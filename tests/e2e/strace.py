"""Threads of one run, as strace -f and as tracectl saw them, in a form that can be compared."""

from __future__ import annotations

import errno
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass

_FORKS = frozenset({"fork", "vfork", "clone", "clone3"})
_RETURN_TIDS = _FORKS | {"getpid", "gettid", "getppid", "set_tid_address", "wait4", "waitid"}
_RETURN_ADDRESSES = frozenset({"mmap", "brk", "mremap"})
_OPENS = frozenset({"open", "openat", "openat2"})
_RESUMED = re.compile(r"<\.\.\. \w+ resumed>(.*)")
_UNFINISHED = "<unfinished ...>"
_CALL = re.compile(r"(\w+)\((.*)\) += (.*)")
_RESTARTED = "? ERESTART"
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')


@dataclass(frozen=True, slots=True)
class Call:
    """``result`` is -1 and an error's name, a decimal number, a question mark, or that and
    ``ERESTART`` for a call that a signal makes begin anew."""

    name: str
    result: str
    opened: str = ""


Threads = dict[int, list[Call]]


def parse_strace(log: Iterable[str]) -> Threads:
    """Of the log of ``strace -f -o``. Signals and exits, which are no calls, are left out."""
    threads: Threads = {}
    begun: dict[int, str] = {}
    for line in log:
        tid_text, text = line.rstrip("\n").split(maxsplit=1)
        tid = int(tid_text)
        thread = threads.setdefault(tid, [])
        if resumed := _RESUMED.fullmatch(text):
            text = begun.pop(tid) + resumed[1]
        if text.endswith(_UNFINISHED):
            begun[tid] = text.removesuffix(_UNFINISHED)
        elif not text.startswith(("---", "+++")):
            match = _CALL.fullmatch(text)
            assert match, text
            name, arguments, result = match.groups()
            path = _STRING.search(arguments) if name in _OPENS else None
            thread.append(Call(name, _strace_result(result), path[0][1:-1] if path else ""))
    return threads


def _strace_result(text: str) -> str:
    first, *rest = text.split()
    if rest and rest[0].startswith("ERESTART"):
        return _RESTARTED
    if first in ("-1", "?"):
        return " ".join([first, *rest[:1]])
    return str(int(first, 0))


def parse_tracectl(lines: Iterable[str]) -> Threads:
    """Of the output of ``tracectl print --json``. Returns from calls that began before the trace or
    in the parent, which strace does not show, are left out."""
    threads: Threads = {}
    for line in lines:
        call = json.loads(line)
        thread = threads.setdefault(call["tid"], [])
        if call["entry_ns"] is None:
            continue
        path = call["paths"][0] if call["name"] in _OPENS and call["paths"] else ""
        thread.append(Call(call["name"], _tracectl_result(call["result"]), path))
    return threads


def _tracectl_result(result: int | None) -> str:
    if result is None:
        return "?"
    if -516 <= result <= -512:
        return _RESTARTED
    if -4095 <= result < 0:
        # Python has but one name for each number.
        name = {errno.EOPNOTSUPP: "EOPNOTSUPP"}.get(-result) or errno.errorcode[-result]
        return f"-1 {name}"
    return str(result)


def align(threads: Threads) -> dict[str, list[Call]]:
    """The threads by their place in the tree of forks: "0", its first child "0.0", and so on.

    What docs/strace.md explains is made equal: tids become those places, addresses are dropped,
    what wait4 answers is put in order, returns from signal handlers and calls that a signal made
    begin anew are left out.
    """
    places = _places(threads)
    aligned = {}
    for tid, calls in threads.items():
        named = [
            _rename(call, places)
            for call in calls
            if call.name != "rt_sigreturn" and call.result != _RESTARTED
        ]
        waited = iter(sorted(call.result for call in named if call.name == "wait4"))
        aligned[places[tid]] = [
            Call("wait4", next(waited)) if call.name == "wait4" else call for call in named
        ]
    return aligned


def _places(threads: Threads) -> dict[int, str]:
    first = next(iter(threads))
    places = {first: "0"}
    queue = [first]
    for tid in queue:
        children = [int(call.result) for call in threads[tid] if _is_fork(call)]
        places |= {child: f"{places[tid]}.{index}" for index, child in enumerate(children)}
        queue += children
    return places


def _is_fork(call: Call) -> bool:
    return call.name in _FORKS and call.result.isdigit()


def _rename(call: Call, places: dict[int, str]) -> Call:
    if call.result.startswith(("-1", "?")):
        return call
    if call.name in _RETURN_ADDRESSES:
        return Call(call.name, "an address")
    if call.name in _RETURN_TIDS:
        return Call(call.name, places.get(int(call.result), "another process"))
    return call
