"""How fast JaxMARL's own learners train, for the comparisons in deep.py and ppo.py; nothing of it is copied here.

    PEER/bin/python benchmarks/jaxmarl_peer.py --checkout JAXMARL --algorithm iql --seeds 8 --json

PEER is an environment with what JaxMARL needs, flashbax, omegaconf and six; JAXMARL a checkout of its repository,
whose `jaxmarl` and `baselines/QLearning/{iql,vdn,qmix}_rnn.py` are imported from there. Their `make_train(config, env)`
is compiled as they do it, `jax.jit(jax.vmap(...))` over the seeds, and their configuration is read from their files
(config.yaml and alg/ql_rnn_mpe.yaml): simple_spread, 8 environments x 26 steps, one update of 32 sequences of 26 steps
per 208 environment steps, GRU and hidden layer of 64. Only these fields are set: TOTAL_TIMESTEPS; WANDB_MODE disabled
and TEST_DURING_TRAINING False, no evaluation and no logging; LEARNING_STARTS 0, so that every step that is timed pays
for its update (theirs: 10,000 steps without). wandb and hydra are replaced by empty modules; with several seeds, the QR
of their orthogonal initialisation is taken seed by seed, for the batched one can hang.

--network mlp: their network class is replaced, in the imported module and from here, by three dense layers of the same
width (64, 64, actions; ReLU) that are called in the same way; sequences, replay, targets and optimiser stay theirs.
--algorithm vdn-ff: their own feed-forward VDN (vdn_ff.py, alg/vdn_ff_mpe.yaml), which replays single steps; set to the
same ratio: NUM_ENVS 8, NUM_STEPS 26, BUFFER_BATCH_SIZE 32 x 26 = 832, and NUM_LAYERS 4 (two hidden layers of 64).
--algorithm ippo: their IPPO/ippo_ff_mpe.py with its own configuration (16 environments x 128 steps, 4 epochs of 4
minibatches, an actor and a critic of 64, 64 with tanh, one for all agents), where only TOTAL_TIMESTEPS is set and no
metrics are called back; PEER needs distrax, too, whose tensorflow-probability 0.25.0 looks up one name that newer
versions of JAX keep elsewhere, and is given it.

Rates are environment steps of all seeds a second, updates included, the best of several runs; compiling is apart. Their
replay gives its first sample after 32 rounds of 208 steps: `gradient_steps` says how many updates there were.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.metadata
import importlib.util
import json
import os
import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

BEGAN = time.perf_counter()
SCRIPTS = {
    "iql": "QLearning/iql_rnn", "vdn": "QLearning/vdn_rnn", "qmix": "QLearning/qmix_rnn", "vdn-ff": "QLearning/vdn_ff",
    "ippo": "IPPO/ippo_ff_mpe",
}  # fmt: skip
FILES = {
    "iql": ("config", "alg/ql_rnn_mpe"), "vdn": ("config", "alg/ql_rnn_mpe"), "qmix": ("config", "alg/ql_rnn_mpe"),
    "vdn-ff": ("config", "alg/vdn_ff_mpe"), "ippo": ("ippo_ff_mpe",),
}  # fmt: skip
ALWAYS = {"WANDB_MODE": "disabled", "TEST_DURING_TRAINING": False, "LEARNING_STARTS": 0}
TOLD = ("NUM_ENVS", "NUM_STEPS", "BUFFER_BATCH_SIZE", "NUM_EPOCHS", "HIDDEN_SIZE", "UPDATE_EPOCHS", "NUM_MINIBATCHES")
SAME_RATIO = {"NUM_ENVS": 8, "NUM_STEPS": 26, "BUFFER_BATCH_SIZE": 832, "NUM_LAYERS": 4}


def without_trackers() -> None:
    """Empty modules where their scripts import a tracker and a command line."""
    for name in ("wandb", "hydra"):
        sys.modules[name] = ModuleType(name)
    sys.modules["hydra"].main = lambda **_: lambda function: function


def imported(checkout: Path, algorithm: str) -> ModuleType:
    """Their script as a module, with their own package from the same checkout."""
    without_trackers()
    sys.path.insert(0, str(checkout))
    path = checkout / "baselines" / f"{SCRIPTS[algorithm]}.py"
    if not path.is_file():
        raise SystemExit(f"{path} is not there: --checkout names a checkout of JaxMARL's repository")
    if algorithm == "ippo":
        with_a_name_given_back()
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def with_a_name_given_back() -> None:
    """What tensorflow-probability 0.25.0 looks up in JAX while it is imported, where it does so."""
    import jax.interpreters.xla as xla

    if not hasattr(xla, "pytype_aval_mappings"):
        xla.pytype_aval_mappings = importlib.import_module("jax._src.core").pytype_aval_mappings


def configuration(checkout: Path, algorithm: str, steps: int) -> tuple[dict, dict]:
    """Their configuration with a few fields set, and those fields."""
    from omegaconf import OmegaConf

    folder = (checkout / "baselines" / SCRIPTS[algorithm]).with_name("config")
    files = [folder / f"{name}.yaml" for name in FILES[algorithm]]
    config = {name: value for file in files for name, value in OmegaConf.to_container(OmegaConf.load(file)).items()}
    fields = {} if algorithm == "ippo" else {**ALWAYS, **(SAME_RATIO if algorithm == "vdn-ff" else {})}
    rows = (config | fields)["NUM_ENVS"] * (config | fields)["NUM_STEPS"]
    fields["TOTAL_TIMESTEPS"] = max(1, steps // rows) * rows
    return config | fields, fields


def with_an_mlp(module: ModuleType) -> None:
    """Put dense layers where their recurrent network stands; it is called as (memory, observations, resets)."""
    import flax.linen as nn
    from flax.linen.initializers import constant, orthogonal

    class DenseInItsPlace(nn.Module):
        action_dim: int
        hidden_dim: int
        init_scale: float = 1.0

        @nn.compact
        def __call__(self, memory, seen, resets):
            for width in (self.hidden_dim, self.hidden_dim):
                layer = nn.Dense(width, kernel_init=orthogonal(self.init_scale), bias_init=constant(0.0))
                seen = nn.relu(layer(seen))
            last = nn.Dense(self.action_dim, kernel_init=orthogonal(self.init_scale), bias_init=constant(0.0))
            return memory, last(seen)

    module.RNNQNetwork = DenseInItsPlace


def one_qr_at_a_time() -> None:
    """Take the QR of orthogonal initialisation for one seed after another, with the same result.

    Batched over seeds it can wait for itself for ever on two cores (JAX 0.10.2, 8 seeds: every thread asleep after half
    a minute of work). Only initialisation uses it.
    """
    import jax

    linalg = importlib.import_module("jax._src.numpy.linalg")  # where JAX's own initialisers look it up
    plain = linalg.qr
    single = jax.custom_batching.sequential_vmap(lambda matrix: tuple(plain(matrix)))
    linalg.qr = lambda matrix: single(matrix)


def made_train(module: ModuleType, config: dict) -> Callable:
    """Their training of one seed; that of policies without the call that logs its metrics."""
    if hasattr(module, "env_from_config"):
        return module.make_train(config, module.env_from_config(dict(config))[0])
    module.jax.experimental.io_callback = lambda *_: None
    return module.make_train(config)


def gradient_steps(state: Any, config: dict, seeds: int) -> int:
    """How many gradient steps one run of all seeds made."""
    if hasattr(state, "grad_steps"):
        return int(state.grad_steps.sum())
    return seeds * config["NUM_UPDATES"] * config["UPDATE_EPOCHS"] * config["NUM_MINIBATCHES"]


def measure(arguments: argparse.Namespace) -> dict:
    """Import, compile and run their training, and what that took."""
    module = imported(arguments.checkout, arguments.algorithm)
    import jax
    import jax.numpy as jnp
    import jaxmarl

    imports = time.perf_counter() - BEGAN
    if arguments.seeds > 1:
        one_qr_at_a_time()
    if arguments.network == "mlp":
        if arguments.algorithm in ("vdn-ff", "ippo"):
            raise SystemExit(f"--network mlp: {arguments.algorithm} is feed-forward as it is")
        with_an_mlp(module)
    config, fields = configuration(arguments.checkout, arguments.algorithm, arguments.steps)
    began = time.perf_counter()
    training = made_train(module, config)
    keys = jax.random.split(jax.random.PRNGKey(arguments.seed), arguments.seeds)
    made = time.perf_counter()
    lowered = jax.jit(jax.vmap(training)).lower(keys)
    traced = time.perf_counter()
    train = lowered.compile()
    compiled = time.perf_counter()
    seconds, worked = [], []
    for _ in range(arguments.runs):
        if arguments.in_turn:
            print("ready", file=arguments.in_turn, flush=True)
            input()
        started, working = time.perf_counter(), time.process_time()
        state = jax.block_until_ready(train(keys))["runner_state"][0]
        seconds.append(time.perf_counter() - started)
        worked.append(time.process_time() - working)
    if not all(bool(jnp.isfinite(leaf).all()) for leaf in jax.tree.leaves(state.params)):
        raise SystemExit("what was learned is not finite")
    total = config["TOTAL_TIMESTEPS"] * arguments.seeds
    return {
        "peer": "JaxMARL",
        "algorithm": arguments.algorithm,
        "network": "feed-forward, its own" if arguments.algorithm in ("vdn-ff", "ippo") else arguments.network,
        "seeds": arguments.seeds,
        "env_steps": total,
        "gradient_steps": gradient_steps(state, config, arguments.seeds),
        "seconds": min(seconds),
        "all_seconds": seconds,
        "processor_seconds": min(worked),
        "steps_per_second": total / min(seconds),
        "compile_seconds": compiled - made,
        "trace_seconds": traced - made,
        "import_seconds": imports,
        "make_seconds": made - began,
        "cold_start_seconds": imports + compiled - began,
        "parameters": sum(leaf.size for leaf in jax.tree.leaves(state.params)) // arguments.seeds,
        "fields_set": fields,
        "batch": {name: config[name] for name in TOLD if name in config},
        "versions": {
            "jaxmarl": jaxmarl.__version__,
            "python": platform.python_version(),
            **{name: importlib.metadata.version(name) for name in ("jax", "flax", "optax")},
        },
        "machine": {"processors": os.cpu_count(), "load": os.getloadavg()[0], "device": str(jax.devices()[0])},
    }


def main() -> None:
    """Measure once and print."""
    parser = argparse.ArgumentParser(
        description="JaxMARL's side of benchmarks/deep.py and ppo.py, run with JaxMARL's interpreter."
    )
    parser.add_argument("--checkout", type=Path, required=True, help="a checkout of JaxMARL's repository")
    parser.add_argument("--algorithm", choices=SCRIPTS, default="iql")
    parser.add_argument(
        "--network", choices=("rnn", "mlp"), default="rnn", help="mlp: dense layers in place of its own"
    )
    parser.add_argument("--seeds", type=int, default=1, help="how many, by vmap as its own script does")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=104_000, help="environment steps of each seed in one run")
    parser.add_argument("--runs", type=int, default=3, help="timed runs")
    parser.add_argument("--in-turn", action="store_true", help="say `ready` and wait for a line before each timed run")
    parser.add_argument("--json", action="store_true", help="for programs")
    arguments = parser.parse_args()
    arguments.in_turn = sys.stdout if arguments.in_turn else None
    output = sys.stdout  # their package and scripts print while they are imported and traced, and exchange the output
    sys.stdout = sys.__stdout__ = sys.stderr
    found = measure(arguments)
    sys.stdout = sys.__stdout__ = output
    if arguments.json:
        print(json.dumps(found, indent=2))
        return
    print(
        f"JaxMARL {found['versions']['jaxmarl']} {found['algorithm']} ({found['network']}), {found['seeds']} seeds: "
        f"{found['steps_per_second']:,.0f} steps/s in all; import {found['import_seconds']:.1f} s, "
        f"compile {found['compile_seconds']:.1f} s"
    )


if __name__ == "__main__":
    main()
