"""Who plays: from a word, a function or an object to a player."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from coterie.errors import BadInput, nearest
from coterie.pettingzoo.forms.rules import asking
from coterie.pettingzoo.reading.layouts import label
from coterie.running import recorder
from coterie.running.players import IdlePlay, OwnPlay, Player, RandomPlay, TeamPlay, is_factory
from coterie.settings import POLICIES
from coterie.yours import FAILURES, names_function, read_function, told

KINDS = "random, idle, a rule of yours (./rule.py:act) or a run"


def find_policy(policy: Any, runs: str | Path = "runs") -> Any:
    """What a word means: itself for random and idle play, a function of the user's, or the folder of a run.

    Functions and objects are left as they are; a run in Python is its folder. Raises BadInput for a word that means
    nothing; nothing is played or loaded yet, except the file of a rule.
    """
    if not isinstance(policy, (str, Path)):
        return getattr(policy, "folder", policy)
    word = str(policy)
    if word in POLICIES:
        return word
    if names_function(word):
        return read_function(word)
    try:
        return recorder.find_run(Path(runs), word)
    except BadInput as error:
        if "could be" in str(error) or word == recorder.NEWEST:
            raise
        known = [*POLICIES, *sorted(entry.parent.name for entry in Path(runs).glob("*/config.toml"))]
        near = nearest(word, known)
        near = near if "did you mean" in near else f"; expected {KINDS}"
        raise BadInput(f"there is no policy and no run '{word}'{near}") from None


def player_of(found: Any, policy: Any, environment: Any, seed: int, team: int | None = None) -> Player:
    """The player that `find_policy` found, in an environment whose agents it must know."""
    if found == "random":
        return RandomPlay(seed)
    if found == "idle":
        return IdlePlay()
    if isinstance(found, Path):
        return run_player(found, environment, team)
    name = policy if isinstance(policy, str) else getattr(found, "__name__", type(found).__name__)
    if callable(getattr(found, "act", None)) and not isinstance(found, type):
        return own_player(found, name, environment)
    if not callable(found):
        raise BadInput(f"the policy is a {type(found).__name__}; expected {KINDS}, or an object with act(observation)")
    if is_factory(found):
        return own_player(made(found, name, seed), name, environment)
    return OwnPlay(name, asking(found, name))


def made(make_team: Callable[..., Any], name: str, seed: int) -> Any:
    """What a function of the user's makes, with the seed where it takes one."""
    from coterie.workflow.judging.actors import takes_seed

    try:
        return make_team(seed=seed) if takes_seed(make_team) else make_team()
    except FAILURES as error:
        raise BadInput(f"{name} failed: {told(error)}") from error


def own_player(team: Any, name: str, environment: Any) -> Player:
    """Agents of the user's: one object for all, or one an agent, in a list in their order or by name."""
    if callable(getattr(team, "act", None)):
        return OwnPlay(name, asking(team.act, f"{name}, act"), resets([team]))
    if not isinstance(team, (Sequence, Mapping)):
        raise BadInput(f"{name} gave {type(team).__name__}; expected an object with act(observation), or one an agent")
    from coterie.workflow.judging.actors import made_team

    names = tuple(map(label, getattr(environment, "possible_agents", None) or ()))
    if not names and not isinstance(team, Mapping):
        raise BadInput(f"{name} gave a list, and this environment does not list its agents; give one object for all")
    found = made_team(lambda: team, names or tuple(map(str, team)), None)
    asks = {one: asking(agent.act, f"{name}, act of {one}") for one, agent in zip(names or team, found, strict=True)}
    return OwnPlay(name, asks, resets(found))


def resets(agents: Sequence[Any]) -> tuple[Callable[[], Any], ...]:
    """What is called where an episode begins."""
    return tuple(agent.reset for agent in agents if callable(getattr(agent, "reset", None)))


def run_player(folder: Path, environment: Any, team: int | None) -> Player:
    """The greedy team of a run; BadInput where it does not know the environment's agents."""
    from coterie.running.team import load

    loaded, name = load(folder, team=team), recorder.word_for(folder)
    names = tuple(map(label, getattr(environment, "possible_agents", None) or ()))
    comes_and_goes = getattr(getattr(loaded, "spec", None), "births", False)
    strangers = [one for one in names if one not in loaded.agents]
    if strangers and not comes_and_goes:
        trained = recorder.read_config(folder).get("environment", "another environment")
        raise BadInput(
            f"the team of {name} was trained on {trained} and knows {some(loaded.agents)}; here "
            f"{'agents are' if len(strangers) > 1 else 'an agent is'} called {some(strangers)}"
        )
    return TeamPlay(name, loaded)


def some(names: Sequence[str]) -> str:
    """A few names."""
    return ", ".join(names[:4]) + (f", … ({len(names)} in all)" if len(names) > 4 else "")
