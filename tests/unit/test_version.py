"""One version, wherever it has to be written down."""

import re
import tomllib
from pathlib import Path

from tracectl import __version__
from tracectl.module.source import version_of

REPO = Path(__file__).parents[2]


def test_one_version():
    assert tomllib.loads((REPO / "pyproject.toml").read_text())["project"]["version"] == __version__
    assert version_of(REPO) == __version__
    changelog = (REPO / "packaging/debian/changelog").read_text()
    assert re.match(r"tracectl \((.+)\)", changelog)[1] == __version__
