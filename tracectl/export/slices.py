"""Calls as slices of Perfetto's track events."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from tracectl.analysis.calls import Calls, State
from tracectl.export.columns import Source, table_of
from tracectl.export.pack import Group, join
from tracectl.export.protobuf import Part, messages, number, numbers, stack, text
from tracectl.render.results import error_name

_BEGIN, _END, _INSTANT = 1, 2, 3
_NEEDS_STATE = 2

SEQUENCE = number(10, 1)
"""The one sequence of packets; names are interned in it."""


def packet(data: bytes) -> bytes:
    return text(1, data)


class BlockWriter:
    """Writes blocks of calls; keeps which names and tracks have been told."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._event_names: dict[str, int] = {}
        self._argument_names: dict[str, int] = {}
        self._new: list[bytes] = []
        self._tracks: set[int] = set()
        self._comms = {(life.tgid, life.tid): life.comm for life in source.lives}

    def iter_parts(self, calls: Calls) -> Iterator[bytes]:
        """The tracks and names that are new in ``calls``, then the events, in order of time."""
        count = len(calls)
        tracks = calls.tgid << 32 | calls.tid
        yield self._describe_tracks(tracks)
        groups, tails = self._begins(calls, tracks)
        groups += self._ends(calls, tracks)
        interned, self._new = b"".join(self._new), []
        if interned:
            yield packet(SEQUENCE + number(13, _NEEDS_STATE) + text(12, interned))
        # Place 2 * row is the call's begin, the one after it its end.
        present = (
            np.concatenate([places for places, _ in groups]) if groups else np.zeros(0, np.intp)
        )
        times = np.empty(2 * count, np.uint64)
        times[0::2] = np.where(calls.state == State.NO_ENTRY, calls.exit_ns, calls.entry_ns)
        times[1::2] = calls.exit_ns
        present = np.sort(present)
        order = present[np.argsort(times[present], kind="stable")]
        place = np.zeros(2 * count, np.intp)
        place[order] = np.arange(len(order))
        yield join(
            len(order),
            [(place[places], pieces) for places, pieces in groups],
            [(int(place[at]), tail) for at, tail in tails],
        )

    def _begins(
        self, calls: Calls, tracks: NDArray[np.int64]
    ) -> tuple[list[Group], list[tuple[int, bytes]]]:
        """A slice's begin where both halves are known; otherwise an instant."""
        paths = self._path_annotations(calls)
        sizes = np.zeros(len(calls), np.int64)
        for row, tail in paths.items():
            sizes[row] = len(tail)
        keys = np.stack((calls.abi, calls.nr, calls.state.astype(np.int64)))
        different, which = np.unique(keys, axis=1, return_inverse=True)
        groups = []
        for index, (abi, nr, state) in enumerate(different.T.tolist()):
            rows = np.flatnonzero(which.reshape(-1) == index)
            kind = _BEGIN if state == State.PAIRED else _INSTANT
            name = table_of(self._source, abi).name(nr)
            notes: list[Part] = (
                [] if state == State.NO_ENTRY else self._arguments(calls, rows, abi, nr)
            )
            if state != State.PAIRED:
                notes.append(self._annotation("state", text(6, _STATES[state])))
            if state == State.NO_ENTRY:
                notes += self._result(calls, rows)
            times = calls.exit_ns if state == State.NO_ENTRY else calls.entry_ns
            event = [
                number(9, kind),
                *numbers(11, tracks[rows]),
                number(10, self._event(name)),
                *notes,
            ]
            groups.append((2 * rows, _packets(times[rows], event, sizes[rows])))
        return groups, [(2 * row, tail) for row, tail in paths.items()]

    def _ends(self, calls: Calls, tracks: NDArray[np.int64]) -> list[Group]:
        paired = np.flatnonzero(calls.state == State.PAIRED)
        results = calls.result[paired]
        errors = np.where((results < 0) & (results >= -4095), -results, 0)
        groups = []
        for error in np.unique(errors).tolist():
            rows = paired[errors == error]
            event = [number(9, _END), *numbers(11, tracks[rows]), *self._result(calls, rows)]
            if error:
                event.append(self._annotation("errno", text(6, error_name(error))))
            nothing = np.zeros(len(rows), np.int64)
            groups.append((2 * rows + 1, _packets(calls.exit_ns[rows], event, nothing)))
        return groups

    def _arguments(self, calls: Calls, rows: NDArray[np.intp], abi: int, nr: int) -> list[Part]:
        call = table_of(self._source, abi).get(nr)
        parts: list[Part] = []
        if call is None:
            for index in range(6):
                parts += self._values(f"arg{index}", 7, calls.arguments[rows, index])
            return parts
        for index, argument in enumerate(call.args):
            values = calls.arguments[rows, index]
            if argument.is_pointer:
                parts += self._values(argument.name, 7, values)
            elif argument.is_signed:
                narrow = values.astype(np.int32 if argument.bits == 32 else np.int64)
                parts += self._values(argument.name, 4, narrow)
            else:
                parts += self._values(argument.name, 3, values)
        return parts

    def _result(self, calls: Calls, rows: NDArray[np.intp]) -> list[Part]:
        return self._values("result", 4, calls.result[rows])

    def _values(self, name: str, field: int, values: NDArray[np.generic]) -> list[Part]:
        return messages(4, [number(1, self._argument(name)), *numbers(field, values)])

    def _annotation(self, name: str, value: bytes) -> bytes:
        return text(4, number(1, self._argument(name)) + value)

    def _path_annotations(self, calls: Calls) -> dict[int, bytes]:
        """By row; as many as it has paths."""
        known: dict[bytes, bytes] = {}
        tails: dict[int, bytes] = {}
        for row, path in zip(calls.name_row, calls.names, strict=True):
            if path not in known:
                shown = path.decode(errors="backslashreplace")
                known[path] = self._annotation("path", text(6, shown))
            tails[row] = tails.get(row, b"") + known[path]
        return tails

    def _event(self, name: str) -> int:
        return self._intern(2, self._event_names, name)

    def _argument(self, name: str) -> int:
        return self._intern(3, self._argument_names, name)

    def _intern(self, field: int, known: dict[str, int], name: str) -> int:
        if name not in known:
            known[name] = len(known) + 1
            self._new.append(text(field, number(1, known[name]) + text(2, name)))
        return known[name]

    def _describe_tracks(self, tracks: NDArray[np.int64]) -> bytes:
        parts = []
        for track in np.unique(tracks).tolist():
            tgid, tid = track >> 32, track & 0xFFFFFFFF
            if tgid << 32 not in self._tracks:
                self._tracks.add(tgid << 32)
                process = number(1, tgid) + text(6, self._comms.get((tgid, tgid), ""))
                parts.append(_track(number(1, tgid << 32) + text(3, process)))
            if track not in self._tracks:
                self._tracks.add(track)
                thread = (
                    number(1, tgid) + number(2, tid) + text(5, self._comms.get((tgid, tid), ""))
                )
                parent = number(5, tgid << 32)
                parts.append(_track(number(1, track) + parent + text(4, thread)))
        return b"".join(parts)


_STATES = {State.UNFINISHED: "unfinished", State.NO_ENTRY: "no entry"}


def _track(descriptor: bytes) -> bytes:
    return packet(SEQUENCE + text(60, descriptor))


def _packets(
    times_ns: NDArray[np.uint64], event: list[Part], tails: NDArray[np.int64]
) -> NDArray[np.uint8]:
    """A packet a row; the event is its last field, so that ``tails`` bytes more belong to both."""
    head: list[Part] = [*numbers(8, times_ns), SEQUENCE, number(13, _NEEDS_STATE)]
    inner = messages(11, event, tails)
    return stack(len(times_ns), messages(1, [*head, *inner], tails))
