"""What a missing library's sentence tells to run, by where tracectl is installed."""

import os
import shlex
import sys
import tomllib
from pathlib import Path

import pytest

from tracectl.cli.extras import LIBRARIES, needs
from tracectl.errors import UnsupportedError

REPO = Path(__file__).parents[2]


def test_libraries_are_those_of_the_wheel():
    project = tomllib.loads((REPO / "pyproject.toml").read_text())["project"]
    for extra, libraries in LIBRARIES.items():
        if extra == "view":
            assert set(libraries) <= set(project["dependencies"])
        else:
            assert list(libraries) == project["optional-dependencies"][extra]


def test_manual_names_them_alike():
    manual = (REPO / "docs" / "install.md").read_text()
    for extra in LIBRARIES.keys() - {"completion"}:
        assert shlex.join(LIBRARIES[extra]) in manual


def said(extra):
    with pytest.raises(UnsupportedError) as caught, needs(extra):
        raise ModuleNotFoundError(name="absent")
    return str(caught.value)


def test_in_pipx(tmp_path, monkeypatch):
    """It may be another user's, whose place has to be named, and another name."""
    environment = tmp_path / "venvs" / "tracectl-new"
    environment.mkdir(parents=True)
    (environment / "pipx_metadata.json").touch()
    monkeypatch.setattr(sys, "prefix", str(environment))
    command = f"env PIPX_HOME={tmp_path} pipx inject tracectl-new 'duckdb>=2,<3' 'pyarrow>=20'"
    assert said("query") == f"absent is not installed: {command}"
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert said("query") == f"absent is not installed: sudo {command}"


def test_in_a_virtual_environment(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    assert said("html") == f"absent is not installed: {tmp_path}/bin/pip install 'plotly>=5.20'"


@pytest.mark.parametrize(("extra", "wheel"), [("query", "'FILE.whl[query]'"), ("view", "FILE.whl")])
def test_of_the_system(monkeypatch, extra, wheel):
    monkeypatch.setattr(sys, "prefix", sys.base_prefix)
    assert said(extra).endswith(f"from its wheel: pipx install {wheel}")
