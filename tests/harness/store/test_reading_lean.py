"""Results read in part: without worst elements, without digests, case by case."""

import dataclasses

import pytest

from harness.model import Score
from harness.store import Store
from harness.store.reading import never, without_worst
from tests.made.records import EVERY, JAX, TORCH, WORST, result, run, score

RESULTS = [*EVERY, result(score(2.0, worst=WORST, bits="00ff"), "bits"), result(score(3.0), "bits", target=JAX)]


@pytest.fixture
def store(tmp_path):
    """Return an open store of one run."""
    with Store(tmp_path / "results.sqlite") as opened:
        opened.join(run())
        opened.append(run().uid, RESULTS)
        yield opened


def test_worst_elements_are_left_out(store):
    """Who wants no worst elements gets all else."""
    assert list(store.results(run().uid, never)) == [without_worst(one) for one in store.results(run().uid)]
    assert store.recorded(run().uid, never).results == list(store.results(run().uid, never))
    assert all(without_worst(one) == one for one in store.results(run().uid, never))


def test_wanted_worst_elements_are_there(store):
    """Of each result with a worst element it is asked whether that is wanted, in order; what is wanted is whole."""
    asked = []

    def wanted(one):
        asked.append(one)
        return one.case.family == "bits"

    found = list(store.results(run().uid, wanted))

    every = list(store.results(run().uid))
    assert asked == [without_worst(one) for one in every if without_worst(one) != one]
    assert found == [one if one.case.family == "bits" else without_worst(one) for one in every]


def test_what_only_comparisons_read_is_left_out(store):
    """Means and biases are left out where nothing will be compared; digests, which tell names of one function, stay."""
    found = list(store.results(run().uid, never, compared=False))

    empty = {"mean_ulp": 0.0, "bias_ulp": 0.0}
    assert found == [
        dataclasses.replace(one, outcome=dataclasses.replace(one.outcome, **empty))
        if isinstance(one.outcome, Score)
        else one
        for one in store.results(run().uid, never)
    ]
    assert any(isinstance(one.outcome, Score) and one.outcome.mean_ulp for one in RESULTS)


def test_results_by_case(store):
    """Case by case, the targets of one case come together."""
    found = list(store.results(run().uid, by_case=True))

    assert sorted(map(repr, found)) == sorted(map(repr, store.results(run().uid)))
    assert [one.target for one in found if one.case.family == "bits"] == [TORCH, JAX]
    assert [one.case.family for one in found] == [one.case.family for one in RESULTS]


def test_figures_are_as_a_dictionary(store):
    """Shares of bounds are read in few bytes, and equal what was stored."""
    [one] = [one for one in store.results(run().uid) if one.target == JAX]

    assert dict(one.outcome.over_bound) == {"S": 1.0}
    assert repr(one.outcome.over_bound) == "{'S': 1.0}"
    assert ("S" in one.outcome.over_bound, "U" in one.outcome.over_bound) == (True, False)
    assert one.outcome.over_bound.get("U") is None
    assert dataclasses.replace(one.outcome, over_bound={"S": 1.0}) == one.outcome
