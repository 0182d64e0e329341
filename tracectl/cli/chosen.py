"""Which threads and CPUs a session is filtered to, also when that changes while it runs."""

from __future__ import annotations

import time

from tracectl.capture.metadata import Chosen
from tracectl.kernel.device import Device
from tracectl.kernel.filter import Terms

_PERIOD_NS = 100_000_000


def chosen_of(terms: Terms) -> Chosen:
    return Chosen(terms.has_threads, None if terms.cpus is None else sorted(terms.cpus))


class ChosenWatch:
    """``chosen`` is what session ``session_id`` recorded all the time, from ``terms`` on."""

    def __init__(self, device: Device, session_id: int, terms: Terms) -> None:
        self.chosen = chosen_of(terms)
        self._device = device
        self._session_id = session_id
        self._terms = terms
        self._next_ns = 0

    def look(self) -> None:
        """To be called often: ``tracectl filter`` tells the module only."""
        now_ns = time.monotonic_ns()
        if now_ns >= self._next_ns:
            self._next_ns = now_ns + _PERIOD_NS
            self.look_now()

    def look_now(self) -> None:
        status = self._device.status()
        # Stopped by another process, it may have a successor already.
        if status.session_id == self._session_id and status.terms != self._terms:
            self._terms = status.terms
            self.chosen = self.chosen.narrowed(chosen_of(status.terms))
