"""System calls as strace writes them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, lru_cache

from tracectl.decode.copies import Copy
from tracectl.render.copies import texts_of
from tracectl.render.files import Files
from tracectl.render.flags import format_constant, format_request, signed
from tracectl.render.variants import revise
from tracectl.tables.roles import load_constants, role_of
from tracectl.tables.table import Argument, Syscall

RESULT_COLUMN = 40
"""Where strace puts the result."""

_AT_FDCWD = -100
_NOBODY = 0xFFFFFFFF

Formatter = Callable[[int], str]


def format_call(name: str, arguments: str, result: str, *, column: int = RESULT_COLUMN) -> str:
    """``name(arguments) = result`` with the result at its column."""
    return f"{name}({arguments})".ljust(column - 1) + f" = {result}"


def format_arguments(
    call: Syscall | None,
    arguments: Sequence[int],
    copies: Sequence[Copy] = (),
    files: Files | None = None,
) -> str:
    """The arguments of a call, given as it got them: not sign-extended.

    ``copies`` are what the kernel copied for it, in order, ``files`` tells what is behind a file
    descriptor. Six bare registers where the call is not known.
    """
    if call is None:
        return ", ".join(f"{value:#x}" for value in arguments)
    texts = [
        formatter(value) for value, formatter in zip(arguments, formatters_of(call), strict=False)
    ]
    if files is not None:
        for index in _descriptors_in(call):
            texts[index] += files.text_of(signed(arguments[index], 32))
    copied = texts_of(call, arguments, copies, files) if copies else {}
    for index, text in copied.items():
        texts[index] = text
    return ", ".join(revise(call, arguments, texts, copied.keys()))


@cache
def _descriptors_in(call: Syscall) -> tuple[int, ...]:
    roles = [role_of(call, argument) for argument in call.args]
    return tuple(at for at, role in enumerate(roles) if role in ("descriptor", "dirfd"))


@cache
def formatters_of(call: Syscall) -> tuple[Formatter, ...]:
    return tuple(_formatter(call, argument) for argument in call.args)


def _formatter(call: Syscall, argument: Argument) -> Formatter:
    return lru_cache(maxsize=1024)(_choose(role_of(call, argument), argument, call.abi))


def _choose(role: str, argument: Argument, abi: str) -> Formatter:
    if role in ("path", "pointer"):
        return lambda value: f"{value:#x}" if value else "NULL"
    if role == "mode":
        return lambda value: f"0{value & 0o7777777:o}".zfill(3)
    if role == "hex":
        return lambda value: f"{value:#x}" if value else "0"
    if role == "dirfd":
        return lambda value: (
            "AT_FDCWD" if signed(value, 32) == _AT_FDCWD else str(signed(value, 32))
        )
    if role == "descriptor":
        return lambda value: str(signed(value, 32))
    if role == "owner":
        return lambda value: "-1" if value == _NOBODY else str(value)
    if role == "request":
        return format_request
    if role == "access_mode" or role in load_constants(abi):
        return lambda value: format_constant(role, value, abi)
    if role == "int":
        return lambda value: str(signed(value, argument.bits))
    return str
