"""What differs between the machines that a guest emulates."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Machine:
    """``name`` is uname's, ``debian`` that of packages; ``board`` and ``cpu`` are what QEMU
    emulates, ``boot`` what its kernel is told of it. ``lacks`` are features that ``cpu`` is without
    where no instruction is counted. Modules are built with ``compiler``, for which make gets the
    arguments ``make``."""

    name: str
    debian: str
    qemu: str
    qemu_package: str
    board: str
    cpu: str
    boot: tuple[str, ...]
    compiler: str
    compiler_package: str
    make: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()


X86_64 = Machine(
    name="x86_64",
    debian="amd64",
    qemu="qemu-system-x86_64",
    qemu_package="qemu-system-x86",
    board="q35",
    cpu="max",
    boot=("console=ttyS0", "random.trust_cpu=on", "tsc=reliable"),
    compiler="gcc-12",
    compiler_package="gcc-12",
    # numpy crashes on the AVX2 of QEMU 7.2, the first that has one; a "rep movsb" is emulated byte
    # by byte.
    lacks=("avx2", "erms", "fsrm"),
)
ARM64 = Machine(
    name="aarch64",
    debian="arm64",
    qemu="qemu-system-aarch64",
    qemu_package="qemu-system-arm",
    board="virt,gic-version=max",
    # The architecture's own cipher for pointer authentication is slow to emulate.
    cpu="max,pauth-impdef=on",
    boot=("console=ttyAMA0",),
    compiler="aarch64-linux-gnu-gcc-12",
    compiler_package="gcc-12-aarch64-linux-gnu",
    make=("ARCH=arm64", "CROSS_COMPILE=aarch64-linux-gnu-"),
)
