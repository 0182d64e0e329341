"""Bits of a number by their names."""

from __future__ import annotations


def format_flags(value: int, constants: dict[str, int], zero: str) -> str:
    """Names of the bits in ``value`` joined with "|", unknown ones as a number at the end."""
    rest, names = value, []
    # Wider ones first: O_SYNC holds O_DSYNC, O_TMPFILE holds O_DIRECTORY.
    for name, bits in sorted(constants.items(), key=lambda item: -item[1].bit_count()):
        if bits and rest & bits == bits:
            names.append((bits & -bits, name))
            rest &= ~bits
    texts = [name for _, name in sorted(names)]
    if rest:
        texts.append(f"{rest:#x}")
    return "|".join(texts) or zero
