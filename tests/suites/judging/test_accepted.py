"""A list of one's own accepts what it covers, with the versions that its entries were seen with."""

import dataclasses

import pytest

from harness.history.news import Accepted
from harness.model import Failed
from suites.judging.accepted import accepting, versions
from suites.judging.judge import Known
from tests.made.records import JAX, TORCH, result, score

SEEN = Known("softmax-value-*", "torch.*@*", "logits stay below 80", at_most=3.0, seen=("torch 2.13.0",))
ALWAYS = Known("softmax-value-normal-*", "*", "never asked so", at_most=1.5)


@pytest.mark.parametrize(
    ("known", "answer", "version", "expected"),
    [
        ([SEEN], result(score(9.0)), "2.13.0+cpu", Accepted("logits stay below 80")),
        ([SEEN], result(score(9.0)), "2.15.0", Accepted("logits stay below 80", "torch 2.13.0")),
        ([SEEN, ALWAYS], result(score(4.5)), "2.15.0", Accepted("never asked so")),
        ([SEEN, ALWAYS], result(score(9.3)), "2.13.0", None),
        ([SEEN], result(score(9.0), target=JAX), "2.13.0", None),
        ([SEEN], result(Failed("raised", "no", "E")), "2.13.0", None),
        (
            [dataclasses.replace(SEEN, raises=True)],
            result(Failed("raised", "no", "E")),
            "2.13.0",
            Accepted(SEEN.reason),
        ),
        ([], result(score(9.0)), "2.13.0", None),
    ],
    ids=["seen", "other-version", "second-entry", "worse", "other-target", "raises", "may-raise", "no-list"],
)
def test_what_is_covered_is_accepted(known, answer, version, expected):
    """An entry accepts what it covers, no worse than it says; with other versions it says which it was seen with."""
    assert accepting(known)(answer, {"torch": version}) == expected


def test_versions_are_of_the_package_and_its_framework():
    """An entry is seen with the version of the package that a function is of, and of the framework below it."""
    named = dataclasses.replace(JAX, implementation=dataclasses.replace(JAX.implementation, name="optax.softmax"))

    assert versions(named, {"jax": "0.10.2", "optax": "0.2.8", "numpy": "2.4"}) == ["optax 0.2.8", "jax 0.10.2"]
    assert versions(TORCH, {"framework": "torch", "torch": "2.13.0+cpu"}) == ["torch 2.13.0"]
    assert versions(TORCH, {}) == []
