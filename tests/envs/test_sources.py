"""Words like `source:name`: which are known, which are the user's own, and which are mistakes."""

import subprocess
import sys

import pytest

from coterie.envs import sources
from coterie.errors import BadInput


@pytest.mark.parametrize(
    ("word", "source", "name"),
    [
        ("jaxmarl:MPE_simple_spread_v3", "jaxmarl", "MPE_simple_spread_v3"),
        ("jaxmarl:MPE_simple_spread-v3", "jaxmarl", "MPE_simple_spread_v3"),
        ("jaxmarl:SMAX", "jaxmarl", "SMAX"),
        ("jumanji:LevelBasedForaging_v0", "jumanji", "LevelBasedForaging-v0"),
        ("mpe2:simple_spread-v3", "mpe2", "simple_spread_v3"),
        ("pettingzoo:butterfly/pistonball_v6", "pettingzoo", "butterfly/pistonball-v6"),
        ("rware:rware-tiny-2ag_v2", "rware", "rware-tiny-2ag-v2"),
        ("lbforaging:Foraging-8x8-2p-2f-coop-v3", "lbforaging", "Foraging-8x8-2p-2f-coop-v3"),
    ],
)
def test_known_sources_and_both_ways_to_write_a_version(word, source, name):
    assert sources.parse(word) == (source, name)
    assert str(sources.parse(word)) == f"{source}:{name}"


@pytest.mark.parametrize(
    "word", ["rendezvous", "foraging-8x8-2p-2f-coop", "./file.py:make_env", "my.module:make_env", "json:make_env"]
)
def test_our_own_names_and_the_users_functions_are_left_alone(word):
    assert sources.parse(word) is None


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        ("jaxmrl:MPE_simple_spread_v3", "there is no source 'jaxmrl' of environments; did you mean 'jaxmarl'?"),
        ("petting_zoo:x", "there is no source 'petting_zoo' of environments; did you mean 'pettingzoo'?"),
        ("jumanji:", "'jumanji:': which environment of jumanji? For example: jumanji:LevelBasedForaging-v0"),
    ],
)
def test_mistakes_are_one_sentence(word, sentence):
    with pytest.raises(BadInput) as told:
        sources.parse(word)
    assert str(told.value) == sentence


def test_every_source_has_an_example_that_reads_as_itself():
    for source in sources.SOURCES:
        assert str(sources.parse(sources.EXAMPLES[source])) == sources.EXAMPLES[source]


def test_a_source_that_is_not_jax_is_refused():
    with pytest.raises(BadInput, match="'mpe2' is no source of JAX environments"):
        sources.jax_environment("mpe2", "simple_spread_v3")


@pytest.mark.parametrize("source", sources.JAX_SOURCES)
def test_what_is_not_installed_is_named(source, monkeypatch):
    monkeypatch.setitem(sys.modules, source, None)  # as if there were no such package
    with pytest.raises(BadInput) as told:
        sources.jax_environment(source, "SMAX")
    assert str(told.value) == f"{source} is not installed: pip install 'coterie[{source}]'"


def test_reading_a_word_loads_nothing_heavy():
    program = (
        "import sys\nfrom coterie.envs import sources\nsources.parse('jaxmarl:SMAX')\n"
        "print([one for one in ('jax', 'numpy', 'jaxmarl', 'jumanji', 'pettingzoo') if one in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
