"""One CPU's buffer, mapped."""

from __future__ import annotations

import errno
import fcntl
import mmap
import os
from contextlib import suppress

from tracectl.abi import control
from tracectl.abi.totals import CpuTotals
from tracectl.errors import DeviceError
from tracectl.kernel.counters import read_counters


class Stream:
    """Reads whole sub-buffers of one CPU; owns ``fd``. DeviceError when the module refuses."""

    def __init__(self, fd: int, cpu: int, subbuf_bytes: int, subbuf_count: int) -> None:
        self.cpu = cpu
        self._fd = fd
        self._subbuf_bytes = subbuf_bytes
        size = subbuf_bytes * subbuf_count
        try:
            self._map = mmap.mmap(fd, size, flags=mmap.MAP_SHARED, prot=mmap.PROT_READ)
        except OSError as error:
            os.close(fd)
            raise DeviceError(
                f"the buffer of CPU {cpu} ({size >> 20} MiB) cannot be mapped: {error.strerror}",
                error.errno or 0,
            ) from error
        self._view = memoryview(self._map)

    def fileno(self) -> int:
        """Polls POLLIN when a sub-buffer waits, POLLHUP when none is left and the session ended."""
        return self._fd

    def close(self) -> None:
        if self._fd < 0:
            return
        self._view.release()
        # The traceback of a failed write holds views of it; it goes when they do.
        with suppress(BufferError):
            self._map.close()
        os.close(self._fd)
        self._fd = -1

    def get(self) -> tuple[int, memoryview] | None:
        """The oldest whole sub-buffer: its number and its bytes, valid until put(); None when none
        waits, which after the session's end means that none will come."""
        data = bytearray(control.Subbuf.sizeof())
        try:
            fcntl.ioctl(self._fd, control.IOC_GET, data)
        except OSError as error:
            if error.errno in (errno.EAGAIN, errno.ENODATA):
                return None
            raise self._refused("GET", error) from error
        subbuf = control.Subbuf.parse(bytes(data))
        start = subbuf.index * self._subbuf_bytes
        return subbuf.seq, self._view[start : start + min(subbuf.used_bytes, self._subbuf_bytes)]

    def put(self, seq: int) -> bool:
        """Releases sub-buffer ``seq`` to the writer. False: a flight recorder overwrote it while it
        was read, and what was read is void."""
        try:
            fcntl.ioctl(self._fd, control.IOC_PUT, seq.to_bytes(8, "little"))
        except OSError as error:
            if error.errno == errno.ESTALE:
                return False
            raise self._refused("PUT", error) from error
        return True

    def flush(self) -> None:
        """Hands over a part-filled sub-buffer."""
        try:
            fcntl.ioctl(self._fd, control.IOC_FLUSH)
        except OSError as error:
            raise self._refused("FLUSH", error) from error

    def counters(self) -> CpuTotals:
        try:
            return read_counters(self._fd, self.cpu)
        except OSError as error:
            raise self._refused("COUNTERS", error) from error

    def _refused(self, request: str, error: OSError) -> DeviceError:
        return DeviceError(
            f"the module refused {request} of CPU {self.cpu}'s buffer: {error.strerror}",
            error.errno or 0,
        )
