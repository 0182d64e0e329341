"""An administrator's programs."""

from __future__ import annotations

import os
from collections.abc import Mapping

_PLACES = ("/usr/sbin", "/sbin")


def path_with_sbin(env: Mapping[str, str] = os.environ) -> str:
    """The PATH of ``env`` with where they are: a user's has no sbin on Debian, nor has root's after
    a ``su`` without ``-``."""
    places = env.get("PATH", os.defpath).split(":")
    return ":".join([*places, *(place for place in _PLACES if place not in places)])
