"""What is saved of failing environments, workers and programs is what the page says, and all is as it should be."""

import json

import pytest


@pytest.fixture(scope="module")
def faults(script):
    return script("worker_faults")


@pytest.fixture(scope="module")
def saved(faults):
    return json.loads(faults.PLACE.read_text())


def test_the_page_says_what_was_saved(faults, saved):
    assert faults.PAGE.read_text().partition(faults.MEASURED)[2] == faults.page(saved)


def test_everything_was_tried_and_is_as_it_should_be(faults, saved):
    assert {(one["trouble"], one["workers"]) for one in saved["telling"]} == {
        (t, w) for t in faults.TELLING for w in (0, 2)
    }
    assert {(one["trouble"], one["again"]) for one in saved["lost"]} == {
        (t, a) for t in faults.LOST for a in (False, True)
    }
    assert len(saved["killed"]) >= 20
    assert sum(bool(one["restarts"]) for one in saved["killed"]) > 10
    for name in ("SIGINT", "SIGTERM", "SIGKILL"):
        rows = [one for one in saved["ended"] if one["signal"] == name]
        assert len(rows) >= 20
        assert sum(one["workers"] > 0 for one in rows) >= 10
    for part in ("telling", "lost", "killed", "ended"):
        assert [one for one in saved[part] if not faults.good(part, one)] == []


def test_what_is_not_as_it_should_be_is_found(faults, saved):
    """The control: each thing that is looked at can make a row bad."""
    for part, spoiled in [
        ("telling", {"named": False}),
        ("telling", {"different": ["learner.x"]}),
        ("lost", {"as expected": False}),
        ("lost", {"left": ["4711"]}),
        ("killed", {"code": 3}),
        ("killed", {"different": ["log"]}),
        ("ended", {"left": ["a_block"]}),
        ("ended", {"as expected": False}),
    ]:
        assert not faults.good(part, {**saved[part][0], **spoiled}), (part, spoiled)


def test_a_fast_slice(faults, tmp_path):
    """One program, killed while workers step: nothing of it is left, and it is known that there was something."""
    folder = faults.folder_of_world(tmp_path, "one")
    program = faults.Program(folder, faults.train_words(2))
    try:
        while not program.workers():
            assert program.process.poll() is None
        assert len(program.marked()) > 1
    finally:
        program.process.kill()
        ended = program.end()
    assert (ended.code, ended.left) == (-9, [])
