"""The pictures of a run: curves, the wall, and the report, drawn after the verdict."""

from __future__ import annotations

from pathlib import Path

from coterie.workflow.judging.judgement import SHOWN, Judgement


def draw_pictures(folder: Path, judgement: Judgement) -> list[Path]:
    """Draw everything into a run's folder; returns what was drawn."""
    from coterie.showing.animation import wall_gif
    from coterie.showing.figures import curves
    from coterie.showing.report import report

    verdict, drawn = judgement.verdict, []
    curve = None if verdict.matches else judgement.curve  # what rivals earn together does not change as they learn
    wall = [play for play in judgement.plays if play.team < SHOWN]
    if wall and wall[0].boards.size:
        title = f"{verdict.environment}: {len(wall)} of {verdict.teams:,} teams"
        wall_gif(folder / "wall.gif", wall, title, success_word=verdict.success_word, repeats=judgement.repeats)
        drawn.append(folder / "wall.gif")
    if curve is not None:
        curves(folder / "curves.png", curve, verdict)
        drawn.append(folder / "curves.png")
    config = (folder / "config.toml").read_text() if (folder / "config.toml").exists() else ""
    report(
        folder / "report.html",
        verdict,
        curve,
        judgement.plays,
        judgement.action_names,
        config,
        repeats=judgement.repeats,
    )
    return [*drawn, folder / "report.html"]
