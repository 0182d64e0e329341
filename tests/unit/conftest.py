"""What is compiled, and the same in numpy: tests that ask for ``way`` run with each."""

from __future__ import annotations

import pytest

from tracectl import walk


@pytest.fixture(params=["compiled", "numpy"])
def way(request, monkeypatch):
    if request.param == "numpy":
        monkeypatch.setattr(walk, "compiled", None)
    else:
        assert walk.compiled is not None, "the passes are not compiled: packaging/setup.sh does it"
