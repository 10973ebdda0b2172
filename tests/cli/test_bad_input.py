"""Whatever is asked wrongly: one sentence with the nearest right answer, an exit code, and nothing left on disk."""

import json
import os

import pytest
from small_runs import contents, refused

from coterie.cli import main

TRAIN = ("train", "rendezvous", "--seeds", "5", "--episodes", "20", "--no-pictures")


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["trian"], "there is no command 'trian'; did you mean 'train'?"),
        (
            ["--jsn"],
            "there is no command '--jsn'; known: train, study, resume, evaluate, watch, diagnose, compare, judge, "
            "check-env, solve, list, lesson",
        ),
        (["train"], "which environment? For example: coterie train rendezvous (coterie list names all)"),
        (["train", "--seeds", "5"], "which environment? For example: coterie train rendezvous"),
        (["train", "rendesvous"], "there is no environment 'rendesvous'; did you mean 'rendezvous'?"),
        (["train", "rendesvous", "--help"], "there is no environment 'rendesvous'; did you mean 'rendezvous'?"),
        (["solve", "go"], "there is no environment 'go'; known: rendezvous, foraging-8x8-2p-2f-coop, climbing"),
        (["solve"], "which environment? For example: coterie solve rendezvous"),
        ([*TRAIN, "--algorithm", "iqll"], "there is no algorithm 'iqll'; did you mean 'iql'?"),
        ([*TRAIN, "--algo=sarsa"], "there is no algorithm 'sarsa'; known: iql, hysteretic"),
        ([*TRAIN, "--preset", "tutrial"], "there is no preset 'tutrial'; did you mean 'tutorial'?"),
        (
            [*TRAIN, "--env.sise", "8"],
            "there is no option '--env.sise' in coterie train rendezvous; did you mean '--env",
        ),
        ([*TRAIN, "--learning-rat", "1"], "there is no option '--learning-rat' in coterie train rendezvous; did you m"),
        ([*TRAIN, "--learning_rat=1"], "there is no option '--learning-rat' in coterie train rendezvous; did you mean"),
        ([*TRAIN, "--env.k", "-1"], "there is no option '--env.k' in coterie train rendezvous"),
        (["train", "penalty", "--env.size", "8"], "there is no option '--env.size' in coterie train penalty"),
        (["solve", "rendezvous", "--jsn"], "there is no option '--jsn' in coterie solve rendezvous; did you mean '--j"),
        (["lesson", "--sed", "1"], "there is no option '--sed' in coterie lesson; did you mean '--seed'?"),
        (["list", "--jsno"], "there is no option '--jsno' in coterie list; did you mean '--json'?"),
        ([*TRAIN, "more"], "Unrecognized options: more; coterie train rendezvous --help shows all options"),
        (
            [*TRAIN, "--seeds"],
            "Missing value for argument '--seeds'. Expected 1 values; coterie train rendezvous --help",
        ),
        ([*TRAIN, "--seeds", "many"], "--seeds many: expected a whole number; coterie"),
        ([*TRAIN, "--seeds", "1.5"], "--seeds 1.5: expected a whole number; coterie"),
        ([*TRAIN, "--env.size", "big"], "--env.size big: expected a whole number; coterie"),
        ([*TRAIN, "--env.starts", "rand"], "invalid choice 'rand' for argument '--env.starts'. Expected one of ('fi"),
        ([*TRAIN, "--env.stay", "yes"], "Unrecognized options: yes; coterie train rendezvous --help shows all options"),
        ([*TRAIN, "--learning-rate", "0"], "--learning-rate 0: a learning rate lies in (0, 1]; try 0.1"),
        ([*TRAIN, "--learning-rate", "1.5"], "--learning-rate 1.5: a learning rate lies in (0, 1]; try 0.1"),
        ([*TRAIN, "--learning-rate", "nan"], "--learning-rate nan: expected a finite number"),
        ([*TRAIN, "--discount", "2"], "--discount 2: expected a number from 0 to 1"),
        ([*TRAIN, "--epsilon", "-0.1"], "--epsilon -0.1: expected a number from 0 to 1"),
        ([*TRAIN, "--episodes", "0"], "--episodes 0: at least 1 episode is needed to learn from"),
        ([*TRAIN, "--seeds", "0"], "--seeds 0: at least 1 team is needed"),
        ([*TRAIN, "--seeds", "9999999999"], "--seeds 9999999999: so many teams need "),
        ([*TRAIN, "--seed", "-1"], "--seed -1: expected a whole number from 0 to 2^63 - 1"),
        ([*TRAIN, "--threads", "-1"], "--threads -1: expected a number of cores, or 0 for all"),
        ([*TRAIN, "--env.horizon", "0"], "--env.horizon 0: an episode needs at least 1 step"),
        ([*TRAIN, "--env.horizon", "9999999"], "--env.horizon 9999999: so many steps on a table of 9,600 edges take"),
        ([*TRAIN, "--env.size", "1"], "--env.size 1: a grid has from 2 to 50 rows"),
        ([*TRAIN, "--env.size", "50"], "this rendezvous is too large for an exact table: 100,000,000 pairs of a sta"),
        ([*TRAIN, "--env.agents", "4"], "this rendezvous is too large for an exact table: 100,000,000 pairs of a s"),
        ([*TRAIN, "--env.agents", "5"], "--env.agents 5: a grid has 4 corners; use --env.starts random, or letters"),
        ([*TRAIN, "--env.map", "A##/##B"], "--env.map: agents that start at (0,0) and (1,2) cannot reach each other"),
        ([*TRAIN, "--env.map", "A../..."], "--env.map: agent B needs one start cell, the map has 0"),
        ([*TRAIN, "--env.map", "A./..B"], "--env.map: all rows must be equally long, these have 2 to 3 cells"),
        ([*TRAIN, "--env.step-reward", "nan"], "--env.step-reward nan: expected a finite number"),
        ([*TRAIN, "--env.meet-reward", "1e308"], "--env.meet-reward 1e+308: numbers go up to 1,000,000,000"),
        (["train", "penalty", "--env.k", "1"], "--env.k 1: the payoff for missing each other is a finite number of a"),
        ([*TRAIN, "--name", "../x"], "--name '../x': use letters, digits, '.', '_' and '-', at most 100"),
        ([*TRAIN, "--name", "latest"], "--name 'latest' always means the newest run; choose another name"),
        ([*TRAIN, "--ladder"], "--ladder has recipes of its own and keeps no run; leave --episodes out"),
        (["solve", "rendezvous", "--discount", "2"], "--discount 2: expected a number from 0 to 1"),
        (["solve", "rendezvous", "--discount", "nan"], "--discount nan: expected a number from 0 to 1"),
        (["watch", "rendezvous"], "'rendezvous' is an environment; add --policy random or --policy idle, or watch a r"),
        (["watch", "rendezvous", "--policy", "randm"], "there is no policy 'randm'; did you mean 'random'?"),
        (["watch", "chess", "--policy", "random"], "--policy plays an environment, and there is none called 'chess'"),
        (["watch", "rendezvous", "--policy", "random", "--seed", "-1"], "--seed -1: expected a whole number from 0"),
        (["watch", "rendezvous", "--policy", "random", "--delay", "-1"], "--delay -1: expected 0 to 60 seconds"),
        (["watch", "rendezvous", "--policy", "idle", "--team", "100"], "--team 100: recorded are teams 0 to 99"),
        (["watch", "rendezvous", "--policy", "idle", "--gif", "x.png"], "--gif x.png: the name of such a file ends in"),
        (
            ["train", "rendezvous", "--algo", "lenient", "--deep"],
            "lenient (lenient Q-learning: bad news is passed over while an action is new, Wei and Luke 2016) learns "
            "with tables, and --deep asks for networks; try: coterie train rendezvous --algo lenient, or with "
            "networks: coterie train rendezvous --deep --algo hysteretic",
        ),
        (
            ["train", "rendezvous", "--algo", "vdn", "--tabular"],
            "vdn (value decomposition: the team's value is the sum of its members', Sunehag et al. 2018) learns with "
            "networks, and --tabular asks for tables; try: coterie train rendezvous --algo vdn",
        ),
        (["train", "rendezvous", "--algo", "fmq", "--steps", "9"], "fmq (frequency maximum Q: favours what often gave"),
        (
            ["train", "rendezvous", "--algo", "vdn", "--episodes", "9"],
            "--episodes: --steps says how long networks learn",
        ),
        (["train", "rendezvous", "--tabular", "--steps", "9"], "--steps: --episodes says how long tables learn"),
        (["train", "rendezvous", "--algo", "qmx"], "there is no algorithm 'qmx'; did you mean 'qmix'?"),
        (["train", "foraging-8x8-2p-2f", "--tabular"], "foraging-8x8-2p-2f has too many states to list: at least 11,"),
        (
            ["train", "jumanji:Maze-v0", "--tabular"],
            "jumanji:Maze-v0 does not list its states: it draws its own chance",
        ),
        (
            ["solve", "foraging-8x8-2p-2f-coop"],
            "foraging-8x8-2p-2f-coop has too many states to list: at least 11,515,3",
        ),
        (
            ["solve", "jumanji:Maze-v0"],
            "jumanji:Maze-v0 does not list its states: it draws its own chance, and only",
        ),
        (["watch", "foraging-8x8-2p-2f", "--policy", "idle"], "foraging-8x8-2p-2f has too many states to list: at lea"),
        (
            ["watch", "jaxmarl:MPE_simple_v3", "--policy", "idle"],
            "jaxmarl:MPE_simple_v3 runs inside the program that le",
        ),
        (
            ["watch", "mpe2:simple_spread_v3"],
            "'mpe2:simple_spread_v3' is an environment; add --policy random, --policy ",
        ),
        (["watch", "mpe2:simple_spread_v3", "--wall"], "there is no option '--wall' in coterie watch mpe2:simple_spre"),
        (
            ["watch", "mpe2:simple_spread_v3", "--policy", "randm"],
            "there is no policy and no run 'randm'; did you mean ",
        ),
        (
            ["watch", "mpe3:simple_spread_v3", "--policy", "idle"],
            "there is no source 'mpe3' of environments; did you me",
        ),
        (["watch", "mpe2:simple_spread_v3", "--env.N"], "--env.N: a value is missing"),
        (
            ["watch", "mpe2:simple_spread_v3", "--policy", "idle", "--env.M", "2"],
            "mpe2:simple_spread_v3 has no option 'M'",
        ),
        (
            ["watch", "mpe2:simple_spread_v3", "--policy", "idle", "--gif", "x.webp"],
            "--gif x.webp: the name of such a file ends in .gif",
        ),
        (
            ["watch", "mpe2:simple_spread_v3", "--policy", "idle", "--gif", "x.gif", "--video", "y.gif"],
            "--gif and --video both name a file; give one of them",
        ),
        (
            ["watch", "mpe2:simple_spread_v3", "--policy", "idle", "--video", "x.png"],
            "--video x.png: the name of a video ends in .gif, .webp or .mp4",
        ),
        (
            ["watch", "mpe2:simple_spread_v3", "--policy", "idle", "--steps", "0"],
            "--steps 0: expected at least 1",
        ),
        (
            ["watch", "dec-tiger", "--policy", "idle", "--gif", "x.gif"],
            "--gif x.gif: this environment draws no board, so nothing can be animated; leave --gif out to read",
        ),
        (
            ["watch", "rendezvous", "--policy", "idle", "--episode", "2"],
            "--episode 2: of team 0 there are episodes 1 to",
        ),
        (["evaluate"], "which run? For example: coterie evaluate latest"),
        (["evaluate", "latest"], "there is no run in runs/ yet; start one with: coterie train rendezvous"),
        (["watch", "latest"], "there is no run in runs/ yet; start one with: coterie train rendezvous"),
        (["resume", "latest"], "there is no run in runs/ yet; start one with: coterie train rendezvous"),
        (["resume", "latest", "--runs", "nowhere"], "there is no run in nowhere/ yet; start one with: coterie train"),
    ],
    ids=lambda value: " ".join(value).removeprefix(" ".join(TRAIN)).strip() if isinstance(value, list) else "",
)
def test_one_sentence_and_nothing_on_disk(here, capsys, words, sentence):
    assert refused(capsys, words).startswith(sentence)
    assert os.listdir(here) == []


@pytest.mark.parametrize(
    ("runs", "sentence"),
    [
        ("file", "the run folder file is a file; choose another with --runs"),
        ("file/inside", "the run folder file/inside cannot be written: Not a directory"),
        ("/proc/nothing", "the run folder /proc/nothing cannot be written: No such file or directory"),
    ],
)
def test_a_folder_that_cannot_be_written_is_exit_4(here, capsys, runs, sentence):
    (here / "file").write_text("kept")
    assert refused(capsys, (*TRAIN, "--runs", runs), 4) == sentence
    assert contents(here) == {"file": b"kept"}


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        ([*TRAIN, "--name", "first"], 2, "--name 'first': runs/first exists, and nothing is overwritten"),
        (["watch", "frist"], 2, "there is no run 'frist' in runs/; did you mean 'first'?"),
        (["evaluate", "frist"], 2, "there is no run 'frist' in runs/; did you mean 'first'?"),
        (["resume", "frist"], 2, "there is no run 'frist' in runs/; did you mean 'first'?"),
        (["resume", "first"], 2, "first is finished; look at it with: coterie evaluate first"),
        (["resume", "runs/first"], 2, "first is finished; look at it with: coterie evaluate first"),
        (["watch", "first", "--team", "40"], 2, "--team 40: recorded are teams 0 to 39 (40 of them)"),
        (["watch", "first", "--team", "-1"], 2, "--team -1: recorded are teams 0 to 39 (40 of them)"),
        (["watch", "first", "--policy", "random"], 2, "--policy plays an environment, and there is none called 'firs"),
        (["watch", "first", "--env.size", "3"], 2, "there is no option '--env.size' in coterie watch first"),
        (["watch", "first", "--gif", "there.gif"], 4, "--gif there.gif: the file exists, and nothing is overwritten"),
        (["watch", "first", "--gif", "no/such.gif"], 4, "--gif no/such.gif: there is no folder no"),
        (["watch", "first", "--gif", "/proc/new.gif"], 4, "/proc/new.gif cannot be written: No such file or"),
    ],
    ids=lambda value: " ".join(value[-3:]) if isinstance(value, list) else "",
)
def test_a_run_stays_as_it_is(runs, capsys, words, code, sentence):
    (runs.parent / "there.gif").write_bytes(b"kept")
    before = contents(runs.parent)
    assert refused(capsys, words, code).startswith(sentence)
    assert contents(runs.parent) == before


def test_an_ambiguous_beginning_names_the_runs(runs, capsys):
    (runs / "first").rename(runs / "walls-1")
    main([*TRAIN, "--name", "walls-2"])
    for verb in ("watch", "evaluate", "resume"):
        assert refused(capsys, (verb, "wal")) == "'wal' could be walls-1, walls-2; write a little more of it"


@pytest.mark.parametrize(
    ("damage", "code", "sentence"),
    [
        (
            lambda run: (run / "config.toml").write_text("teams = "),
            4,
            "runs/first/config.toml is not a run's settings: ",
        ),
        (
            lambda run: (run / "config.toml").write_text("format = 9"),
            2,
            "runs/first/config.toml has the format 9, this",
        ),
        (
            lambda run: (run / "episodes" / "greedy.jsonl").unlink(),
            4,
            "runs/first holds no episodes; was it stopped? go",
        ),
        (
            lambda run: (run / "episodes" / "greedy.jsonl").write_text("{"),
            4,
            "runs/first/episodes/greedy.jsonl, line 1 does not describe",
        ),
    ],
    ids=["no TOML", "another format", "no episodes", "damaged episodes"],
)
def test_a_damaged_run_is_told_in_one_sentence(runs, capsys, damage, code, sentence):
    damage(runs / "first")
    assert refused(capsys, ("watch", "first"), code).startswith(sentence)


def test_a_run_with_a_damaged_checkpoint_is_exit_4(runs, capsys):
    (part,) = (runs / "first").glob("checkpoints/*/policy.safetensors")
    data = bytearray(part.read_bytes())
    data[1000] ^= 4
    part.write_bytes(data)
    sentence = refused(capsys, ("evaluate", "first"), 4)
    assert sentence.endswith(
        "policy.safetensors is not what was saved (its hash differs from the manifest's); it is damaged"
    )


def test_a_full_disk_is_a_sentence(here, capsys, monkeypatch):
    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    sentence = refused(capsys, TRAIN, 4)
    assert sentence == "runs/rendezvous-hysteretic-1/config.toml cannot be written: No space left on device"
    assert contents(here) == {"runs": None}


def test_pictures_that_fail_cost_a_line_and_not_the_verdict(here, capsys, monkeypatch):
    def broken(folder, judged):
        raise RuntimeError("no fonts")

    monkeypatch.setattr("coterie.workflow.train.draw_pictures", broken)
    assert main(["train", "rendezvous", "--seeds", "5", "--episodes", "20"]) == 0
    out, err = capsys.readouterr()
    assert "5 teams of 2 agents" in out
    assert out.rstrip().splitlines()[-1].startswith("Next: ")
    assert "coterie: the pictures could not be drawn: RuntimeError: no fonts; all else is in runs/rendezvous-" in err
    assert (here / "runs" / "rendezvous-hysteretic-1" / "evaluation.json").exists()


def test_our_own_errors_are_not_hidden(here, monkeypatch):
    """Exit code 1 and its traceback are for us alone."""

    def broken(words):
        raise KeyError("ours")

    monkeypatch.setattr("coterie.cli.listing.run", broken)
    with pytest.raises(KeyError):
        main(["list"])


def test_the_last_of_two_presets_counts_everywhere(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = ["train", "rendezvous", "--preset", "tutorial", "--preset", "default", "--seeds", "2", "--episodes", "20"]
    assert main([*words, "--no-pictures", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["preset"], found["algorithm"]) == ("default", "hysteretic")
    assert 'ties = "random"' in (tmp_path / "runs" / "rendezvous-hysteretic-1" / "config.toml").read_text()


def test_two_words_that_could_be_the_environment_are_not_guessed_at(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["train", "--name", "penalty", "rendezvous"]) == 2
    assert "Write the environment first" in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


def test_how_environments_from_elsewhere_are_named_is_told(here, capsys):
    assert refused(capsys, ("train", "pistonball")).endswith(
        "(those from elsewhere are named with their source, like pettingzoo:butterfly/pistonball_v6)"
    )
