"""Policies and their critics reach what is known of the probes; with a falsified boundary or sign they do not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import jax
import numpy as np
import pytest
from policy_family import ends_at_limits, heads, learned, medley, probabilities, sights, turned_round

from coterie.algorithms.ppo import parts, ppo, study
from coterie.envs.probes import PROBES
from coterie.running.rollout import Plan
from coterie.settings import DeepOptions, ProbeOptions
from coterie.types import Algorithm, Sizes

G = 0.8
OPTIONS = DeepOptions(
    discount=G, trace=0.9, learning_rate=5e-3, gradient_clip=0.5, hidden=16, layers=1, activation="tanh", epochs=4,
    minibatches=2, entropy=0.003, environments=16, rows=16,
)  # fmt: skip
PLAN = Plan(environments=16, rows=16)
ALONE = ("constant", "sign", "delay", "chance", "choice", "endless", "memory")
PLAIN = {"limit": False, "sign": False, "trace": 0.9}


def building(environment: Any, algorithm: str, options: DeepOptions, iterations: int) -> Any:
    """build(flag): the algorithm, falsified as the flag says; and its parts."""
    sizes, made = Sizes(iterations * 256, 16, 16, 16), parts(algorithm, options, environment.spec)

    def build(flag: dict[str, Any]) -> Algorithm:
        own = ppo(environment.spec, replace(options, trace=flag["trace"]), sizes, made)

        def update(*given: Any) -> Any:
            with turned_round(flag["sign"]):
                return own.update(*given)

        return ends_at_limits(own._replace(update=update), flag["limit"])

    return build, made


def missed(values: np.ndarray, known: dict[str, tuple[Any, float]]) -> dict[str, float]:
    """By how much each known value is missed."""
    return {name: abs(float(one) - worth) for one, (name, (_, worth)) in zip(values, known.items(), strict=True)}


def test_one_agent_s_values_and_choices():
    environment, iterations = medley(ALONE), 150
    build, made = building(environment, "ippo", OPTIONS, iterations)
    limits = {"limit": True, "sign": False, "trace": 0.0}
    flags = [PLAIN, PLAIN, {**PLAIN, "trace": 0.0}, limits, {**PLAIN, "sign": True}]
    run, (info, _) = learned(environment, build, PLAN, iterations, flags, [0, 1, 2, 0, 0])
    assert info["finite"].all()
    known = {
        "constant": ((1,), 1), "sign +": ((1,), 1), "sign -": ((-1,), -1), "delay 0": ((0,), G), "delay 1": ((1,), 1),
        "endless": ((1,), 1 / (1 - G)), "chance 0": ((0, 0), 0.75 + 0.75 * G), "chance 1": ((1, 1), 0.75),
        "memory": ((0, 1), 0.5),
    }  # fmt: skip
    seen = sights(ALONE, {name: numbers for name, (numbers, _) in known.items()})
    values = heads(environment.spec, made, run.learner, 0, seen)[1][..., 0]
    luck = ("chance", "memory")  # what is paid there is a draw
    for number, flag in enumerate(flags):
        told = missed(values[number], known)
        endless = told.pop("endless")
        assert max(by for name, by in told.items() if not name.startswith(luck)) < 0.2, told
        assert max(by for name, by in told.items() if name.startswith(luck)) < 0.4, told
        if flag is limits:  # one step in eight is then held to be the last: V = 1 + g 7/8 V
            assert values[number, 5] == pytest.approx(1 / (1 - G * 7 / 8), abs=0.3)
        else:
            assert endless < 0.2, endless
    seen = sights(ALONE, {"choice +": (1,), "choice -": (-1,)})
    chosen = probabilities(heads(environment.spec, made, run.learner, 0, seen)[0])[:, :, 0]
    right = np.stack([chosen[:, 0, 1], chosen[:, 1, 0]], 1)
    assert (right[:4] > 0.9).all(), right
    assert (right[4] < 0.1).all(), right  # who is told the opposite learns the opposite


@pytest.mark.parametrize("recurrent", [True, False])
def test_only_who_remembers_answers_what_was_shown_before(recurrent):
    """Episodes of three steps in rollouts of eight, so that memories are carried over their edges."""
    environment, iterations = PROBES["memory"](ProbeOptions()), 120 if recurrent else 60
    options = replace(OPTIONS, recurrent=recurrent, rows=8, minibatches=2, trace=0.95)
    build, _ = building(environment, "ippo", options, iterations)
    _, (info, scores) = learned(environment, build, Plan(16, 8), iterations, [PLAIN, PLAIN], [0, 1])
    assert info["finite"].all()
    late = scores.successes[:, -30:].sum(1) / scores.episodes[:, -30:].sum(1)
    if recurrent:
        assert (late > 0.9).all(), late
    else:
        assert (np.abs(late - 0.5) < 5 * np.sqrt(0.25 / scores.episodes[0, -30:].sum())).all(), late


@pytest.mark.parametrize("central", ["state", "observations"])
def test_unlike_agents_with_central_critics(central):
    """Two agents of a kind share their networks; everybody earns 1 + 2 + 1 where all do the best."""
    environment, iterations = PROBES["unlike"](ProbeOptions()), 60
    environment = environment._replace(spec=replace(environment.spec, parameters=(0, 1, 0)))
    build, made = building(environment, "mappo", replace(OPTIONS, central=central), iterations)
    flags = [PLAIN, PLAIN, {**PLAIN, "sign": True}]
    run, (info, _) = learned(environment, build, PLAN, iterations, flags, [0, 1, 0])
    assert info["finite"].all()
    seen = np.array([[1, 0], [0, 1]], "f4"), np.array([[1, -1, 0.5]], "f4")
    centre = np.zeros((1, 2), "f4") if central == "state" else np.array([[1, 0, 0, 1, 1, -1, 0.5]], "f4")
    for k in range(2):
        h, values = heads(environment.spec, made, run.learner, k, seen[k], np.repeat(centre, len(seen[k]), 0))
        agents = range(h.shape[2])
        chosen = probabilities(h)[:, agents if k == 0 else [0], agents, 1]  # each agent with its own sight
        assert (chosen[:2] > 0.9).all(), chosen
        assert (chosen[2] < 0.1).all(), chosen
        assert (np.abs(values[:2] - 4) < 0.2).all(), values
        assert (values[2] < 1).all(), values


NAN = float("nan")
PAIR = ("joint", "death", "turns")
OF_A_PAIR = {  # what is seen by an agent, the central state, and what each of them earns from there on
    "joint": ((1,), (0, 0, 0), (1, 1)),
    "death 0": ((0,), (0, 0, 1), (1, 1 + G + G**2)),
    "death 1": ((1,), (1, 0, 1), (NAN, 1 + G)),
    "death 2": ((2,), (2, 0, 1), (NAN, 1)),
    "turns 0": ((0,), (0, 0, 2), (1 + G, NAN)),
    "turns 1": ((0,), (1, 1, 2), (NAN, 1 + G)),
    "turns 2": ((1,), (2, 1, 2), (1, NAN)),
    "turns 3": ((1,), (3, 1, 2), (NAN, 1)),
}


@pytest.mark.parametrize("algorithm", ["ippo", "mappo"])
def test_two_agents_who_act_together_die_apart_and_take_turns(algorithm):
    environment, iterations = medley(PAIR), 120
    build, made = building(environment, algorithm, replace(OPTIONS, normalise_values=algorithm == "ippo"), iterations)
    run, (info, _) = learned(environment, build, PLAN, iterations, [PLAIN, PLAIN, {**PLAIN, "sign": True}], [0, 1, 0])
    assert info["finite"].all()
    seen = sights(PAIR, {name: numbers for name, (numbers, _, _) in OF_A_PAIR.items()})
    state = np.array([where for _, where, _ in OF_A_PAIR.values()], "f4") if algorithm == "mappo" else None
    h, values = heads(environment.spec, made, run.learner, 0, seen, state)
    worth = np.array([earned for *_, earned in OF_A_PAIR.values()])
    assert np.nanmax(np.abs(values - worth)[:2]) < 0.25, values
    right, matters = probabilities(h)[..., 1], ~np.isnan(worth) & np.array([not name.startswith("death")
              for name in OF_A_PAIR])[:, None]  # fmt: skip
    assert (right[:2, matters] > 0.9).all(), right
    assert (right[2, matters] < 0.1).all(), right  # who is told the opposite of each advantage


def test_a_central_critic_sees_the_state_in_which_an_agent_decided():
    """In turns a decision is completed one step later, when the state tells which action it was.

    An agent that has k decisions behind it decides in step 2 k + its number; rollouts of 3 rows leave decisions open.
    """
    environment = medley(PAIR)
    options = replace(OPTIONS, rows=3)
    build, made = building(environment, "mappo", options, 7)

    def shown(flag: Any) -> Algorithm:
        """Learns nothing, and tells what it would have learned from."""

        def update(key: Any, learner: Any, rollout: Any, clock: Any) -> Any:
            (piece,), _, (*_, waiting), _ = study(environment.spec, options, made, learner, rollout)
            t = rollout.kinds[0]
            told = {"seen": piece.seen.reshape(*t.valid.shape, 3), "state": rollout.world.state, "t": t}
            return learner._replace(waiting=waiting), told

        return build(flag)._replace(update=update)

    run, (info, _) = learned(environment, shown, Plan(environments=16, rows=3), 7, [PLAIN], [0])
    seen, late, t = jax.tree.map(lambda leaf: leaf[0], (info["seen"], info["state"], info["t"]))
    late = np.repeat(late[:, :, :, None], 2, 3)
    turns = t.valid & (t.view.obs[..., 2] == 1)
    step = 2 * t.view.obs[..., 3] + np.arange(2)
    assert turns[0].any()
    assert (seen[..., 0] == step)[turns].all()
    assert (late[..., 0] != step)[turns].mean() > 0.5  # in the rows' own states
    assert run.learner.waiting[0].open[0].any()  # and some decisions wait over the edge of a rollout
    together = t.valid & (t.view.obs[..., 0] == 1)
    np.testing.assert_array_equal(seen[together], late[together])
