"""What is given in Python: each thing has a word of its own, the same thing the same again, and workers none."""

import numpy as np
import pytest
from mpe2 import simple_spread_v3

import coterie
from coterie.errors import BadInput
from coterie.pettingzoo.making import live
from coterie.pettingzoo.making.live import give_again, given, word_of
from coterie.pettingzoo.making.sources import make_worlds


@pytest.fixture(autouse=True)
def nothing_given(monkeypatch):
    monkeypatch.setattr(live, "_GIVEN", {})


def spread(agents):
    return simple_spread_v3.parallel_env(N=agents)


class Makers:
    def make(self):
        return spread(2)


def agents_of(word):
    worlds = make_worlds(word)
    worlds.reset(np.arange(1))
    return len(worlds.spec.agents)


def test_two_objects_of_one_class_are_two_environments():
    two, three = spread(2), spread(3)
    words = [word_of(one) for one in (two, three, two, three)]
    name = type(two.unwrapped).__name__
    assert words == [f"object:{name}", f"object:{name}-2"] * 2
    assert [agents_of(word) for word in words] == [2, 3, 2, 3]


def test_two_lambdas_are_two_environments():
    two, three = (lambda: spread(2)), (lambda: spread(3))
    assert [word_of(one) for one in (two, three, two)] == ["object:lambda", "object:lambda-2", "object:lambda"]
    assert [agents_of(word_of(one)) for one in (two, three)] == [2, 3]


def test_a_method_is_the_same_each_time_it_is_looked_up():
    makers, others = Makers(), Makers()
    assert [word_of(one.make) for one in (makers, others, makers)] == ["object:make", "object:make-2", "object:make"]


def test_what_is_given_again_goes_by_the_word_of_its_run():
    """In another process the second is the first that is given."""
    other = lambda: spread(3)  # noqa: E731
    give_again("object:lambda-2", other)
    assert given("object:lambda-2") is other
    with pytest.raises(BadInput, match="the run was begun with object:Else, and what is given now is called object:la"):
        give_again("object:Else", other)


def test_a_run_of_the_second_goes_on_where_it_is_the_first(tmp_path, monkeypatch):
    first, second = (lambda: spread(2)), (lambda: spread(3))
    small = {
        "steps": 200,
        "seeds": 1,
        "environments": 2,
        "pictures": False,
        "algorithm": "iql",
        "checks": 1,
        "warmup": 50,
    }
    word_of(first)
    whole = coterie.train(second, runs=tmp_path, name="whole", **small)
    (whole.folder / "evaluation.json").unlink()
    monkeypatch.setattr(live, "_GIVEN", {})
    again = coterie.resume("whole", runs=tmp_path, environment=second)
    assert again.verdict.returns == whole.verdict.returns


def test_workers_cannot_get_what_stands_in_this_process():
    made = []

    def make():
        made.append(spread(2))
        return made[-1]

    says = r"^--workers 1: object:make was given .* another process cannot get; .* or leave --workers out$"
    with pytest.raises(BadInput, match=says):
        make_worlds(word_of(make), {}, 2, 1)
    with pytest.raises(BadInput, match=says):
        coterie.train(make, algorithm="iql", steps=200, seeds=1, environments=2, warmup=50, workers=1, pictures=False)
    assert made == []
