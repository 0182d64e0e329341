"""Passes over records and calls, compiled: optional, and several times as fast as numpy, which
takes a pass and a column for every step.

A pass answers how much it made, or None: what it was given is not what it knows. Who has a use for
one does the same in numpy where there is none, and where it answers None; so it is numpy's way that
tells what is wrong with damaged records. The tests hold both ways equal. Each pass in the C files
beside this one says what it reads and writes; what it reads comes first.
"""

from __future__ import annotations

import os
from importlib import import_module
from types import ModuleType


def _load() -> ModuleType | None:
    # To compare, and for whoever mistrusts what is compiled.
    if os.environ.get("TRACECTL_COMPILED") == "0":
        return None
    try:
        return import_module("tracectl.walk._walk")
    except ImportError:
        return None


compiled = _load()
