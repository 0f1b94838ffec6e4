"""How to ask one framework: its arrays, modes and devices, and the one way from a question to its answer."""

from __future__ import annotations

import copy
import inspect
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self, final

from harness.adapters.accelerator import Accelerator
from harness.adapters.calls import ARGUMENTS, CONTIGUOUS, Layout, Pass, Way, fitting, given
from harness.adapters.catalogue import Builder, Catalogue, Function, Native, Offer
from harness.adapters.fence import NotSupported, fenced
from harness.adapters.front import in_front
from harness.model import DTYPES, Array, Case, Compiles, Failed, Implementation, Inputs, Op, Target, Unsupported
from harness.options import IN_FRONT, SHOWN


@dataclass(frozen=True)
class Prepared:
    """A call that is ready to be made: its result is an array (value) or a tuple (value, derivative)."""

    function: Function
    arrays: tuple[Native, ...]

    def __call__(self) -> Native:
        """Make the call."""
        return self.function(*self.arrays)


def built(build: Builder, op: Op, name: str, front: frozenset[str] = frozenset()) -> Function:
    """Build the function of an op's options. Raises NotSupported where the builder has no parameter for one.

    front: options that are asked in front of the function where it has no parameter for them.
    """
    takes = inspect.signature(build)
    spared = {*SHOWN, *front}
    options = {key: value for key, value in op.options.items() if key in takes.parameters or key not in spared}
    try:
        takes.bind(**options)
    except TypeError as error:
        raise NotSupported(f"{name} does not offer {op}: {error}") from error
    return build(**options)


class Adapter(ABC):
    """How to ask one framework. Abstract here, final in its file."""

    catalogue: Catalogue
    modes: tuple[str, ...]  # in the framework's own words, plainest first
    compiling: ClassVar[Mapping[str, Compiles]] = {}  # of modes that compile: a preset asks less of those
    ways: ClassVar[Mapping[str, tuple[Way, ...]]] = {}  # that a mode has, beside the plain one
    layouts: tuple[Layout, ...] = ()  # that users of the framework can choose
    dtypes: tuple[str, ...] = DTYPES  # of the framework itself; a judged function is asked in others by name only
    eights: tuple[str, ...] = ()  # dtypes of 8 bits that its functions compute in
    by_name: frozenset[str] = frozenset()  # modes in which a judged function is asked where they are named alone
    compiler: ClassVar[tuple[str, str]] = ("", "")  # the package that compiles, and the files in it, by glob
    programs: ClassVar[str] = ""  # the files of kept programs, by glob
    trusts_programs: ClassVar[bool] = False  # a kept program that is damaged is an error, and not compiled anew
    with_cuda: str = ""  # what pip installs for a build that sees GPUs
    fatal_labels: bool = False  # a class index that is not there ends a process's use of its GPU
    judged: bool = False  # the functions are somebody's own, and not the framework's
    engine: ClassVar[bool] = False  # asked where it is named, and nothing that it says below it has not
    differentiates: bool = True  # gives gradients; a framework that does not is asked, and says so
    untimed: ClassVar[str] = ""  # why its calls are not timed, where their time would not be the function's
    source: Adapter | None = None  # of what an engine's functions are exported from, which they are held against
    checks: ClassVar[tuple[str, ...]] = ()  # of an engine, those that it is asked alone; none: all, and all else

    def __init__(self) -> None:
        """Start with no function compiled."""
        self._functions: dict[tuple[object, ...], Function] = {}

    @abstractmethod
    def devices(self) -> tuple[str, ...]:
        """Devices found here: `cpu`, `cuda:0`, ..."""

    @abstractmethod
    def environment(self, device: str) -> dict[str, str]:
        """What this framework's answers depend on: versions, instruction set, threads, flags, device name."""

    def compiles_by(self) -> dict[str, str]:
        """Return what its programs depend on, beside the machine and the compiler's files; asked before all else."""
        return self.environment("cpu")

    def keep_compiled(self, folder: Path) -> None:  # noqa: B027 - most frameworks keep nothing
        """Keep what is compiled from now on in a folder, and take from there what was, where the framework can."""

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

    def traced(self, function: Function, *arrays: Native) -> str:  # noqa: ARG002
        """Return a text of the operations of a function and of its gradient: equal texts, equal answers, bit for bit.

        The last array is the upstream.
        """
        raise NotSupported(f"{self.catalogue.framework} shows no trace of what a function does")

    def backward_by(self, way: Way, function: Function, mode: str, argument: int) -> Function:
        """Return what `backward` does, come to in one of `ways`."""
        raise NotImplementedError(f"{way} is one of {type(self).__module__}'s ways, expected a function that goes it")

    def view(self, native: Native, layout: Layout) -> Native:  # noqa: ARG002
        """Return an array's numbers in another memory layout: a view that is not contiguous, or starts off."""
        raise NotSupported(f"{self.catalogue.framework} arrays have no memory layout of the user's choosing")

    def fill(self, native: Native, array: Array) -> None:  # noqa: ARG002
        """Write a numpy array's numbers into a native array of its shape and dtype, in place."""
        raise NotSupported(f"{self.catalogue.framework} arrays cannot be changed")

    def threads(self, count: int) -> AbstractContextManager[None]:  # noqa: ARG002
        """Return a context in which the framework computes with so many threads."""
        raise NotSupported(f"{self.catalogue.framework} fixes its threads when the process starts")

    def lost(self, device: str) -> bool:  # noqa: ARG002
        """Tell whether this process can use a device no more, whatever is called: a kernel has left it broken."""
        return False

    def died(self) -> str:
        """Return how a process that answers for this one has ended since last asked: its question has crashed."""
        return ""

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
    def asked(self, case: Case) -> bool:
        """Tell whether a case is asked at all: of an engine, what it says that it has, where others say so aloud."""
        has = case.dtype in self.dtypes and (self.differentiates or case.quantity == "value")
        return not self.engine or (has and (not self.checks or case.check in self.checks))

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
        takes = self.parameters(implementation) | (IN_FRONT if self._promises(implementation) else set())
        return all(name in SHOWN or name in takes for name in op.options)

    def _promises(self, implementation: Implementation) -> bool:
        """Tell whether an implementation is a framework's own, and asked of what users put in front of it too."""
        return implementation.kind == "fused" and not self.judged

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
        layouts: Mapping[str, Layout] = CONTIGUOUS,
        *,
        fits: bool = True,
    ) -> Array | Unsupported | Failed:
        """Put a question and return its answer; what goes wrong in the framework comes back as an outcome.

        layouts: by the name of an array, as `Inputs` has it; the others are contiguous.
        fits: an answer of another dtype or shape than the question's fails too; else any array is an answer.
        """

        def call() -> Array:
            return self.answer(self.run(self.prepare(op, quantity, inputs, target, layouts)), quantity)

        got = fenced(call)
        return got if isinstance(got, Unsupported | Failed) or not fits else fitting(got, quantity, inputs)

    @final
    def prepare(
        self,
        op: Op,
        quantity: Pass,
        inputs: Inputs,
        target: Target,
        layouts: Mapping[str, Layout] = CONTIGUOUS,
        way: Way = "plain",
    ) -> Prepared:
        """Return the call to score or time; its result is an array (value) or a tuple (value, derivative).

        All that comes before the framework's own work happens here: building, transfers, the choice of mode.
        Raises NotSupported where the framework does not offer this op, option, quantity, layout or way, and ValueError
        for a mode that it has not.
        """
        if target.mode not in self.modes:
            raise ValueError(f"mode is {target.mode!r}, expected one of {', '.join(self.modes)}")
        offer = self.offer(target.implementation)
        offer.expect(quantity, inputs.logits.dtype.name)
        key = (offer.identity, op, quantity, target.mode, way)
        if key not in self._functions:
            self._functions[key] = self._build(offer, op, quantity, target.mode, way)
        arrays = []
        for name, array in given(inputs, quantity).items():
            native = self.put(array, mode=target.mode, device=target.device)
            arrays.append(self.view(native, layouts[name]) if name in layouts else native)
        return Prepared(self._functions[key], tuple(arrays))

    def _build(self, offer: Offer, op: Op, quantity: Pass, mode: str, way: Way) -> Function:
        front = IN_FRONT if self._promises(offer.implementation) else frozenset()
        function = built(offer.build, op, offer.implementation.name, front)
        before = {name: value for name, value in op.options.items() if name in front}
        function = in_front(function, self.catalogue.weights, before)
        match quantity:
            case "value":
                return self.forward(function, mode)
            case "tangent":
                return self.tangent(function, mode)
            case "curvature":
                return self.curvature(function, mode)
            case "mixed":
                return self.mixed(function, mode)
        argument = ARGUMENTS.get(quantity, 0)
        if way == "plain":
            return self.backward(function, mode, argument)
        if way not in self.ways.get(mode, ()):
            raise NotSupported(f"{self.catalogue.framework} has no way {way} in mode {mode}")
        return self.backward_by(way, function, mode, argument)

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
