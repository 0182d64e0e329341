"""Guests for the tests: a real kernel with the real module."""

from __future__ import annotations

import compileall
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

REPO = Path(__file__).parents[1]
os.environ.setdefault("TRACECTL_CACHE", str(REPO / ".cache"))
WORKLOADS = REPO / "tests" / "workloads"
WARM = REPO / "tests" / "warm"
COLD_START = 'tracectl() { "$python" -m tracectl "$@"; }'
WARM_START = f'$python {WARM / "server.py"} && tracectl() {{ /job/tracectl "$@"; }}'
HELPERS = r"""
wait_until() {
	for _ in $(seq 100); do "$@" && return; sleep 0.5; done
	echo "this never came true: $*" >&2
	exit 99
}
recorder_pid() { tracectl status --json | sed -n 's/.*"owner_pid": \([0-9]*\).*/\1/p'; }
"""
KERNELS = os.environ.get("KERNELS", "").split()


@pytest.fixture(scope="session", params=KERNELS or ["6.1"])
def series(request):
    """Each of $KERNELS, installed with DKMS in a root of its own suite, but for those of another
    architecture; by default one kernel, only unpacked."""
    return request.param


@pytest.fixture(scope="session")
def roots():
    """Those of $KERNELS are made side by side: most of the time each waits for the mirror or for
    dpkg."""
    from tracectl.vm.kernel import SERIES, fetch_kernel

    by_suite = {SERIES[name].suite: name for name in KERNELS}
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(partial(fetch_kernel, is_installed=True), by_suite.values()))


@pytest.fixture(scope="session")
def kernel(series, roots):
    from tracectl.vm.kernel import fetch_kernel

    return fetch_kernel(series, is_installed=bool(KERNELS))


@pytest.fixture
def files_option(kernel):
    """Empty for a real-time kernel, whose d_path() may sleep."""
    return "" if "rt" in kernel.release.split("-") else "--files"


@pytest.fixture
def table(kernel):
    """The system calls of the kernel's own ABI."""
    from tracectl.tables.table import load_tables

    return next(iter(load_tables(kernel.machine.name).values()))


@pytest.fixture
def workload(kernel, tmp_path):
    """Compiles tests/workloads/NAME.c; answers the program's path in the guest."""

    def compile_(name: str, *options: str, compiler: str = kernel.machine.compiler) -> str:
        source = WORKLOADS / f"{name}.c"
        subprocess.run(
            [compiler, "-O2", "-Wall", "-pthread", *options, "-o", tmp_path / name, source],
            check=True,
        )
        return f"/job/{name}"

    return compile_


@pytest.fixture(scope="session")
def repo():
    return REPO


@pytest.fixture(scope="session")
def wheel(tmp_path_factory):
    """Beside it lies the sdist that it was built from."""
    built = tmp_path_factory.mktemp("wheel")
    subprocess.run([sys.executable, "-m", "build", "--outdir", built, REPO], check=True)
    (path,) = built.glob("*.whl")
    return path


@pytest.fixture(scope="session")
def client(kernel, tmp_path_factory):
    """What has tracectl run in a guest: of no library, since each suite has its own."""
    program = tmp_path_factory.mktemp("client") / "tracectl"
    command = [kernel.machine.compiler, "-O2", "-Wall", "-static", "-o", program]
    subprocess.run([*command, WARM / "client.c"], check=True)
    return program


@pytest.fixture(scope="session")
def bytecode():
    """A guest keeps nothing that it compiles."""
    compileall.compile_dir(REPO / "tracectl", quiet=1)


@pytest.fixture
def guest(kernel, client, bytecode, tmp_path):
    """Runs a shell script in a guest with the module; a kernel warning fails the test.

    The script has $python, an interpreter that has tracectl, the function tracectl, which is run by
    tests/warm/server.py when it is run more than once, recorder_pid, and wait_until COMMAND...,
    which ends it when the command does not come to succeed.

    Threads that are to race want thread_a_cpu, and a session that neither begins, changes nor
    ends while they do (see Options).
    """
    from tracectl.vm.build import module_for
    from tracectl.vm.guest import Options, python_of, run_guest

    def run(script: str, **options) -> int:
        out = (tmp_path / "out").open("wb")
        shutil.copy(client, tmp_path / "tracectl")
        environment = dict(os.environ)
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        start = WARM_START if script.count("tracectl ") > 1 else COLD_START
        result = run_guest(
            kernel,
            ["sh", "-c", f"python={python_of(kernel)}\n{start}{HELPERS}{script}"],
            tmp_path,
            cwd=REPO,
            env=environment,
            options=Options(**{"module": module_for(kernel), "timeout_s": 1800, **options}),
            stdout=out.fileno(),
            stderr=out.fileno(),
        )
        assert not result.problems
        return result.exit_code

    return run
