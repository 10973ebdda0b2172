"""The layout of marl-eval: what is written is read again, and what is not of it is refused with its place inside."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coterie.errors import BadInput, StorageFault
from coterie.running.marl_eval import Evaluation, Record, Seed, as_layout, from_layout, read_marl_eval, write_marl_eval

names = st.text(min_size=1, max_size=8)
metrics = st.dictionaries(
    names.filter(lambda name: name not in ("step_count", "elapsed_time")),
    st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=3).map(tuple),
    max_size=3,
)
evaluations = st.lists(st.builds(Evaluation, st.integers(0, 10**9), metrics), max_size=12).map(tuple)
seeds = st.lists(names, min_size=1, max_size=3, unique=True).flatmap(
    lambda given: st.tuples(*[st.builds(Seed, st.just(name), evaluations, metrics) for name in given])
)
keys = st.lists(st.tuples(names, names, names), min_size=1, max_size=4, unique=True)
records = keys.flatmap(
    lambda given: st.tuples(*[st.builds(Record, *map(st.just, key), seeds) for key in sorted(given)])
)


@settings(max_examples=40, deadline=None)
@given(records)
def test_what_is_written_is_read_again(given_records):
    """Through JSON's text, too; records of one environment and task come together."""
    text = json.dumps(as_layout(given_records))
    found = from_layout(json.loads(text), "a file")
    assert sorted(found) == sorted(given_records)


def test_it_is_written_as_marl_eval_describes_it(tmp_path):
    """The layout in the README of marl-eval, by hand."""
    checks = (Evaluation(200, {"return": (1.0, 2.0)}), Evaluation(400, {"return": (3.0, 4.0)}))
    write_marl_eval(tmp_path / "a.json", [Record("SMAX", "2s3z", "iql", (Seed("seed_7", checks, {"return": (5.0,)}),))])
    assert json.loads((tmp_path / "a.json").read_text()) == {
        "SMAX": {
            "2s3z": {
                "iql": {
                    "seed_7": {
                        "step_0": {"step_count": 200, "return": [1.0, 2.0]},
                        "step_1": {"step_count": 400, "return": [3.0, 4.0]},
                        "absolute_metrics": {"return": [5.0]},
                    }
                }
            }
        }
    }


def test_a_file_of_its_own_logger_is_read(tmp_path):
    """It adds elapsed_time to each step, counts steps beyond nine, and starts with empty absolute metrics."""
    steps = {f"step_{k}": {"step_count": 10 * k, "elapsed_time": 0.5, "Return": [k]} for k in (2, 10, 1)}
    (tmp_path / "metrics.json").write_text(
        json.dumps({"E": {"T": {"A": {"seed_1": {"absolute_metrics": {}, **steps}}}}})
    )
    [record] = read_marl_eval(tmp_path / "metrics.json")
    assert [one.step_count for one in record.seeds[0].evaluations] == [10, 20, 100]
    assert record.seeds[0].evaluations[0].metrics == {"Return": (1.0,)}
    assert record.seeds[0].absolute == {}


def seed_with(step):
    return {"E": {"T": {"A": {"seed_1": step}}}}


IN = "E/T/A/seed_1"


@pytest.mark.parametrize(
    "value, place",
    [
        ([], "the top: expected an object with at least one entry, found []"),
        ({}, "the top: expected an object"),
        ({"E": 3}, "E: expected an object with at least one entry, found 3"),
        ({"E": {"T": {}}}, "E/T: expected an object"),
        ({"E": {"T": {"A": {"seed_1": None}}}}, f"{IN}: expected an object"),
        (seed_with({"step_0": {"step_count": 1.5}}), f"{IN}/step_0/step_count: expected a whole number"),
        (seed_with({"step_0": {"return": [1]}}), f"{IN}/step_0/step_count: expected a whole number"),
        (seed_with({"step_0": {"step_count": True}}), f"{IN}/step_0/step_count: expected a whole number"),
        (seed_with({"step_0": {"step_count": 1, "r": 2}}), f"{IN}/step_0/r: expected a list of numbers, found 2"),
        (seed_with({"step_0": {"step_count": 1, "r": []}}), f"{IN}/step_0/r: expected a list of numbers"),
        (
            seed_with({"step_0": {"step_count": 1, "r": [1, "x"]}}),
            f'{IN}/step_0/r[1]: expected a finite number up to 1e100, found "x"',
        ),
        (seed_with({"absolute_metrics": {"r": [float("nan")]}}), f"{IN}/absolute_metrics/r[0]: expected a finite"),
        (seed_with({"absolute_metrics": {"r": [True]}}), f"{IN}/absolute_metrics/r[0]: expected a finite"),
        (seed_with({"final": {}}), f"{IN}/final: expected 'step_0', 'step_1', … or 'absolute_metrics' as a name"),
    ],
)
def test_what_is_not_of_the_layout_is_refused_with_its_place(tmp_path, value, place):
    (tmp_path / "bad.json").write_text(json.dumps(value))
    with pytest.raises(StorageFault) as caught:
        read_marl_eval(tmp_path / "bad.json")
    assert f"bad.json is not of marl-eval's layout: {place}" in str(caught.value)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"a = 1", b"[" * 100_000])
def test_what_is_not_json_is_a_sentence(tmp_path, content):
    (tmp_path / "bad.json").write_bytes(content)
    with pytest.raises(StorageFault, match=r"bad.json is not JSON"):
        read_marl_eval(tmp_path / "bad.json")


def test_a_missing_file_is_a_sentence(tmp_path):
    with pytest.raises(StorageFault, match="cannot be read: No such file"):
        read_marl_eval(tmp_path / "none.json")


def test_two_of_one_name_are_not_written(tmp_path):
    record = Record("E", "T", "iql", (Seed("seed_0", (), {"r": (1.0,)}),))
    with pytest.raises(BadInput, match="'iql' stands twice for E/T"):
        write_marl_eval(tmp_path / "a.json", [record, record])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", ["1" + "0" * 400, "1e308", "NaN", "-Infinity"])
def test_numbers_that_cannot_be_reckoned_with_are_refused(tmp_path, number):
    path = tmp_path / "results.json"
    path.write_text(
        f'{{"env": {{"task": {{"algorithm": {{"seed_0": {{"absolute_metrics": {{"r": [{number}]}}}}}}}}}}}}'
    )
    with pytest.raises(StorageFault, match=r"r\[0\]: expected a finite number up to 1e100"):
        read_marl_eval(path)


def test_a_mark_of_the_order_of_bytes_is_no_fault(tmp_path):
    path = tmp_path / "results.json"
    path.write_text('\ufeff{"env": {"task": {"a": {"seed_0": {"absolute_metrics": {"r": [1]}}}}}}', "utf-8")
    assert read_marl_eval(path)[0].seeds[0].absolute == {"r": (1.0,)}
