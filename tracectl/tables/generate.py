"""Makes ``syscalls.json`` and ``constants.json`` out of a kernel's headers.

    python -m tracectl.tables.generate COMMON AMD64 ARM64

They are the unpacked linux-headers-*-common, -amd64 and -arm64 of the newest Debian kernel. Numbers
come from the generated entry tables, arguments from the prototypes.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
from pathlib import Path

from tracectl.tables.sets import KERNEL_SETS, SETS, X86_SETS

HERE = Path(__file__).parent
GENERATOR = "tracectl/tables/generate.py"

# architecture: ABI: headers of its entry points and of its numbers
_TABLES = {
    "x86": {
        "x86_64": ("asm/syscalls_64.h", "uapi/asm/unistd_64.h"),
        "i386": ("asm/syscalls_32.h", "uapi/asm/unistd_32.h"),
    },
    "arm64": {
        "aarch64": ("asm/syscall_table_64.h", "uapi/asm/unistd_64.h"),
        "arm": ("asm/syscall_table_32.h", "asm/unistd_32.h"),
    },
}
_NARROW = frozenset({"i386", "arm"})
_PROTOTYPES = (
    "include/asm-generic/syscalls.h",
    "arch/x86/include/asm/syscalls.h",
    "include/linux/syscalls.h",
)
# Made by the architecture itself, outside its table; see arch/arm64/kernel/sys_compat.c.
_PRIVATE = {
    "arm": {
        "983042": ("cacheflush", "unsigned long start, unsigned long end, int flags"),
        "983045": ("set_tls", "unsigned long tls"),
    }
}

# Entry points that no header of the package declares; see their SYSCALL_DEFINE in the sources.
_UNDECLARED = {
    "sys_arch_prctl": "int option, unsigned long arg2",
    "sys_iopl": "unsigned int level",
    "sys_modify_ldt": "int func, void *ptr, unsigned long bytecount",
    "sys_mmap": "unsigned long addr, unsigned long len, unsigned long prot, unsigned long flags, "
    "unsigned long fd, unsigned long off",
    "sys_rt_sigreturn": "void",
    "sys_sigreturn": "void",
    "sys_vm86": "unsigned long cmd, unsigned long arg",
    "sys_vm86old": "struct vm86_struct *user_vm86",
    "sys_ia32_mmap": "struct mmap_arg_struct32 *arg",
    "sys_map_shadow_stack": "unsigned long addr, unsigned long size, unsigned int flags",
    "sys_set_thread_area": "struct user_desc *u_info",
    "sys_get_thread_area": "struct user_desc *u_info",
    "sys_uretprobe": "void",
    "sys_uprobe": "void",
    "sys_ia32_pread64": "unsigned int fd, char *ubuf, u32 count, u32 poslo, u32 poshi",
    "sys_ia32_pwrite64": "unsigned int fd, char *ubuf, u32 count, u32 poslo, u32 poshi",
    "sys_ia32_truncate64": "const char *path, u32 offset_low, u32 offset_high",
    "sys_ia32_ftruncate64": "unsigned int fd, u32 offset_low, u32 offset_high",
    "sys_ia32_readahead": "int fd, u32 off_lo, u32 off_hi, size_t count",
    "sys_ia32_fadvise64": "int fd, u32 offset_lo, u32 offset_hi, size_t len, int advice",
    "sys_ia32_fadvise64_64": "int fd, u32 offset_low, u32 offset_high, u32 len_low, u32 len_high, "
    "int advice",
    "sys_ia32_sync_file_range": "int fd, u32 off_low, u32 off_hi, u32 n_low, u32 n_hi, int flags",
    "sys_ia32_fallocate": "int fd, int mode, u32 offset_lo, u32 offset_hi, u32 len_lo, u32 len_hi",
    # CONFIG_CLONE_BACKWARDS, which every ABI but x86_64 has.
    "clone_backwards": "unsigned long flags, unsigned long newsp, int *parent_tidptr, "
    "unsigned long tls, int *child_tidptr",
    "sys_arm64_personality": "unsigned int personality",
    "compat_sys_sigreturn": "void",
    "compat_sys_rt_sigreturn": "void",
    "compat_sys_aarch32_mmap2": "unsigned long addr, unsigned long len, unsigned long prot, "
    "unsigned long flags, unsigned long fd, unsigned long pgoff",
    "compat_sys_aarch32_statfs64": "const char *pathname, size_t sz, struct statfs64 *buf",
    "compat_sys_aarch32_fstatfs64": "unsigned int fd, size_t sz, struct statfs64 *buf",
    "compat_sys_aarch32_pread64": "unsigned int fd, char *buf, size_t count, u32 pad, u32 pos_lo, "
    "u32 pos_hi",
    "compat_sys_aarch32_pwrite64": "unsigned int fd, const char *buf, size_t count, u32 pad, "
    "u32 pos_lo, u32 pos_hi",
    "compat_sys_aarch32_truncate64": "const char *pathname, u32 pad, u32 length_lo, u32 length_hi",
    "compat_sys_aarch32_ftruncate64": "unsigned int fd, u32 pad, u32 length_lo, u32 length_hi",
    "compat_sys_aarch32_readahead": "int fd, u32 pad, u32 offset_lo, u32 offset_hi, size_t count",
    "compat_sys_aarch32_fadvise64_64": "int fd, int advice, u32 offset_lo, u32 offset_hi, "
    "u32 len_lo, u32 len_hi",
    "compat_sys_aarch32_sync_file_range2": "int fd, unsigned int flags, u32 offset_lo, "
    "u32 offset_hi, u32 nbytes_lo, u32 nbytes_hi",
    "compat_sys_aarch32_fallocate": "int fd, int mode, u32 offset_lo, u32 offset_hi, u32 len_lo, "
    "u32 len_hi",
}
# Prototypes without names for their arguments.
_NAMES = {
    "sys_clone": ("flags", "newsp", "parent_tidptr", "child_tidptr", "tls"),
    "sys_socket": ("family", "type", "protocol"),
    "sys_socketpair": ("family", "type", "protocol", "usockvec"),
    "sys_bind": ("fd", "umyaddr", "addrlen"),
    "sys_connect": ("fd", "uservaddr", "addrlen"),
    "sys_accept": ("fd", "upeer_sockaddr", "upeer_addrlen"),
    "sys_accept4": ("fd", "upeer_sockaddr", "upeer_addrlen", "flags"),
    "sys_getsockname": ("fd", "usockaddr", "usockaddr_len"),
    "sys_getpeername": ("fd", "usockaddr", "usockaddr_len"),
    "sys_sendto": ("fd", "buff", "len", "flags", "addr", "addr_len"),
    "sys_recvfrom": ("fd", "ubuf", "size", "flags", "addr", "addr_len"),
    "sys_shutdown": ("fd", "how"),
    "sys_listen": ("fd", "backlog"),
    "sys_pselect6": ("n", "inp", "outp", "exp", "tsp", "sig"),
    "sys_ppoll": ("ufds", "nfds", "tsp", "sigmask", "sigsetsize"),
    "sys_io_submit": ("ctx_id", "nr", "iocbpp"),
    "sys_rt_sigaction": ("signum", "act", "oldact", "sigsetsize"),
}

_WIDE = re.compile(r"\*|\blong\b|\bsize_t\b|\bssize_t\b|loff_t|off_t|aio_context_t|u64|__s64")
_SIGNED = re.compile(r"^(int|long|pid_t|loff_t|ssize_t|key_serial_t|clockid_t|s32|__s32|off_t)\b")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("common", type=Path)
    parser.add_argument("amd64", type=Path)
    parser.add_argument("arm64", type=Path)
    args = parser.parse_args()
    release = args.amd64.name.removeprefix("linux-headers-")
    flavours = {"x86": args.amd64, "arm64": args.arm64}
    prototypes = read_prototypes(args.common)
    tables = {
        abi: make_table(abi, flavours[arch] / "arch" / arch / "include/generated", prototypes)
        for arch, abis in _TABLES.items()
        for abi in abis
    }
    _write_lines(HERE / "syscalls.json", release, tables)
    sets: dict[str, object] = {}
    for name in SETS:
        sets[name] = values = read_set(name, "x86", args.common, args.amd64)
        if name not in X86_SETS:
            others = read_set(name, "arm64", args.common, args.arm64)
            # Only what differs.
            if others != values:
                sets[f"aarch64 {name}"] = others
    sets |= {name: read_kernel_set(name, args.common) for name in KERNEL_SETS}
    _write_lines(HERE / "constants.json", release, sets)


def read_prototypes(common: Path) -> dict[str, str]:
    """Entry point to the text of its parameters; of several prototypes the last, which is the one
    of an architecture without peculiarities."""
    found = dict(_UNDECLARED)
    pattern = re.compile(r"asmlinkage\s+\w+\s+((?:sys|compat_sys)_\w+)\s*\(([^)]*)\)", re.DOTALL)
    for header in _PROTOTYPES:
        path = common / header
        if path.is_file():
            for name, parameters in pattern.findall(path.read_text()):
                found[name] = " ".join(parameters.split())
    return found


def make_table(abi: str, generated: Path, prototypes: dict[str, str]) -> dict[str, list[object]]:
    """Number to name and arguments, each argument as "name:type:bits:sign"."""
    (arch,) = (arch for arch, abis in _TABLES.items() if abi in abis)
    entry_table, numbers = ((generated / header).read_text() for header in _TABLES[arch][abi])
    entries: dict[str, str] = {}
    pattern = r"^__SYSCALL\w*\((\d+), (\w+)(?:, (compat_sys_\w+))?"
    for number, native, compat in re.findall(pattern, entry_table, re.MULTILINE):
        # The others have the native one's arguments.
        is_own = compat.startswith("compat_sys_aarch32_") or native not in prototypes
        entries[number] = compat if compat and is_own else native
    table: dict[str, list[object]] = {}
    missing = []
    for name, number in re.findall(r"#define __NR_(\w+)\s+(\d+)", numbers):
        entry = entries.get(number, "sys_ni_syscall")
        if entry == "sys_clone" and abi != "x86_64":
            entry = "clone_backwards"
        if name == "syscalls":
            continue
        if entry not in prototypes:
            missing.append(entry)
            continue
        arguments = parse_parameters(entry, prototypes[entry], narrow=abi in _NARROW)
        table[number] = [name, *arguments]
    for number, (name, parameters) in _PRIVATE.get(abi, {}).items():
        table[number] = [name, *parse_parameters(name, parameters, narrow=True)]
    if missing:
        raise SystemExit(f"{abi}: no prototype of {missing}; add them to _UNDECLARED")
    return dict(sorted(table.items(), key=lambda item: int(item[0])))


def parse_parameters(entry: str, parameters: str, *, narrow: bool) -> list[str]:
    if parameters in ("", "void"):
        return []
    arguments = []
    for index, parameter in enumerate(parameters.split(",")):
        text = re.sub(r"\b(__user|const|__force)\b ?", "", parameter).strip()
        match = re.match(r"^(.*?[ *])(\w+)$", text)
        is_named = match and match[2] not in ("int", "long", "char", "size_t", "unsigned")
        ctype, name = (match[1].strip(), match[2]) if match and is_named else (text, f"arg{index}")
        if entry in _NAMES:
            name = _NAMES[entry][index]
        bits = 64 if _WIDE.search(ctype) and not narrow else 32
        sign = "s" if _SIGNED.match(ctype) and "*" not in ctype else "u"
        arguments.append(f"{name}:{ctype}:{bits}:{sign}")
    return arguments


def read_set(name: str, arch: str, common: Path, flavour: Path) -> dict[str, int]:
    """The macros of a header whose names match, with their values."""
    header, pattern = SETS[name]
    include = f"#include <{header}>\n"
    macros = _preprocess(include, arch, common, flavour, "-dM")
    names = sorted(match[1] for match in re.finditer(rf"^#define ({pattern}) ", macros, re.M))
    text = _preprocess(include + "".join(f'"@{n}" {n}\n' for n in names), arch, common, flavour)
    values = {}
    for constant, expression in re.findall(r'^"@(\w+)" (.*)$', text, re.M):
        value = _evaluate(expression)
        if value is not None:
            values[constant] = value
    return dict(sorted(values.items(), key=lambda item: (item[1], item[0])))


def read_kernel_set(name: str, common: Path) -> dict[str, int]:
    """The macros and enumerators of a header whose values are plain numbers."""
    header, pattern = KERNEL_SETS[name]
    number = r"(0x[0-9a-fA-F]+|\d+)\b"
    text = (common / header).read_text()
    found = re.findall(rf"^(?:#define)?\s*({pattern})\s*=?\s*{number}", text, re.M)
    values = {constant: int(value, 0) for constant, value in found}
    return dict(sorted(values.items(), key=lambda item: (item[1], item[0])))


def _preprocess(source: str, arch: str, common: Path, flavour: Path, *options: str) -> str:
    includes = []
    for directory in (
        common / "arch" / arch / "include/uapi",
        flavour / "arch" / arch / "include/generated/uapi",
        common / "include/uapi",
        flavour / "include/generated/uapi",
        common / "include",
    ):
        includes += ["-isystem", str(directory)]
    done = subprocess.run(
        # Not wanted, and not whole without the kernel's configuration.
        ["gcc", "-E", "-P", "-nostdinc", "-D__LINUX_COMPILER_H", "-D__user=", *options,
         *includes, "-x", "c", "-"],
        input=source, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(done.stderr)
    return done.stdout


def _evaluate(expression: str) -> int | None:
    """A C integer expression; None if it is none."""
    text = re.sub(r"\((?:__force )?__poll_t\)", "", expression)
    text = re.sub(r"\b(0[xX][0-9a-fA-F]+|\d+)[uUlL]+\b", r"\1", text)
    text = re.sub(r"\b0(\d+)\b", r"0o\1", text)
    if not re.fullmatch(r"[0-9a-fA-FxXo()|<+\-~ ]+", text):
        return None
    return int(eval(text, {"__builtins__": {}}))


def _write_lines(path: Path, release: str, tables: dict[str, dict[str, object]] | object) -> None:
    """JSON with one entry a line, so that a difference between two kernels can be read."""
    assert isinstance(tables, dict)
    parts = []
    for name, table in tables.items():
        rows = ",\n".join(
            f"{json.dumps(key)}:{json.dumps(value, separators=(',', ':'))}"
            for key, value in table.items()
        )
        parts.append(f"{json.dumps(name)}:{{\n{rows}\n}}")
    head = f'"generated by":{json.dumps(GENERATOR)},"kernel":{json.dumps(release)}'
    path.write_text("{" + head + ",\n" + ",\n".join(parts) + "\n}\n")


if __name__ == "__main__":
    main()
