"""`coterie compare RUN RUN …`: which scores higher, how sure is that, and how many teams would settle it."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from coterie.cli.options import parse
from coterie.errors import BadInput, StorageFault

EXAMPLE = "coterie compare rendezvous-hysteretic-1 rendezvous-iql-1"
ABOUT = (
    "Compare two or more runs of one environment, each a name, a unique beginning, a folder, latest, or a JSON "
    "file of marl-eval's layout, all of whose algorithms take part. Shown are every team's exact greedy return, the "
    "interquartile mean (IQM: of the middle half), the mean and the share of teams that coordinated, with intervals "
    "whose coverage was measured (docs/statistics.md); then what may be concluded, what may not, and how many teams "
    "would settle it. A winner is named only where two tests allow it, corrected for all pairs (Holm 1979)."
)
QUIET_SECONDS = 2.0


@dataclass(frozen=True)
class CompareOptions:
    """How runs are compared."""

    normalised: bool = False
    """Count a return as (return - random) / (optimum - random), so that games with other rewards may be compared."""
    metric: str = ""
    """Which metric of a JSON file is the score; left out: its episode return."""
    task: str = ""
    """Which task of a JSON file, where it has several."""
    png: str = ""
    """Draw every team, the interquartile means and performance profiles into this PNG or SVG file."""
    marl_eval: str = ""
    """Write all results into this JSON file, in marl-eval's layout."""
    runs: str = "runs"
    """The folder that holds the runs."""
    json: bool = False
    """Print for programs."""


def run(words: list[str]) -> int:
    """Compare and print."""
    count = next((place for place, word in enumerate(words) if word.startswith("-")), len(words))
    chosen, rest = words[:count], words[count:]
    options = parse(CompareOptions, rest, command="compare RUN OTHER", about=ABOUT)
    if not chosen:
        raise BadInput(f"which runs? For example: {EXAMPLE}")
    png = new_file("--png", options.png, (".png", ".svg"))
    out = new_file("--marl-eval", options.marl_eval, (".json",))
    from coterie.cli.output import next_step, say, show, show_json
    from coterie.workflow.compare import compare

    with slowly(f"reading {', '.join(chosen)} and valuing every team's greedy agents exactly …"):
        found = compare(
            chosen,
            runs=options.runs,
            normalised=options.normalised,
            metric=options.metric,
            task=options.task,
            marl_eval=out,
        )
    if png is not None:
        from coterie.showing.comparison_figure import comparison_figure

        comparison_figure(png, found)
    if options.json:
        show_json(found.to_json())
        return 0
    from coterie.showing.comparison import comparison

    show("", comparison(found))
    for written in (png, out):
        if written is not None:
            say(f"written: {written}")
    drawing = f"coterie compare {' '.join(chosen)} --png comparison.png"
    next_step(*([drawing] if png is None else []), "coterie train rendezvous --help")
    return 0


def new_file(flag: str, word: str, endings: tuple[str, ...]) -> Path | None:
    """A file to write; it must not exist, and its folder must."""
    if not word:
        return None
    path = Path(word)
    if path.suffix.lower() not in endings:
        raise BadInput(f"{flag} {word}: the name of the file ends in {' or '.join(endings)}")
    if path.exists():
        raise StorageFault(f"{flag} {word}: the file exists, and nothing is overwritten")
    if not path.parent.is_dir():
        raise StorageFault(f"{flag} {word}: there is no folder {path.parent}")
    return path


@contextlib.contextmanager
def slowly(text: str) -> Iterator[None]:
    """Say what is going on if it takes longer than people wait without wondering."""
    from coterie.cli.output import say

    timer = threading.Timer(QUIET_SECONDS, say, (text,))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
