"""What a check of the machine answers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    OK = "ok"
    FAILED = "not ok"
    """Nothing can be traced here without it."""
    NOTE = "note"
    """Worth knowing; what tracing needs is here all the same."""


@dataclass(frozen=True, slots=True)
class Check:
    """One line: what was looked at, what was found, and what to run when that is not good."""

    name: str
    verdict: Verdict
    found: str
    remedy: str = ""


def passed(name: str, found: str) -> Check:
    return Check(name, Verdict.OK, found)


def failed(name: str, found: str, remedy: str) -> Check:
    return Check(name, Verdict.FAILED, found, remedy)


def noted(name: str, found: str, remedy: str) -> Check:
    return Check(name, Verdict.NOTE, found, remedy)
