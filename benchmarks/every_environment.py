"""20,000 steps of training on sixteen environments of five packages, without a line of code: one table.

    python benchmarks/every_environment.py               all of them, about half an hour on two cores
    python benchmarks/every_environment.py tictactoe     those whose name has this word
    python benchmarks/every_environment.py --save        goes on with what benchmarks/results/every_environment.json has

Each row is one `coterie train` in a process of its own, seed 0, default options of independent Q-learning (networks
shared by agents of one kind where the row says so), then: joint steps (turns, in games in turns) a second, learning
included, compiling and judging apart; the same of random play through the package's own interface, measured by the same
process a moment before; the return of the greedy agents (mean over agents; for rivals each side against random play)
beside random and idle play; and what `coterie check-env` finds. It shows that they run and how fast, not how well they
can learn: 20,000 steps are little for most.
"""

from __future__ import annotations

import argparse
import datetime
import json
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

PLACE = Path(__file__).parent / "results" / "every_environment.json"
STEPS, SECONDS = 20_000, 4.0
PICTURES = ("--picture.size", "24x24", "--picture.grey", "--replay", "4000", "--batch", "64")
ROWS: dict[str, tuple[str, ...]] = {
    "mpe2:simple_spread_v3": (),
    "mpe2:simple_speaker_listener_v4": (),
    "mpe2:simple_tag_v3": ("--team", "adversaries=iql", "--team", "prey=random"),
    "mpe2:simple_world_comm_v3": (),
    "pettingzoo:sisl/pursuit_v5": ("--share-parameters",),
    "pettingzoo:butterfly/knights_archers_zombies_v11": (),
    "pettingzoo:butterfly/cooperative_pong_v6": PICTURES,
    "pettingzoo:butterfly/pistonball_v6": ("--env.continuous", "false", "--share-parameters", *PICTURES),
    "pettingzoo:classic/tictactoe_v3": ("--share-parameters",),
    "pettingzoo:classic/connect_four_v3": ("--share-parameters",),
    "pettingzoo:classic/hanabi_v5": ("--share-parameters",),
    "pettingzoo:classic/leduc_holdem_v4": ("--share-parameters",),
    "pettingzoo:classic/rps_v2": (),
    "lbforaging:Foraging-8x8-2p-2f-coop-v3": (),
    "rware:rware-tiny-2ag-v2": (),
    "magent2:battle_v4": ("--env.map-size", "16", "--env.max-cycles", "100", "--share-parameters"),
}
HEADS = (
    "| environment | agents | random stepping a second | training a second (times) | return | random / idle play "
    "| found |\n|---|---|---|---|---|---|---|"
)
USUAL = ("--steps", str(STEPS), "--seeds", "1", "--checks", "2", "--check-episodes", "4", "--final-episodes", "20")


def random_rate(word: str, options: dict[str, Any]) -> float:
    """Joint steps (turns) a second of random legal play through the environment's own interface."""
    from pettingzoo import AECEnv

    from coterie.pettingzoo.making.sources import make_env
    from coterie.pettingzoo.reading.agents import any_action

    env, draws, steps, total = make_env(word, options), np.random.default_rng(0), 0, 0.0
    turns = isinstance(env, AECEnv)
    shown = env.reset(seed=0)
    began = time.perf_counter()
    while time.perf_counter() - began < SECONDS:
        if turns:
            observation, reward, terminated, truncated, info = env.last()
            over = terminated or truncated
            space = env.action_space(env.agent_selection)
            env.step(None if over else any_action(draws, space, observation, info))
            steps, total = steps + (not over), total + float(reward)
        else:
            observations, infos = shown[0], shown[-1]
            actions = {
                agent: any_action(draws, env.action_space(agent), observations.get(agent), infos.get(agent, {}))
                for agent in env.agents
            }
            shown = env.step(actions)
            steps, total = steps + 1, total + sum(map(float, shown[1].values()))
        if not env.agents:
            shown = env.reset()
    assert np.isfinite(total)
    return steps / (time.perf_counter() - began)


def measured(word: str, flags: tuple[str, ...]) -> dict[str, Any]:
    """One row."""
    from coterie.cli.train_deep import foreign_options

    options, _ = foreign_options(word, list(flags))
    rate = random_rate(word, options)
    with tempfile.TemporaryDirectory() as runs:
        command = [sys.executable, "-m", "coterie", "train", word, *flags, *USUAL, "--runs", runs, "--json"]
        began = time.perf_counter()
        told = subprocess.run([*command, "--no-pictures"], capture_output=True, text=True, check=False)
        wall = time.perf_counter() - began
        if told.returncode:
            return {"flags": " ".join(flags), "failed": told.stderr.strip().splitlines()[-1]}
        verdict = json.loads(told.stdout)
    checked = subprocess.run(
        [sys.executable, "-m", "coterie", "check-env", word, *env_flags(flags), "--json"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    found = json.loads(checked.stdout) if checked.stdout.strip().startswith("{") else {}
    return {
        "flags": " ".join(flags),
        "agents": verdict["agents"],
        "random_steps_a_second": rate,
        "training_steps_a_second": verdict["steps_per_second"],
        "wall_seconds": wall,
        "return": verdict["returns"][0],
        "random": verdict["random"],
        "idle": verdict["idle"],
        "sides": [
            {name: side[name] for name in ("name", "returns", "random", "against", "won", "drawn")}
            for side in verdict["sides"]
        ],
        "found": found.get("items", []),
    }


def env_flags(flags: tuple[str, ...]) -> list[str]:
    """The environment's own options among the words of a command."""
    own: list[str] = []
    for place, word in enumerate(flags):
        if word.startswith("--env."):
            own += flags[place : place + 2]
    return own


def line(word: str, row: dict[str, Any]) -> str:
    """One row of the table in the documentation."""
    if "failed" in row:
        return f"| `{word}` | | | {row['failed']} | | | |"
    share = row["training_steps_a_second"] / row["random_steps_a_second"]
    earned = f"{row['return']:.2f}"
    rivals = [side for side in row["sides"] if side["against"]]
    if rivals:
        earned = "; ".join(
            f"{side['name']} {np.mean(side['against']):.2f} ({side['won']:.2f} / {side['drawn']:.2f})"
            for side in rivals
        )
    problems = "; ".join(one["name"] for one in row["found"] if one["severity"] != "note") or "none"
    return (
        f"| `{word}` {row['flags']} | {row['agents']} | {row['random_steps_a_second']:,.0f} | "
        f"{row['training_steps_a_second']:,.0f} ({share:.2f}) | {earned} | {row['random']:.2f} / {row['idle']:.2f} | "
        f"{problems} |"
    )


def main() -> None:
    """Measure what is asked for, print the table, and keep it where asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("words", nargs="*", help="only environments whose name has one of these")
    parser.add_argument("--save", action="store_true", help="keep each row, and leave out rows that are kept already")
    chosen = parser.parse_args()
    kept = json.loads(PLACE.read_text()) if chosen.save and PLACE.exists() else {"rows": {}}
    for word, flags in ROWS.items():
        if (chosen.words and not any(one in word for one in chosen.words)) or word in kept["rows"]:
            continue
        kept["rows"][word] = row = measured(word, flags)
        print(line(word, row), flush=True)
        if chosen.save:
            kept |= {
                "command": "python benchmarks/every_environment.py --save",
                "date": datetime.date.today().isoformat(),
                "machine": f"{platform.machine()}, two cores",
            }
            PLACE.write_text(json.dumps(kept, indent=1) + "\n")
    print("\n".join(line(word, row) for word, row in kept["rows"].items()))


if __name__ == "__main__":
    main()
