"""The few things that must work on every Python and with the newest dependencies."""

import json

import pytest

pytestmark = pytest.mark.smoke


def test_from_an_environment_to_a_team_that_acts(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    import coterie
    from coterie.cli import main

    assert main(["train", "rendezvous", "--seeds", "20", "--episodes", "1000", "--json"]) == 0
    verdict = json.loads(capsys.readouterr().out)
    assert (verdict["optimum"], verdict["teams"]) == (7.0, 20)
    assert verdict["coordinated"]["share"] > 0.9
    folder = tmp_path / "runs" / "rendezvous-hysteretic-1"
    assert all((folder / name).stat().st_size > 1_000 for name in ("report.html", "wall.gif", "curves.png"))

    assert coterie.evaluate().verdict.to_json()["return"] == verdict["return"]
    assert coterie.solve().baselines.optimum == 7.0

    from coterie.envs import rendezvous_v0

    team, env = coterie.load(), rendezvous_v0.parallel_env()
    observations, infos = env.reset(seed=0)
    earned = 0.0
    while env.agents:
        observations, rewards, _, _, infos = env.step(team.act_all(observations, infos))
        earned += sum(rewards.values()) / 2
    assert earned == 7.0

    assert main(["watch", "latest", "--wall"]) == 0
    assert main(["lesson"]) == 0
    assert "Next: coterie train" in capsys.readouterr().out
