"""tracectl module"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path

from tracectl.cli.output import say
from tracectl.errors import EXIT_FAILED, EXIT_OK, DeviceError, UnsupportedError, UsageError
from tracectl.module import loading

NAME = "module"
HELP = "install, load, unload or remove the kernel module"
EXAMPLES = """\
  tracectl module install        builds it with DKMS for every installed kernel, and loads it
                                 now and at boot, for root and the group tracectl
  tracectl module load           the installed one
  tracectl module load --path ./tracectl.ko
  tracectl module unload
  tracectl module remove         unloads it and takes it away from every kernel

A kernel that is installed later gets the module by itself: DKMS sees to it."""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=tuple(_ACTIONS), help="what is to be done")
    parser.add_argument("--path", type=Path, metavar="FILE", help="load: this module file")
    parser.add_argument(
        "--kernel", action="append", metavar="RELEASE",
        help="install: for this kernel; may be given again (default: all that have headers)",
    )  # fmt: skip
    parser.add_argument("--no-load", action="store_true", help="install: do not load it")


def run(args: argparse.Namespace) -> int:
    if args.path and args.action != "load":
        raise UsageError("--path goes with load")
    if (args.kernel or args.no_load) and args.action != "install":
        raise UsageError("--kernel and --no-load go with install")
    return _ACTIONS[args.action](args)


def _install(args: argparse.Namespace) -> int:
    from tracectl.module import access  # noqa: PLC0415 - not needed to load
    from tracectl.module.dkms import Dkms, releases_with_headers  # noqa: PLC0415
    from tracectl.module.packages import install_command  # noqa: PLC0415
    from tracectl.module.source import find_source  # noqa: PLC0415

    dkms = Dkms()
    dkms.check_owner()
    releases = args.kernel or releases_with_headers()
    running = os.uname().release
    if not releases:
        raise UnsupportedError(
            "no kernel headers are installed to build against: "
            f"{install_command(f'linux-headers-{running}')}"
        )
    say(f"building for {', '.join(releases)}")
    outcomes = dkms.install(find_source(), releases)
    for outcome in outcomes:
        say(f"{outcome.release}: {outcome.error or 'installed'}")
    installed = [outcome.release for outcome in outcomes if not outcome.error]
    if access.grant():
        say(f"members of the group {access.GROUP} may use it")
    if not args.no_load and running in installed:
        _replace(args)
    elif not args.no_load and not args.kernel and running not in releases:
        raise UnsupportedError(
            f"the running kernel, {running}, has no headers to build against: "
            f"{install_command(f'linux-headers-{running}')}"
        )
    return EXIT_OK if len(installed) == len(outcomes) else EXIT_FAILED


def _replace(args: argparse.Namespace) -> None:
    """The loaded one may be that of the version before."""
    try:
        loading.unload()
    except DeviceError as error:
        say(f"what was loaded before stays: {error}; 'tracectl module unload', then 'load' later")
    else:
        _load(args)


def _load(args: argparse.Namespace) -> int:
    changed = loading.load(args.path)
    say("the module is loaded" if changed else "the module was loaded already")
    return EXIT_OK


def _unload(_: argparse.Namespace) -> int:
    changed = loading.unload()
    say("the module is unloaded" if changed else "the module was not loaded")
    return EXIT_OK


def _remove(args: argparse.Namespace) -> int:
    from tracectl.module import access  # noqa: PLC0415 - not needed to load
    from tracectl.module.dkms import Dkms  # noqa: PLC0415

    dkms = Dkms()
    dkms.check_owner()
    _unload(args)
    say("the module is removed" if dkms.remove() else "the module was not installed")
    access.revoke()
    return EXIT_OK


_ACTIONS: dict[str, Callable[[argparse.Namespace], int]] = {
    "install": _install,
    "load": _load,
    "unload": _unload,
    "remove": _remove,
}
