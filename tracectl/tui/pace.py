"""How the interpreter is kept from making a key wait, and its memory from growing."""

from __future__ import annotations

import ctypes
import gc
import sys
import time
from typing import TYPE_CHECKING

from textual._styles_cache import StylesCache

if TYPE_CHECKING:
    from tracectl.tui.app import ViewApp

_SHARE = 0.5
_FREE_S = 0.05
"""What an update may take in any case: it is less on a machine that is not emulated."""
_SWITCH_S = 0.0005
_SETTLED_S = 1.0
_COLLECT_S = 5.0
_TRIM_S = 30.0


class Pace:
    """Of a CPU, what the thread that made it draws by itself takes no more than half: on a slow
    machine the view would leave none to what it is to show."""

    def __init__(self) -> None:
        self._start_s, self._spent_s = time.monotonic(), time.thread_time()

    def lets_draw(self) -> bool:
        """Begins to count anew when it does."""
        now_s, spent_s = time.monotonic(), time.thread_time()
        if spent_s - self._spent_s - _FREE_S > _SHARE * (now_s - self._start_s):
            return False
        self._start_s, self._spent_s = now_s, spent_s
        return True


def keep_pace(app: ViewApp) -> Pace:
    """For the thread that calls it."""
    # The reader's thread computes all the time, and a key has to wait for it.
    sys.setswitchinterval(_SWITCH_S)
    # What is there once all is drawn stays; walking over it again and again takes 35 ms. Of the
    # rest little at a time.
    app.set_timer(_SETTLED_S, gc.freeze)
    app.set_interval(_COLLECT_S, _collect)
    app.set_interval(_TRIM_S, _trim)
    return Pace()


def _collect() -> None:
    gc.collect()
    # Its keys are widgets, also those that are gone, each with all that it drew.
    StylesCache.get_inner_outer.cache_clear()


def _trim() -> None:
    """Columns of all sizes leave holes between them, and more of them the longer it goes on: glibc
    gives back only the heap's end by itself."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
