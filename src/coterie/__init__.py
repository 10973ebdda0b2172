"""coterie: from a multi-agent environment to a trained, evaluated and explained team."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from coterie.running.record import record
    from coterie.running.team import Team, load
    from coterie.workflow.check_env import check_env
    from coterie.workflow.compare import compare
    from coterie.workflow.diagnose import diagnose
    from coterie.workflow.evaluate import evaluate
    from coterie.workflow.judge import judge
    from coterie.workflow.solve import solve
    from coterie.workflow.study import study
    from coterie.workflow.train import Run, resume, train
    from coterie.workflow.watch import watch

__version__ = "0.1.0"
__all__ = [
    "Run",
    "Team",
    "check_env",
    "compare",
    "diagnose",
    "evaluate",
    "judge",
    "load",
    "record",
    "resume",
    "solve",
    "study",
    "train",
    "watch",
]

_HOMES = {
    "Run": "workflow.train",
    "Team": "running.team",
    "check_env": "workflow.check_env",
    "compare": "workflow.compare",
    "diagnose": "workflow.diagnose",
    "evaluate": "workflow.evaluate",
    "judge": "workflow.judge",
    "load": "running.team",
    "record": "running.record",
    "resume": "workflow.train",
    "solve": "workflow.solve",
    "study": "workflow.study",
    "train": "workflow.train",
    "watch": "workflow.watch",
}


def __getattr__(name: str) -> Any:
    """Public names are loaded when they are first used, so that `import coterie` costs nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module 'coterie' has no attribute '{name}'")
    from importlib import import_module

    return getattr(import_module(f"coterie.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
