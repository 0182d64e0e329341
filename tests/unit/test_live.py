"""The rolling model: what it counts is what happened, in whatever order sub-buffers come."""

from collections import Counter

import numpy as np
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from captures import DAY_NS, write_capture
from subbuffers import SHAPES, Machine, Step, SubBuffer
from tracectl.analysis.calls import State
from tracectl.capture.metadata import Moment, Task
from tracectl.capture.reader import Chunk, open_capture
from tracectl.live.capture import CaptureSource, GrowingSource
from tracectl.live.files import has_path
from tracectl.live.model import Model, bucket_of
from tracectl.live.page import NO_PATH, OPEN_NS
from tracectl.live.ranking import Ranking
from tracectl.live.ring import TimeRing
from tracectl.live.source import FOREVER_NS, Facts, Settling
from tracectl.live.worker import Worker
from tracectl.tables.table import load_table

READ, CLOSE, GETPID, OPENAT, EXIT_GROUP = 0, 3, 39, 257, 231
ENOENT = 2
TABLES = [load_table("x86_64"), load_table("i386"), load_table("x86_64")]
FACTS = Facts(
    title="test", host="host", machine="x86_64", cpus=4, tables=TABLES, shapes=SHAPES,
    moments=[Moment(0, 0, DAY_NS)], is_live=True, tasks=[Task(100, 100, 1, "sh")],
)  # fmt: skip
STEP = st.builds(
    Step,
    thread=st.integers(0, 3),
    cpu=st.integers(0, 3),
    gap_ns=st.integers(1, 1000),
    nr=st.sampled_from([READ, GETPID, OPENAT]),
    opens=st.booleans(),
    is_wide=st.booleans(),
    is_last=st.booleans(),
)


def chunks_of(*subbuffers: SubBuffer) -> list[Chunk]:
    return [Chunk(one.cpu, one.seq, one.build(), 0) for one in subbuffers]


def model_of(*subbuffers: SubBuffer) -> Model:
    model = Model(FACTS)
    model.add(chunks_of(*subbuffers), FOREVER_NS)
    return model


def calls_in(model: Model) -> list[tuple[int, int, int, int, int]]:
    """tid, number, entry, exit or 0, result, in the order of the book."""
    shelf = model.view().shelf
    found = []
    for block in shelf.blocks:
        for number, index in zip(block.page.tolist(), block.index.tolist(), strict=True):
            page = shelf.pages[number]
            entry, spent = int(page.time_ns[index]), int(page.duration_ns[index])
            end = 0 if spent == OPEN_NS else entry + spent
            row = int(page.tid[index]), int(page.slot[index]), entry, end
            found.append((*row, int(page.result[index])))
    return found


@settings(max_examples=60, deadline=None, phases=[Phase.generate])
@given(st.lists(STEP, max_size=80), st.integers(1, 5))
def test_calls_are_what_happened_however_they_are_handed_over(steps, batch):
    machine = Machine(4).run(steps)
    model = Model(FACTS)
    chunks = chunks_of(*machine.done)
    for start in range(0, len(chunks), batch):
        rest = machine.done[start + batch :]
        settled_ns = min((one.decode().first_ns for one in rest), default=FOREVER_NS)
        model.add(chunks[start : start + batch], settled_ns)
    happened = [(tid, nr, begin, end, result) for tid, nr, _, begin, end, result in machine.calls]
    assert calls_in(model) == happened
    view = model.view()
    table = view.syscalls
    assert dict(zip(table.key.tolist(), table.calls.tolist(), strict=True)) == Counter(
        nr for _, nr, *_ in happened
    )
    spent = Counter()
    for _, nr, state, begin, end, _ in machine.calls:
        if state == State.PAIRED:
            spent[nr] += end - begin
    for key, total in zip(table.key.tolist(), table.total_ns.tolist(), strict=True):
        assert total == spent[key]
    by_process = dict(zip(view.processes.key.tolist(), view.processes.calls.tolist(), strict=True))
    assert by_process == Counter(tid for tid, *_ in happened)
    assert view.orphans == 0


def test_errors_are_counted_by_errno_and_call():
    one = SubBuffer().entry(1000, 100, OPENAT).exit(3000, 100, OPENAT, -ENOENT)
    one.entry(4000, 100, OPENAT).exit(5000, 100, OPENAT, 3)
    view = model_of(one).view()
    assert view.errors.key.tolist() == [ENOENT << 11 | OPENAT]
    assert view.errors.calls.tolist() == [1]
    assert (view.syscalls.errors.tolist(), view.syscalls.total_ns.tolist()) == ([1], [3000])


def test_bytes_go_to_the_file_whose_descriptor_it_was():
    one = SubBuffer()

    def call(at: int, nr: int, result: int, fd: int = 0, path: bytes = b"") -> None:
        one.entry(at, 100, nr, [fd])
        if path:
            one.name(at + 1, 100, path)
        one.exit(at + 5, 100, nr, result)

    call(1000, READ, 10, fd=3)
    call(1100, OPENAT, 3, path=b"/a")
    call(1200, READ, 100, fd=3)
    call(1300, CLOSE, 0, fd=3)
    call(1400, OPENAT, 3, path=b"/b")
    call(1500, READ, 1000, fd=3)
    model = model_of(one)
    # The descriptor stays known from one batch to the next.
    two = SubBuffer(0, 1).entry(2000, 100, READ, [3]).exit(2010, 100, READ, 5)
    model.add(chunks_of(two), FOREVER_NS)
    view = model.view()
    sizes = {
        view.paths.text(key): size
        for key, size in zip(view.files.key.tolist(), view.files.size_bytes.tolist(), strict=True)
    }
    assert sizes == {"(descriptors opened before)": 10, "/a": 100, "/b": 1005}


def test_a_new_thread_s_return_ends_no_call_of_the_one_before():
    one = SubBuffer().entry(1000, 7, EXIT_GROUP).task_exit(1100, 7).fork(1200, 100, 7)
    one.far_exit(1300, 7, 56)
    model = model_of(one)
    assert calls_in(model) == [(7, EXIT_GROUP, 1000, 0, 0)]
    assert model.view().orphans == 0
    # Of a second one nothing told.
    model.add(chunks_of(SubBuffer(0, 1).far_exit(2000, 7, READ)), FOREVER_NS)
    assert model.view().orphans == 1


def test_who_was_forked_before_a_part_has_its_name_there(tmp_path):
    early = SubBuffer().fork(1000, 100, 400).exec(1100, 400, 400, b"/usr/bin/ls")
    late = SubBuffer(0, 1).entry(9000, 400, READ).exit(9100, 400, READ, 5)
    path = write_capture(tmp_path / "a.trace", [early, late], tasks=FACTS.tasks)
    worker = Worker(lambda: CaptureSource(path))
    # The first time all of it is read, whatever is shown.
    for _ in range(2):
        worker.select((8000, 10_000))
        worker._take_wish()
        worker._read_for(60)
        worker._publish(None)
        assert worker.view.processes.key.tolist() == [400]
        assert worker.view.who_is(400).comm == "ls"
        assert (worker.view.calls, worker.view.missed) == (1, 0)
    worker.close()


def test_a_part_s_last_calls_have_no_names_of_what_follows_it():
    subbuffer = SubBuffer().entry(100, 7, READ, [3]).exit(200, 7, READ, 1)
    subbuffer.entry(300, 7, OPENAT).name(310, 7, b"/later").exit(400, 7, OPENAT, 3)
    model = Model(FACTS, span_ns=(50, 250))
    model.add(chunks_of(subbuffer), FOREVER_NS)
    (page,) = model.view().shelf.pages.values()
    assert page.path.tolist() == [NO_PATH]
    assert not has_path(page, b"/later").any()


def test_nothing_is_paired_over_a_gap():
    one = SubBuffer().entry(1000, 7, READ)
    two = SubBuffer(0, 1, lost=3).far_exit(2000, 7, READ, 5)
    assert calls_in(model_of(one, two)) == [(7, READ, 1000, 0, 0)]


def test_sub_buffers_that_were_overwritten_are_counted():
    model = model_of(SubBuffer(0, 4).task(10, 1), SubBuffer(0, 9).task(20, 1))
    assert model.view().missed == 4


def test_damage_is_a_problem_and_no_more():
    model = model_of(SubBuffer().entry(1000, 7, READ))
    model.add([Chunk(0, 1, b"x" * 200, 0)], FOREVER_NS)
    assert model.view().calls == 1
    assert "sub-buffer 1 of CPU 0" in model.view().problems[0]


def test_the_book_keeps_the_newest_calls():
    model = Model(FACTS, book_bytes=10_000)
    for seq in range(20):
        one = SubBuffer(0, seq)
        for at in range(30):
            one.entry(1000 * seq + 10 * at, 7, READ).exit(1000 * seq + 10 * at + 5, 7, READ, 1)
        model.add(chunks_of(one), FOREVER_NS)
    view = model.view()
    kept = sum(len(block) for block in view.shelf.blocks)
    assert (kept + view.shelf.dropped, view.calls) == (600, 600)
    assert 0 < kept < 600
    assert min(begin for _, _, begin, _, _ in calls_in(model)) == 1000 * 20 - kept // 30 * 1000


def test_a_ranking_gives_up_the_least_and_says_how_much():
    ranking = Ranking(100)
    for key in range(250):
        keys = np.full(key + 1, key, np.int64)
        ranking.add_calls(keys, np.zeros(len(keys), np.int64))
    table = ranking.table()
    assert len(table) <= 101
    assert 249 in table.key
    assert int(table.calls.sum()) + table.dropped_calls == 250 * 251 // 2
    assert len(table) + table.dropped_rows == 250
    assert table.take(np.array([0])).dropped_rows == table.dropped_rows


def test_a_ring_forgets_what_is_old():
    ring = TimeRing((2,), 4)
    ring.add(np.array([5, 5, 6]), np.array([0, 1, 1]))
    ring.add(np.array([9, 1]), np.array([0, 0]))
    assert ring.last(4).tolist() == [[0, 1], [0, 0], [0, 0], [1, 0]]
    assert ring.last(2).tolist() == [[0, 0], [1, 0]]


@given(st.integers(1, 10**15))
def test_a_span_has_room_in_its_buckets(span_ns):
    width_ns = bucket_of(span_ns)
    assert width_ns * 299 >= span_ns
    assert str(width_ns).rstrip("0") in {"1", "2", "5"}


def _busy(seq: int) -> SubBuffer:
    one = SubBuffer(0, seq)
    for at in range(50):
        begin = 1000 + seq * 10_000 + at * 100
        one.entry(begin, 100, READ).exit(begin + 50, 100, READ, 1)
    return one


def _await(worker: Worker, is_there) -> None:
    with worker._wake:
        pass
    for _ in range(500):
        if is_there():
            return
        worker._thread.join(0.02)
    raise AssertionError("it never came")


def test_a_worker_reads_a_capture_and_parts_of_it(tmp_path):
    path = write_capture(tmp_path / "a.trace", [_busy(seq) for seq in range(4)])
    worker = Worker(lambda: CaptureSource(path)).start()
    _await(worker, lambda: worker.progress.has_ended)
    assert worker.view.calls == 200
    assert worker.facts.span_ns == 34_951
    worker.select((1000, 12_000))
    _await(worker, lambda: worker.view.calls == 60)
    worker.select(None)
    _await(worker, lambda: worker.view.calls == 200)
    worker.close()


def test_a_capture_is_followed_while_it_is_written(tmp_path):
    whole = write_capture(tmp_path / "a.trace", [_busy(seq) for seq in range(4)]).read_bytes()
    with open_capture(tmp_path / "a.trace") as capture:
        second = capture._chunks[2].offset + 10
    growing = tmp_path / "b.trace"
    growing.write_bytes(whole[:second])
    worker = Worker(lambda: GrowingSource(growing)).start()
    _await(worker, lambda: worker.view.calls == 100)
    assert not worker.progress.has_ended
    with growing.open("ab") as file:
        file.write(whole[second:])
    _await(worker, lambda: worker.progress.has_ended)
    assert worker.view.calls == 200
    assert not worker.view.problems
    assert worker.progress.losses.generated == 400
    worker.close()


def test_a_capture_that_is_cut_while_it_is_read_ends_in_a_sentence(tmp_path):
    path = write_capture(tmp_path / "a.trace", [_busy(seq) for seq in range(4)], is_ended=False)
    worker = Worker(lambda: GrowingSource(path)).start()
    _await(worker, lambda: worker.view.calls == 200)
    with path.open("r+b") as file:
        file.truncate(100)
    _await(worker, lambda: worker.progress.error is not None)
    assert worker.progress.error == f"{path}: has become shorter while it was read"
    worker.close()


def test_a_capture_that_was_cut_and_goes_on_ends_in_a_sentence(tmp_path):
    whole = write_capture(tmp_path / "a.trace", [_busy(seq) for seq in range(4)], is_ended=False)
    path = tmp_path / "b.trace"
    path.write_bytes(whole.read_bytes()[:-200])
    worker = Worker(lambda: GrowingSource(path)).start()
    _await(worker, lambda: worker.view.calls == 150)
    with path.open("r+b") as file:
        file.truncate(100)
        file.seek(whole.stat().st_size)
        file.write(b"the recorder goes on where it was")
    _await(worker, lambda: worker.progress.error is not None)
    assert worker.progress.error == f"{path}: was cut while it was read, and has a hole now"
    worker.close()


def test_what_is_settled_waits_for_each_cpu_but_not_for_ever():
    settling = Settling(2, 1000)
    settling.add(0, 500)
    assert settling.settled_ns == 0
    settling.add(1, 300)
    assert settling.settled_ns == 300
    settling.add(0, 5000)
    assert settling.settled_ns == 4000


def test_processes_are_named_moved_and_ended():
    one = SubBuffer().fork(1000, 100, 200).exec(1100, 200, 200, b"/bin/ls")
    one.rename(1200, 200, b"lister", 200)
    one.cgroup(1300, 100, 7, b"/a.slice").attach(1400, 100, 200, 7)
    view = model_of(one.task_exit(1500, 200, 256)).view()
    process = view.who_is(200)
    assert (process.ppid, process.comm, process.path) == (100, "lister", "/bin/ls")
    assert (process.cgroup, process.exit_code) == ("/a.slice", 256)
    assert view.who_is(100).exit_code is None


def test_a_call_that_was_told_as_a_whole_has_its_path_and_its_place():
    one = SubBuffer().entry(1000, 7, READ).exit(1100, 7, READ, 1)
    one.entry(1200, 8, READ).name(1300, 7, b"/slow").exit(1400, 8, READ, 2)
    one.call(5000, 7, OPENAT, 1250, -ENOENT)
    model = model_of(one)
    assert calls_in(model) == [
        (7, READ, 1000, 1100, 1), (8, READ, 1200, 1400, 2), (7, OPENAT, 1250, 5000, -ENOENT),
    ]  # fmt: skip
    view = model.view()
    assert view.paths.text(int(view.files.key[0])) == "/slow"
    assert view.files.errors.tolist()[0] == 1
