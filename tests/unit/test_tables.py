"""The tables have the kernel's numbers and widths, and survive being stored in a capture."""

from __future__ import annotations

import json

import pytest

from tracectl.errors import UnsupportedError
from tracectl.tables.roles import ENUMERATIONS, load_constants, role_of
from tracectl.tables.table import SyscallTable, load_table, load_tables

TABLES = ("x86_64", "i386", "aarch64", "arm")
WORDS = {
    "path",
    "pointer",
    "dirfd",
    "descriptor",
    "owner",
    "request",
    "mode",
    "access_mode",
    "hex",
    "int",
    "uint",
}


@pytest.fixture(params=TABLES)
def table(request):
    return load_table(request.param)


@pytest.mark.parametrize(
    ("name", *TABLES),
    [
        ("read", 0, 3, 63, 3),
        ("write", 1, 4, 64, 4),
        ("close", 3, 6, 57, 6),
        ("brk", 12, 45, 214, 45),
        ("rt_sigreturn", 15, 173, 139, 173),
        ("getpid", 39, 20, 172, 20),
        ("clone", 56, 120, 220, 120),
        ("execve", 59, 11, 221, 11),
        ("exit", 60, 1, 93, 1),
        ("getppid", 110, 64, 173, 64),
        ("futex", 202, 240, 98, 240),
        ("exit_group", 231, 252, 94, 248),
        ("openat", 257, 295, 56, 322),
        ("execveat", 322, 358, 281, 387),
        ("delete_module", 176, 129, 106, 129),
        ("finit_module", 313, 350, 273, 379),
        ("clone3", 435, 435, 435, 435),
        ("openat2", 437, 437, 437, 437),
    ],
)
def test_numbers(name, x86_64, i386, aarch64, arm):
    for abi, nr in zip(TABLES, (x86_64, i386, aarch64, arm), strict=True):
        assert load_table(abi).name(nr) == name
        assert load_table(abi).by_name(name).nr == nr
        assert load_table(abi).get(nr).name == name


def test_calls_of_one_abi():
    assert load_table("x86_64").by_name("open").nr == 2
    assert load_table("aarch64").by_name("open") is None
    assert load_table("aarch64").by_name("arch_prctl") is None
    assert load_table("arm").by_name("open").nr == 5
    # Arm's own, far above the table.
    assert load_table("arm").name(0xF0005) == "set_tls"
    assert load_table("i386").by_name("mmap2").nr == 192
    assert load_table("x86_64").by_name("mmap2") is None
    assert load_table("x86_64").by_name("arch_prctl").nr == 158


@pytest.mark.parametrize(
    ("name", "bits"),
    [
        ("getppid", []),
        ("read", [32, 64, 64]),
        ("openat", [32, 64, 32, 32]),
        ("mmap", [64] * 6),
        ("futex", [64, 32, 32, 64, 64, 32]),
        ("clone", [64] * 5),
        ("lseek", [32, 64, 32]),
        ("exit_group", [32]),
    ],
)
def test_widths(name, bits):
    assert [argument.bits for argument in load_table("x86_64").by_name(name).args] == bits


@pytest.mark.parametrize("abi", ["i386", "arm"])
def test_a_narrow_abi_has_no_wide_argument(abi):
    assert {argument.bits for call in load_table(abi) for argument in call.args} == {32}


@pytest.mark.parametrize(
    ("abi", "name", "arguments"),
    [
        ("x86_64", "clone", ["flags", "newsp", "parent_tidptr", "child_tidptr", "tls"]),
        ("i386", "clone", ["flags", "newsp", "parent_tidptr", "tls", "child_tidptr"]),
        ("aarch64", "clone", ["flags", "newsp", "parent_tidptr", "tls", "child_tidptr"]),
        ("arm", "clone", ["flags", "newsp", "parent_tidptr", "tls", "child_tidptr"]),
        ("i386", "pread64", ["fd", "ubuf", "count", "poslo", "poshi"]),
        ("arm", "pread64", ["fd", "buf", "count", "pad", "pos_lo", "pos_hi"]),
        ("aarch64", "pread64", ["fd", "buf", "count", "pos"]),
    ],
)
def test_the_order_of_arguments(abi, name, arguments):
    assert [argument.name for argument in load_table(abi).by_name(name).args] == arguments


def test_signs_and_pointers():
    dfd, filename, flags, mode = load_table("x86_64").by_name("openat").args
    assert [arg.is_signed for arg in (dfd, filename, flags, mode)] == [True, False, True, False]
    assert [arg.is_pointer for arg in (dfd, filename, flags, mode)] == [False, True, False, False]
    assert (filename.name, filename.ctype) == ("filename", "char *")


def test_a_table_is_one_call_a_number(table):
    calls = list(table)
    assert len(calls) > 320
    numbers = [call.nr for call in calls]
    assert len(set(numbers)) == len(numbers)
    # The module has room for 512 an ABI.
    assert all(0 <= nr < 512 for nr in numbers if nr not in (0xF0002, 0xF0005))
    names = [call.name for call in calls]
    assert len(set(names)) == len(names)
    assert all(len(call.args) <= 6 for call in calls)
    assert all(argument.bits in (32, 64) for call in calls for argument in call.args)


@pytest.mark.parametrize("nr", [511, 512, 20000, -1, 2**40])
def test_a_number_that_no_table_has(table, nr):
    assert table.get(nr) is None
    assert table.name(nr) == f"syscall_{nr}"


def test_a_name_that_no_table_has(table):
    assert table.by_name("syscall_511") is None


def test_roundtrip_through_a_capture(table):
    tree = json.loads(json.dumps(table.to_json()))
    again = SyscallTable.from_json(table.abi, tree)
    assert list(again) == list(table)
    assert (again.abi, again.kernel) == (table.abi, table.kernel)
    assert again.kernel


@pytest.mark.parametrize(
    "tree",
    [
        {},
        {"kernel": "6.1"},
        {"calls": {}},
        {"kernel": "6.1", "calls": None},
        {"kernel": "6.1", "calls": {"x": ["read"]}},
        {"kernel": "6.1", "calls": {"0": []}},
        {"kernel": "6.1", "calls": {"0": ["read", "fd:int"]}},
        {"kernel": "6.1", "calls": {"0": ["read", "fd:int:wide:s"]}},
        {"kernel": "6.1", "calls": {"0": 5}},
    ],
)
def test_what_is_no_table_is_refused(tree):
    with pytest.raises((KeyError, TypeError, ValueError)):
        SyscallTable.from_json("x86_64", tree)


def test_every_argument_has_a_role_that_is_known(table):
    known = WORDS | load_constants(table.abi).keys()
    for call in table:
        for argument in call.args:
            assert role_of(call, argument) in known, f"{call.name} {argument.name}"


@pytest.mark.parametrize(
    ("name", "roles"),
    [
        ("openat", ["dirfd", "path", "open_flags", "mode"]),
        ("mmap", ["pointer", "uint", "prot", "map_flags", "descriptor", "hex"]),
        ("read", ["descriptor", "pointer", "uint"]),
        ("kill", ["int", "signal"]),
        ("clock_gettime", ["clock", "pointer"]),
        ("access", ["path", "access_mode"]),
        ("memfd_create", ["pointer", "memfd_flags"]),
        ("vmsplice", ["descriptor", "pointer", "uint", "splice_flags"]),
        ("execve", ["path", "pointer", "pointer"]),
        ("futex", ["pointer", "futex_op", "uint", "pointer", "pointer", "uint"]),
        ("munmap", ["pointer", "uint"]),
        ("brk", ["pointer"]),
    ],
)
def test_roles(name, roles):
    call = load_table("x86_64").by_name(name)
    assert [role_of(call, argument) for argument in call.args] == roles


def test_constants():
    constants = load_constants("x86_64")
    assert constants.keys() >= ENUMERATIONS
    assert constants["open_flags"]["O_CLOEXEC"] == 0o2000000
    assert constants["map_flags"]["MAP_ANONYMOUS"] == 0x20
    assert constants["futex_op"]["FUTEX_WAKE_PRIVATE"] == 129
    assert constants["signal"]["SIGCHLD"] == 17
    for values in constants.values():
        assert list(values.values()) == sorted(values.values())


def test_constants_that_differ_by_machine():
    x86, arm = (load_constants(abi)["open_flags"] for abi in ("i386", "arm"))
    assert (x86["O_DIRECTORY"], arm["O_DIRECTORY"]) == (0o200000, 0o40000)
    assert (x86["O_DIRECT"], arm["O_DIRECT"]) == (0o40000, 0o200000)
    assert load_constants("aarch64")["open_flags"] == arm
    assert load_constants("aarch64")["descriptor_flags"]["O_DIRECT"] == 0o200000
    assert "MAP_32BIT" not in load_constants("aarch64")["map_flags"]
    assert load_constants("aarch64")["signal"] == load_constants("x86_64")["signal"]


def test_a_machine_that_no_table_is_of():
    assert list(load_tables("aarch64")) == ["aarch64", "arm"]
    with pytest.raises(UnsupportedError, match="x86_64 and aarch64, not of riscv64"):
        load_tables("riscv64")


@pytest.mark.parametrize("row", ["read", ["read", 5], None])
def test_a_damaged_row(row):
    with pytest.raises(TypeError, match="is no row"):
        SyscallTable.from_json("x86_64", {"kernel": "6", "calls": {"0": row}})
