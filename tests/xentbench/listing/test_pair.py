"""`xentbench pair`: what both were asked, and what a name that is none is answered."""

import dataclasses

import pytest

from harness.model import Implementation, Op, Target, Unsupported
from harness.store import Store
from tests.made.front_door import invoke
from tests.made.records import JAX, TORCH, checked, result, run, score, timing

COMPILED = dataclasses.replace(TORCH, mode="compile")
OTHER = Target(Implementation("torch", "logsumexp", "torch.logsumexp", "fused"), "eager")


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """Return a store of three targets of an op and one of another."""
    path = tmp_path_factory.mktemp("pair") / "results.sqlite"
    other = result(target=OTHER)
    answers = [
        result(score(1.0, bits="a"), "normal"),
        result(score(9.0, bits="b"), "offset"),
        result(score(2.0, bits="c"), "same"),
        result(score(2.0), "alone"),
        result(checked(), "normal", check="law.shift"),
        result(score(1.5, bits="d"), "normal", JAX),
        result(score(3.0, bits="e"), "offset", JAX),
        result(score(2.0, bits="c"), "same", JAX),
        result(Unsupported("no"), "normal", COMPILED, judgement="unjudged"),
        dataclasses.replace(other, case=dataclasses.replace(other.case, op=Op("logsumexp"))),
        *(result(timing(*[t] * 9), "speed", of, judgement="unjudged") for t, of in ((1e-3, TORCH), (3e-3, JAX))),
    ]
    with Store(path) as store:
        store.join(run())
        store.append(run().uid, answers)
    return path


def test_what_both_were_asked(path):
    """Counts, times and a line a question; what one was asked alone, and checks, are no line."""
    ended = invoke("pair", "torch.softmax@eager", "jax.nn.softmax", "--store", path)
    lines = ended.stdout.splitlines()

    assert ended.exit_code == 0
    assert "3 questions asked of both: A is nearer in 1, B in 1; the bits are the same in 1, others in 2." in lines
    assert any("| 1 ms | 3 ms | 3 |" in line for line in lines)
    assert [line for line in lines if line.startswith("| value")] == [
        "| value | float32 | normal 4x8 | 1 ✓ | 1.5 ✓ | 0.333 | 0.5 | other | A |",
        "| value | float32 | offset 4x8 | 9 ✓ | 3 ✓ | 3 | 1 | other | B |",
        "| value | float32 | same 4x8 | 2 ✓ | 2 ✓ | 0.667 | 0.667 | same |  |",
    ]


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (
            ("torch.softmax", "jax.nn.softmax"),
            "A is 'torch.softmax', expected one of torch.softmax@eager, torch.softmax@",
        ),
        (("torch.softmx@eager", "jax.nn.softmax"), "did you mean torch.softmax@eager?"),
        (("torch.logsumexp", "jax.nn.softmax"), "A and B are of logsumexp and softmax, expected two that were asked"),
    ],
)
def test_a_name_that_is_none(path, names, said):
    """A name that several targets or none have, and two that share no question, are answered with what to try."""
    ended = invoke("pair", *names, "--store", path)

    assert ended.exit_code == 2
    assert said in ended.stderr
