"""Who was who: lives, processes and containers."""

from __future__ import annotations

import numpy as np
import pytest

from subbuffers import SubBuffer
from tracectl.abi.records import Kind
from tracectl.analysis.containers import container_of
from tracectl.analysis.tasks import FOREVER_NS, Processes, iter_task_events, lives_of
from tracectl.capture.metadata import Task

ID = "0123456789abcdef" * 4
SHORT = "0123456789ab"


def _lives(subbuffer: SubBuffer, tasks=(), cgroups=None):
    return lives_of(tasks, iter_task_events(subbuffer.decode()), cgroups)


def test_what_changes_begins_a_life():
    subbuffer = (
        SubBuffer(tgids={8: 7})
        .fork(100, 3, 7, comm=b"sh", uid=5, ppid=3, inner_tid=2, cgroup=40)
        .exec(200, 7, 7, b"/bin/cat", uid=5, cgroup=40)
        .setuid(300, 7, 9)
        .rename(400, 7, b"other")
        .fork(450, 7, 8, 7, comm=b"other", uid=9, ppid=3, inner_tid=3, cgroup=40)
        .cgroup(460, 3, 41, b"/new")
        .attach(500, 3, 7, 41)
        .task_exit(600, 7)
    )
    lives = _lives(subbuffer, [Task(3, 3, 1, "init", 0, "/sbin/init", "/", [])], {40: "/old"})
    assert [
        (life.tid, life.start_ns, life.end_ns, life.cause, life.comm, life.uid, life.cgroup)
        for life in lives
    ] == [
        (3, 0, FOREVER_NS, None, "init", 0, "/"),
        (7, 100, 200, Kind.FORK, "sh", 5, "/old"),
        (7, 200, 300, Kind.EXEC, "cat", 5, "/old"),
        (7, 300, 400, Kind.SETUID, "cat", 9, "/old"),
        (7, 400, 500, Kind.RENAME, "other", 9, "/old"),
        (8, 450, 500, Kind.FORK, "other", 9, "/old"),
        (7, 500, 600, Kind.ATTACH, "other", 9, "/new"),
        (8, 500, FOREVER_NS, Kind.ATTACH, "other", 9, "/new"),
    ]
    assert [life.path for life in lives[:3]] == ["/sbin/init", "/sbin/init", "/bin/cat"]
    assert {life.ppid for life in lives[1:]} == {3}
    assert [life.inner_tid for life in lives if life.tid == 7] == [2] * 5


def test_a_thread_moves_alone():
    subbuffer = (
        SubBuffer(tgids={8: 7}).fork(100, 7, 8, 7, comm=b"x").attach(200, 7, 8, 41, whole=False)
    )
    lives = _lives(subbuffer, [Task(7, 7, 1, "x", 0, "", "/old")], {41: "/new"})
    assert [(life.tid, life.cgroup) for life in lives] == [(7, "/old"), (8, ""), (8, "/new")]


def test_exec_of_another_thread_keeps_the_leaders_id_in_its_namespace():
    subbuffer = (
        SubBuffer(tgids={8: 7})
        .fork(100, 3, 7, inner_tid=1)
        .fork(200, 7, 8, 7, inner_tid=2)
        .exec(300, 7, 8, b"/bin/cat")
    )
    assert [(life.tid, life.inner_tid) for life in _lives(subbuffer)][-1] == (7, 1)


def test_processes_at_their_times():
    subbuffer = (
        SubBuffer().fork(100, 3, 7, comm=b"a").exec(200, 7, 7, b"/bin/b").rename(300, 7, b"c")
    )
    processes = Processes(_lives(subbuffer))
    times = np.array([50, 100, 250, 300, 300], np.uint64)
    found = processes.find(np.array([7, 7, 7, 7, 99]), times)
    assert [processes.lives[index].comm for index in found] == ["", "a", "b", "c", ""]


@pytest.mark.parametrize(
    ("cgroup", "container"),
    [
        (f"/system.slice/docker-{ID}.scope", SHORT),
        (f"/docker/{ID}", SHORT),
        (f"/docker/{ID}/init.scope", SHORT),
        (f"/machine.slice/libpod-{ID}.scope/container", SHORT),
        (f"/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-{ID}.scope", SHORT),
        (f"/kubepods.slice/kubepods-besteffort.slice/cri-containerd-{ID}.scope", SHORT),
        (f"/kubepods/burstable/pod0f/{ID}", SHORT),
        (f"/kubepods.slice/crio-{ID}.scope", SHORT),
        (f"/docker/{'f' * 64}/docker/{ID}", SHORT),
        ("/machine.slice/machine-web.scope", "web"),
        (r"/machine.slice/machine-web\x2d1.scope/payload", "web-1"),
        ("/machine.slice/systemd-nspawn@web.service/payload", "web"),
        ("/lxc.payload.web/system.slice", "web"),
        ("/system.slice/docker.service", ""),
        ("/user.slice/user-1000.slice", ""),
        ("/", ""),
        ("", ""),
    ],
)
def test_containers(cgroup, container):
    assert container_of(cgroup) == container
