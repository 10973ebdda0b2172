"""Trackers: they are told what the log holds, and whatever they do, nothing of the log is lost."""

import contextlib
import struct
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from coterie.errors import BadInput
from coterie.running.trackers import check_tracker, tracker

ROWS = [
    {"seed": 0, "env_steps": 64, "episodes": 3, "return": 1.5, "loss": None},
    {"seed": 1, "env_steps": 64, "episodes": 4, "return": -2.0, "loss": 0.25},
    {"seed": 0, "env_steps": 128, "episodes": 5, "return": 2.5, "loss": 0.5},
]
WANDB = """
import pathlib
FAILS = {fails!r}
CALLS = pathlib.Path(__file__).with_name("calls.txt")

def call(name, *given, **more):
    with CALLS.open("a") as file:
        print(name, *given, *(f"{{k}}={{more[k]}}" for k in sorted(more)), file=file)
    if name == FAILS:
        raise {error}

call("import")
def Settings(**more): return more
class Run:
    def define_metric(self, *given, **more): call("define", *given, **more)
    def log(self, told): call("log", told)
    def finish(self): call("finish")
def init(**more):
    call("init", project=more["project"], config=more["config"])
    return Run()
"""


class Plan(NamedTuple):
    environment: str = "climbing"
    steps: int = 128


def drawn(folder: Path) -> list[tuple[int, dict[str, float]]]:
    """Steps and numbers in a folder's event files, read with tensorboardX's own protobuf; a record is 8 bytes of
    length, 4 of its checksum, the event, 4 of its checksum."""
    from tensorboardX.proto.event_pb2 import Event

    found = []
    for file in sorted(folder.glob("*tfevents*")):
        data, at = file.read_bytes(), 0
        while at < len(data):
            (length,) = struct.unpack_from("<Q", data, at)
            event = Event()
            event.ParseFromString(data[at + 12 : at + 12 + length])
            if event.summary.value:
                found.append((event.step, {one.tag: one.simple_value for one in event.summary.value}))
            at += 16 + length
        assert at == len(data)
    return found


@pytest.fixture
def wandb(tmp_path, monkeypatch):
    """Puts a package of this name where it is found, that fails as it is told to; gives what was called."""
    home = tmp_path / "packages"
    home.mkdir()
    monkeypatch.syspath_prepend(home)
    monkeypatch.delitem(sys.modules, "wandb", raising=False)

    def install(fails="", error="RuntimeError('no\\nnetwork')"):
        (home / "wandb.py").write_text(WANDB.format(fails=fails, error=error))
        return lambda: (home / "calls.txt").read_text().splitlines()

    yield install
    sys.modules.pop("wandb", None)


def test_no_tracker_is_none(tmp_path):
    with tracker("", tmp_path, Plan(), pytest.fail) as rows:
        assert rows is None


def test_tensorboard_is_told_every_number_of_each_seed(tmp_path):
    with tracker("tensorboard", tmp_path, Plan(), pytest.fail) as rows:
        rows(ROWS[:2])
        assert drawn(tmp_path / "tensorboard" / "seed_1")  # one can look while it runs
        rows(ROWS[2:])
    assert sorted(path.name for path in (tmp_path / "tensorboard").iterdir()) == ["seed_0", "seed_1"]
    assert drawn(tmp_path / "tensorboard" / "seed_0") == [
        (64, {"episodes": 3.0, "return": 1.5}),
        (128, {"episodes": 5.0, "return": 2.5, "loss": 0.5}),
    ]
    assert drawn(tmp_path / "tensorboard" / "seed_1") == [(64, {"episodes": 4.0, "return": -2.0, "loss": 0.25})]


def test_tensorboard_that_cannot_write_is_left_alone(tmp_path, monkeypatch):
    """No room on the disk shows when events are flushed: in our thread, as an error, not as a queue that hangs."""
    from tensorboardX import record_writer

    files, said = [], []

    def opened(path):
        files.append(open("/dev/full", "wb"))  # noqa: SIM115
        return files[-1]

    monkeypatch.setattr(record_writer, "open_file", opened)
    with tracker("tensorboard", tmp_path, Plan(), said.append) as rows:
        for _ in range(30):
            rows(ROWS)
    assert len(said) == 1
    assert said[0].startswith("--track tensorboard failed and is told no more (OSError: ")
    assert "No space left on device" in said[0]
    for file in files:
        with contextlib.suppress(OSError):
            file.close()


def test_a_folder_in_the_way_of_tensorboard(tmp_path):
    (tmp_path / "tensorboard").write_text("a file")
    said = []
    with tracker("tensorboard", tmp_path, Plan(), said.append) as rows:
        rows(ROWS)
        rows(ROWS)
    assert len(said) == 1


def test_wandb_is_told_the_plan_and_a_section_a_seed(tmp_path, wandb):
    calls = wandb()
    with tracker("wandb", tmp_path, Plan(), pytest.fail) as rows:
        rows(ROWS)
    assert calls() == [
        "import",
        "init config={'environment': 'climbing', 'steps': 128} project=coterie",
        "define seed_0/* step_metric=seed_0/env_steps",
        "log {'seed_0/env_steps': 64, 'seed_0/episodes': 3, 'seed_0/return': 1.5}",
        "define seed_1/* step_metric=seed_1/env_steps",
        "log {'seed_1/env_steps': 64, 'seed_1/episodes': 4, 'seed_1/return': -2.0, 'seed_1/loss': 0.25}",
        "log {'seed_0/env_steps': 128, 'seed_0/episodes': 5, 'seed_0/return': 2.5, 'seed_0/loss': 0.5}",
        "finish",
    ]


@pytest.mark.parametrize(
    "fails, after",
    [
        ("import", ["import"]),
        ("init", ["import", "init"]),
        ("log", ["import", "init", "define", "log", "finish"]),
        ("finish", ["import", "init", "define", "log", "define", "log", *["log"] * 4, "finish"]),
    ],
)
@pytest.mark.parametrize("error", ["RuntimeError('no\\nnetwork')", "SystemExit(1)"])
def test_a_tracker_that_fails_costs_one_line(tmp_path, wandb, fails, after, error):
    calls, said = wandb(fails, error), []
    with tracker("wandb", tmp_path, Plan(), said.append) as rows:
        assert (rows is None) == (fails in ("import", "init"))
        if rows is not None:
            rows(ROWS)
            rows(ROWS)
    assert len(said) == 1
    assert said[0].startswith("--track wandb failed and is told no more (")
    assert said[0].endswith(f"all is in {tmp_path / 'metrics.jsonl'}")
    assert "\n" not in said[0]
    assert [line.split()[0] for line in calls()] == after


@pytest.mark.parametrize("error", ["KeyboardInterrupt()", "SystemExit(143)"])
def test_whoever_stops_the_run_stops_it(tmp_path, wandb, error):
    """The control of the test above: a second Ctrl-C while a tracker hangs is no failure of the tracker."""
    wandb("log", error)
    with (
        pytest.raises((KeyboardInterrupt, SystemExit)),
        tracker("wandb", tmp_path, Plan(), pytest.fail) as rows,
    ):
        rows(ROWS)


def test_a_failure_of_the_run_is_not_the_trackers(tmp_path):
    def failing():
        with tracker("tensorboard", tmp_path, Plan(), pytest.fail) as rows:
            rows(ROWS)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        failing()
    assert len(drawn(tmp_path / "tensorboard" / "seed_0")) == 2


def test_a_tracker_is_known_and_installed_before_anything_is_trained(tmp_path, monkeypatch):
    check_tracker("")
    check_tracker("tensorboard")
    with pytest.raises(BadInput, match=r"--track wandbb: there is no such tracker; did you mean 'wandb'\?"):
        check_tracker("wandbb")
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "wandb").mkdir()  # what wandb leaves where it ran is not wandb
    with pytest.raises(BadInput, match=r"--track wandb needs .*: pip install 'coterie\[wandb\]'$"):
        check_tracker("wandb")


def test_the_command_asks_before_it_trains(tmp_path, monkeypatch, capsys):
    from small_runs import refused

    monkeypatch.chdir(tmp_path)
    words = ["train", "climbing", "--deep", "--track"]
    assert "did you mean 'tensorboard'?" in refused(capsys, [*words, "tensorbord"])
    monkeypatch.setattr("coterie.running.trackers.find_spec", lambda name: None)
    assert refused(capsys, [*words, "wandb"]).endswith("pip install 'coterie[wandb]'")
    assert list(tmp_path.iterdir()) == []
