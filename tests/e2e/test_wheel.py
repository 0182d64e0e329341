"""The wheel and the sdist: what PyPI says of them, and what pipx makes of them."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from tracectl import __version__
from tracectl.module.source import find_source, iter_sources

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def sdist(wheel):
    (path,) = wheel.parent.glob("*.tar.gz")
    return path


def test_twine_has_nothing_to_say(wheel, sdist):
    subprocess.run([sys.executable, "-m", "twine", "check", "--strict", wheel, sdist], check=True)


def test_the_modules_source_is_in_both(wheel, sdist):
    wanted = {str(path) for path in iter_sources(find_source())}
    with zipfile.ZipFile(wheel) as archive:
        start = f"tracectl-{__version__}.data/data/share/tracectl/module/"
        names = archive.namelist()
        assert "tracectl/walk/_walk.abi3.so" in names
        assert {name.removeprefix(start) for name in names if name.startswith(start)} == wanted
    with tarfile.open(sdist) as archive:
        assert wanted <= {name.partition("/")[2] for name in archive.getnames()}


def test_one_wheel_is_for_every_python(wheel):
    assert wheel.name.startswith(f"tracectl-{__version__}-cp311-abi3-linux_")


@pytest.mark.guest
def test_pipx(wheel, kernel, tmp_path):
    """Apart from the environment that the tests run in, and from this clone. It builds the module
    from its own source, for the guest."""
    environment = os.environ | {
        "PIPX_HOME": str(tmp_path / "pipx"),
        "PIPX_BIN_DIR": str(tmp_path / "bin"),
        "PIPX_MAN_DIR": str(tmp_path / "man"),
    }
    subprocess.run(
        [sys.executable, "-m", "pipx", "install", "--quiet", wheel], env=environment, check=True
    )
    tool = tmp_path / "bin" / "tracectl"

    def run(*argv: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([tool, *argv], capture_output=True, text=True, check=False,
                              cwd=tmp_path)  # fmt: skip

    assert run("--version").stdout == f"tracectl {__version__}\n"
    recorded = run("record", "--vm", "-o", "true.trace", "--", "true")
    assert recorded.returncode == 0, recorded.stderr
    assert "execve" in run("report", "true.trace").stdout
    (python,) = (tmp_path / "pipx").glob("venvs/tracectl/bin/python")
    found = subprocess.run(
        [python, "-c", "from tracectl.module.source import find_source; print(find_source())"],
        capture_output=True, text=True, check=True, cwd=tmp_path,
    ).stdout.strip()  # fmt: skip
    assert Path(found).is_relative_to(tmp_path)
    assert set(iter_sources(Path(found))) == set(iter_sources(find_source()))
