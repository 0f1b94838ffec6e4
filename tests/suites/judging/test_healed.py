"""Healed: an entry that matched nothing in a run that asked for it, with versions that it was not seen with."""

import pytest

from harness.adapters import frameworks
from suites.judging import judge
from suites.judging.healed import healed, unseen
from tests.made.records import JAX, recorded, result, score

KNOWN = judge.Known("softmax-value-*", "torch.*@*", "x - max overflows", seen=("torch 2.13.0",))
PAIR = judge.Known("*", "optax.*@*", "exp(x - out)", seen=("optax 0.2.8", "jax 0.10.2"))
FOUND = result(score(9.0, budget=None), judgement="known", environment="new")


def lines(*results, version="2.15.0", known=(KNOWN,)):
    """Return what is said of a run with a version of torch."""
    facts = {"framework": "torch", "torch": f"{version}+cpu"}
    return [str(line) for line in healed(recorded(*results, environments={"new": facts}), known)]


def test_healed_is_asked_and_not_found():
    """Another version than it was seen with, whose answers all conform, may have healed it: that is said once."""
    asked = [result(family=name, environment="new") for name in "abc"]

    assert lines(*asked) == [
        "healed? torch 2.15.0: x - max overflows (seen with torch 2.13.0; none of 3 answers deviates so)"
    ]


@pytest.mark.parametrize(
    "results",
    [
        pytest.param([result(environment="new"), FOUND], id="found"),
        pytest.param([result(target=JAX, environment="new")], id="another-target"),
        pytest.param([result(family="f", dtype="float16", environment="old")], id="another-environment"),
        pytest.param([], id="not-asked"),
    ],
)
def test_what_was_found_or_not_asked_is_not_healed(results):
    """An entry that an answer is covered by, or that no answer was asked for, is not said to be healed."""
    assert lines(*results) == []


def test_versions_it_was_seen_with_say_nothing():
    """With the versions that it was seen with, a run that finds nothing of it asked too little."""
    assert lines(result(environment="new"), version="2.13.0") == []
    assert lines(result(environment="new"), known=[judge.Known("*", "*", "no version is known")]) == []


def test_any_package_may_have_changed():
    """An entry of two packages was not seen with a new version of either."""
    assert unseen(PAIR, {"optax": "0.2.8", "jax": "0.10.2"}) == ()
    assert unseen(PAIR, {"optax": "0.2.8", "jax": "0.12.0"}) == ("optax 0.2.8", "jax 0.12.0")
    assert unseen(PAIR, {"torch": "2.13.0"}) == ()


def test_every_entry_that_ships_says_what_it_was_seen_with():
    """Each known deviation that ships names the version of a package of its target, and no other way."""
    packages = {
        "torch",
        "tensorflow",
        "keras",
        "jax",
        "optax",
        "numpy",
        "liger_kernel",
        "triton",
        *frameworks.engines(),
    }

    for entry in judge.known_deviations():
        assert entry.seen, f"{entry.case} of {entry.target} has no `seen`"
        for version in entry.seen:
            assert version.partition(" ")[0] in packages, version
