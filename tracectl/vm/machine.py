"""What differs between the machines that a guest emulates."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Machine:
    """``name`` is uname's, ``debian`` that of packages; ``hardware`` is what QEMU emulates,
    ``boot`` what its kernel is told of it, ``quick`` what is emulated instead where no instruction
    is counted. Modules are built with ``compiler``, for which make gets the arguments ``make``."""

    name: str
    debian: str
    qemu: str
    qemu_package: str
    hardware: tuple[str, ...]
    boot: tuple[str, ...]
    compiler: str
    compiler_package: str
    make: tuple[str, ...] = ()
    quick: tuple[str, ...] = ()


X86_64 = Machine(
    name="x86_64",
    debian="amd64",
    qemu="qemu-system-x86_64",
    qemu_package="qemu-system-x86",
    # numpy crashes on the AVX2 of QEMU 7.2, the first that has one.
    hardware=("-machine", "q35", "-cpu", "max,-avx2"),
    boot=("console=ttyS0", "random.trust_cpu=on", "tsc=reliable"),
    compiler="gcc-12",
    compiler_package="gcc-12",
    # A "rep movsb" is emulated byte by byte.
    quick=("-cpu", "max,-avx2,-erms,-fsrm"),
)
ARM64 = Machine(
    name="aarch64",
    debian="arm64",
    qemu="qemu-system-aarch64",
    qemu_package="qemu-system-arm",
    # The architecture's own cipher for pointer authentication is slow to emulate.
    hardware=("-machine", "virt,gic-version=max", "-cpu", "max,pauth-impdef=on"),
    boot=("console=ttyAMA0",),
    compiler="aarch64-linux-gnu-gcc-12",
    compiler_package="gcc-12-aarch64-linux-gnu",
    make=("ARCH=arm64", "CROSS_COMPILE=aarch64-linux-gnu-"),
)
