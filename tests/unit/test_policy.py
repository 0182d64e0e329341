"""Allow-lists: all that the process called, nothing else, and no list where that is not known."""

from __future__ import annotations

import json
import re

import pytest

from captures import write_capture
from subbuffers import SubBuffer
from tracectl.abi.records import Kind
from tracectl.capture.metadata import Chosen, Task
from tracectl.cli.main import main

READ, WRITE, GETPID, OPENAT, EXECVE, MMAP = 0, 1, 39, 257, 59, 9
SHELL, SERVER, WORKER, OTHER = 10, 20, 30, 40


def events():
    """A shell starts a server, which starts a worker with another name; one runs beside."""
    return (
        SubBuffer(tgids={21: SERVER})
        .entry(10, SHELL, GETPID)
        .exit(11, SHELL, GETPID, SHELL)
        .fork(20, SHELL, SERVER)
        .entry(30, SERVER, EXECVE, [1, 2, 3])
        .exec(40, SERVER, SERVER, b"/usr/bin/server")
        .exit(50, SERVER, EXECVE, 0)
        .entry(60, SERVER, READ, [3, 4, 5])
        .exit(61, SERVER, READ, -11)
        .fork(62, SERVER, 21, SERVER)
        .entry(63, 21, MMAP)
        .exit(64, 21, MMAP, 0)
        .fork(70, SERVER, WORKER)
        .exec(80, WORKER, WORKER, b"/usr/bin/worker")
        .entry(90, WORKER, WRITE)
        .exit(91, WORKER, WRITE, 1)
        .entry(95, SERVER, 3, [1], abi_=1)
        .exit(96, SERVER, 3, 0, abi_=1)
        .entry(100, OTHER, OPENAT)
        .exit(101, OTHER, OPENAT, 3)
    )


TASKS = [Task(SHELL, SHELL, 1, "bash"), Task(OTHER, OTHER, 1, "other")]


@pytest.fixture
def policy(tmp_path, capsys):
    def policy_(process, *options, form="seccomp", subbuffer=None, **of_capture):
        options_of = {"tasks": TASKS} | of_capture
        capture = write_capture(tmp_path / "a.trace", [subbuffer or events()], **options_of)
        code = main(["policy", form, "--process", process, str(capture), *options])
        return code, *capsys.readouterr()

    return policy_


def names_in(text):
    (rule,) = json.loads(text)["syscalls"]
    return rule["names"]


@pytest.mark.parametrize("process", ["server", str(SERVER)])
def test_a_process_and_what_it_starts(policy, process):
    code, out, err = policy(process)
    assert (code, err) == (0, "")
    profile = json.loads(out)
    assert profile["defaultAction"] == "SCMP_ACT_ERRNO"
    assert profile["architectures"] == ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"]
    assert names_in(out) == ["execve", "mmap", "read", "write"]
    assert "comment" not in profile["syscalls"][0]


def test_others_are_left_out(policy):
    assert names_in(policy("worker")[1]) == ["execve", "write"]
    assert names_in(policy("other")[1]) == ["execve", "openat"]
    assert names_in(policy("bash")[1]) == ["execve", "getpid", "mmap", "read", "write"]


def test_children_that_tracing_found_alive(policy):
    tasks = [*TASKS, Task(50, 50, 51, "grandchild"), Task(51, 51, OTHER, "child")]
    subbuffer = events().entry(200, 50, 5).exit(201, 50, 5, 0)
    found = names_in(policy("other", tasks=tasks, subbuffer=subbuffer)[1])
    assert found == ["execve", "fstat", "openat"]


def test_a_process_id_used_again_is_another_process(policy):
    subbuffer = (
        events()
        .task_exit(200, SERVER, 0)
        .fork(210, SHELL, SERVER)
        .entry(220, SERVER, 5)
        .exit(230, SERVER, 5, 0)
    )
    assert "fstat" not in names_in(policy("server", subbuffer=subbuffer)[1])


def test_long_names_as_the_kernel_cuts_them(policy):
    subbuffer = (
        SubBuffer().exec(5, OTHER, OTHER, b"/bin/a-very-long-name-indeed").entry(9, OTHER, READ)
    )
    assert names_in(policy("a-very-long-name-indeed", subbuffer=subbuffer)[1])


def test_systemd(policy):
    code, out, _ = policy("server", form="systemd")
    assert code == 0
    lines = out.splitlines()
    assert lines[:2] == ["# Made by tracectl 0.1.0 of process server.", "[Service]"]
    assert "SystemCallArchitectures=x86-64 x86" in lines
    allowed = re.findall(r"^SystemCallFilter=(.*)$", out, re.MULTILINE)
    assert " ".join(allowed).split() == ["mmap", "read", "write"]


def test_systemd_breaks_long_lists(policy):
    subbuffer = SubBuffer()
    for nr in range(60):
        subbuffer.entry(10 + nr, OTHER, nr)
    lines = policy("other", form="systemd", subbuffer=subbuffer)[1].splitlines()
    filters = [line for line in lines if line.startswith("SystemCallFilter=")]
    assert len(filters) > 3
    assert all(len(line) <= 90 for line in filters)
    assert len(" ".join(filters).replace("SystemCallFilter=", "").split()) == 60


OF_TREE = {"is_partial": True, "target_pid": SERVER}
LOSSES = [
    ({"lost_calls": {GETPID: 2}}, "getpid"),
    ({"lost_calls": {512 + WRITE: 1}}, "i386:exit"),
    ({"filtered": {GETPID: 1}}, "filtered out, perhaps its own: getpid"),
    ({"lost_kinds": {Kind.FORK: 3}}, "3 forks and execs were lost"),
    ({"lost_kinds": {Kind.EXEC: 1}}, "1 forks and execs were lost"),
    ({"flags": 1}, "flight recorder"),
    ({"classes": 7}, "forks and execs were not recorded"),
    ({"is_ended": False}, "the end is missing"),
    ({"config": {"is_partial": True}}, "only threads of a user, a name or a cgroup"),
    ({"config": OF_TREE | {"chosen": Chosen(by_thread=True)}}, "only threads of a user"),
    ({"chosen": Chosen(by_thread=True)}, "only threads of a user"),
    ({"config": {"chosen": Chosen(cpus=[1, 3])}}, "only calls that began on CPUs 1,3"),
    ({"config": {"chosen": Chosen(cpus=[1])}, "is_ended": False}, "that began on CPUs 1 "),
    ({"config": {"chosen": Chosen(cpus=[1, 3])}, "chosen": Chosen(cpus=[2, 3])}, "on CPUs 3 "),
    ({"chosen": Chosen(cpus=[])}, "on no CPU"),
    ({"config": OF_TREE | {"target_pid": WORKER}}, "not its processes 20"),
]


@pytest.mark.parametrize(("options", "gap"), LOSSES)
def test_no_list_where_calls_may_be_missing(policy, options, gap):
    code, out, err = policy("server", **options)
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert gap in err
    assert "--force" in err


@pytest.mark.parametrize(("options", "gap"), LOSSES)
@pytest.mark.parametrize("form", ["seccomp", "systemd"])
def test_forced_the_list_says_so(policy, options, gap, form):
    code, out, err = policy("server", "--force", form=form, **options)
    assert code == 0
    assert gap in err
    if form == "seccomp":
        assert gap in json.loads(out)["syscalls"][0]["comment"]
    else:
        assert any(line.startswith("# INCOMPLETE") and gap in line for line in out.splitlines())
    assert "read" in out


def test_losses_of_calls_that_are_in_the_list_anyway(policy):
    code, out, err = policy("server", lost_calls={READ: 5, WRITE: 1})
    assert (code, err) == (0, "")
    assert names_in(out) == ["execve", "mmap", "read", "write"]


@pytest.mark.parametrize(
    ("process", "options"),
    [
        ("server", {"config": OF_TREE}),
        (str(SERVER), {"config": OF_TREE | {"target_pid": SHELL}}),
        ("server", {"config": OF_TREE, "tasks": [*TASKS, Task(50, 50, 1, "init")]}),
        (
            "server",
            {
                "config": OF_TREE | {"command": ["server"]},
                "tasks": [*TASKS, Task(50, 50, 1, "server")],
            },
        ),
        ("server", {"config": {"chosen": Chosen(cpus=[0, 1])}}),
    ],
)
def test_what_else_was_not_recorded_is_no_gap(policy, process, options):
    code, out, err = policy(process, **options)
    assert (code, err) == (0, "")
    assert names_in(out) == ["execve", "mmap", "read", "write"]


def test_a_process_that_is_not_there(policy):
    code, out, err = policy("absent")
    assert (code, out) == (1, "")
    assert "no process absent" in err


def test_numbers_that_no_table_has(policy):
    code, out, err = policy("other", subbuffer=events().entry(300, OTHER, 511))
    assert (code, names_in(out)) == (0, ["execve", "openat"])
    assert "511" in err
