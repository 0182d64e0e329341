"""The module compiles without a warning."""

from __future__ import annotations

import pytest

from tracectl.module.source import find_source
from tracectl.vm.build import build_module
from tracectl.vm.kernel import fetch_kernel

pytestmark = pytest.mark.guest


@pytest.mark.parametrize("series", ["6.1", "6.12-bpo"])
def test_no_warning_with_w1_and_sparse(series, tmp_path):
    build = build_module(fetch_kernel(series), find_source(), tmp_path, ["W=1", "C=1"])
    assert build.output == ""
