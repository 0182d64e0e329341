"""What lies in the cache is made once."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tracectl.errors import GuestError
from tracectl.vm.lock import make_once


def test_of_many_who_want_it_one_makes_it(tmp_path):
    made = []
    path = tmp_path / "cache" / "thing"

    def make() -> None:
        made.append(path.exists())
        time.sleep(0.05)
        path.touch()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: make_once(path, make, path), range(4)))
    assert made == [False]


def test_what_failed_is_tried_by_the_next(tmp_path):
    path = tmp_path / "thing"

    def fail() -> None:
        raise GuestError("the mirror is gone")

    with pytest.raises(GuestError, match="mirror"):
        make_once(path, fail, path)
    make_once(path, path.touch, path)
    assert path.exists()


def test_a_cache_that_cannot_be_made_is_said(tmp_path):
    (tmp_path / "file").touch()
    path = tmp_path / "file" / "cache" / "thing"
    with pytest.raises(GuestError, match="cannot be made: Not a directory"):
        make_once(path, path.touch, path)
