"""The curve of a run: quantiles over all teams, and single teams that nobody has chosen."""

from types import SimpleNamespace

import numpy as np
import pytest

from coterie.running.evaluate import curve
from coterie.workflow.train import curve_rows


def progress(teams: int, checks: int = 3):
    """Team w earns w at every check, and succeeds from check w % (checks + 1) on."""
    returns = np.repeat(np.arange(float(teams))[:, None], checks, axis=1)
    success = np.arange(checks)[None, :] >= np.arange(teams)[:, None] % (checks + 1)
    return SimpleNamespace(check_return=returns, check_success=success, check_steps=np.ones((teams, checks)))


@pytest.mark.parametrize(("teams", "kept"), [(1, 1), (7, 7), (200, 200), (1001, 200)])
def test_single_teams_are_kept_and_evenly_spread(teams, kept):
    drawn = curve(progress(teams), 10, 3).single
    assert len(drawn.teams) == len(set(drawn.teams.tolist())) == kept
    assert (drawn.teams[0], drawn.teams[-1]) == (0, teams - 1)
    assert len({*np.diff(drawn.teams).tolist()}) <= 2  # as even as whole numbers allow
    assert (drawn.returns == drawn.teams[:, None]).all()
    assert drawn.coordinated.tolist() == progress(teams).check_success[drawn.teams].tolist()
    assert (drawn.returns.dtype, drawn.coordinated.dtype) == (np.float32, np.bool_)


def test_rows_of_a_curve_hold_no_single_teams():
    rows = curve_rows(curve(progress(4), 10, 2))
    assert [row["episodes"] for row in rows] == [10, 20]
    assert rows[0]["median"] == 1.5
    assert "single" not in rows[0]
