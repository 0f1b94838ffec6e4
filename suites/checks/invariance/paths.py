"""Functions that were exported, held against those that they were exported from."""

from __future__ import annotations

from harness.adapters.adapter import Adapter
from harness.model import FORMATS, QUANTITIES, Array, Checked, Target
from reference import rounding
from suites.checks.check import Asking, Spec, answered, tightest_excess
from suites.checks.invariance.batches import DIFFERS, Truth, changed
from suites.checks.invariance.suite import INVARIANCE, OPS, SQUARE
from suites.judging import ask
from suites.questions import options

GAP = Spec(OPS, QUANTITIES, "two_class_gap", 256, 2, ("float32",))
OPTIONS = tuple(
    Spec(tuple(of_class), QUANTITIES, "options/normal_large", options.ROWS, classes, ("float32",))
    for of_class, classes in (
        ({**options.SPARSE, **options.DENSE}, options.CLASSES),
        (options.SIGMOID, options.SIGMOID_CLASSES),
    )
)


def exported(adapter: Adapter, _target: Target) -> bool:
    """Take the engines whose functions are exported from a framework's."""
    return adapter.source is not None


@INVARIANCE.check(SQUARE, GAP, *OPTIONS, asks=exported)
def path(asking: Asking) -> Checked:
    """What was exported answers as its source: no option is lost, and no formula is rewritten into a worse one.

    Other bits are recorded. It deviates where the answer leaves every budget, and the source's is nearer to one.
    """
    got, source = asking.answer(), _source(asking)
    if not (change := changed(got, source)):
        return Checked(got.size, 0.0, detail="the bits of its source")
    question = ask.asked(asking.case, asking.certify, asking.measured)
    truth = Truth(asking, question.golden, question.budget)
    excess, own = (tightest_excess(truth.distance(answer)) for answer in (got, source))
    index = truth.furthest(got)
    exact = rounding.nearest_at(question.golden, FORMATS[asking.case.dtype], index)
    place, came, was = f"element {index}" if index else "the value", float(got[index]), float(source[index])
    words = f"{place} is {came:.9g}, where its source answers {was:.9g} (exact: {exact:.9g})"
    if excess <= max(1.0, own):
        return Checked(got.size, 0.0, DIFFERS, f"{change.words}; furthest off, {words}")
    return Checked(got.size, excess / max(1.0, own), "", words, asking.worst(asking.inputs, index, exact, came))


def _source(asking: Asking) -> Array:
    """Return what the function answers that was exported. Raises NoAnswer where it answers nothing."""
    source, target = asking.adapter.source, asking.target
    assert source is not None
    own = next(
        offer.implementation
        for offer in source.catalogue.offers.values()
        if offer.identity == asking.adapter.offer(target.implementation).identity
        and offer.implementation.op == asking.case.op.name
    )
    at_source = Target(own, source.plainest, target.device)
    return answered(source.ask(asking.case.op, asking.case.quantity, asking.inputs, at_source))
