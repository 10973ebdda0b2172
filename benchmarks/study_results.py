"""Keep what a study found: the verdicts of its runs as one file in benchmarks/results/.

    coterie study benchmarks/studies/foraging.toml --runs /tmp/evidence
    python benchmarks/study_results.py benchmarks/studies/foraging.toml /tmp/evidence

Every seed's return and success stand in it, the interquartile mean with its interval, random and idle play, the speed,
and the settings of each run; `docs/` quotes from there.
"""

from __future__ import annotations

import argparse
import datetime
import json
import platform
import tomllib
from pathlib import Path

RESULTS = Path(__file__).parent / "results"
KEPT = (
    "environment", "algorithm", "reward", "seeds", "episodes", "returns", "success", "best_step", "iqm", "mean",
    "coordinated", "relapsed", "random", "random_success", "idle", "idle_success", "optimum", "exact", "frozen",
    "env_steps", "steps_per_second",
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study", type=Path)
    parser.add_argument("runs", type=Path, help="the folder given to coterie study --runs")
    given = parser.parse_args()
    name = tomllib.loads(given.study.read_text()).get("name", given.study.stem)
    found = {}
    for run in sorted((given.runs / name).glob("*/evaluation.json")):
        verdict = json.loads(run.read_text())
        settings = tomllib.loads((run.parent / "config.toml").read_text())
        found[run.parent.name] = {**{key: verdict[key] for key in KEPT}, "settings": settings}
    whole = {
        "command": f"coterie study {given.study.as_posix()}",
        "date": datetime.date.today().isoformat(),
        "machine": f"{platform.machine()}, Python {platform.python_version()}",
        "runs": found,
    }
    place = RESULTS / f"study_{name}.json"
    place.write_text(json.dumps(whole, indent=1) + "\n")
    print(f"{len(found)} runs in {place}")


if __name__ == "__main__":
    main()
