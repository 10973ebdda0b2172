"""What `coterie check-env` says of published environments, one line each, and the page about it.

    python benchmarks/check_all.py --save              all of them, some ten minutes; writes results and page
    python benchmarks/check_all.py --only rps --save   those whose word has this in it; the others stay as they were
    python benchmarks/check_all.py --page              writes docs/check_env.md again from the saved results

Speeds are not kept: they belong to the machine and to who else uses it.
"""

from __future__ import annotations

import argparse
import json
import shlex
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import msgspec

from coterie.pettingzoo.check.items import Checked
from coterie.showing.check import check as shown
from coterie.showing.check import described, names
from coterie.showing.terminal import plain_text

HERE = Path(__file__).parent
RESULTS = HERE / "results" / "check_all.json"
PAGE = HERE.parent / "docs" / "check_env.md"
ENVIRONMENTS = {  # and how many seconds each is played: pictures take their time
    "mpe2:simple_spread_v3": 30,
    "mpe2:simple_speaker_listener_v4": 30,
    "mpe2:simple_tag_v3": 30,
    "mpe2:simple_world_comm_v3": 30,
    "pettingzoo:sisl/pursuit_v5": 60,
    "pettingzoo:butterfly/knights_archers_zombies": 120,
    "pettingzoo:butterfly/cooperative_pong": 120,
    "pettingzoo:butterfly/pistonball_v6 --env.continuous false": 120,
    "pettingzoo:classic/tictactoe_v3": 30,
    "pettingzoo:classic/connect_four_v3": 30,
    "pettingzoo:classic/hanabi_v5": 30,
    "pettingzoo:classic/leduc_holdem_v4": 30,
    "pettingzoo:classic/rps_v2": 30,
    "lbforaging:Foraging-8x8-2p-2f-coop-v3": 30,
    "rware:rware-tiny-2ag-v2": 30,
    "magent2:battle_v4 --env.map-size 16": 60,
}
IN_FULL = (
    "mpe2:simple_tag_v3",
    "pettingzoo:butterfly/pistonball_v6 --env.continuous false",
    "lbforaging:Foraging-8x8-2p-2f-coop-v3",
)

OPENING = """# Is it the environment?

Before anything is learned, ask whether anything *can* be learned:

```sh
coterie check-env mpe2:simple_tag_v3
coterie check-env pettingzoo:butterfly/pistonball_v6 --env.continuous false
coterie check-env ./mine.py:make_env --seconds 60
```

The environment is played at random for about ten seconds (`--seconds`). Then you are told **what it is**, **what was
tried**, **what is wrong with it and how to mend that**, the worst first, and **the line that trains on it**, with
a reason for each of its flags. ENV is any word that training takes for an environment from elsewhere:
`pettingzoo:…`, `mpe2:…`, `lbforaging:…`, `rware:…`, `magent2:…`, `./file.py:make_env`, `package.module:make_env`.
`--json` is for programs. The command returns 0 where nothing is an error, 3 where something is, and 2 for a word that
names nothing, so it can stand before training in a script.

```python
import coterie
from mpe2 import simple_speaker_listener_v4

check = coterie.check_env(simple_speaker_listener_v4.parallel_env, seconds=2)
print(check.facts.kinds[0].sees, check.command)
for item in check.items:
    print(item.severity, item.what, item.evidence, item.fix)
```

`coterie.check_env` takes a word, a function that makes environments, or an environment. `print(check)` is the whole
report.

**An error** keeps agents from learning, or a run from being repeated or resumed. **A warning** costs you something:
time, precision, or what other libraries would get. **A note** is worth knowing."""

QUESTIONS = (
    (
        "Do observations ever change? Those of every agent? Within an episode, or only from one to the next?",
        "blind, blind agent, told once",
    ),
    ("Would agents be blind as other code makes it, where coterie asks for drawing itself?", "blind by default"),
    (
        "Is every observation in its space: shape, dtype, range, finite, every part, no other?",
        "observation shape, observation dtype, observation range, observation no number, observation list, "
        "observation kind, observation part, observation extra",
    ),
    (
        "Are numbers too large for a network, or do they differ by less than float32 can hold? Do parts never vary?",
        "huge values, precision, constant parts",
    ),
    ("Is an array that was handed out written again later?", "observation changes later"),
    (
        "Is anybody ever paid? Everybody? Often? Do rewards vary?",
        "no reward, never paid, rare rewards, constant reward",
    ),
    (
        "Are rewards finite numbers, of about one size, the same size for all?",
        "reward no number, reward type, reward scale, unlike rewards",
    ),
    ("In turns: does `last()` pay what the steps paid?", "accumulation"),
    (
        "Do masks allow something, fit the actions, and stand where they are read?",
        "empty mask, mask length, mask values, mask under another name",
    ),
    (
        "Does the central state keep its shape, and can it be asked for?",
        "state shape, state no number, state no method",
    ),
    (
        "Are spaces the same objects each time, and of a sort that can be learned with?",
        "new observation space, new action space, observations of another sort, actions of another sort",
    ),
    (
        "Is `agents` right after a reset, are all listed, does anybody vanish, stay or come back?",
        "no agents, stale agents, unknown agent, vanished, lingering, revived, possible_agents missing, names alike, "
        "not selected",
    ),
    (
        "Is everybody told something who is there, and nobody who is not?",
        "missing observation, missing reward, missing ending, missing info, info kind, told the dead, paid the dead",
    ),
    (
        "Do episodes end, and is a time limit called a truncation?",
        "endless, not played to its end, time limit as an ending, ended twice",
    ),
    (
        "Does anything raise, hang, or end the process?",
        "reset raised, step raised, reset returns, step returns, hangs, ends the process",
    ),
    (
        "Is an episode a function of its seed and actions: after others, in a fresh object, beside another object?",
        "not repeatable, leak, fresh differs, shared, global chance",
    ),
    ("What does a reset without a seed do?", "reset without a seed, same without a seed"),
    ("Is `copy.deepcopy` in mid-episode a clone?", "false copy"),
    ("Does an exchanged action ever change anything? Do two actions always do the same?", "no influence, same actions"),
    (
        "What happens to actions that are forbidden, or do not exist? (asked last)",
        "illegal action ends, outside action accepted",
    ),
    (
        "Does it warn, print, reset slowly, draw nothing, or fail PettingZoo's own test?",
        "it warns, it prints, slow reset, no picture, api test",
    ),
)

LOOKED_FOR = """## What is looked for

Everything rests on recorded random play, on episodes that are played again with the same actions, and on *paired
replays*: the same episode with one action exchanged. What random play cannot tell is said to be unknown, never guessed.

{questions}

Teams are what rewards tell: agents that were paid the same at every step of random play are one team, and where one
team's reward is the opposite of the other's, or all rewards of a step add up to nothing, the game is zero-sum.

**Nobody waits for ever.** A word is examined in a process of its own, which writes down each call before it makes it. A
call that takes longer than 20 seconds is a hang: the process is ended, and you are told which call it was, and all that
was known by then; the same where the environment ends the process. A function or an object, in Python, is examined
where it is, under an alarm that interrupts Python, not what is written in other languages, and works in the main
thread only."""


def main() -> None:
    """Ask, show, save."""
    parser = argparse.ArgumentParser(description="What check-env says of published environments.")
    parser.add_argument("--only", default="", help="those whose word has this in it")
    parser.add_argument("--save", action="store_true", help="write the results and the page")
    parser.add_argument("--page", action="store_true", help="write the page from the saved results, and ask nothing")
    given = parser.parse_args()
    if not given.page:
        found = {word: asked(word, seconds) for word, seconds in ENVIRONMENTS.items() if given.only in word}
        for row in rows(found):
            print(row)
        if not given.save:
            return
        earlier = json.loads(RESULTS.read_text())["checks"] if RESULTS.exists() else {}
        kept = {word: found.get(word, earlier.get(word)) for word in ENVIRONMENTS}
        saved = {"command": "python benchmarks/check_all.py --save", "date": date.today().isoformat(), "checks": kept}
        RESULTS.write_text(json.dumps(saved, indent=1) + "\n")
    PAGE.write_text(page())


def asked(word: str, seconds: int) -> dict[str, Any]:
    """What the command says of one environment, without its speed."""
    command = [sys.executable, "-m", "coterie", "check-env", *shlex.split(word), "--json", "--seconds", str(seconds)]
    told = json.loads(subprocess.run(command, capture_output=True, text=True).stdout)
    return {**told, "speed": None}


def page() -> str:
    """The page, from the saved results."""
    saved = json.loads(RESULTS.read_text())
    found = {word: told for word, told in saved["checks"].items() if told}
    parts = [OPENING, "## What it looks like", "Without the line about speed, which belongs to the machine."]
    parts += [
        f"```console\n$ coterie check-env {word} --seconds {ENVIRONMENTS[word]}\n{report(found[word])}\n```"
        for word in IN_FULL
        if word in found
    ]
    parts += [
        LOOKED_FOR.replace("{questions}", questions()),
        "## What it says of published environments",
        f"`{saved['command']}`, {saved['date']}. *Made anew*: a deep copy is a fresh "
        "environment (EzPickle), no clone. *To mend* names errors (bold) and warnings; notes are left out.",
        "\n".join(rows(found)),
    ]
    return "\n\n".join(parts) + "\n"


def questions() -> str:
    """What is asked, and the names under which it is found."""
    asked = [
        f"| {question} | {', '.join(f'`{name}`' for name in found.split(', '))} |" for question, found in QUESTIONS
    ]
    return "\n".join(["| question | found as |", "|---|---|", *asked])


def report(told: dict[str, Any]) -> str:
    """What people see of a check, with the command that comes next."""
    from coterie.showing.check import next_commands

    found = msgspec.convert(told, Checked)
    return f"{plain_text(shown(found))}\n\nNext: {'   or   '.join(next_commands(found))}"


def rows(found: dict[str, Any]) -> list[str]:
    """A table with a line for each environment."""
    heads = "environment", "what it is", "paid the same", "episodes", "repeats itself", "clones", "to mend", "to try"
    table = [heads, ("---",) * len(heads)]
    table += [line(word, msgspec.convert(told, Checked)) for word, told in found.items()]
    return [f"| {' | '.join(cells)} |" for cells in table]


def line(word: str, told: Checked) -> tuple[str, ...]:
    """One environment in a line."""
    facts, trials = told.facts, {trial.name: trial for trial in told.trials}
    if facts is None:
        return (f"`{word}`", *("",) * 5, mending(told), "")
    return (
        f"`{word}`",
        described(facts),
        paid_the_same(told),
        lengths(told),
        mark(trials, "repeats itself"),
        "made anew" if "EzPickle" in trials["can be cloned"].told else mark(trials, "can be cloned"),
        mending(told),
        "`"
        + told.command.removeprefix(f"coterie train {word}").partition(" --steps")[0].removesuffix("--seeds 1").strip()
        + "`",
    )


def mark(trials: dict[str, Any], name: str) -> str:
    """Whether a trial was passed."""
    found = trials.get(name)
    return "not tried" if found is None or found.passed is None else "yes" if found.passed else "no"


def paid_the_same(told: Checked) -> str:
    """Teams as far as rewards tell."""
    assert told.facts is not None
    rewards = told.facts.rewards
    if not rewards.paid:
        return "nobody was paid"
    groups = [names(team) for team in rewards.teams if len(team) > 1]
    whole = len(rewards.teams) == 1 and not rewards.unpaid
    return ("all" if whole else "; ".join(groups) or "nobody") + (", zero-sum" if rewards.zero_sum else "")


def lengths(told: Checked) -> str:
    """How long whole episodes were."""
    assert told.facts is not None
    whole = told.facts.episodes.lengths
    if not whole:
        return f"longer than {told.facts.episodes.steps:,}"
    return f"{min(whole):,}" if min(whole) == max(whole) else f"{min(whole):,} to {max(whole):,}"


def mending(told: Checked) -> str:
    """Errors and warnings by name."""
    found = [f"{'**' * (one.severity == 'error')}{one.name}{'**' * (one.severity == 'error')}"
             for one in told.items if one.severity != "note"]  # fmt: skip
    return ", ".join(found) or "nothing"


if __name__ == "__main__":
    main()
