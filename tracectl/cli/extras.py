"""Libraries that only some commands need."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tracectl.errors import UnsupportedError


@contextmanager
def needs(extra: str) -> Iterator[None]:
    """Around imports that the extra ``extra`` of pyproject.toml installs. UnsupportedError when one
    is missing."""
    try:
        yield
    except ImportError as error:
        raise UnsupportedError(
            f"{error.name or 'a library'} is not installed: pip install 'tracectl[{extra}]', or "
            f"with pipx, 'pipx install --force \"tracectl[{extra}]\"'"
        ) from error
