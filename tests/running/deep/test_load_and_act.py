"""A team that is loaded where nothing is trained acts as the trainer's own greedy agents do, action for action."""

import json
import subprocess
import sys
from pathlib import Path

import coterie
from coterie.running.episodes import read_recording

CASES = Path(__file__).parents[2] / "pettingzoo"
ACTS = """
import json, sys
sys.path.insert(0, sys.argv[2])
import coterie
from hard_cases import played_parts

told = played_parts(coterie.load("team", runs=sys.argv[1]))
trainers = [name for name in ("coterie.running.deep.lanes", "coterie.workflow.deep.opening") if name in sys.modules]
print(json.dumps({"actions": told, "trainers": trainers}))
"""


def test_recurrent_agents_of_unlike_kinds_with_masks(tmp_path):
    coterie.train(
        f"{CASES / 'hard_cases.py'}:make_parts", recurrent=True, steps=512, seeds=2, checks=2, check_episodes=2,
        final_episodes=2, hidden=8, layers=1, batch=4, warmup=64, environments=4, rows=8, runs=tmp_path, name="team",
        pictures=False,
    )  # fmt: skip
    best = coterie.load("team", runs=tmp_path).seed
    recorded = read_recording(tmp_path / "team" / "episodes" / "greedy.jsonl").plays
    own = next(play for play in recorded if play.team == best)
    command = [sys.executable, "-c", ACTS, str(tmp_path), str(CASES)]
    told = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    assert told["trainers"] == []
    assert told["actions"] == own.actions.tolist()
    assert len({tuple(row) for row in told["actions"]}) > 1  # it does not always do the same
