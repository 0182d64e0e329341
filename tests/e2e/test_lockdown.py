"""Under lockdown all that a loaded module does works as without, in a guest.

The module is loaded before: distributions' kernels trust no key of ours, and the kernel itself
takes a signed module as it takes any other before lockdown.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tracectl.capture.reader import open_capture
from tracectl.vm.build import module_for

pytestmark = pytest.mark.guest

SCRIPT = """
set -e
echo integrity >/sys/kernel/security/lockdown
cat /sys/kernel/security/lockdown >/job/lockdown
tracectl record -o /job/ls.trace -- ls /etc
tracectl start -o /job/all.trace
tracectl status --json >/job/tracing
tracectl pause
tracectl status --json >/job/armed
tracectl resume
ls / >/dev/null
tracectl stop
tracectl verify /job/ls.trace
tracectl verify /job/all.trace
rmmod tracectl
mkdir -p /lib/modules/$(uname -r)/updates
cp {module} /lib/modules/$(uname -r)/updates/tracectl.ko
depmod
set +e
tracectl module load --path {module} 2>/job/path
echo $? >/job/path.code
tracectl module load 2>/job/installed
echo $? >/job/installed.code
exit 0
"""


def test_lockdown(guest, kernel, tmp_path):
    module = Path("/job/tracectl.ko")
    shutil.copy(module_for(kernel), tmp_path / module.name)
    code = guest(SCRIPT.replace("{module}", str(module)))
    assert code == 0, (tmp_path / "out").read_text()
    assert "[integrity]" in (tmp_path / "lockdown").read_text()
    for state in ("tracing", "armed"):
        assert json.loads((tmp_path / state).read_text())["state"] == state
    for name in ("ls", "all"):
        with open_capture(tmp_path / f"{name}.trace") as capture:
            assert list(capture.iter_chunks())
    for name, what in (("path", module), ("installed", Path("the installed module"))):
        assert (tmp_path / name).read_text() == (
            f"tracectl: {what} cannot be loaded: Operation not permitted; "
            "Secure Boot or lockdown wants it signed with an enrolled key\n"
        )
        assert (tmp_path / f"{name}.code").read_text() == "3\n"
