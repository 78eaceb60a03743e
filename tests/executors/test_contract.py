"""What every executor keeps to: lazy, bounded, files as bytes, the machine named, a death told with what was kept before it."""

import os
import platform
import tempfile
import time
from pathlib import Path

import pytest

from bench.executors import _wire
from bench.executors.local import _Queue, _Running
from bench.records.environment import fingerprint_id
from bench.run.task import Task

TASKS = "tests.executors.tasks"


@pytest.fixture(params=["executor", "ray_executor"], ids=["local", "ray"])
def any_executor(request):
    return request.getfixturevalue(request.param)


def task(name, /, **more):
    arguments = more.pop("arguments", {})
    return Task(function=f"{TASKS}:{name}", arguments=arguments, **more)


def test_tasks_are_read_no_further_ahead_than_those_in_flight(any_executor):
    read = 0

    def tasks():
        nonlocal read
        for number in range(1000):
            read += 1
            yield task("answer", arguments={"value": number})

    seen = set()
    for ended, (index, one) in enumerate(any_executor.run(tasks(), at_once=3), start=1):
        assert one.value == index and read <= ended + 3, "three are in flight beside those that have ended"
        seen.add(index)
        if ended == 20:
            break
    assert len(seen) == 20 and read <= 23
    assert any_executor.call(task("answer", arguments={"value": "next"})).value == "next", (
        "what was left in flight is forgotten"
    )


def test_a_thousand_tasks_wait_outside_the_queue():
    read = 0

    def tasks():
        nonlocal read
        for _ in range(1000):
            read += 1
            yield task("answer")

    queue, running, ended = _Queue(tasks(), at_once=4), [], 0
    while True:
        while queue.next_for(running) is not None:
            running.append(_Running(0, alone=False, spool=None))
        if not running:
            break
        assert read <= ended + 4
        running.pop()
        ended += 1
    assert ended == read == 1000


def test_a_task_that_must_be_alone_overlaps_no_other(any_executor):
    alone = (False, False, True, False, True, True, False)
    tasks = [task("interval", arguments={"seconds": 0.05}, alone=one) for one in alone]
    ends = dict(any_executor.run(tasks, at_once=3))
    assert sorted(ends) == list(range(len(tasks)))
    for i, is_alone in enumerate(alone):
        for j in ends.keys() - {i} if is_alone else ():
            (start, end), (other_start, other_end) = ends[i].value, ends[j].value
            assert ends[i].node != ends[j].node or end <= other_start or other_end <= start


def test_files_go_in_and_come_back_as_bytes_and_leave_nothing_on_disk(any_executor, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    inputs = {"large": os.urandom(60_000_000), "small": b"abc", "empty": b"", "unwanted": b"x"}
    (_, ended), *_ = any_executor.run([task("turn_round", inputs=inputs, outputs=("large", "small", "empty"))])
    assert ended.value == ["empty", "large", "small"]
    assert ended.files == {name: inputs[name][::-1] for name in ("large", "small", "empty")}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("how", "status"), [("exit", "crashed"), ("SIGSEGV", "crashed"), ("SIGKILL", "oom")])
def test_what_was_kept_before_a_death_comes_back_with_it(any_executor, how, status):
    ((_, ended),) = any_executor.run([task("keep_and_die", arguments={"how": how}, outputs=("first",))])
    assert (ended.status, ended.phase, ended.value) == (status, "late", None)
    assert ended.files == {"first": b"kept"}


def test_progress_carries_the_index_of_its_task(any_executor):
    heard = []
    tasks = [task("answer", arguments={"value": 0}), task("keep_and_die", arguments={"how": "exit"})]
    list(any_executor.run(tasks, at_once=1, on_progress=lambda *told: heard.append(told)))
    assert heard == [(1, "late", 1)]


def test_each_end_names_its_machine(any_executor):
    ended = any_executor.call(task("answer", arguments={"value": None}))
    assert ended.node == platform.node()
    assert ended.environment["libraries"]["torch"] and len(fingerprint_id(ended.environment)) == 16


def test_a_function_that_is_not_there_is_an_error_of_its_task(any_executor):
    ((_, ended),) = any_executor.run([task("no_such")])
    assert ended.status == "crashed" and "no_such" in ended.message


def test_a_task_that_hangs_is_stopped_at_its_limit(any_executor):
    ((_, ended),) = any_executor.run([task("hang", arguments={"seconds": 60}, timeout_s=1.0)])
    assert (ended.status, ended.phase) == ("timeout", "hanging") and "stopped after 1 s" in ended.message


def test_a_task_that_is_greedy_is_stopped_at_its_limit(any_executor):
    ((_, ended),) = any_executor.run([task("take_memory", arguments={"mib": 2000}, memory_bytes=64 * 2**20)])
    assert ended.status == "oom" and "stopped at more than 64 MiB of resident memory" in ended.message
    assert ended.peak_rss_bytes < 1000 * 2**20


def test_what_a_task_started_ends_with_it(any_executor):
    ((_, ended),) = any_executor.run([task("start_a_sleeper")])
    pid = ended.value
    deadline = time.monotonic() + 10
    while _lives(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not _lives(pid)


def _lives(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_messages_are_whole_however_they_arrive():
    raw = b"".join(_wire.encode({"n": n, "text": "x" * n}) for n in range(50))
    lines = _wire.Lines()
    heard = [message["n"] for at in range(0, len(raw), 7) for message in lines.add(raw[at : at + 7])]
    assert heard == list(range(50))
