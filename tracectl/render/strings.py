"""Strings as strace writes them."""

from __future__ import annotations

from functools import lru_cache

_ESCAPES = {0x22: '\\"', 0x5C: "\\\\", 9: "\\t", 10: "\\n", 11: "\\v", 12: "\\f", 13: "\\r"}
_OCTAL_DIGITS = [bytes([digit]) for digit in b"01234567"]


_DELETED = b" (deleted)"


def printable(text: str) -> str:
    """Names come from others: what a terminal would obey is shown as an escape."""
    return text if text.isprintable() else _escape(text)


@lru_cache(maxsize=4096)
def _escape(text: str) -> str:
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )


@lru_cache(maxsize=4096)
def format_file(path: bytes | None) -> str:
    """What is behind a file descriptor, as /proc shows it; nothing for None."""
    if path is None:
        return ""
    is_deleted = path.endswith(_DELETED) and path.startswith(b"/")
    text = format_string(path.removesuffix(_DELETED) if is_deleted else path)[1:-1]
    text = text.replace("<", "\\74").replace(">", "\\76")
    return f"<{text}>(deleted)" if is_deleted else f"<{text}>"


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
