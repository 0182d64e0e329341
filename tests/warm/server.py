"""Runs the tracectl of a guest's script in forks of one process that has imported it: an emulated
machine takes five seconds for that, and the tests run it hundreds of times.

The command returns once commands can be sent, by client.c.
"""

from __future__ import annotations

import os
import signal
import socket
import struct
import sys
from importlib import import_module

from tracectl.cli.main import load_command, main

COMMANDS = ("record", "start", "stop", "filter", "status")
LATER = (
    "abi.totals", "capture.metadata", "capture.writer", "capture.blockfile", "kernel.choice",
    "kernel.reads", "kernel.recorder", "kernel.tasks", "kernel.files", "tables.table",
)  # fmt: skip
ADDRESS = "\0tracectl"
MESSAGE_BYTES = 64 << 10


def serve() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(ADDRESS)
        listener.listen(64)
        if os.fork():
            os._exit(0)
        os.setsid()
        null = os.open(os.devnull, os.O_RDWR)
        for fd in range(3):
            os.dup2(null, fd)
        for command in COMMANDS:
            load_command(command)
        for name in LATER:
            import_module(f"tracectl.{name}")
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        connection, _ = listener.accept()
        while os.fork():
            connection.close()
            connection, _ = listener.accept()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    answer(connection)


def answer(connection: socket.socket) -> None:
    """Tells the pid, then the exit code of what it runs, or 128 and the signal that ended it."""
    message, fds, _, _ = socket.recv_fds(connection, MESSAGE_BYTES, 3)
    pid = os.fork()
    if pid == 0:
        connection.close()
        run(message, fds)
    connection.send(struct.pack("i", pid))
    _, status = os.waitpid(pid, 0)
    code = os.waitstatus_to_exitcode(status)
    connection.send(struct.pack("i", code if code >= 0 else 128 - code))


def run(message: bytes, fds: list[int]) -> None:
    directory, *texts = message[:-1].split(b"\0")
    end = texts.index(b"")
    for fd, sent in enumerate(fds):
        os.dup2(sent, fd)
        os.close(sent)
    # Python finds out what they are when it opens them.
    sys.stdin, sys.stdout = os.fdopen(0), os.fdopen(1, "w")
    sys.stderr = os.fdopen(2, "w", 1, errors="backslashreplace")
    os.chdir(directory)
    os.environb.clear()
    os.environb.update(pair.split(b"=", 1) for pair in texts[end + 1 :])
    sys.exit(main([os.fsdecode(text) for text in texts[:end]]))


if __name__ == "__main__":
    serve()
