"""Errors a user can meet. Each one is a sentence that says what is wrong and what to do.

The command line prints the sentence and exits with ``exit_code``; nothing else turns an error
into an exit status.
"""

from __future__ import annotations

EXIT_OK = 0
EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_IMPOSSIBLE = 3
EXIT_LOST = 4
EXIT_INTERRUPTED = 130


class TracectlError(Exception):
    """Base of every error that is shown to the user as one sentence."""

    exit_code = EXIT_FAILED


class UsageError(TracectlError):
    """The command line asks for something that makes no sense."""

    exit_code = EXIT_USAGE


class UnsupportedError(TracectlError):
    """This machine cannot do it: no module, no permission, no emulator, wrong kernel."""

    exit_code = EXIT_IMPOSSIBLE


class AbiError(UnsupportedError):
    """The loaded module does not speak this tool's version of the protocol."""


class CaptureError(TracectlError):
    """A capture file cannot be read or written; ``path`` is the file."""

    def __init__(self, path: object, message: str) -> None:
        super().__init__(f"{path}: {message}")
        self.path = str(path)
        self._message = message

    def __reduce__(self) -> tuple[type[CaptureError], tuple[str, str]]:
        # It comes from the processes that read a capture, too.
        return type(self), (self.path, self._message)


class DecodeError(TracectlError):
    """Bytes that are no sub-buffer of this ABI, or a damaged one."""


class DeviceError(TracectlError):
    """The module refused a request; ``errno`` is what it answered."""

    def __init__(self, message: str, errno: int = 0) -> None:
        super().__init__(message)
        self.errno = errno


class SessionBusyError(DeviceError):
    """Another session owns the tracer; ``owner_pid`` and ``owner_comm`` say who."""

    def __init__(self, message: str, owner_pid: int, owner_comm: str) -> None:
        super().__init__(message)
        self.owner_pid = owner_pid
        self.owner_comm = owner_comm


class GuestError(TracectlError):
    """The guest could not be built, did not boot, panicked or hung."""
