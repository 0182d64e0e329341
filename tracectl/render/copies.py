"""The kernel's copies and the user's memory, each on the argument of the call that it was."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache

from tracectl.abi.records import AddressSite, ArgvFlag, Kind, Site
from tracectl.decode.copies import Copy
from tracectl.render.addresses import format_address
from tracectl.render.files import Files
from tracectl.render.memory import texts_of_memory
from tracectl.render.strings import format_string
from tracectl.tables.addresses import address_of
from tracectl.tables.roles import role_of
from tracectl.tables.table import Syscall

# What becomes of a call's paths, in order of its arguments.
_SITES: dict[str, tuple[Site, ...]] = {
    **dict.fromkeys(
        ("open", "openat", "openat2", "creat", "execve", "execveat", "uselib", "acct", "swapon",
         "swapoff"),
        (Site.OPEN,),
    ),
    **dict.fromkeys(
        ("mkdir", "mkdirat", "mknod", "mknodat", "rmdir", "unlink", "unlinkat"), (Site.PARENT,)
    ),
    **dict.fromkeys(("rename", "renameat", "renameat2"), (Site.PARENT, Site.PARENT)),
    **dict.fromkeys(("link", "linkat"), (Site.LOOKUP, Site.PARENT)),
    **dict.fromkeys(("symlink", "symlinkat"), (Site.TARGET, Site.PARENT)),
}  # fmt: skip
# What the kernel does with addresses of sockets; all others are its answers.
_ADDRESS_SITES = {
    "connect": AddressSite.CONNECT,
    "bind": AddressSite.BIND,
    "sendto": AddressSite.SEND,
}
# They fill an array of two with what they made.
_PAIRS = {"pipe": "fildes", "pipe2": "fildes", "socketpair": "usockvec"}
_OTHERS = (Site.LOOKUP, Site.LOOKUP)


def texts_of(
    call: Syscall, arguments: Sequence[int], copies: Iterable[Copy], files: Files | None = None
) -> dict[int, str]:
    """What the kernel copied, in place of the address that it was given, by argument.

    Paths that belong to no argument are the kernel's own: an interpreter, a mount's device.
    """
    rest = list(copies)
    texts = {}
    for index, site in places_of_names(call):
        name = next((copy for copy in rest if copy.kind == Kind.NAME and copy.site == site), None)
        if name is not None and arguments[index]:
            texts[index] = format_string(name.data)
            rest.remove(name)
    memory = [copy for copy in rest if copy.kind == Kind.USER]
    if memory:
        # The kernel's own copies say more.
        texts = texts_of_memory(call, arguments, memory, _message_name(rest)) | texts
    if call.name in _PAIRS:
        texts |= _text_of_pair(call, rest, files)
    texts |= _texts_of_address(call, arguments, rest)
    for copy in rest:
        if copy.kind == Kind.DIVERGENCE and copy.argument in texts:
            texts[copy.argument] += f" /* at entry {format_entered(call, copy.paths[0])} */"
    image = next((copy for copy in rest if copy.kind == Kind.ARGV), None)
    if image is not None:
        texts |= _texts_of_image(call, arguments, image)
    return texts


def _message_name(copies: Iterable[Copy]) -> str | None:
    sites = (AddressSite.SEND, AddressSite.ANSWER)
    return next(
        (
            format_address(copy.data)
            for copy in copies
            if copy.kind == Kind.ADDRESS and copy.site in sites
        ),
        None,
    )


@cache
def places_of_names(call: Syscall) -> list[tuple[int, Site]]:
    """The arguments that are paths, and which site sees each."""
    places = [at for at, argument in enumerate(call.args) if role_of(call, argument) == "path"]
    return list(zip(places, _SITES.get(call.name, _OTHERS), strict=False))


def _text_of_pair(call: Syscall, copies: Iterable[Copy], files: Files | None) -> dict[int, str]:
    made = [copy for copy in copies if copy.kind == Kind.FILE]
    if len(made) != 2:
        return {}
    texts = [f"{file.fd}{'' if files is None else files.describe(file.data)}" for file in made]
    (at,) = (at for at, argument in enumerate(call.args) if argument.name == _PAIRS[call.name])
    return {at: f"[{', '.join(texts)}]"}


def format_entered(call: Syscall | None, text: bytes) -> str:
    """One of the two strings of a divergence: the address of a socket, or a path in quotes."""
    return format_address(text) if _has_address(call) else format_string(text)


def format_diverged(call: Syscall | None, text: bytes) -> str:
    """The same, a path as it is."""
    return format_address(text) if _has_address(call) else text.decode(errors="backslashreplace")


def _has_address(call: Syscall | None) -> bool:
    return call is not None and address_of(call) is not None


def _texts_of_address(
    call: Syscall, arguments: Sequence[int], copies: Iterable[Copy]
) -> dict[int, str]:
    wanted = address_of(call)
    address = next((copy for copy in copies if copy.kind == Kind.ADDRESS), None)
    site = _ADDRESS_SITES.get(call.name, AddressSite.ANSWER)
    if wanted is None or address is None or address.site != site:
        return {}
    at = wanted.argument
    return {at: format_address(address.data)} if arguments[at] else {}


def _texts_of_image(call: Syscall, arguments: Sequence[int], image: Copy) -> dict[int, str]:
    texts = {}
    for index, argument in enumerate(call.args):
        if argument.name == "argv" and not image.flags & ArgvFlag.FAULTED:
            texts[index] = format_strings(image.data, image.flags & ArgvFlag.TRUNCATED)
        elif argument.name == "envp" and arguments[index]:
            plural = "" if image.variables == 1 else "s"
            texts[index] = f"{arguments[index]:#x} /* {image.variables} var{plural} */"
    return texts


def format_strings(data: bytes, is_truncated: int = 0) -> str:
    """Strings with a NUL after each, as an array; the last may lack its end."""
    *whole, cut = data.split(b"\0")
    texts = [format_string(text) for text in whole]
    if is_truncated:
        texts += [f"{format_string(cut)}..."] if cut else []
        texts.append("...")
    return f"[{', '.join(texts)}]"
