"""The module compiles without a warning."""

from __future__ import annotations

import pytest

from tracectl.vm.build import SOURCE, build_module
from tracectl.vm.kernel import fetch_kernel

pytestmark = pytest.mark.guest


@pytest.mark.parametrize("series", ["6.1", "6.12"])
def test_no_warning_with_w1_and_sparse(series, tmp_path):
    build = build_module(fetch_kernel(series), SOURCE, tmp_path, ["W=1", "C=1"])
    assert build.output == ""
