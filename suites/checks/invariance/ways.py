"""Ways to a value and a gradient that users go beside the plain call: each gives what the plain call gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from harness.adapters.adapter import Adapter
from harness.adapters.calls import Way
from harness.model import Checked, Failed, Inputs, Target
from suites.checks.call import Call
from suites.checks.check import Asking, NoAnswer, Spec
from suites.checks.invariance.batches import Surroundings, Truth, of_rows
from suites.checks.invariance.suite import INVARIANCE, LINEAR, OPS
from suites.questions import cases

GRADIENT = Spec(OPS, ("grad_logits",), "normal", *cases.SQUARE, ("float32",))  # the value comes with it
GRADIENTS = replace(GRADIENT, quantities=("grad_logits", "grad_labels"))
# Not mapped, which would map the weight too, nor under autocast, which narrows a product.
OF_LINEAR = replace(LINEAR, quantities=("grad_hidden", "grad_weight"))


def having(*ways: Way) -> Callable[[Adapter, Target], bool]:
    """Take the targets whose framework has one of these ways in their mode."""
    return lambda adapter, target: not set(ways).isdisjoint(adapter.ways.get(target.mode, ()))


@INVARIANCE.check(GRADIENTS, OF_LINEAR, asks=having("summed"))
def summed(asking: Asking) -> Checked:
    """The gradient of the sum of all answers, as loss.sum().backward() takes it, is that of incoming gradients of 1."""
    ones = replace(asking.inputs, upstream=np.ones_like(asking.inputs.upstream))
    return by(asking, {"summed": "a sum of all answers"}, ones)


@INVARIANCE.check(GRADIENTS, OF_LINEAR, asks=having("retained"))
def retained(asking: Asking) -> Checked:
    """A second backward pass over a graph gives the gradient of what comes in then, whatever came in before."""
    return by(asking, {"retained": "a second backward pass over one graph"})


@INVARIANCE.check(GRADIENTS, OF_LINEAR, asks=having("interleaved"))
def interleaved(asking: Asking) -> Checked:
    """With another forward pass before the backward pass, the gradient is that of the call's own arrays."""
    return by(asking, {"interleaved": "a backward pass after another call's forward pass"})


@INVARIANCE.check(GRADIENT, OF_LINEAR, asks=having("checkpointed"))
def checkpointed(asking: Asking) -> Checked:
    """Checkpointed, that is computed anew in the backward pass, value and gradient are what they are without."""
    return by(asking, {"checkpointed": "a checkpoint"})


@INVARIANCE.check(GRADIENT, asks=having("mapped", "batched"))
def mapped(asking: Asking) -> Checked:
    """Mapped by vmap over rows, each a batch of one, and over batches, rows are answered as in one batch."""
    return by(asking, {"mapped": "a map over rows", "batched": "a map over batches"})


@INVARIANCE.check(replace(GRADIENT, dtypes=("float32",)), asks=having("autocast"))
def autocast(asking: Asking) -> Checked:
    """Under autocast to bfloat16 float32 logits are answered in float32: a loss is none of what autocast narrows."""
    return by(asking, {"autocast": "autocast"})


@INVARIANCE.check(GRADIENT, OF_LINEAR, asks=having("dynamic", "donated"))
def compiled(asking: Asking) -> Checked:
    """Compiled once for any number of rows, or given its logits' memory for good, a function answers as otherwise.

    Any number: dynamic shapes of torch.compile, an open signature of tf.function. For good: donated buffers of jax.jit.
    """
    found, every = Surroundings(), np.arange(asking.case.rows)
    if "donated" in asking.adapter.ways[asking.target.mode]:
        take(found, asking, "donated", "a call that is given its logits' memory", asking.inputs)
    else:
        for size in (7, 33):
            rows = of_rows("", asking.inputs, np.resize(every, size)).inputs
            take(found, asking, "dynamic", f"a function compiled for any number of rows, with {size},", rows)
    return found.checked()


def by(asking: Asking, ways: dict[Way, str], inputs: Inputs | None = None) -> Checked:
    """Hold the value and the gradient that come by some ways, each in words, to the truth and to the plain call's."""
    found = Surroundings()
    for way, words in ways.items():
        take(found, asking, way, words, inputs or asking.inputs)
    return found.checked()


def take(found: Surroundings, asking: Asking, way: Way, words: str, inputs: Inputs) -> None:
    """Take in a value and a gradient by a way; where the function refuses it, that."""
    plain, other = Call.of(asking, inputs), Call.of(asking, inputs, way)
    expected = plain()
    try:
        got = other()
    except NoAnswer as none:
        if not (isinstance(none.outcome, Failed) and none.outcome.kind == "raised"):
            raise
        found.refused.append(f"{way}: {none.outcome.reason}")
        return
    of_value = replace(asking, case=replace(asking.case, quantity="value"))
    for about, read, what in ((asking, Call.answer, "the gradient"), (of_value, Call.value, "the value")):
        truth, plainly = Truth.of(about, inputs), read(plain, expected)
        found.allowed = max(found.allowed, Surroundings.with_plain(truth, plainly).allowed)
        found.add(f"{what} by {words}", read(other, got), inputs, truth, plainly)
