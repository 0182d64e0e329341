"""Which argument of a system call is the address of a socket."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from tracectl.tables.table import Syscall

# The argument, and the one that is its length where the caller gives it.
_ADDRESSES = {
    "connect": ("uservaddr", "addrlen"),
    "bind": ("umyaddr", "addrlen"),
    "sendto": ("addr", "addr_len"),
    "accept": ("upeer_sockaddr", ""),
    "accept4": ("upeer_sockaddr", ""),
    "recvfrom": ("addr", ""),
    "getsockname": ("usockaddr", ""),
    "getpeername": ("usockaddr", ""),
}


@dataclass(frozen=True, slots=True)
class AddressArgument:
    """Both by number; ``length`` is None where the address is the kernel's answer."""

    argument: int
    length: int | None


@cache
def address_of(call: Syscall) -> AddressArgument | None:
    found = _ADDRESSES.get(call.name)
    if found is None:
        return None
    argument, length = found
    places = {one.name: at for at, one in enumerate(call.args)}
    return AddressArgument(places[argument], places.get(length))
