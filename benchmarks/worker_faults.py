"""What a run does when its environment, a worker or the program itself fails: said, saved, gone on with, nothing left.

    python benchmarks/worker_faults.py                     everything, about twenty minutes on two cores
    python benchmarks/worker_faults.py --only telling      one part: telling, lost, killed or ended
    python benchmarks/worker_faults.py --times 3           fewer random moments
    python benchmarks/worker_faults.py --save              writes benchmarks/results/worker_faults.json, docs/faults.md

A small run is `coterie train` with QMIX on a world of two unlike agents, in 8 environments. *Telling*: in the 120th
step of one environment it raises, or tells something that it must not. The run must end with exit code 3 and a sentence
that names the user's word, worker, environment, seed, step and agent, and what was expected and found. It is then
resumed (the world is mended), and must be equal to the run that nothing happened to, bit for bit: networks, targets,
optimiser, replay, episodes under way, progress and log. *Lost*: a worker exits, is killed, or hangs in Python or in
compiled code, once (the run must go on, say so, and end equal) or whenever that step is taken (it must stop with exit
code 3, and then be resumed). *Killed*: a random worker is killed at a random time. *Ended*: the program gets Ctrl-C,
SIGTERM or SIGKILL at a random moment of its life. After each, no process that it started may be left and nothing in
/dev/shm; a process is known by a variable in its environment.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any, NamedTuple

from coterie.running.checkpoint import load_checkpoint

PLACE = Path(__file__).parent / "results" / "worker_faults.json"
PAGE = Path(__file__).parents[1] / "docs" / "faults.md"
MEASURED = "## Measured\n\n"
PARTS = ("learner", "replay", "runner", "worlds", "progress", "policy")
MARK = "COTERIE_WORKER_FAULTS"
LEAVE_SECONDS = 10.0  # what a program started must be gone by then
PATIENT = 2.0  # seconds that a joint step may take here, instead of two minutes
WORLD = '''
import os, re, sys, time
import numpy as np
import pettingzoo
from gymnasium.spaces import Box, Discrete


class Bridge(pettingzoo.ParallelEnv):
    """Two unlike agents see the step, the seed's last digits and their sum of actions, and are paid for action 1.

    `trouble` begins in the 120th step that one environment takes, and writes its seed and step into the file `place`;
    with `again` it comes whenever an episode of that seed takes that step.
    """

    metadata = {"name": "bridge_v0", "render_modes": []}
    possible_agents = ["first", "second"]

    def __init__(self, trouble="", place="", again=False):
        self.trouble, self.place, self.again, self.life = trouble, place, again, 0

    def observation_space(self, agent):
        return Box(-1e6, 1e6, (3,), np.float64) if agent == "first" else Box(-10**6, 10**6, (3,), np.int32)

    def action_space(self, agent):
        return Discrete(3)

    def seen(self):
        one = np.array([self.steps, self.seed % 10, self.total])
        return {agent: one.astype(float if agent == "first" else np.int32) for agent in self.agents}

    def masks(self):
        return {agent: {"action_mask": np.arange(3) != self.total % 7} for agent in self.agents}

    def reset(self, seed=None, options=None):
        self.seed, self.steps, self.total, self.agents = seed, 0, 0, self.possible_agents[:]
        return self.seen(), self.masks()

    def troubled(self):
        self.life += 1
        if not self.trouble:
            return False
        now = f"{self.seed} {self.steps}"
        if self.life == 120:
            try:
                with open(self.place, "x") as file:
                    file.write(now)
                return True
            except FileExistsError:
                pass
        return self.again and os.path.exists(self.place) and open(self.place).read() == now

    def step(self, actions):
        self.steps += 1
        self.total += sum(actions.values())
        trouble = self.trouble if self.troubled() else ""
        if trouble == "raises":
            raise ValueError("the bridge is out")
        if trouble == "leaves":
            sys.exit("gone fishing")
        if trouble == "exits":
            os._exit(3)
        if trouble == "aborts":
            os.abort()
        if trouble == "is killed":
            os.kill(os.getpid(), 9)
        if trouble == "hangs":
            while True:
                time.sleep(0.01)
        if trouble == "hangs in compiled code":
            re.match("(a+)+$", "a" * 60 + "b")
        over = self.steps == 4 + self.seed % 5
        paid = {agent: 0.25 * (action == 1) for agent, action in actions.items()}
        ended, cut = dict.fromkeys(self.agents, False), dict.fromkeys(self.agents, over)
        told, infos = self.seen(), self.masks()
        self.agents = [] if over else self.agents
        if trouble == "sees nan":
            told["first"][1] = np.nan
        if trouble == "sees infinity":
            told["first"][2] = 1e300
        if trouble == "sees another shape":
            told["second"] = told["second"][:2]
        if trouble == "sees floats for integers":
            told["second"] = told["second"] + 0.5
        if trouble == "sees text":
            told["first"] = "a bridge"
        if trouble == "sees nothing":
            del told["second"]
        if trouble == "is a stranger":
            told["third"] = told["first"]
        if trouble == "vanishes":
            cut, self.agents = dict.fromkeys(cut, False), ["first"]
        if trouble == "is paid nan":
            paid["second"] = float("nan")
        if trouble == "is paid too much":
            paid["second"] = 1e300
        if trouble == "is paid text":
            paid["first"] = "a penny"
        if trouble == "is paid twice":
            paid["first"] = np.array([1.0, 2.0])
        if trouble == "may do nothing":
            infos["second"]["action_mask"] = np.zeros(3, bool)
        if trouble == "has a short mask":
            infos["second"]["action_mask"] = np.ones(2, bool)
        self.odd = trouble == "state holds nan"
        return told, paid, ended, cut, infos

    odd = False

    def state(self):
        return np.array([np.nan if self.odd else self.total, self.steps], np.float32)


def make_env(**options):
    return Bridge(**options)
'''
PLAN = [
    "--algo", "qmix", "--reward", "team-mean", "--steps", "2400", "--seeds", "1", "--checks", "3", "--environments",
    "8", "--rows", "6", "--batch", "16", "--hidden", "16", "--layers", "1", "--warmup", "200", "--replay", "2000",
    "--updates", "2", "--lag", "1", "--no-pictures", "--name", "run",
]  # fmt: skip
START = (
    "import sys, coterie.pettingzoo.workers.workers as workers\nworkers.PATIENCE = {patient}\n"
    "from coterie.cli import main\nsys.exit(main())"
)
WHERE = r"environment \d, seed \d+, step \d: "

TELLING = {  # what the environment does, and what is said of it
    "raises": "ValueError: the bridge is out",
    "leaves": "SystemExit: gone fishing",
    "sees nan": r"agent 'first' sees nan at \[1\]; expected finite numbers",
    "sees infinity": r"agent 'first' sees inf at \[2\]; expected finite numbers",
    "sees another shape": r"agent 'second' sees int32 numbers of shape \(2,\); expected int32 numbers of shape \(3,\)",
    "sees floats for integers": r"agent 'second' sees \d+\.5 at \[0\]; expected int32 numbers of shape \(3,\)",
    "sees text": r"agent 'first' sees 'a bridge' \(str\); expected float32 numbers of shape \(3,\)",
    "sees nothing": "agent 'second' is alive and to move, and there is no observation for it",
    "is a stranger": "agent 'third' appeared, which is not among possible_agents",
    "vanishes": "agent 'second' vanished, neither terminated nor truncated",
    "is paid nan": "agent 'second' was paid nan; expected a finite number",
    "is paid too much": r"agent 'second' was paid 1e\+300; expected a finite number",
    "is paid text": r"agent 'first' was paid 'a penny' \(str\); expected one number",
    "is paid twice": r"agent 'first' was paid array\(\[1\., 2\.\]\) \(ndarray\); expected one number",
    "may do nothing": "agent 'second' is to move and its action mask allows nothing",
    "has a short mask": r"agent 'second' has an action mask of shape \(2,\); expected \(3,\)",
    "state holds nan": r"the central state holds nan at \[0\]; expected finite numbers",
}
LOST = {
    "exits": "its process ended with exit code 3",
    "aborts": r"its process ended with signal 6 \(SIGABRT\)",
    "is killed": r"its process ended with signal 9 \(SIGKILL\)",
    "hangs": "no answer in time: it hangs or is too slow",
    "hangs in compiled code": "no answer in time: it hangs or is too slow",
}
SAVED = (
    r"; what was learned in [\d,]+ of 2,400 joint steps of each seed is saved; mend it, and go on with: coterie resume"
)


class Ended(NamedTuple):
    """How a program ended: its exit code, what it said on stderr, how long it took, and what of it was left."""

    code: int
    said: str
    seconds: float
    left: list[str]


class Program:
    """A `coterie` command in a folder, in a session of its own, with everything that it starts marked.

    patient: the seconds that a joint step may take, where not the usual two minutes.
    """

    def __init__(self, folder: Path, words: list[str], patient: float = 0.0) -> None:
        self.mark, self.began = uuid.uuid4().hex, time.perf_counter()
        self.memory = set(os.listdir("/dev/shm"))
        self.errors = folder / f"errors-{self.mark}"
        with self.errors.open("w") as errors:
            self.process = subprocess.Popen(
                [sys.executable, *(["-c", START.format(patient=patient)] if patient else ["-m", "coterie"]), *words],
                cwd=folder,
                env={**os.environ, MARK: self.mark},
                stdout=subprocess.DEVNULL,
                stderr=errors,
                start_new_session=True,
            )

    def marked(self) -> list[int]:
        """The processes that bear its mark and are not dead."""
        found = []
        for place in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if f"{MARK}={self.mark}".encode() in (place / "environ").read_bytes():
                    found.append(int(place.name))
        return found

    def workers(self) -> list[int]:
        """Those of them that step environments, or are about to."""
        found = []
        for number in self.marked():
            with contextlib.suppress(OSError):
                if b"coterie-worker-" in Path(f"/proc/{number}/cmdline").read_bytes():
                    found.append(number)
        return found

    def end(self, seconds: float = 120.0) -> Ended:
        """Wait for its end, and then for all that it has started."""
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        took = time.perf_counter() - self.began
        until = time.monotonic() + LEAVE_SECONDS
        while (left := self.marked()) and time.monotonic() < until:
            time.sleep(0.02)
        for number in left:
            os.kill(number, signal.SIGKILL)
        blocks = set(os.listdir("/dev/shm")) - self.memory
        return Ended(code, self.errors.read_text(), took, [*map(str, left), *sorted(blocks)])


def folder_of_world(home: Path, name: str) -> Path:
    """A new folder with the world in it."""
    folder = home / name
    folder.mkdir()
    (folder / "bridge.py").write_text(WORLD)
    return folder


def train_words(workers: int, trouble: str = "", again: bool = False) -> list[str]:
    """The words of a run."""
    told = ["--env.trouble", trouble, "--env.place", "place", "--env.again", str(again)]
    return ["train", "./bridge.py:make_env", *told, *PLAN, "--workers", str(workers)]


def differences(one: Path, other: Path) -> list[str]:
    """The names of what is not equal in two runs' ends, bit for bit."""
    (a, facts), (b, more) = (load_checkpoint(folder / "runs" / "run", PARTS) for folder in (one, other))
    found = [] if facts["visited"] == more["visited"] else ["visited"]
    for part in PARTS:
        ours, theirs = ({name: array.tobytes() for name, array in arrays[part].items()} for arrays in (a, b))
        found += [f"{part}.{name}" for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name)]
    logs = [(folder / "runs" / "run" / "metrics.jsonl").read_bytes() for folder in (one, other)]
    return found + ([] if logs[0] == logs[1] else ["log"])


def resumed(folder: Path, workers: int, whole: Path) -> tuple[Ended, list[str]]:
    """A stopped run gone on with in a mended world, and in what it differs from the run that nothing happened to."""
    (folder / "place").write_text("mended")
    ended = Program(folder, ["resume", "run", "--workers", str(workers)]).end()
    return ended, differences(folder, whole) if ended.code == 0 else [ended.said.strip()[-300:]]


def telling(home: Path, whole: Path, trouble: str, workers: int) -> dict[str, Any]:
    """One run whose environment does something that it must not."""
    folder = folder_of_world(home, f"{trouble} {workers}".replace(" ", "_"))
    ended = Program(folder, train_words(workers, trouble)).end()
    by = rf"worker \d, {WHERE}" if workers else WHERE
    expected = rf"^coterie: \./bridge\.py:make_env: {by}{TELLING[trouble]}{SAVED}"
    more, off = resumed(folder, workers, whole) if ended.code == 3 else (ended, ["no fault"])
    return row(trouble, workers, ended, expected, 3, visited_steps(ended.said), off, more)


def lost(home: Path, whole: Path, trouble: str, again: bool) -> dict[str, Any]:
    """One run that loses a worker once, or whenever a step is taken."""
    folder = folder_of_world(home, f"{trouble} {again}".replace(" ", "_"))
    ended = Program(folder, train_words(2, trouble, again), PATIENT).end()
    started = rf"^! worker \d, {WHERE}{LOST[trouble]}; it is started again"
    stopped = rf"^coterie: \./bridge\.py:make_env: worker \d, {WHERE}{LOST[trouble]}, and so again .*{SAVED}"
    said = bool(re.search(started, ended.said, re.M))
    if again:
        more, off = resumed(folder, 2, whole) if ended.code == 3 else (ended, ["no fault"])
        found = row(trouble, 2, ended, stopped, 3, visited_steps(ended.said), off, more)
        return {**found, "again": True, "named": found["named"] and said}
    off = differences(folder, whole) if ended.code == 0 else [ended.said.strip()[-300:]]
    return {**row(trouble, 2, ended, started, 0, None, off, ended), "again": False}


def row(
    trouble: str, workers: int, ended: Ended, expected: str, code: int, steps: int | None, off: list[str], more: Ended
) -> dict[str, Any]:
    """What is kept of one run."""
    return {
        "trouble": trouble, "workers": workers, "code": ended.code, "as expected": ended.code == code,
        "named": bool(re.search(expected, ended.said, re.M)), "said": said_last(ended.said), "saved at": steps,
        "different": off, "left": [*ended.left, *more.left], "seconds": ended.seconds,
    }  # fmt: skip


def said_last(text: str) -> str:
    """The line that tells what happened."""
    lines = [line for line in text.splitlines() if line.startswith(("coterie: ", "! "))]
    return lines[-1] if lines else text.strip()[-200:]


def visited_steps(text: str) -> int | None:
    """How many joint steps a message says are saved."""
    found = re.search(r"learned in ([\d,]+) of", text)
    return int(found[1].replace(",", "")) if found else None


def killed(home: Path, whole: Path, number: int, chance: random.Random, life: float) -> dict[str, Any]:
    """One run of which a random worker is killed at a random time, from the first worker's start on."""
    folder, after = folder_of_world(home, f"killed_{number}"), chance.uniform(0.0, life)
    program = Program(folder, train_words(2))
    while not program.workers() and program.process.poll() is None:
        time.sleep(0.005)
    time.sleep(after)
    there = program.workers()
    victim = chance.choice(there) if there else 0
    if victim:
        os.kill(victim, signal.SIGKILL)
    ended = program.end()
    off = differences(folder, whole) if ended.code == 0 else [ended.said.strip()[-300:]]
    restarted = re.findall(r"^! (.*); it is started again", ended.said, re.M)
    return {
        "after": after, "killed": bool(victim), "code": ended.code, "restarts": restarted, "different": off,
        "left": ended.left, "seconds": ended.seconds,
    }  # fmt: skip


def ended(
    home: Path, number: int, ending: signal.Signals, chance: random.Random, length: float, life: float
) -> dict[str, Any]:
    """One run whose program is ended at a random moment of its life, in three of four cases while it has workers.

    How long it takes depends on what else the machine does: where it had ended before the moment, that is drawn anew.
    """
    before, tries = number % 4 == 0, 0
    while True:
        tries += 1
        folder = folder_of_world(home, f"{ending.name}_{number}_{tries}")
        after = chance.uniform(0.0, length - life if before else life)
        program = Program(folder, train_words(2))
        while not before and not program.workers() and program.process.poll() is None:
            time.sleep(0.005)
        time.sleep(after)
        there, over = len(program.workers()), program.process.poll() is not None
        if not over:
            break
        program.end()
    learning = "compiled and begun" in program.errors.read_text()
    with contextlib.suppress(ProcessLookupError):
        os.killpg(program.process.pid, ending) if ending == signal.SIGINT else program.process.send_signal(ending)
    since = time.perf_counter()
    found = program.end()
    finished = (folder / "runs" / "run" / "evaluation.json").exists()
    codes = {  # before coterie's first line is reached, Python's own way; 0 where all was learned already
        signal.SIGINT: (130, -signal.SIGINT), signal.SIGTERM: (143, -signal.SIGTERM), signal.SIGKILL: (-9,),
    }[ending]  # fmt: skip
    late = found.code == 0 and finished and learning
    return {
        "signal": ending.name, "before workers": before, "after": after, "workers": there, "tries": tries,
        "code": found.code, "as expected": found.code in codes or late, "said": said_last(found.said),
        "left": found.left, "tracebacks": found.said.count("Traceback"), "seconds": time.perf_counter() - since,
    }  # fmt: skip


def undisturbed(home: Path, name: str) -> tuple[Path, float, float]:
    """The run that nothing happens to, how long it takes, and how long from its first worker's start to its end."""
    folder = folder_of_world(home, name)
    program = Program(folder, train_words(2))
    while not program.workers() and program.process.poll() is None:
        time.sleep(0.005)
    until = time.perf_counter() - program.began
    found = program.end()
    assert found.code == 0, found.said
    return folder, found.seconds, found.seconds - until


def good(part: str, one: dict[str, Any]) -> bool:
    """Whether a row is as it should be."""
    if one["left"]:
        return False
    if part in ("telling", "lost"):
        return one["as expected"] and one["named"] and not one["different"]
    if part == "killed":
        return one["code"] == 0 and not one["different"]
    return one["as expected"]


def page(saved: dict[str, Any]) -> str:
    """What docs/faults.md says was measured, from what was kept."""
    times = max(len(saved["killed"]), 1)
    kills, there = saved["killed"], sum(one["killed"] for one in saved["killed"])
    fine = sum(good("killed", one) for one in kills)
    moments = [("a random worker is killed; the run ends, equal", f"{times}, {there} with a worker there", fine, kills)]
    for name, words in (("SIGINT", "Ctrl-C"), ("SIGTERM", "SIGTERM"), ("SIGKILL", "SIGKILL")):
        rows = [one for one in saved["ended"] if one["signal"] == name]
        there = sum(one["workers"] > 0 for one in rows)
        fine = sum(good("ended", one) for one in rows)
        moments.append((f"the program gets {words}", f"{len(rows)}, {there} with workers there", fine, rows))
    tables = [
        _table(
            ("the environment", "stepped in", "exit code", "all named", "resumed: equal", "left behind"),
            [
                (one["trouble"], f"{one['workers']} workers" if one["workers"] else "this process", *_found(one))
                for one in saved["telling"]
            ],
        ),
        _table(
            ("a worker", "how often", "exit code", "all named", "equal at the end", "left behind"),
            [
                (one["trouble"], "at that step, always; resumed" if one["again"] else "once", *_found(one))
                for one in saved["lost"]
            ],
        ),
        _table(
            ("at random moments", "times", "as expected", "left behind"),
            [(what, count, fine, _left(rows)) for what, count, fine, rows in moments],
        ),
    ]
    return "\n\n".join([f"`{saved['command']}`, {saved['date']}.", *tables]) + "\n"


def _table(head: tuple[str, ...], rows: list[tuple[Any, ...]]) -> str:
    lines = [" | ".join(map(str, cells)) for cells in (head, *rows)]
    return "\n".join([f"| {lines[0]} |", "|---" * len(head) + "|", *(f"| {line} |" for line in lines[1:])])


def _found(one: dict[str, Any]) -> tuple[Any, ...]:
    return one["code"], _yes(one["named"]), _yes(not one["different"]), _left([one])


def _yes(fine: bool) -> str:
    return "yes" if fine else "**no**"


def _left(rows: list[dict[str, Any]]) -> str:
    found = sum(len(one["left"]) for one in rows)
    return f"**{found}**" if found else "nothing"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", choices=["", "telling", "lost", "killed", "ended"])
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--save", action="store_true")
    given = parser.parse_args()
    chance = random.Random(20_261_128)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell has it ignored by what runs in the background
    with tempfile.TemporaryDirectory() as place:
        home = Path(place)
        undisturbed(home, "compiles")
        whole, length, life = undisturbed(home, "whole")
        again = undisturbed(home, "again")[0]
        assert not differences(whole, again), "the run does not repeat itself"
        print(f"the undisturbed run takes {length:.1f} s, workers live for {life:.1f} s of it", flush=True)
        endings = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)
        work = {
            "telling": [lambda t=t, w=w: telling(home, whole, t, w) for t in TELLING for w in (2, 0)],
            "lost": [lambda t=t, again=again: lost(home, whole, t, again) for t in LOST for again in (False, True)],
            "killed": [lambda n=n: killed(home, whole, n, chance, life) for n in range(given.times)],
            "ended": [
                lambda e=e, n=n: ended(home, n, e, chance, length, life) for e in endings for n in range(given.times)
            ],
        }  # fmt: skip
        kept: dict[str, Any] = {
            "command": "python benchmarks/worker_faults.py --save", "date": datetime.date.today().isoformat(),
            "seconds": length,
        }  # fmt: skip
        for part, runs in work.items():
            if given.only in ("", part):
                kept[part] = []
                for run in runs:
                    kept[part].append(run())
                    mark = "good" if good(part, kept[part][-1]) else "BAD "
                    print(f"{mark} {part} {json.dumps(kept[part][-1])}", flush=True)
                print(f"{part}: {sum(good(part, one) for one in kept[part])} of {len(kept[part])} good", flush=True)
    if not given.only:
        print(page(kept))
        if given.save:
            PLACE.write_text(json.dumps(kept, indent=1) + "\n")
            PAGE.write_text(PAGE.read_text().partition(MEASURED)[0] + MEASURED + page(kept))


if __name__ == "__main__":
    main()
