"""What sockets are bound and connected to, as far as calls told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tracectl.abi.records import Kind
from tracectl.analysis.rows import Row
from tracectl.tables.roles import load_constants
from tracectl.tables.table import Syscall

_TYPE = 0xF
_IN_PROGRESS = -115  # EINPROGRESS, on all of MACHINES
# As the kernel's struct proto is called, which is what strace shows.
_PROTOCOLS = {
    ("AF_INET", "SOCK_STREAM"): "TCP",
    ("AF_INET", "SOCK_DGRAM"): "UDP",
    ("AF_INET", "SOCK_RAW"): "RAW",
    ("AF_INET6", "SOCK_STREAM"): "TCPv6",
    ("AF_INET6", "SOCK_DGRAM"): "UDPv6",
    ("AF_INET6", "SOCK_RAW"): "RAWv6",
    ("AF_UNIX", "SOCK_STREAM"): "UNIX-STREAM",
    ("AF_UNIX", "SOCK_DGRAM"): "UNIX",
    ("AF_UNIX", "SOCK_SEQPACKET"): "UNIX",
}
_BY_FAMILY = {"AF_NETLINK": "NETLINK", "AF_PACKET": "PACKET"}


@dataclass(slots=True)
class _Socket:
    protocol: str
    local: bytes = b""
    peer: bytes = b""


class Sockets:
    """By what /proc shows of them: ``socket:[NUMBER]``, and no two have one number. Calls are told
    in order of time, as to :class:`tracectl.analysis.descriptors.Descriptors`."""

    def __init__(self) -> None:
        self._by_path: dict[bytes, _Socket] = {}

    def ends_of(self, path: bytes) -> tuple[str, bytes, bytes] | None:
        """Protocol, own and peer's struct sockaddr, empty where nothing told; None if ``path`` is
        no socket that is known."""
        socket = self._by_path.get(path)
        return None if socket is None else (socket.protocol, socket.local, socket.peer)

    def add(
        self,
        syscall: Syscall,
        call: Row,
        path_of: Callable[[int], bytes | None],
        made: Mapping[int, bytes],
    ) -> None:
        """A call that ended; ``path_of`` tells what is behind a descriptor, ``made`` what is behind
        those that it made."""
        name = syscall.name
        if name in ("socket", "socketpair"):
            for path in made.values():
                self._by_path[path] = _Socket(_protocol_of(call.arguments[0], call.arguments[1]))
            return
        mine = self._by_path.get(path_of(call.arguments[0]) or b"")
        if mine is None:
            return
        address = next((copy for copy in call.copies if copy.kind == Kind.ADDRESS), None)
        data = b"" if address is None else address.data
        if name in ("accept", "accept4"):
            for path in made.values():
                self._by_path[path] = _Socket(mine.protocol, mine.local, data)
        elif data and call.result in (0, _IN_PROGRESS):
            if name in ("connect", "getpeername"):
                mine.peer = data
            else:
                mine.local = data


SOCKET_CALLS = frozenset(
    ["socket", "socketpair", "accept", "accept4", "bind", "connect", "getsockname", "getpeername"]
)


def _protocol_of(family: int, type_: int) -> str:
    sets = load_constants("x86_64")
    family_name = next((name for name, value in sets["family"].items() if value == family), "")
    kinds = sets["socket_type"].items()
    type_name = next((name for name, value in kinds if value == type_ & _TYPE), "")
    return _PROTOCOLS.get((family_name, type_name)) or _BY_FAMILY.get(family_name, "socket")
