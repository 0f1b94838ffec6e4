"""A program's functions as an adapter has them: its arrays are numpy's, its gradients its own."""

from __future__ import annotations

import inspect
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from harness import adapters
from harness.adapters import Builder, Catalogue, Function, NotSupported
from harness.adapters.numpy import weights
from harness.engines.processes.frames import VERSION, Broken
from harness.engines.processes.offer import QUANTITIES, Offer, Offered
from harness.engines.processes.running import UNTIMED, Running
from harness.model import Array, Param
from harness.ops import OPS


@dataclass(frozen=True)
class Call:
    """One function with its options, called with numpy arrays in the mode that was set last."""

    running: Running
    offered: Offered
    options: Mapping[str, Param]

    def __call__(self, *arrays: Array) -> Array:
        """Return the value."""
        return self.asked("value", arrays)[0]

    def asked(self, quantity: str, arrays: Sequence[Array]) -> tuple[Array, Array | None]:
        """Return the array that was asked for, and the value that came with a gradient, where one did.

        Raises NotSupported for a dtype that is not offered, Broken for an answer without the array.
        """
        offered = self.offered
        if (dtype := arrays[0].dtype.name) not in offered.dtypes:
            raise NotSupported(f"{offered.name} takes {', '.join(offered.dtypes)}, not {dtype}")
        lines = [("function", f"{offered.op} {offered.name}"), ("mode", self.running.mode), ("quantity", quantity)]
        lines += [("option", f"{name} {value}") for name, value in self.options.items()]
        given, upstream = (arrays, ()) if quantity == "value" else (arrays[:-1], arrays[-1:])
        named = zip((*OPS[offered.op].arrays, "bias"), given, strict=False)
        got = self.running.ask(lines, dict([*named, *(("upstream", each) for each in upstream)]))
        wanted = "value" if quantity == "value" else "gradient"
        if wanted not in got:
            raise Broken(f"an answer has the arrays {', '.join(got) or 'none'}, expected one named {wanted}")
        return got[wanted], got.get("value")


def builder(running: Running, offered: Offered) -> Builder:
    """Return the builder of a function: its parameters are the options that it offers."""

    def build(**options: Param) -> Function:
        return Call(running, offered, options)

    kind = inspect.Parameter.KEYWORD_ONLY
    parameters = [inspect.Parameter(name, kind, default=None) for name in offered.options]
    build.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # where an adapter looks
    return build


def catalogue_of(name: str, running: Running, offer: Offer) -> Catalogue:
    """Return the functions of an offer."""
    catalogue = Catalogue(name, weights=weights)
    for one in offer.functions:
        refuses = {each: f"{one.name} offers no {each}" for each in QUANTITIES if each not in one.quantities}
        catalogue.form(one.op, one.name, one.kind, **refuses)(builder(running, one))
    return catalogue


class Adapter(adapters.Adapter):
    """A program that speaks the process protocol; it is started, and asked what it offers, when this is made."""

    engine = True
    untimed = UNTIMED

    def __init__(self, name: str, *command: str) -> None:
        """Start a program and ask what it offers. Raises NotInstalled where it cannot be had."""
        super().__init__()
        self.running = Running(command)
        offer = self.running.offer
        self.modes = offer.modes
        self.dtypes = tuple(dict.fromkeys(dtype for one in offer.functions for dtype in one.dtypes))
        self.differentiates = any(one.quantities != ("value",) for one in offer.functions)
        self.catalogue = catalogue_of(name, self.running, offer)

    def devices(self) -> tuple[str, ...]:
        """Return the cpu: where a program computes else, it says so in a mode."""
        return ("cpu",)

    def environment(self, device: str) -> dict[str, str]:  # noqa: ARG002
        """Return what the program says that its answers depend on, and how it is started."""
        return {**self.running.offer.facts, "program": shlex.join(self.running.command), "protocol": str(VERSION)}

    def died(self) -> str:
        """Return how the program has ended since this was asked last."""
        return self.running.death()

    def put(self, array: Array, *, mode: str, device: str) -> Array:  # noqa: ARG002
        """Copy."""
        return np.array(array, order="C")

    def get(self, native: Array | None) -> Array:
        """Copy. Raises NotSupported for the value beside a gradient, where the program gives none."""
        if native is None:
            raise NotSupported("the program gives no value beside a gradient")
        return np.array(native)

    def wait(self, native: Array) -> None:
        """Return at once: an answer that is read is computed."""

    def forward(self, function: Function, mode: str) -> Function:
        """Return the function in a mode, which holds for what stands in front of it too."""

        def run(*arrays: Array) -> Array:
            self.running.mode = mode
            answer: Array = function(*arrays)
            return answer

        return run

    def backward(self, function: Function, mode: str, argument: int) -> Function:
        """Ask for a gradient. Raises NotSupported behind something that the program has no part in."""
        if not isinstance(function, Call):
            raise NotSupported("the program differentiates its own functions alone, and nothing in front of them")
        record = OPS[function.offered.op]
        of_what = "logits" if argument == 0 and not record.linear else (*record.arrays, "bias")[argument]

        def run(*arrays: Array) -> tuple[Array | None, Array]:
            self.running.mode = mode
            gradient, value = function.asked(f"grad_{of_what}", arrays)
            return value, gradient

        return run

    def fill(self, native: Array, array: Array) -> None:
        """Write in place."""
        native[...] = array
