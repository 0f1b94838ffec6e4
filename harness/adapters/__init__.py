"""What it takes to ask a framework: the Adapter, its catalogue of public functions, and how adapters are found.

One framework a file, imported at the top of that file and nowhere else, because a framework may be missing, slow to
import, or break the process that imports it. Finding adapters therefore looks at file names and imports nothing.
"""

from __future__ import annotations

import copy
import importlib
import importlib.metadata
import inspect
import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal, Self, TypeVar, final

from harness.adapters.accelerator import Accelerator
from harness.model import DTYPES, Array, Implementation, Inputs, Kind, Op, Quantity, Target
from harness.options import SHOWN

ENTRY_POINTS = "xentbench.adapters"
Native = Any  # a framework's own array
Function = Callable[..., Native]  # native arrays in, one native array out
Builder = Callable[..., Function]
# Beside the quantities that have goldens: the derivative along `Inputs.direction`, and the derivative of grad_logits.
Pass = Quantity | Literal["tangent", "curvature"]
Layout = Literal["plain", "transposed", "strided", "offset"]
LAYOUTS: tuple[Layout, ...] = ("transposed", "strided", "offset")  # views of the same numbers, none of them plain


class NotSupported(Exception):  # noqa: N818 - an answer, not an error
    """The framework does not offer what was asked; raised while building a function, never while tracing it."""


class NotInstalled(Exception):  # noqa: N818 - a state, not an error
    """The framework cannot be imported here."""


@dataclass(frozen=True)
class Offer:
    """An implementation with the builder of its function: op params in, function of native arrays out."""

    implementation: Implementation
    build: Builder
    identity: tuple[object, ...]  # equal for two spellings of one function, which then share what is compiled
    refuses: Mapping[Quantity, str]  # quantities the framework documents that it does not give, and why


@dataclass(frozen=True)
class Prepared:
    """A call that is ready to be made: its result is an array (value) or a tuple (value, derivative)."""

    function: Function
    arrays: tuple[Native, ...]

    def __call__(self) -> Native:
        """Make the call."""
        return self.function(*self.arrays)


@dataclass
class Catalogue:
    """The public functions of one framework, each under the name its users search for."""

    framework: str
    offers: dict[tuple[str, str], Offer] = field(default_factory=dict)

    def public(
        self, op: str, /, *functions: str, within: Mapping[str, object], **refuses: str
    ) -> Callable[[Builder], Builder]:
        """Register fused public functions: the builder's first argument is the function found under the dotted name.

        The name shown and the function called cannot drift apart, because one is looked up from the other in `within`
        (the adapter's globals). `refuses`: quantity="why the framework does not give it".
        """

        def register(build: Builder) -> Builder:
            for dotted in functions:
                root, *path = dotted.split(".")
                found = within[root]
                for attribute in path:
                    found = getattr(found, attribute)
                self._add(op, dotted, "fused", partial(build, found), (build, found), refuses)
            return build

        return register

    def form(self, op: str, name: str, kind: Kind, /, **refuses: str) -> Callable[[Builder], Builder]:
        """Register a composition that users write; `name` is that composition, as they write it."""

        def register(build: Builder) -> Builder:
            self._add(op, name, kind, build, (build,), refuses)
            return build

        return register

    def _add(
        self,
        op: str,
        name: str,
        kind: Kind,
        build: Builder,
        identity: tuple[object, ...],
        refuses: Mapping[str, str],
    ) -> None:
        if (op, name) in self.offers:
            raise ValueError(f"implementation {name!r} of {op!r} is registered twice, expected once; rename one")
        implementation = Implementation(self.framework, op, name, kind)
        self.offers[op, name] = Offer(implementation, build, identity, dict(refuses))  # type: ignore[arg-type]


class Adapter(ABC):
    """How to ask one framework. Abstract here, final in its file."""

    catalogue: Catalogue
    modes: tuple[str, ...]  # in the framework's own words, plainest first
    dtypes: tuple[str, ...] = DTYPES  # of the framework itself; a judged function is asked in others by name only

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
    def offering(self, catalogue: Catalogue) -> Self:
        """Return an adapter of the same framework with another catalogue."""
        other = copy.copy(self)
        other.catalogue, other._functions = catalogue, {}  # noqa: SLF001 - its own
        return other

    @final
    def offer(self, implementation: Implementation) -> Offer:
        """Find the offer behind an implementation."""
        return self.catalogue.offers[implementation.op, implementation.name]

    @final
    def takes(self, implementation: Implementation, op: Op) -> bool:
        """Tell whether an implementation has parameters for all options of an op, in whatever combination."""
        takes = inspect.signature(self.offer(implementation).build).parameters
        return all(name in SHOWN or name in takes for name in op.options)

    @final
    def implementations(self) -> tuple[Implementation, ...]:
        """Return every implementation, in the order of the file."""
        return tuple(offer.implementation for offer in self.catalogue.offers.values())

    @final
    def prepare(self, op: Op, quantity: Pass, inputs: Inputs, target: Target, layout: Layout = "plain") -> Prepared:
        """Return the call to score or time; its result is an array (value) or a tuple (value, derivative).

        All that comes before the framework's own work happens here: building, transfers, the choice of mode.
        Raises NotSupported where the framework does not offer this op, option, quantity or layout.
        """
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
        if quantity in {"tangent", "curvature"}:
            assert inputs.direction is not None
            given.append(inputs.direction)
        arrays = [self.put(array, mode=target.mode, device=target.device) for array in given]
        if layout != "plain":
            arrays = [self.view(array, layout) if like.ndim == 2 else array for array, like in zip(arrays, given)]  # noqa: B905
        return Prepared(function, tuple(arrays))

    def _build(self, offer: Offer, op: Op, quantity: Pass, mode: str) -> Function:
        takes = inspect.signature(offer.build)
        told = {name: value for name, value in op.options.items() if name not in SHOWN or name in takes.parameters}
        try:
            takes.bind(**told)
        except TypeError as error:
            raise NotSupported(f"{offer.implementation.name} does not offer {op}: {error}") from error
        function = offer.build(**told)
        match quantity:
            case "value":
                return self.forward(function, mode)
            case "tangent":
                return self.tangent(function, mode)
            case "curvature":
                return self.curvature(function, mode)
        return self.backward(function, mode, 0 if quantity == "grad_logits" else 1)

    @final
    def answer(self, native: Native, quantity: Pass) -> Array:
        """Return the array that a call of `prepare` was asked for."""
        return self.get(native if quantity == "value" else native[1])


# What a function that somebody wants judged is called with, by op; one loss, or one row of results, a row of logits.
SIGNATURES: Mapping[str, str] = {
    "softmax": "(logits, axis)",
    "log_softmax": "(logits, axis)",
    "logsumexp": "(logits, axis)",
    "sparse_xent": "(logits, labels)",
    "dense_xent": "(logits, labels)",
    "sigmoid": "(logits)",
    "log_sigmoid": "(logits)",
    "sigmoid_xent": "(logits, labels)",
}
IMPLEMENTED: list[tuple[str, str, Function]] = []  # (framework, op, function), in the order they were met
F = TypeVar("F", bound=Function)


def implements(op: str, framework: str) -> Callable[[F], F]:
    """Mark a plain function as an implementation of an op, for `xentbench judge`; it is returned as it is.

    It takes and returns the framework's own arrays, as SIGNATURES says; logits (rows, classes) and more axes where it
    takes an axis; labels are class indices for sparse_xent, else shaped like the logits. Gradients are the framework's.
    Raises ValueError for an op or a framework that is not known.
    """
    if op not in SIGNATURES:
        raise ValueError(f"op is {op!r}, expected one of {', '.join(f'{n}{s}' for n, s in SIGNATURES.items())}")
    if framework not in names():
        raise ValueError(f"framework is {framework!r}, expected one of {', '.join(names())}")

    def register(function: F) -> F:
        IMPLEMENTED.append((framework, op, function))
        return function

    return register


def names() -> tuple[str, ...]:
    """Return the names of all adapters, sorted; imports none. Each is a package beside this file, or an entry point."""
    own = [module.name for module in pkgutil.iter_modules(__path__) if module.ispkg]
    return tuple(sorted({*own, *(point.name for point in importlib.metadata.entry_points(group=ENTRY_POINTS))}))


def load(name: str) -> Adapter:
    """Import one adapter and make it.

    Raises ValueError for a name that no adapter has, NotInstalled where its framework cannot be imported.
    """
    if name not in names():
        raise ValueError(f"framework is {name!r}, expected one of {', '.join(names())}")
    points = {point.name: point.value for point in importlib.metadata.entry_points(group=ENTRY_POINTS)}
    try:
        module = importlib.import_module(points.get(name, f"{__name__}.{name}"))
    except ImportError as error:
        raise NotInstalled(f"{name} cannot be imported ({error}); try: pip install 'xentbench[{name}]'") from error
    adapter: Adapter = module.Adapter()
    return adapter
