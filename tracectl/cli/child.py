"""A command that waits to be let go, so that it can be traced from its first call."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Sequence
from typing import NoReturn

from tracectl.errors import TracectlError

_CANNOT_EXECUTE = 126
_NOT_FOUND = 127


class CommandError(TracectlError):
    """The command cannot be executed; exits as a shell does then."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class Child:
    """``argv``, forked but not yet executed. ``pidfd`` is readable once it has ended.

    CommandError when there is no such program.
    """

    def __init__(self, argv: Sequence[str]) -> None:
        # Looked up here: the search would be the first thing in the capture.
        program = shutil.which(argv[0])
        if program is None:
            raise CommandError(f"{argv[0]}: command not found", _NOT_FOUND)
        self._name = argv[0]
        go_read, self._go_write = os.pipe()
        self._errno_read, errno_write = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self._go_write)
            _execute(program, list(argv), go_read, errno_write)
        os.close(go_read)
        os.close(errno_write)
        self.pidfd = os.pidfd_open(self.pid)
        self._status: int | None = None

    def release(self) -> CommandError | None:
        """Lets it execute; answers why it could not."""
        os.write(self._go_write, b"x")
        os.close(self._go_write)
        code = os.read(self._errno_read, 8)
        os.close(self._errno_read)
        if not code:
            return None
        return CommandError(f"{self._name}: {os.strerror(int(code))}", _CANNOT_EXECUTE)

    def abandon(self) -> None:
        """Ends it without having executed anything."""
        os.close(self._go_write)
        os.close(self._errno_read)
        self.wait()

    def has_ended(self) -> bool:
        if self._status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self._status = status
        return self._status is not None

    def wait(self) -> int:
        """Its exit code, as a shell has it: 128 and the signal that ended it."""
        if self._status is None:
            self._status = os.waitpid(self.pid, 0)[1]
        code = os.waitstatus_to_exitcode(self._status)
        return code if code >= 0 else 128 - code

    def kill(self, signum: int) -> None:
        if not self.has_ended():
            os.kill(self.pid, signum)


def _execute(program: str, argv: list[str], go_read: int, errno_write: int) -> NoReturn:
    try:
        # Python ignores these two for itself.
        for signum in (signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(signum, signal.SIG_DFL)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        # EOF: the parent gave up, or died.
        if os.read(go_read, 1):
            os.execv(program, argv)
    except OSError as error:
        os.write(errno_write, str(error.errno).encode())
    finally:
        os._exit(_CANNOT_EXECUTE)
