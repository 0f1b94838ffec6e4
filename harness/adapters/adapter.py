"""How to ask one framework: its arrays, modes and devices, and the one way from a question to its answer."""

from __future__ import annotations

import copy
import inspect
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import ClassVar, Literal, Self, final

from harness.adapters.accelerator import Accelerator
from harness.adapters.catalogue import Catalogue, Function, Native, Offer
from harness.adapters.fence import NotSupported, fenced
from harness.model import DTYPES, Array, Compiles, Failed, Implementation, Inputs, Op, Quantity, Target, Unsupported
from harness.options import SHOWN

# Beside the quantities that have goldens: the derivative along `Inputs.direction`, the derivative of grad_logits, and
# that of its product with the direction with respect to the labels.
Pass = Quantity | Literal["tangent", "curvature", "mixed"]
Layout = Literal["plain", "transposed", "strided", "offset"]
LAYOUTS: tuple[Layout, ...] = ("transposed", "strided", "offset")  # views of the same numbers, none of them plain


@dataclass(frozen=True)
class Prepared:
    """A call that is ready to be made: its result is an array (value) or a tuple (value, derivative)."""

    function: Function
    arrays: tuple[Native, ...]

    def __call__(self) -> Native:
        """Make the call."""
        return self.function(*self.arrays)


class Adapter(ABC):
    """How to ask one framework. Abstract here, final in its file."""

    catalogue: Catalogue
    modes: tuple[str, ...]  # in the framework's own words, plainest first
    compiling: ClassVar[Mapping[str, Compiles]] = {}  # of modes that compile: a preset asks less of those
    dtypes: tuple[str, ...] = DTYPES  # of the framework itself; a judged function is asked in others by name only
    by_name: frozenset[str] = frozenset()  # modes in which a judged function is asked where they are named alone
    with_cuda: str = ""  # what pip installs for a build that sees GPUs
    fatal_labels: bool = False  # a class index that is not there ends a process's use of its GPU
    judged: bool = False  # the functions are somebody's own, and not the framework's

    def __init__(self) -> None:
        """Start with no function compiled."""
        self._functions: dict[tuple[object, ...], Function] = {}

    @abstractmethod
    def devices(self) -> tuple[str, ...]:
        """Devices found here: `cpu`, `cuda:0`, ..."""

    @abstractmethod
    def environment(self, device: str) -> dict[str, str]:
        """What this framework's answers depend on: versions, instruction set, threads, flags, device name."""

    @abstractmethod
    def put(self, array: Array, *, mode: str, device: str) -> Native:
        """Copy a numpy array (bfloat16 from ml_dtypes) to the device, bit for bit, in the form `mode` takes."""

    @abstractmethod
    def get(self, native: Native) -> Array:
        """Copy a native array to numpy in its own dtype, bit for bit."""

    @abstractmethod
    def wait(self, native: Native) -> None:
        """Return once `native` (an array, or a tuple of arrays) is computed: a call may only have started it."""

    @abstractmethod
    def forward(self, function: Function, mode: str) -> Function:
        """Return `function` as `mode` runs it."""

    @abstractmethod
    def backward(self, function: Function, mode: str, argument: int) -> Function:
        """Return (*arrays, upstream) -> (value, gradient with respect to arrays[argument]), as `mode` runs it."""

    def tangent(self, function: Function, mode: str) -> Function:  # noqa: ARG002
        """Return (*arrays, direction) -> (value, its derivative along a direction of arrays[0]), forward mode."""
        raise NotSupported(f"{self.catalogue.framework} has no forward-mode differentiation")

    def curvature(self, function: Function, mode: str) -> Function:  # noqa: ARG002
        """Return (*arrays, upstream, direction) -> (gradient, its derivative along a direction), both of arrays[0]."""
        raise NotSupported(f"{self.catalogue.framework} has no second derivatives")

    def mixed(self, function: Function, mode: str) -> Function:  # noqa: ARG002
        """As `curvature`, but the derivative is that with respect to arrays[1], the labels."""
        raise NotSupported(f"{self.catalogue.framework} has no mixed second derivatives")

    def view(self, native: Native, layout: Layout) -> Native:  # noqa: ARG002
        """Return a 2-D array's numbers in another memory layout: a view that is not contiguous, or starts off."""
        raise NotSupported(f"{self.catalogue.framework} arrays have no memory layout of the user's choosing")

    def fill(self, native: Native, array: Array) -> None:  # noqa: ARG002
        """Write a numpy array's numbers into a native array of its shape and dtype, in place."""
        raise NotSupported(f"{self.catalogue.framework} arrays cannot be changed")

    def threads(self, count: int) -> AbstractContextManager[None]:  # noqa: ARG002
        """Return a context in which the framework computes with so many threads."""
        raise NotSupported(f"{self.catalogue.framework} fixes its threads when the process starts")

    def accelerator(self, device: str) -> Accelerator:
        """Return what the framework offers of a device other than the cpu, to time it and to read its memory."""
        raise NotSupported(f"{self.catalogue.framework} offers nothing of {device} to time it by")

    @final
    @property
    def plainest(self) -> str:
        """The mode that others are held against."""
        return self.modes[0]

    @final
    def compiles(self, mode: str) -> Compiles:
        """Return what a mode makes anew for every function, shape and dtype."""
        return self.compiling.get(mode, "nothing")

    @final
    def offering(self, catalogue: Catalogue) -> Self:
        """Return an adapter of the same framework with another catalogue."""
        other = copy.copy(self)
        other.catalogue, other._functions = catalogue, {}  # noqa: SLF001 - its own
        return other

    @final
    def judging(self, catalogue: Catalogue, *, every_mode: bool) -> Self:
        """Return an adapter of the same framework with somebody's own functions, and without modes asked by name."""
        other = self.offering(catalogue)
        other.modes = tuple(mode for mode in self.modes if every_mode or mode not in self.by_name)
        other.judged = True
        return other

    @final
    def offer(self, implementation: Implementation) -> Offer:
        """Find the offer behind an implementation."""
        return self.catalogue.offers[implementation.op, implementation.name]

    @final
    def takes(self, implementation: Implementation, op: Op) -> bool:
        """Tell whether an implementation has parameters for all options of an op, in whatever combination."""
        takes = self.parameters(implementation)
        return all(name in SHOWN or name in takes for name in op.options)

    @final
    def parameters(self, implementation: Implementation) -> frozenset[str]:
        """Return what an implementation may be built with: options, and parameters of its own that are none."""
        return frozenset(inspect.signature(self.offer(implementation).build).parameters)

    @final
    def implementations(self) -> tuple[Implementation, ...]:
        """Return every implementation, in the order of the file."""
        return tuple(offer.implementation for offer in self.catalogue.offers.values())

    @final
    def ask(
        self,
        op: Op,
        quantity: Pass,
        inputs: Inputs,
        target: Target,
        layout: Layout = "plain",
        *,
        fits: bool = True,
    ) -> Array | Unsupported | Failed:
        """Put a question and return its answer; what goes wrong in the framework comes back as an outcome.

        fits: an answer of another dtype or shape than the question's fails too; else any array is an answer.
        """

        def call() -> Array:
            return self.answer(self.run(self.prepare(op, quantity, inputs, target, layout)), quantity)

        got = fenced(call)
        return got if isinstance(got, Unsupported | Failed) or not fits else fitting(got, quantity, inputs)

    @final
    def prepare(self, op: Op, quantity: Pass, inputs: Inputs, target: Target, layout: Layout = "plain") -> Prepared:
        """Return the call to score or time; its result is an array (value) or a tuple (value, derivative).

        All that comes before the framework's own work happens here: building, transfers, the choice of mode.
        Raises NotSupported where the framework does not offer this op, option, quantity or layout, and ValueError for a
        mode that it has not.
        """
        if target.mode not in self.modes:
            raise ValueError(f"mode is {target.mode!r}, expected one of {', '.join(self.modes)}")
        offer = self.offer(target.implementation)
        if quantity in offer.refuses:
            raise NotSupported(offer.refuses[quantity])  # type: ignore[index]
        key = (offer.identity, op, quantity, target.mode)
        if key not in self._functions:
            self._functions[key] = self._build(offer, op, quantity, target.mode)
        function = self._functions[key]
        given = [inputs.logits] if inputs.labels is None else [inputs.logits, inputs.labels]
        if quantity not in {"value", "tangent"}:
            given.append(inputs.upstream)
        if quantity in {"tangent", "curvature", "mixed"}:
            assert inputs.direction is not None
            given.append(inputs.direction)
        arrays = [self.put(array, mode=target.mode, device=target.device) for array in given]
        if layout != "plain":
            arrays = [self.view(array, layout) if like.ndim == 2 else array for array, like in zip(arrays, given)]  # noqa: B905
        return Prepared(function, tuple(arrays))

    def _build(self, offer: Offer, op: Op, quantity: Pass, mode: str) -> Function:
        takes = inspect.signature(offer.build)
        options = {name: value for name, value in op.options.items() if name not in SHOWN or name in takes.parameters}
        try:
            takes.bind(**options)
        except TypeError as error:
            raise NotSupported(f"{offer.implementation.name} does not offer {op}: {error}") from error
        function = offer.build(**options)
        match quantity:
            case "value":
                return self.forward(function, mode)
            case "tangent":
                return self.tangent(function, mode)
            case "curvature":
                return self.curvature(function, mode)
            case "mixed":
                return self.mixed(function, mode)
        return self.backward(function, mode, 0 if quantity == "grad_logits" else 1)

    @final
    def run(self, prepared: Prepared) -> Native:
        """Make a call and wait for what it returns."""
        native = prepared()
        self.wait(native)
        return native

    @final
    def answer(self, native: Native, quantity: Pass) -> Array:
        """Return the array that a call of `prepare` was asked for."""
        return self.get(native if quantity == "value" else native[1])


def fitting(got: Array, quantity: Pass, inputs: Inputs) -> Array | Failed:
    """Return an answer of the question's dtype and shape, that of the logits or of the value; else what is wrong."""
    like = inputs.upstream if quantity in {"value", "tangent"} else inputs.logits
    if got.dtype.name != inputs.logits.dtype.name:
        return Failed("dtype", f"dtype is {got.dtype.name}, expected {inputs.logits.dtype.name}, as the logits'")
    if got.shape == () and like.ndim == 1:
        expected = f"expected one loss a row, shape {like.shape}; return it unreduced"
        return Failed("shape", f"returned a number, {expected}")
    if got.shape != like.shape:
        return Failed("shape", f"shape is {got.shape}, expected {like.shape}")
    return got
