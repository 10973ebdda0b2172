"""The folder of a run: never an old one, and found again by few letters."""

import dataclasses
import json
import os

import pytest

from coterie.errors import BadInput, StorageFault
from coterie.running import recorder
from coterie.running.recorder import create_run, find_run
from coterie.settings import RendezvousOptions


def begun(runs, *names):
    """Runs that have a configuration, the last one the newest."""
    for age, name in enumerate(names):
        run = create_run(runs, "stem", name)
        recorder.write_config(run, {"format": 1})
        os.utime(run / "config.toml", (1_000 + age, 1_000 + age))
    return runs


def test_runs_are_numbered_from_one(tmp_path):
    made = [create_run(tmp_path / "runs", "rendezvous-iql", None).name for _ in range(3)]
    assert made == ["rendezvous-iql-1", "rendezvous-iql-2", "rendezvous-iql-3"]


def test_a_number_is_never_used_again(tmp_path):
    """Not even where the run before it was removed, or where other names look like numbers."""
    for name in ("rendezvous-iql-7", "rendezvous-iql-x", "rendezvous-iql-", "rendezvous-iql-fast-9", "other-12"):
        (tmp_path / name).mkdir()
    assert create_run(tmp_path, "rendezvous-iql", None).name == "rendezvous-iql-8"


def test_a_folder_that_appears_meanwhile_is_left_alone(tmp_path, monkeypatch):
    """Two commands at once: the second one finds the number taken and counts on."""
    (tmp_path / "stem-1").mkdir()
    monkeypatch.setattr(recorder, "_numbers", lambda runs, stem: [])
    assert create_run(tmp_path, "stem", None).name == "stem-2"


def test_a_taken_name_is_refused(tmp_path):
    create_run(tmp_path, "stem", "mine")
    with pytest.raises(BadInput, match=r"--name 'mine': .*mine exists, and nothing is overwritten"):
        create_run(tmp_path, "stem", "mine")


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "/x", "a/b", "a b", ".hidden", "-flag", "a\n", "ü", "x" * 101])
def test_an_impossible_name_is_refused_before_anything_is_made(tmp_path, name):
    with pytest.raises(BadInput, match="use letters, digits"):
        create_run(tmp_path / "runs", "stem", name)
    assert os.listdir(tmp_path) == []


def test_latest_is_no_name(tmp_path):
    with pytest.raises(BadInput, match="always means the newest run"):
        create_run(tmp_path / "runs", "stem", "latest")


def test_a_file_is_no_folder_of_runs(tmp_path):
    (tmp_path / "runs").write_text("kept")
    with pytest.raises(StorageFault, match="is a file; choose another"):
        create_run(tmp_path / "runs", "stem", None)
    with pytest.raises(StorageFault, match="cannot be written: Not a directory"):
        create_run(tmp_path / "runs" / "inside", "stem", None)
    assert (tmp_path / "runs").read_text() == "kept"


def test_a_run_is_found_by_path_name_beginning_and_latest(tmp_path):
    runs = begun(tmp_path / "runs", "second", "first", "third")
    assert find_run(runs, "latest").name == "third"
    assert find_run(runs, "sec").name == "second"
    assert find_run(runs, "first") == runs / "first"
    assert find_run(tmp_path / "elsewhere", str(runs / "first")) == runs / "first"


def test_latest_is_the_one_begun_last_not_the_last_name(tmp_path):
    assert find_run(begun(tmp_path, "b", "a"), "latest").name == "a"


def test_a_whole_name_wins_over_a_beginning(tmp_path):
    runs = begun(tmp_path, "rendezvous-iql-1", "rendezvous-iql-10", "rendezvous-iql-11")
    assert find_run(runs, "rendezvous-iql-1").name == "rendezvous-iql-1"


@pytest.mark.parametrize("word", ["rend", ""])
def test_an_ambiguous_beginning_names_what_it_could_be(tmp_path, word):
    runs = begun(tmp_path, "rendezvous-a", "rendezvous-b")
    with pytest.raises(BadInput, match="could be rendezvous-a, rendezvous-b; write a little more"):
        find_run(runs, word)


def test_an_unknown_run_is_answered_with_the_nearest(tmp_path):
    runs = begun(tmp_path, "walls", "doors")
    with pytest.raises(BadInput, match=r"there is no run 'wals' in .*; did you mean 'walls'\?"):
        find_run(runs, "wals")
    with pytest.raises(BadInput, match=r"did you mean 'latest'\?"):
        find_run(runs, "lastest")


def test_many_runs_do_not_fill_the_screen(tmp_path):
    runs = begun(tmp_path, *(f"run-{number:03d}" for number in range(40)))
    with pytest.raises(BadInput) as caught:
        find_run(runs, "zzzzzzzz")
    assert str(caught.value).endswith("run-011, …")


@pytest.mark.parametrize("place", ["runs", "nowhere"])
def test_without_runs_the_way_to_the_first_is_told(tmp_path, place):
    (tmp_path / "runs" / "not-a-run").mkdir(parents=True)
    with pytest.raises(BadInput, match=r"there is no run in .*; start one with: coterie train rendezvous"):
        find_run(tmp_path / place, "latest")


def test_what_a_run_is_called_finds_it_again(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    from pathlib import Path

    begun(Path("runs"), "mine")
    begun(Path("other runs"), "mine")
    assert recorder.word_for(find_run(Path("runs"), "mine")) == "mine"
    assert recorder.word_for(find_run(Path("other runs"), "mine")) == "'other runs/mine'"
    assert find_run(Path("runs"), "other runs/mine") == Path("other runs/mine")


def test_settings_come_back_as_they_were(tmp_path):
    config = {"env": RendezvousOptions(size=8, map='A"\\#/é', meet_reward=0.1), "seed": 2**62, "preset": "default"}
    recorder.write_config(tmp_path, {**config, "absent": None, "kinds": ((0, 1), (2,))})
    found = recorder.read_config(tmp_path)
    assert found == {**config, "env": dataclasses.asdict(config["env"]), "kinds": [[0, 1], [2]]}


@pytest.mark.parametrize("content", [b"= 1", b"\xff\xfe", b"[a", b"x = 1\nx = 2"])
def test_what_is_no_settings_file_is_a_sentence(tmp_path, content):
    (tmp_path / "config.toml").write_bytes(content)
    with pytest.raises(StorageFault, match=r"config.toml is not a run's settings"):
        recorder.read_config(tmp_path)


def test_missing_settings_are_a_sentence(tmp_path):
    with pytest.raises(StorageFault, match="cannot be read: No such file"):
        recorder.read_config(tmp_path)


def test_a_log_only_grows(tmp_path):
    log = tmp_path / "timing.jsonl"
    recorder.append_lines(log, [{"a": 1}, {"a": 2}])
    first = log.read_bytes()
    recorder.append_lines(log, [{"a": 3}])
    assert log.read_bytes().startswith(first)
    assert [json.loads(line)["a"] for line in log.read_text().splitlines()] == [1, 2, 3]
    with pytest.raises(StorageFault, match="cannot be written: Is a directory"):
        recorder.append_lines(tmp_path, [{"a": 1}])
