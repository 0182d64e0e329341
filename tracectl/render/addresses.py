"""Addresses of sockets, as strace writes them."""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Callable
from functools import cache, lru_cache

from tracectl.render.strings import format_string
from tracectl.tables.roles import load_constants

_FAMILY_BYTES = 2


@lru_cache(maxsize=4096)
def format_address(data: bytes) -> str:
    """A struct sockaddr, of which ``data`` may have less than its family wants."""
    if len(data) < _FAMILY_BYTES:
        return format_string(data)
    (number,) = struct.unpack_from("<H", data)
    family, rest = _families().get(number, f"{number:#x}"), data[_FAMILY_BYTES:]
    wanted, formatter = _FORMATTERS.get(family, (0, _format_other))
    fields = formatter(rest) if len(rest) >= wanted else _format_other(rest)
    return f"{{sa_family={family}{fields}}}"


@lru_cache(maxsize=4096)
def format_endpoint(data: bytes) -> str:
    """A struct sockaddr in short: ADDRESS:PORT, or a path in quotes; nothing if it has neither."""
    number, rest = int.from_bytes(data[:_FAMILY_BYTES], "little"), data[_FAMILY_BYTES:]
    family = _families().get(number, "")
    if family == "AF_INET" and len(rest) >= _FORMATTERS[family][0]:
        return f"{ipaddress.IPv4Address(rest[2:6])}:{int.from_bytes(rest[:2], 'big')}"
    if family == "AF_INET6" and len(rest) >= _FORMATTERS[family][0]:
        return f"[{ipaddress.IPv6Address(rest[6:22])}]:{int.from_bytes(rest[:2], 'big')}"
    if family == "AF_UNIX" and rest:
        is_named = rest[0] != 0
        name = format_string(rest.split(bytes(1))[0] if is_named else rest[1:])
        return name if is_named else f"@{name}"
    return ""


@cache
def _families() -> dict[int, str]:
    # The same numbers everywhere.
    return {value: name for name, value in load_constants("x86_64")["family"].items()}


def _format_unix(rest: bytes) -> str:
    if not rest:
        return ""
    if rest[0]:
        return f", sun_path={format_string(rest.split(bytes(1))[0])}"
    # Abstract: the length is the name's.
    return f", sun_path=@{format_string(rest[1:])}"


def _format_ipv4(rest: bytes) -> str:
    (port,) = struct.unpack_from(">H", rest)
    address = ipaddress.IPv4Address(rest[2:6])
    return f', sin_port=htons({port}), sin_addr=inet_addr("{address}")'


def _format_ipv6(rest: bytes) -> str:
    port, flow = struct.unpack_from(">HI", rest)
    address = ipaddress.IPv6Address(rest[6:22])
    text = str(address) if address.ipv4_mapped is None else f"::ffff:{address.ipv4_mapped}"
    scope = struct.unpack_from("<I", rest.ljust(26, bytes(1)), 22)[0]
    return (
        f", sin6_port=htons({port}), sin6_flowinfo=htonl({flow}), "
        f'inet_pton(AF_INET6, "{text}", &sin6_addr), sin6_scope_id={scope}'
    )


def _format_netlink(rest: bytes) -> str:
    port, groups = struct.unpack_from("<II", rest, 2)
    # As C's %#08x.
    return f", nl_pid={port}, nl_groups={f'{groups:#08x}' if groups else '00000000'}"


def _format_other(rest: bytes) -> str:
    return f", sa_data={format_string(rest)}" if rest else ""


# By family: the bytes after it that there must be.
_FORMATTERS: dict[str, tuple[int, Callable[[bytes], str]]] = {
    "AF_UNIX": (0, _format_unix),
    "AF_INET": (6, _format_ipv4),
    "AF_INET6": (22, _format_ipv6),
    "AF_NETLINK": (10, _format_netlink),
}
