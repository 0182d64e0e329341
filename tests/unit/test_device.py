"""Sentences about a device that cannot be used. What the module answers is tested in a guest."""

import errno
from pathlib import Path

import pytest

from tracectl.abi.control import EventClass
from tracectl.errors import EXIT_IMPOSSIBLE, UnsupportedError
from tracectl.kernel.device import Device
from tracectl.kernel.shapes import UNKNOWN_SHAPE, pack_shapes
from tracectl.kernel.sites import refusal


def test_no_device(tmp_path):
    with pytest.raises(UnsupportedError, match="'tracectl module load' loads it") as caught:
        Device(tmp_path / "tracectl")
    assert caught.value.exit_code == EXIT_IMPOSSIBLE


def test_device_that_knows_no_request_of_ours():
    with pytest.raises(UnsupportedError, match="does not know the requests of ABI version 3"):
        Device(Path("/dev/null"))


@pytest.mark.parametrize("code", [errno.ENOENT, errno.EOPNOTSUPP, errno.EBUSY])
@pytest.mark.parametrize("failed", [bit for bit in EventClass if bit is not EventClass.ALL])
def test_probe_that_could_not_be_attached_is_named(code, failed):
    sentence = str(refusal(OSError(code, "why"), failed))
    assert "attach to" in sentence
    assert "why" in sentence
    options = {
        EventClass.OPEN_HOW: "--no-open-how",
        EventClass.OPEN_NAME: "--no-names",
        EventClass.PATH: "--no-paths",
        EventClass.SOCKET: "--no-sockets",
        EventClass.FILE: "--no-files",
    }
    assert options.get(failed, "") in sentence


def test_shapes_are_packed_as_the_c_array():
    shapes = [[UNKNOWN_SHAPE] * 512 for _ in range(3)]
    shapes[1][2] = (3, 1)
    packed = pack_shapes(shapes)
    assert len(packed) == 3 * 512 * 2
    assert packed[(512 + 2) * 2 :][:4] == bytes([3, 1, 6, 63])


@pytest.mark.parametrize("shapes", [[], [[UNKNOWN_SHAPE] * 511] * 3])
def test_shapes_of_another_size_are_refused(shapes):
    with pytest.raises(ValueError, match="3 by 512"):
        pack_shapes(shapes)
