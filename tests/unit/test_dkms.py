"""What DKMS would build for. Its builds are tested in roots of each suite."""

import stat
from pathlib import Path

import pytest

from tracectl.errors import UnsupportedError
from tracectl.module.dkms import Dkms, releases_with_headers


@pytest.mark.parametrize("build", ["/usr/src/headers", "../../../src/headers"])
def test_kernels_with_headers(tmp_path, build):
    """The link is absolute on bookworm, relative on forky."""
    (tmp_path / "usr/src/headers").mkdir(parents=True)
    (tmp_path / "usr/src/headers/Makefile").touch()
    for release, target in (("1-headers", build), ("2-gone", f"{build}-gone")):
        directory = tmp_path / "usr" / "lib" / "modules" / release
        directory.mkdir(parents=True)
        (directory / "build").symlink_to(target)
    (tmp_path / "usr" / "lib" / "modules" / "3-none").mkdir()
    (tmp_path / "lib").symlink_to(Path("usr") / "lib")
    assert releases_with_headers(tmp_path) == ["1-headers"]


def test_without_dkms_the_distribution_s_command_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "dnf").touch(stat.S_IRWXU)
    with pytest.raises(UnsupportedError, match="dkms is not installed: dnf install dkms"):
        Dkms(tmp_path)
