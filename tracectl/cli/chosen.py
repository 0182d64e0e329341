"""Which threads and CPUs a session was filtered to, also where that changed while it ran."""

from __future__ import annotations

from tracectl.abi.control import FilterFlag
from tracectl.capture.metadata import Chosen
from tracectl.kernel.device import Status
from tracectl.kernel.filter import Terms

_THREADS = FilterFlag.UID | FilterFlag.COMM | FilterFlag.CGROUP


def chosen_by(terms: Terms) -> Chosen:
    return Chosen(terms.has_threads, None if terms.cpus is None else sorted(terms.cpus))


def chosen_until(status: Status, first: Terms) -> Chosen:
    """What the session of ``status`` recorded all the time, with the terms ``first`` to begin with.
    CPUs that were chosen meanwhile only are not known: no CPU is for sure."""
    cpus = chosen_by(first).narrowed(chosen_by(status.terms)).cpus
    if cpus is None and status.narrowed & FilterFlag.CPUS:
        cpus = []
    return Chosen(bool(status.narrowed & _THREADS), cpus)
