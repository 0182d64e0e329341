"""Files by what is done with them: opens and other look-ups, errors, time, bytes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tracectl.abi.records import SHAPES, SLOTS, Kind, Site
from tracectl.analysis.codes import arrange, codes_of
from tracectl.decode.subbuffer import Records, Rows
from tracectl.live.ended import Ended
from tracectl.live.page import I64, NO_PATH, Page, page_of
from tracectl.live.paths import UNKNOWN, Paths
from tracectl.live.ranking import Ranking
from tracectl.tables.table import SyscallTable

_CAPACITY = 1 << 15
_MAX_DESCRIPTORS = 1 << 17

_OPENERS = ("open", "openat", "openat2", "creat")
# Their descriptor stands first, and they answer how many bytes they moved.
_MOVERS = (
    "read", "write", "pread64", "pwrite64", "readv", "writev", "preadv", "pwritev", "preadv2",
    "pwritev2", "getdents", "getdents64", "sendfile", "sendfile64",
)  # fmt: skip
# What they answer is a descriptor that was something else.
_MAKERS = ("dup", "dup2", "dup3", "socket", "accept", "accept4", "epoll_create1", "eventfd2")


class Files:
    """``ranking`` is by number of ``paths``. Calls are those that name the file; bytes come by
    descriptor, as its process opened it, and of others under UNKNOWN."""

    def __init__(self, tables: list[SyscallTable]) -> None:
        self.paths = Paths()
        self.ranking = Ranking(_CAPACITY)
        self._openers = _slots_named(tables, _OPENERS)
        self._movers = _slots_named(tables, _MOVERS)
        self._makers = _slots_named(tables, _MAKERS)
        self._closers = _slots_named(tables, ("close",))
        self._open: dict[int, int] = {}
        """Paths by tgid << 32 | descriptor."""

    def name(self, page: Page, records: Records) -> None:
        """Gives the calls of ``page`` the first path that the kernel took from each."""
        rows = records.rows(Kind.NAME)
        if not len(rows):
            return
        if records.bodies(Kind.NAME, rows)["site"].max() > Site.PARENT:
            # A symbolic link's text is no file.
            rows = rows[records.bodies(Kind.NAME, rows)["site"] <= Site.PARENT]
        at = _calls_at(page, records, rows)
        # One of no length is of AT_EMPTY_PATH, and the descriptor's.
        named = np.flatnonzero((at >= 0) & (records.id[rows] > 0))
        numbers = self.paths.numbers_of(records.strings(rows[named]))
        # The first one of a call is the last to be written.
        page.path[at[named][::-1]] = numbers[::-1]
        if len(self.paths) > 2 * _CAPACITY:
            self.paths.keep([*self.ranking.keys(), *self._open.values()])

    def add_calls(self, page: Page, buckets: I64) -> None:
        named = np.flatnonzero(page.path != NO_PATH)
        self.ranking.add_calls(page.path[named].astype(np.int64), buckets[named])

    def add_ends(self, ended: Ended) -> None:
        named = np.flatnonzero(ended.path != NO_PATH)
        self.ranking.add_ends(ended.path[named], ended.take(named))
        self._follow(ended)

    def _follow(self, ended: Ended) -> None:
        """Which descriptor is which file, in order of time, and what was moved through it."""
        slot, result = ended.slot, ended.result
        opens = self._openers[slot] & (result >= 0)
        makes = self._makers[slot] & (result >= 0)
        closes = self._closers[slot]
        moves = self._movers[slot] & (result > 0)
        rows = np.flatnonzero(opens | makes | closes | moves)
        if not len(rows):
            return
        answers = (opens | makes)[rows]
        descriptor = np.where(answers, result[rows], ended.first[rows]) & 0xFFFFFFFF
        key = ended.tgid[rows].astype(np.int64) << 32 | descriptor
        order = arrange(key, ended.exit_ns[rows])
        rows, key = rows[order], key[order]
        sets = ~moves[rows]
        path = np.where(opens[rows], ended.path[rows], NO_PATH).astype(np.int64)
        index = np.arange(len(rows))
        last_set = np.maximum.accumulate(np.where(sets, index, -1))
        known = (last_set >= 0) & (key[last_set] == key)
        used = np.flatnonzero(~sets)
        found = np.where(known[used], path[last_set[used]], self._known(key[used]))
        found[found == NO_PATH] = UNKNOWN
        self.ranking.add_bytes(found, result[rows[used]])
        ends = self._last_sets(key, sets)
        self._remember(key[ends], path[ends])

    @staticmethod
    def _last_sets(key: I64, sets: NDArray[np.bool_]) -> NDArray[np.intp]:
        """The last row of each key that sets it; ``key`` is sorted."""
        rows = np.flatnonzero(sets)
        is_last = np.append(key[rows][1:] != key[rows][:-1], np.ones(min(len(rows), 1), np.bool_))
        ends: NDArray[np.intp] = rows[is_last]
        return ends

    def _known(self, keys: I64) -> I64:
        which, different = codes_of(keys)
        found = [self._open.get(key, NO_PATH) for key in different]
        paths: I64 = np.array(found, np.int64)[which]
        return paths

    def _remember(self, keys: I64, paths: I64) -> None:
        for key, path in zip(keys.tolist(), paths.tolist(), strict=True):
            self._open.pop(key, None)
            if path != NO_PATH:
                self._open[key] = path
        while len(self._open) > _MAX_DESCRIPTORS:
            self._open.pop(next(iter(self._open)))


def has_path(page: Page, prefix: bytes) -> NDArray[np.bool_]:
    """Whether one of the paths of each call of ``page`` begins so, not the first alone."""
    records = page.decode()
    rows = records.rows(Kind.NAME)
    begins = [path.startswith(prefix) for path in records.strings(rows)] if len(rows) else []
    rows = rows[np.array(begins, np.bool_)]
    # Of a page that was cut, the names of other calls are in there, too.
    whole = page_of(page.number, page.data, records)
    at = _calls_at(whole, records, rows)
    return np.isin(page.row, whole.row[at[at >= 0]])


def _calls_at(page: Page, records: Records, rows: Rows) -> Rows:
    """The calls of ``page`` that ``rows`` were taken in; -1 of those that are elsewhere."""
    if not len(page):
        return np.full(len(rows), -1)
    found = np.searchsorted(page.row, rows) - 1
    whole = page.row.searchsorted(records.whole)
    # Mostly it is the call that was entered last.
    is_open = (found < 0) | (page.tid[found] != records.tid[rows]) | bool(len(whole))
    for place in np.flatnonzero(is_open).tolist():
        row, index = rows[place], int(found[place])
        tid = records.tid[row]
        if len(whole):
            index = _whole_at(page, whole, tid, int(records.time_ns[row]), index)
        if index < 0 or page.tid[index] != tid:
            mine = np.flatnonzero(page.tid[: index + 1] == tid)
            index = int(mine[-1]) if len(mine) else -1
        found[place] = index
    return found


def _whole_at(page: Page, whole: I64, tid: int, now_ns: int, index: int) -> int:
    """Which of the calls ``whole``, told when they had ended, its thread was in; ``index`` if in
    none."""
    mine = whole[(page.tid[whole] == tid) & (page.time_ns[whole] <= now_ns)]
    mine = mine[page.time_ns[mine] + page.duration_ns[mine] >= now_ns]
    return int(mine[-1]) if len(mine) else index


def _slots_named(tables: list[SyscallTable], names: tuple[str, ...]) -> NDArray[np.bool_]:
    """By ABI * 512 + number, whether it is a call of these names."""
    found = np.zeros(SLOTS, np.bool_)
    for abi, table in enumerate(tables):
        for call in map(table.by_name, names):
            if call is not None:
                found[abi * SHAPES + call.nr] = True
    return found
