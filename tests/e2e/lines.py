"""Lines of strace and of tracectl print, thread by thread, in a form that can be compared."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import SequenceMatcher

_RESUMED = re.compile(r"<\.\.\. \w+ resumed>\s*,?\s*(.*)")
_UNFINISHED = re.compile(r",?\s*<unfinished \.\.\.>$")
_CALL = re.compile(r"(\w+)\((.*)\)\s+= (.*)")
_PREFIX = re.compile(r"\[pid\s+(\d+)\] ")
_ADDRESS = re.compile(r"0x[0-9a-f]{5,}")
_COUNTED = re.compile(r" /\* \d+ entries \*/$")
_INODE = re.compile(r"(pipe|socket):\[\d+\]")
_FORKS = frozenset({"fork", "vfork", "clone", "clone3"})
_ALONE = -1
# What they return is another one each time.
_RANDOM = frozenset({"times", "getppid", "getpgrp", "getpgid", "getsid"})
_READ_FROM_MEMORY = ('"', "{", "[", "~[")


@dataclass(frozen=True, slots=True)
class Line:
    name: str
    arguments: tuple[str, ...]
    result: str

    def __str__(self) -> str:
        return f"{self.name}({', '.join(self.arguments)}) = {self.result}"


Threads = dict[str, list[Line]]


def parse_strace(log: Iterable[str]) -> Threads:
    """Of the log of ``strace -f -o``; threads by their place in the tree of forks."""
    threads: dict[int, list[str]] = {}
    begun: dict[int, str] = {}
    for line in log:
        tid_text, text = line.rstrip("\n").split(maxsplit=1)
        tid = int(tid_text)
        lines = threads.setdefault(tid, [])
        if resumed := _RESUMED.fullmatch(text):
            start = begun.pop(tid)
            text = (
                start + (", " if start[-1] not in "(" and resumed[1][0] != ")" else "") + resumed[1]
            )
        if _UNFINISHED.search(text):
            begun[tid] = _UNFINISHED.sub("", text)
        elif not text.startswith(("---", "+++")):
            lines.append(text)
    return _align(threads)


def parse_tracectl(printed: Iterable[str]) -> Threads:
    """Of ``tracectl print``. The end of what began before the trace is left out, and a new thread's
    first return, which strace does not show."""
    threads: dict[int, list[str]] = {}
    for line in printed:
        prefix = _PREFIX.match(line)
        lines = threads.setdefault(int(prefix[1]) if prefix else _ALONE, [])
        text = line.rstrip("\n")[prefix.end() if prefix else 0 :]
        if not text.startswith("<... "):
            lines.append(text)
    if _ALONE in threads:
        # While it is alone it has no number in front; one of its first calls returns it.
        lines = threads.pop(_ALONE)
        (own,) = (line.split()[-1] for line in lines if line.startswith("set_tid_address("))
        threads = {int(own): lines + threads.pop(int(own), [])} | threads
    return _align(threads)


def is_same(ours: Line, theirs: Line) -> bool:
    """But for what strace reads from user memory, where tracectl has an address."""
    return (
        ours.name == theirs.name
        and len(ours.arguments) == len(theirs.arguments)
        and all(map(_is_same_argument, ours.arguments, theirs.arguments))
        and ours.result == theirs.result
    )


def differences(ours: Line, theirs: Line) -> list[str]:
    """Each as "tracectl's, strace's"."""
    pairs = [(ours.name, theirs.name), (ours.result, theirs.result)]
    if len(ours.arguments) != len(theirs.arguments):
        pairs.insert(0, (", ".join(ours.arguments), ", ".join(theirs.arguments)))
    else:
        pairs = [*zip(ours.arguments, theirs.arguments, strict=True), *pairs]
    return [f"`{a}`, `{b}`" for a, b in pairs if not _is_same_argument(a, b)]


def count_same(ours: Threads, theirs: Threads) -> tuple[int, int, list[str]]:
    """How many of strace's lines tracectl has, how many there are, and those it has not."""
    same = total = 0
    missing: list[str] = []
    for place, wanted in theirs.items():
        got = ours.get(place, [])
        total += len(wanted)
        names = SequenceMatcher(
            None, [line.name for line in got], [line.name for line in wanted], autojunk=False
        )
        matched = set()
        for i, j, size in names.get_matching_blocks():
            matched |= {j + at for at in range(size) if is_same(got[i + at], wanted[j + at])}
        same += len(matched)
        missing += [f"{place} {line}" for at, line in enumerate(wanted) if at not in matched]
    return same, total, missing


def split_arguments(text: str) -> list[str]:
    """At the commas that are in no string and no bracket."""
    parts, depth, is_string, start, at = [], 0, False, 0, 0
    while at < len(text):
        char = text[at]
        if is_string:
            at += char == "\\"
            is_string = char != '"'
        elif char == '"':
            is_string = True
        elif char in "([{":
            depth += 1
        elif char in ")]}":
            depth -= 1
        elif char == "," and not depth:
            parts.append(text[start:at].strip())
            start = at + 1
        at += 1
    last = text[start:].strip()
    return [*parts, last] if last or parts else []


def _align(threads: dict[int, list[str]]) -> Threads:
    parsed = {tid: [_parse(text) for text in texts] for tid, texts in threads.items()}
    first = next(iter(parsed))
    places, queue = {first: "0"}, [first]
    for tid in queue:
        forks = [line for line in parsed.get(tid, []) if line.name in _FORKS]
        children = [int(line.result) for line in forks if line.result.isdigit()]
        places |= {child: f"{places[tid]}.{index}" for index, child in enumerate(children)}
        queue += children
    return {
        places[tid]: [_normalise(line, places) for line in lines if line.name != "rt_sigreturn"]
        for tid, lines in parsed.items()
        if tid in places
    }


def _parse(text: str) -> Line:
    match = _CALL.fullmatch(text)
    assert match, text
    name, arguments, result = match.groups()
    return Line(name, tuple(split_arguments(arguments)), result)


def _normalise(line: Line, places: dict[int, str]) -> Line:
    result = re.sub(r" \(\[.*\)$", "", line.result)
    if line.name in _RANDOM and result.isdigit():
        result = "N"
    if result.isdigit() and int(result) in places:
        result = f"thread {places[int(result)]}"
    return Line(
        line.name, tuple(_plain(text, places) for text in line.arguments), _plain(result, places)
    )


def _plain(text: str, places: dict[int, str]) -> str:
    if text.isdigit() and int(text) in places:
        return f"thread {places[int(text)]}"
    if text.startswith('"'):
        return text
    return _INODE.sub(r"\1:[N]", _ADDRESS.sub("0x...", text))


def _is_same_argument(ours: str, theirs: str) -> bool:
    if ours == theirs:
        return True
    theirs = _COUNTED.sub("", theirs)
    if ours == theirs:
        return True
    value, name = ours.rpartition("=")[2], theirs.rpartition("=")[2]
    return value == "0x..." and (
        theirs.startswith(_READ_FROM_MEMORY) or name.startswith(_READ_FROM_MEMORY)
    )
