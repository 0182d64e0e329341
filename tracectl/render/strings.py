"""Strings as strace writes them."""

from __future__ import annotations

from functools import lru_cache

_ESCAPES = {0x22: '\\"', 0x5C: "\\\\", 9: "\\t", 10: "\\n", 11: "\\v", 12: "\\f", 13: "\\r"}
_OCTAL_DIGITS = [bytes([digit]) for digit in b"01234567"]


@lru_cache(maxsize=65536)
def format_string(data: bytes) -> str:
    """A string in quotes, escaped as strace escapes it: octal where it is no printable ASCII."""
    parts = []
    for index, byte in enumerate(data):
        if byte in _ESCAPES:
            parts.append(_ESCAPES[byte])
        elif 0x20 <= byte < 0x7F:
            parts.append(chr(byte))
        else:
            # As few digits as the next character allows.
            followed = data[index + 1 : index + 2] in _OCTAL_DIGITS
            parts.append(f"\\{byte:03o}" if followed else f"\\{byte:o}")
    return '"' + "".join(parts) + '"'
