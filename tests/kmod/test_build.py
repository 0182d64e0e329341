"""The module compiles without a warning."""

from __future__ import annotations

import re

import pytest

from conftest import KERNELS
from tracectl.module.dkms import Dkms, releases_with_headers
from tracectl.module.source import copy_source, find_source
from tracectl.vm.build import build_module

pytestmark = pytest.mark.guest
SERIES = KERNELS or ["6.1", "6.12-bpo"]
UNDECLARED = "\nint undeclared(void)\n{\n\treturn 0;\n}\n"


@pytest.mark.parametrize("series", SERIES, scope="session")
def test_no_warning(kernel, tmp_path, monkeypatch):
    """W=1 everywhere; sparse where the compiler is this machine's, DKMS where it is the suite's."""
    if kernel.root is None:
        build = build_module(kernel, find_source(), tmp_path, ["W=1", "C=1"])
        assert build.output == ""
        return
    monkeypatch.setenv("KBUILD_EXTRA_WARN", "1")
    dkms = Dkms(kernel.root)
    assert kernel.release in releases_with_headers(kernel.root)
    (outcome,) = dkms.try_build(find_source(), [kernel.release])
    assert outcome.error == "", outcome.log
    assert "LD [M]" in outcome.log
    assert warnings_in(outcome.log) == []


@pytest.mark.parametrize("series", SERIES[:1], scope="session")
def test_a_warning_is_seen(kernel, tmp_path, monkeypatch):
    copy_source(find_source(), tmp_path / "source")
    with (tmp_path / "source" / "kmod" / "main.c").open("a") as file:
        file.write(UNDECLARED)
    if kernel.root is None:
        log = build_module(kernel, tmp_path / "source", tmp_path, ["W=1"]).output
    else:
        monkeypatch.setenv("KBUILD_EXTRA_WARN", "1")
        (outcome,) = Dkms(kernel.root).try_build(tmp_path / "source", [kernel.release])
        log = outcome.log
    (warning,) = warnings_in(log)
    assert "undeclared" in warning


def warnings_in(log: str) -> list[str]:
    return re.findall(r"^.*\bwarning: .*$", log, re.MULTILINE | re.IGNORECASE)
