"""Claims beside the distance from the truth: what a check is, what it is given, and how it is asked.

A check is one decorated function of an `Asking`; its docstring is the claim, printed in reports. It asks the target as
often as it needs and returns what it found. What goes wrong inside the framework ends the check with that outcome.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import TypedDict, TypeVar, Unpack

import numpy as np

from harness.adapters.adapter import Adapter
from harness.adapters.calls import CONTIGUOUS, Layout, Pass
from harness.model import (
    DTYPES,
    FORMATS,
    Array,
    Case,
    Checked,
    Failed,
    Golden,
    Inputs,
    Op,
    Outcome,
    Quantity,
    Target,
    Unsupported,
    Worst,
)
from harness.ops import ASKED, OPS
from harness.running.measured import UNKEPT, Measured
from harness.scoring import metrics, ulp
from reference import bounds
from reference.bounds import linear
from reference.golden import Audited, content
from suites.judging import refusal
from suites.judging.judge import ACCEPTED
from suites.judging.worst import worst_element
from suites.questions import cases, families
from suites.questions.plan import Item, Wanted, targets
from suites.questions.presets import Preset

T = TypeVar("T")


class NoAnswer(Exception):  # noqa: N818 - an outcome on its way out
    """The framework gave no answer to go on with."""

    def __init__(self, outcome: Unsupported | Failed) -> None:
        """Carry the outcome."""
        super().__init__(outcome.reason)
        self.outcome = outcome


class Otherwise(TypedDict, total=False):
    """How a question is put otherwise than its case and target say; what is empty is as they do."""

    op: Op | None
    quantity: Pass | None
    mode: str
    device: str
    layouts: Mapping[str, Layout]


@dataclass(frozen=True)
class Asking:
    """A check's question, and the ways to put it to its target."""

    adapter: Adapter
    case: Case
    target: Target
    certify: Audited
    measured: Measured = UNKEPT

    @cached_property
    def inputs(self) -> Inputs:
        """The arrays of the case."""
        return cases.inputs(self.case)

    def attempt(
        self, inputs: Inputs | None = None, *, fits: bool = True, **other: Unpack[Otherwise]
    ) -> Array | Unsupported | Failed:
        """Ask the target, or the same implementation otherwise than the case says.

        fits: an answer of another dtype or shape is a failure; else an array is any array.
        """
        case, target = self.case, self.target
        asked = (other.get("op") or case.op, other.get("quantity") or case.quantity, inputs or self.inputs)
        mode, device = other.get("mode") or target.mode, other.get("device") or target.device
        layouts = other.get("layouts", CONTIGUOUS)
        return self.adapter.ask(*asked, replace(target, mode=mode, device=device), layouts, fits=fits)

    def answer(self, inputs: Inputs | None = None, **other: Unpack[Otherwise]) -> Array:
        """Ask as `attempt`. Raises NoAnswer where there is no answer of the right dtype and shape."""
        given, ask = inputs or self.inputs, partial(self.attempt, **other)
        return answered(refusal.read(ask(given), self.adapter, other.get("op") or self.case.op, given, ask))

    def golden(self, inputs: Inputs, op: Op | None = None, quantity: Quantity | None = None) -> Golden:
        """Return the exact answers to inputs of a check's own; the arbiter recomputes a sample of their rows."""
        return self.certify(op or self.case.op, quantity or self.case.quantity, inputs, families.SAMPLE)

    def measure(
        self, got: Array, inputs: Inputs | None = None, op: Op | None = None, quantity: Quantity | None = None
    ) -> metrics.Distance:
        """Measure an answer against the exact one of its own inputs."""
        golden, budget = self._truth(inputs, op, quantity)
        return metrics.measure(got, golden, FORMATS[self.case.dtype], budget.error, budget.flushed)

    def allowed(self, inputs: Inputs | None = None, op: Op | None = None, quantity: Quantity | None = None) -> Array:
        """Return how far each element may lie from the truth: the loosest budget that is accepted."""
        errors = self._truth(inputs, op, quantity)[1].error
        return np.maximum.reduce([errors[kind] for kind in ACCEPTED if kind in errors])

    def _truth(self, inputs: Inputs | None, op: Op | None, quantity: Quantity | None) -> tuple[Golden, bounds.Budget]:
        question = (op or self.case.op, quantity or self.case.quantity, inputs or self.inputs)
        golden = self.certify(*question, families.audit(self.case.source))
        return golden, budget(*question, golden)

    def found(self, what: str, got: Array, inputs: Inputs, find: Callable[[], Checked]) -> Checked:
        """Return what an answer to inputs of a check's own was found to be, or `find` it; what: all else it is of."""
        every = content(self.case.op, "grad_logits", inputs)  # the incoming gradient among it, whatever is asked
        return self.measured.outcome(f"{what} {self.case} {every}", got, find)

    def worst(
        self, inputs: Inputs, index: tuple[int, ...], expected: float, got: float, ulp: float = float("inf")
    ) -> Worst:
        """Describe the element of an answer that breaks a claim: its row, what was expected, what came back."""
        return worst_element(self.case, inputs, index, expected, got, ulp=ulp)

    def other_mode(self) -> tuple[str, str]:
        """Return the plainest (mode, device) of the framework: the one that the others are held against."""
        return self.adapter.plainest, "cpu"


def budget(
    op: Op, quantity: Quantity, inputs: Inputs, golden: Golden, native_height: float | None = None
) -> bounds.Budget:
    """Return the budgets of exact answers to a question without options that reduce or weigh.

    native_height: as of `reference.bounds.budget`; a linear op has none.
    """
    if OPS[op.name].linear:
        g = np.ones(len(inputs.logits)) if quantity == "value" else inputs.upstream.astype(np.float64)
        size = np.abs(ulp.scale(golden.hi, 0 if golden.exponent is None else golden.exponent))
        return linear.budget(quantity, linear.Asked(inputs, g), size)
    return bounds.budget(op, quantity, inputs, golden, native_height)


def answered(got: T | Unsupported | Failed) -> T:
    """Return what a framework gave. Raises NoAnswer where it gave nothing to go on with."""
    if isinstance(got, Unsupported | Failed):
        raise NoAnswer(got)
    return got


def compiled(asking: Asking) -> bool:
    """Tell whether the target compiles anew for every shape."""
    return asking.adapter.compiles(asking.target.mode) != "nothing"


def tightest_excess(distance: metrics.Distance) -> float:
    """Return error over bound of the tightest budget that is accepted."""
    return min(distance.over_bound[kind] for kind in ACCEPTED if kind in distance.over_bound)


Function = Callable[[Asking], Checked]
Asks = Callable[[Adapter, Target], bool]


@dataclass(frozen=True)
class Spec:
    """What a check is asked of: one case an op, quantity and dtype."""

    ops: Sequence[Op]
    quantities: Sequence[Quantity]
    family: str
    rows: int
    classes: int
    dtypes: Sequence[str] = ("float32", "bfloat16")  # where a preset does not ask all


@dataclass(frozen=True)
class Check:
    """A claim and the questions it is made of."""

    name: str  # `suite.function`
    function: Function
    specs: tuple[Spec, ...]
    asks: Asks
    judges: bool = True  # else it records what it sees

    @property
    def claim(self) -> str:
        """The claim in words."""
        return " ".join((self.function.__doc__ or "").split())

    def cases(self, preset: Preset) -> Iterator[Case]:
        """Yield the check's cases; a quantity that an op does not have is left out."""
        for spec in self.specs:
            for dtype in DTYPES if preset.checks_every_dtype else spec.dtypes:
                for op in spec.ops:
                    for quantity in spec.quantities:
                        if quantity in ASKED.get(op, OPS[op.name].quantities_with(op.options)):
                            yield Case(op, quantity, spec.family, dtype, spec.rows, spec.classes, check=self.name)


@dataclass
class Suite:
    """The checks of one file, by name."""

    name: str
    checks: dict[str, Check] = field(default_factory=dict)

    def check(
        self, *specs: Spec, asks: Asks = lambda _adapter, _target: True, judges: bool = True
    ) -> Callable[[Function], Function]:
        """Register a check under `suite.function`, asked of these cases, and of the targets that `asks` takes."""

        def register(function: Function) -> Function:
            name = f"{self.name}.{function.__name__}"
            self.checks[name] = Check(name, function, specs, asks, judges)
            return function

        return register

    def questions(self, adapters: Sequence[Adapter], wanted: Wanted) -> Iterator[Item]:
        """Yield (adapter, case, target), check by check; of the spellings of one function the first is asked."""
        for check in self.checks.values():
            for case in filter(wanted.takes, check.cases(wanted.preset)):
                seen = set()
                for adapter in adapters:
                    for target in targets(adapter, wanted):
                        implementation = target.implementation
                        offer = adapter.offer(implementation)
                        once = (offer.identity, target.mode, target.device)
                        if implementation.op != case.op.name or implementation.kind != "fused" or once in seen:
                            continue
                        if not (offer.takes() and adapter.asked(case)):
                            continue
                        compiles = adapter.compiles(target.mode)
                        if check.asks(adapter, target) and wanted.preset.checks(self.name, case, compiles):
                            seen.add(once)
                            yield adapter, case, target


def outcome(suite: Suite, asking: Asking) -> Outcome:
    """Make a check of its question."""
    try:
        return suite.checks[asking.case.check].function(asking)
    except NoAnswer as none:
        return none.outcome
