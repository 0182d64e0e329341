"""What is behind file descriptors, as strace -y and -yy write it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tracectl.render.addresses import format_endpoint
from tracectl.render.strings import format_file

_NUMBER = slice(len(b"socket:["), -1)


@dataclass(frozen=True, slots=True)
class Files:
    """``path_of`` tells what is behind a descriptor, as /proc shows it; ``ends_of``, if the
    protocol and the addresses of sockets are wanted, those of a ``socket:[NUMBER]``."""

    path_of: Callable[[int], bytes | None]
    ends_of: Callable[[bytes], tuple[str, bytes, bytes] | None] | None = None

    def text_of(self, fd: int) -> str:
        """In angle brackets; nothing where nothing is known."""
        return self.describe(self.path_of(fd))

    def describe(self, path: bytes | None) -> str:
        ends = self.ends_of(path) if self.ends_of is not None and path is not None else None
        if ends is None or path is None:
            return format_file(path)
        return f"<{_format_socket(path[_NUMBER].decode(), *ends)}>"


def _format_socket(number: str, protocol: str, local: bytes, peer: bytes) -> str:
    near, far = format_endpoint(local), format_endpoint(peer)
    if protocol.startswith("UNIX"):
        parts = number + (f",{near}" if near else "") + (f"->{far}" if far else "")
    else:
        parts = f"{near}->{far}" if far else near or number
    return f"{protocol}:[{parts}]"
