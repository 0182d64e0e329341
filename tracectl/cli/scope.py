"""What a session records, in words: for ``status``."""

from __future__ import annotations

import errno
from typing import Any

from tracectl.kernel.filter import ALL_ERRNOS, Terms
from tracectl.render.table import format_duration


def facts_of_terms(terms: Terms) -> dict[str, Any]:
    """The terms that are given, as JSON has them; ``errnos`` [] are any."""
    errnos = () if terms.errnos in (None, ALL_ERRNOS) else sorted(terms.errnos or ())
    errors = [errno.errorcode.get(number, str(number)) for number in errnos]
    facts = {
        "uid": terms.uid,
        "comm": terms.comm,
        "cgroup": terms.cgroup,
        "calls": None if terms.calls is None else len(terms.calls),
        "cpus": None if terms.cpus is None else sorted(terms.cpus),
        "errnos": None if terms.errnos is None else errors,
        "slower_ns": terms.slower_ns,
        "path": terms.path,
    }
    return {name: value for name, value in facts.items() if value is not None}


def words_of_scope(target_pid: int | None, facts: dict[str, Any]) -> str:
    """``facts`` as above."""
    words = [f"process {target_pid} and what it forks" if target_pid else "the whole machine"]
    for name, value in facts.items():
        if name == "calls":
            words.append(f"{value} system calls")
        elif name == "cpus":
            words.append(f"CPUs {','.join(map(str, value))}")
        elif name == "errnos":
            words.append(f"failed with {','.join(value)}" if value else "failed")
        elif name == "slower_ns":
            words.append(f"{format_duration(value)} or longer")
        else:
            words.append(f"{name} {value}")
    return "; ".join(words)
