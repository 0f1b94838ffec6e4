"""Two targets side by side: which answers are the same bit by bit, and what was timed of both."""

import dataclasses

from harness.model import Failed
from reports.material import Material
from reports.pages import pair
from tests.made.records import JAX, NAIVE, TORCH, result, run, score, timing


def material(*results):
    """Return what the page sees."""
    return Material(run(), results, {}, ())


def test_a_number_is_shared_by_the_same_bits_alone():
    """Answers to one question share a number where their bits are the same; an answer without bits has none."""
    jit = dataclasses.replace(TORCH, mode="compile")
    answers = (
        *(result(score(bits=bits), "a", target) for bits, target in (("x", TORCH), ("y", jit), ("x", JAX))),
        result(score(bits="y"), "b", TORCH),
        result(score(), "b", jit),
        result(Failed("raised", "no"), "b", JAX, judgement="deviates"),
    )

    assert list(pair.data(material(*answers))["bits"]) == [0, 1, 0, 0, -1, -1]


def test_times_are_those_of_tournaments():
    """A time is named by its target, op and question; what was timed by itself is none of them."""
    times = [
        result(timing(*[seconds] * 9), "speed", target, content="") for seconds, target in ((1.0, TORCH), (2.0, JAX))
    ]
    alone = result(dataclasses.replace(timing(3.0), workers=1), "speed", NAIVE)

    found = pair.data(material(*times, alone))["times"]

    assert [(target, op, seconds) for target, op, _, seconds, _ in found] == [
        ("torch|torch.softmax@eager", "softmax", 1.0),
        ("jax|jax.nn.softmax@jit", "softmax", 2.0),
    ]


def test_one_target_is_no_pair():
    """A run of one target has no such page; of two it has."""
    assert pair.render(material(result(), result(family="offset"))) == ""
    assert "<select" in pair.render(material(result(), result(target=JAX)))
