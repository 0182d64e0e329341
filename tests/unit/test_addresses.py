"""Addresses of sockets; tests/e2e/test_addresses.py compares them with strace's."""

from __future__ import annotations

import socket
import struct

import pytest

from tracectl.abi.records import AddressSite, Kind
from tracectl.decode.copies import Copy
from tracectl.render.addresses import format_address
from tracectl.render.arguments import format_arguments
from tracectl.tables.table import load_table

IPV4 = struct.pack("<H", 2) + struct.pack(">H4s8x", 80, bytes([127, 0, 0, 1]))
LOOPBACK = '{sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr("127.0.0.1")}'


def _ipv6(text: str, scope: int = 0) -> bytes:
    address = socket.inet_pton(socket.AF_INET6, text)
    return struct.pack("<H", 10) + struct.pack(">HI16s", 80, 0, address) + struct.pack("<I", scope)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (IPV4, LOOPBACK),
        (
            _ipv6("::ffff:10.0.0.1", 2),
            "{sa_family=AF_INET6, sin6_port=htons(80), sin6_flowinfo=htonl(0), "
            'inet_pton(AF_INET6, "::ffff:10.0.0.1", &sin6_addr), sin6_scope_id=2}',
        ),
        (b"\1\0/run/x\0rest", '{sa_family=AF_UNIX, sun_path="/run/x"}'),
        (b"\1\0\0a\0b", '{sa_family=AF_UNIX, sun_path=@"a\\0b"}'),
        (b"\1\0", "{sa_family=AF_UNIX}"),
        (b"\x10\0\0\0\5\0\0\0\0\0\0\0", "{sa_family=AF_NETLINK, nl_pid=5, nl_groups=00000000}"),
        (b"\0\0", "{sa_family=AF_UNSPEC}"),
        (b"\2\0\0", '{sa_family=AF_INET, sa_data="\\0"}'),
        (b"\xe7\3ab", '{sa_family=0x3e7, sa_data="ab"}'),
        (b"\2", '"\\2"'),
        (b"", '""'),
    ],
)
def test_families(data, text):
    assert format_address(data) == text


def test_an_address_belongs_to_the_argument_whose_site_saw_it():
    table = load_table("x86_64")
    copy = Copy(Kind.ADDRESS, IPV4, 0, AddressSite.CONNECT)
    written = format_arguments(table.by_name("connect"), [3, 1, 16], [copy])
    assert written == f"3, {LOOPBACK}, 16"
    # Not what accept answers.
    assert format_arguments(table.by_name("accept"), [3, 1, 2], [copy]) == "3, 0x1, 0x2"
