"""One call of a check's target, with its native arrays and answers in hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from harness.adapters.adapter import Prepared
from harness.adapters.calls import Way, fitting, given
from harness.adapters.catalogue import Native
from harness.adapters.fence import fenced
from harness.model import Array, Inputs, Quantity
from suites.checks.check import Asking, answered
from suites.judging import refusal


@dataclass(frozen=True, eq=False)
class Call:
    """A question that can be asked again with the same arrays, and read again."""

    asking: Asking
    inputs: Inputs
    prepared: Prepared

    @classmethod
    def of(cls, asking: Asking, inputs: Inputs | None = None, way: Way = "plain") -> Call:
        """Prepare a call. Raises NoAnswer where the target does not offer it."""
        case, of_call = asking.case, inputs or asking.inputs
        prepared = fenced(lambda: asking.adapter.prepare(case.op, case.quantity, of_call, asking.target, way=way))
        return cls(asking, of_call, answered(prepared))

    @property
    def names(self) -> Sequence[str]:
        """The names of the arrays, in order."""
        return tuple(given(self.inputs, self.asking.case.quantity))

    def __call__(self) -> Native:
        """Make the call and wait for it."""
        adapter = self.asking.adapter
        got = fenced(lambda: adapter.run(self.prepared))
        return answered(refusal.read(got, adapter, self.asking.case.op, self.inputs, self.asking.attempt))

    def answer(self, native: Native) -> Array:
        """Return what a call was asked for, of the right dtype and shape."""
        return self._read(native, self.asking.case.quantity)

    def value(self, native: Native) -> Array:
        """Return the value that came with a derivative."""
        return self._read(native[0], "value")

    def _read(self, native: Native, quantity: Quantity) -> Array:
        got: Array = answered(fenced(lambda: self.asking.adapter.answer(native, quantity)))
        return answered(fitting(got, quantity, self.inputs))

    def read(self, native: Sequence[Native]) -> list[Array]:
        """Copy native arrays to numpy."""
        return [self.asking.adapter.get(each) for each in native]

    def with_other(self, name: str, other: Call) -> Call:
        """Return the call with one array of another, and the very same others."""
        place = self.names.index(name)
        arrays = list(self.prepared.arrays)
        arrays[place] = other.prepared.arrays[place]
        inputs = replace(self.inputs, **{name: getattr(other.inputs, name)})
        return Call(self.asking, inputs, replace(self.prepared, arrays=tuple(arrays)))

    def fill(self, inputs: Inputs) -> Call:
        """Write other numbers into the arrays, and return the call as it now is. Raises NoAnswer where none can."""
        arrays = given(inputs, self.asking.case.quantity).values()
        for array, native in zip(arrays, self.prepared.arrays, strict=True):
            answered(fenced(partial(self.asking.adapter.fill, native, array)))
        return replace(self, inputs=inputs)
