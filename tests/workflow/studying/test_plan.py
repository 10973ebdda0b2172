"""A study's file becomes checked plans; every mistake in it is answered with its place and the nearest right name."""

import pytest

from coterie.errors import BadInput, StorageFault
from coterie.settings import DeepOptions, TabularOptions
from coterie.workflow.deep.plan import DeepPlan
from coterie.workflow.planning.plan import Plan
from coterie.workflow.studying.plan import read_study

WHOLE = """
name = "whole"
seeds = 3
seed = 10
steps = 200_000
episodes = 700
environments = ["climbing", "penalty"]
algorithms = ["iql", "vdn", "fmq"]
[env]
horizon = 25
[algorithm.iql]
hidden = 32
learning-rate = 0.001
[environment.climbing]
steps = 10_000
env.noise = "partial"
[variants.pooled]
algorithm = "iql"
share_experience = "pooled"
hidden = 16
env.horizon = 5
[variants.tables]
algorithm = ["iql", "hysteretic"]
deep = false
seeds = 50
[algorithm.hysteretic]
hysteresis = 0.25
"""


@pytest.fixture
def write(tmp_path):
    """Writes a study's file; a few lines may be about what is asked for alone."""

    def made(text, name="mine.toml"):
        (tmp_path / name).write_text(text)
        return tmp_path / name

    return made


def rows(file) -> dict:
    return {row.name: row for row in read_study(file).rows}


def test_environments_times_algorithms_and_variants_in_order(write):
    found = read_study(write(WHOLE.replace("hidden = 32\nlearning-rate = 0.001", "")))
    assert found.name == "whole"
    assert [row.name for row in found.rows] == [
        f"{environment}-{row}"
        for environment in ("climbing", "penalty")
        for row in ("iql", "vdn", "fmq", "iql-pooled", "iql-tables", "hysteretic-tables")
    ]
    one = found.rows[3]
    assert (one.environment, one.algorithm, one.variant) == ("climbing", "iql", "pooled")


def test_what_is_nearer_to_the_run_wins(write):
    """By hand: the top, then the environment's table, the algorithm's, the variant's."""
    text = WHOLE.replace('["iql", "hysteretic"]\ndeep = false', '"hysteretic"\ndeep = false')
    found = {name: row.chosen for name, row in rows(write(text)).items()}
    plain, pooled, vdn = found["climbing-iql"], found["climbing-iql-pooled"], found["penalty-vdn"]
    assert isinstance(plain, DeepPlan)
    assert (plain.steps, plain.seeds, plain.seed) == (10_000, 3, 10)
    assert (plain.learner.hidden, plain.learner.learning_rate, plain.learner.share_experience) == (32, 0.001, "none")
    assert (plain.env.horizon, plain.env.noise) == (25, "partial")
    assert (pooled.learner.hidden, pooled.learner.learning_rate, pooled.env.horizon) == (16, 0.001, 5)
    assert pooled.learner.share_experience == "pooled"
    assert (vdn.steps, vdn.learner, vdn.env.horizon) == (200_000, DeepOptions(), 25)
    tables = found["climbing-hysteretic-tables"]
    assert isinstance(tables, Plan)
    assert (tables.teams, tables.episodes, tables.learner.hysteresis, tables.env.horizon) == (50, 700, 0.25, 25)


@pytest.mark.parametrize(
    "text, deep",
    [
        ("steps = 1_000", True),
        ("episodes = 100", False),
        ("", True),
        ("steps = 1_000\nepisodes = 100", True),
        ("episodes = 100\ndeep = true", True),
        ('episodes = 100\npreset = "coordination"', True),
        ("steps = 1_000\ndeep = false", False),
    ],
)
def test_networks_or_tables_where_an_algorithm_has_both(write, text, deep):
    (row,) = read_study(write(f'environments = ["climbing"]\nalgorithms = ["iql"]\n{text}')).rows
    assert isinstance(row.chosen, DeepPlan if deep else Plan)


def test_what_only_one_of_them_can_is_not_asked(write):
    text = 'environments = ["foraging-8x8-2p-2f-coop"]\nalgorithms = ["iql"]\nepisodes = 5'
    assert isinstance(read_study(write(text)).rows[0].chosen, DeepPlan)
    text = 'environments = ["climbing"]\nalgorithms = ["vdn", "fmq"]'
    assert [type(row.chosen) for row in read_study(write(text)).rows] == [DeepPlan, Plan]


def test_the_least_that_a_file_needs(write):
    (row,) = read_study(write('environments = ["rendezvous"]', "least.toml")).rows
    assert row.name == "rendezvous-vdn"  # the preset's algorithm
    assert read_study(write('environments = ["rendezvous"]', "least.toml")).name == "least"
    assert (row.chosen.seeds, row.chosen.seed, row.chosen.learner) == (5, 0, DeepOptions())
    text = 'environments = ["climbing"]\n[variants.a]\nalgorithm = "fmq"\n[variants.b]\nalgorithm = "qmix"'
    assert list(rows(write(text))) == ["climbing-fmq-a", "climbing-qmix-b"]  # no row that nobody asked for


def test_environments_from_elsewhere_get_their_options_as_they_stand(write):
    text = 'environments = ["mpe2:simple_spread_v3"]\nalgorithms = ["iql"]\n[env]\nN = 2\nmax-cycles = 9\n'
    (row,) = read_study(write(text)).rows
    assert row.name == "mpe2-simple_spread_v3-iql"
    assert (row.chosen.road, row.chosen.env) == ("worker", {"N": 2, "max-cycles": 9})


BASE = 'environments = ["climbing"]\nalgorithms = ["iql"]\nsteps = 1_000\n'


@pytest.mark.parametrize(
    "text, sentence",
    [
        ('enviroments = ["climbing"]', "there is no key 'enviroments'; did you mean 'environments'?"),
        ("steps = 5", "which environments? For example: environments = "),
        ('environments = "climbing"\n[enviroment.climbing]', "no key 'enviroment'; did you mean 'environment"),
        ("environments = 3", "environments = 3: expected a list of names"),
        ('environments = ["climbing", 3]', "environments = ['climbing', 3]: expected a list of names"),
        ('environments = ["climbing", "climbing"]', "environments: 'climbing' is named twice"),
        ('environments = ["climbin"]', "environments: there is no environment 'climbin'; did you mean 'climbing'?"),
        ('environments = ["mpe:x"]', "there is no source 'mpe' of environments; did you mean 'mpe2'?"),
        (BASE + "seeds = 2.5", "seeds = 2.5: expected a whole number"),
        (BASE + "seeds = true", "seeds = True: expected a whole number"),
        (BASE + 'deep = "yes"', "deep = 'yes': expected true or false"),
        (BASE + "preset = 3", "preset = 3: expected words"),
        (BASE + 'preset = "defualt"', "climbing iql: there is no preset 'defualt' of deep learners; did you mean 'def"),
        (BASE + "seeds = 0", "climbing iql: --seeds 0: expected 1 to"),
        (BASE + "env = 3", "[env]: expected a table"),
        (BASE + "variants.a = 3", "[variants.a]: expected a table"),
        (BASE + 'name = "a/b"', "name 'a/b': use letters, digits"),
        (BASE + "[options]\nhiden = 3", "[options]: there is no option 'hiden'; did you mean 'hidden'?"),
        (BASE + '[options]\nhidden = "x"', "[options]: hidden 'x': expected a whole number"),
        (BASE + "[options]\ntrace = 0.9\nn_step = 3", "climbing iql: --trace 0.9 with --n-step 3: choose one"),
        (
            BASE + "[options]\nhistory = 2",
            "[options]: climbing iql learns with networks, which have no option 'history'",
        ),
        (
            BASE + "deep = false\n[options]\nhidden = 2",
            "[options]: climbing iql learns with tables, which have no option 'hidden'",
        ),
        (
            BASE + "[env]\nsize = 3",
            "[env]: there is no climbing option 'size'; known: noise, reward_noise, horizon ([env] is for all "
            "environments, [environment.NAME.env] for one)",
        ),
        (BASE + '[env]\nnoise = "ful"', "[env]: noise 'ful': there is no such choice; did you mean 'full'?\n"),
        (
            BASE + "[environment.climbing.env]\nhorizn = 3",
            "[environment.climbing.env]: there is no climbing option 'horizn'; did you mean 'horizon'?",
        ),
        (
            BASE + "[environment.climbin]\nsteps = 9",
            "[environment.climbin]: 'climbin' is not among the environments; di",
        ),
        (
            BASE + "[algorithm.iqll]\nhidden = 9",
            "[algorithm.iqll]: 'iqll' is not among the algorithms; did you mean 'i",
        ),
        (BASE + '[variants.a]\nalgorithm = "qmx"', "[variants.a] algorithm: there is no algorithm 'qmx'; did you mean"),
        (BASE + "[variants.a]\nalgorithm = 3", "[variants.a] algorithm = 3: expected a list of names"),
        (BASE + '[variants.a]\nstep = "x"', "[variants.a]: there is no option 'step'; did you mean 'steps'?"),
        (BASE + '[variants.a]\nsteps = "x"', "[variants.a] steps = 'x': expected a whole number"),
        (BASE + "[variants.a]\nenv = 1", "[variants.a.env]: expected a table"),
        (BASE + "[variants.a]\nenv.horizn = 1", "[variants.a.env]: there is no climbing option 'horizn'"),
        (
            BASE + '[variants."a b"]\nhidden = 3',
            "[variants.a b] with iql on climbing: 'climbing-iql-a b' can be no run'",
        ),
        (
            BASE.replace("iql", "vdn") + '[variants.pooled]\nshare_experience = "pooled"',
            "[variants.pooled] with vdn on climbing: --share-experience pooled: vdn learns from the team's joint",
        ),
        (
            BASE + 'deep = false\nsuccess = "return>=5"',
            "climbing iql: success: a table's teams succeed as the environment says",
        ),
        (
            BASE.replace('["iql"]', '["iql", "fmq"]')
            + '[variants."fmq"]\nalgorithm = "iql"\n[variants.b]\nsteps = "x"',
            "[variants.b] steps = 'x'",
        ),
        ("seeds = ", "is not a TOML file: Invalid value (at end of document)"),
        ("seeds = 1\nseeds = 2", "is not a TOML file: Cannot overwrite a value (at "),
    ],
)
def test_a_mistake_is_answered_with_its_place(write, text, sentence):
    file = write(text)
    with pytest.raises(BadInput) as caught:
        read_study(file)
    assert str(caught.value).startswith(f"{file}")
    assert sentence in f"{caught.value}\n"
    assert "\n" not in str(caught.value)


def test_runs_that_would_have_one_name_are_refused(write):
    text = 'environments = ["mpe2:a_v1", "mpe2-a_v1"]\nalgorithms = ["iql"]'
    with pytest.raises(BadInput, match="no environment 'mpe2-a_v1'"):
        read_study(write(text))
    text = 'environments = ["mpe2:a_v1", "mpe2:a-v1"]\nalgorithms = ["iql"]\n'
    assert [row.name for row in read_study(write(text)).rows] == ["mpe2-a_v1-iql", "mpe2-a-v1-iql"]
    text = 'environments = ["mpe2:a:1", "mpe2:a-1"]\nalgorithms = ["iql"]\n'
    with pytest.raises(BadInput, match=r"two runs would be called 'mpe2-a-1-iql'; rename a variant"):
        read_study(write(text))


def test_a_file_that_cannot_be_read(tmp_path):
    with pytest.raises(BadInput, match=r"there is no file .*none\.toml"):
        read_study(tmp_path / "none.toml")
    with pytest.raises(StorageFault, match="cannot be read: Is a directory"):
        read_study(tmp_path)
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(BadInput, match=r"bytes\.toml is not a TOML file"):
        read_study(tmp_path / "bytes.toml")


def test_reading_does_not_load_jax(write):
    from small_runs import fresh

    code = (
        "import sys; from coterie.workflow.studying.plan import read_study; print(len(read_study(sys.argv[1]).rows), "
        "sorted({'jax', 'matplotlib', 'pettingzoo'} & set(sys.modules)))"
    )
    text = WHOLE.replace("hidden = 32\nlearning-rate = 0.001", "")
    assert fresh(code, str(write(text))).strip() == "12 []"


def test_the_options_have_no_name_in_common_with_the_words_of_a_run():
    from dataclasses import fields

    from coterie.workflow.studying.plan import WORDS

    for kind in (DeepOptions, TabularOptions):
        assert not {one.name for one in fields(kind)} & {*WORDS, "env", "algorithm"}


def test_the_example_of_the_documents(write):
    from pathlib import Path

    page = (Path(__file__).parents[3] / "docs" / "study.md").read_text()
    text = page.partition("```toml\n")[2].partition("```")[0]
    found = read_study(write(text, "sharing.toml"))
    assert (found.name, len(found.rows)) == ("sharing", 8)  # as the page says
    chosen = {row.name: row.chosen for row in found.rows}
    assert chosen["rendezvous-iql-pooled"].learner.share_experience == "pooled"
    assert (chosen["rendezvous-qmix"].learner.mixing, chosen["rendezvous-qmix"].steps) == (16, 20_000)
