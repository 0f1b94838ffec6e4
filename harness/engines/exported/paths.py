"""A framework's functions on their way to somewhere else: what is exported is asked what its source is asked."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import replace
from typing import ClassVar

from harness import adapters
from harness.adapters import Catalogue, Function, Native, NotSupported, Offer
from harness.model import Array

COMPATIBILITY = ".compat."
Exporter = Callable[[Function, tuple[Native, ...], str], Function]
HELD = "invariance.path"  # the check that holds what was exported against its source


def exported(source: Catalogue, engine: str, path: str) -> Catalogue:
    """Return the catalogue of a path: a framework's functions, each under its name in the path's parentheses.

    Spellings for compatibility are left out: they are the same functions, or are deprecated.
    """
    made = Catalogue(engine, dict(source.within), source.total, source.mean, source.forms, source.weights)
    for (op, name), offer in source.offers.items():
        if COMPATIBILITY in name:
            continue
        shown = f"{path}({name})"
        implementation = replace(offer.implementation, framework=engine, name=shown)
        made.offers[op, shown] = Offer(implementation, offer.build, offer.identity, offer.refuses, offer.only)
    return made


class Path(adapters.Adapter):
    """A way out of a framework, on the cpu; a mode is a way. Its gradients are asked where `differentiates` says so."""

    dtypes: tuple[str, ...] = ("float32",)
    engine: ClassVar = True
    differentiates = False
    source: adapters.Adapter

    @abstractmethod
    def export(self, function: Function, arrays: tuple[Native, ...], mode: str) -> Function:
        """Return what was exported of a function, for arrays of these dtypes and shapes.

        Raises NotSupported where the exporter refuses.
        """

    def devices(self) -> tuple[str, ...]:
        """Return the cpu."""
        return ("cpu",)

    def environment(self, device: str) -> dict[str, str]:
        """Return what the source's answers depend on."""
        return self.source.environment(device)

    def put(self, array: Array, *, mode: str, device: str) -> Native:  # noqa: ARG002 - as the base class says
        """Copy an array as the source does, in its plainest mode."""
        return self.source.put(array, mode=self.source.plainest, device=device)

    def get(self, native: Native) -> Array:
        """Copy an array as the source does."""
        return self.source.get(native)

    def wait(self, native: Native) -> None:
        """Wait as the source does."""
        self.source.wait(native)

    def forward(self, function: Function, mode: str) -> Function:
        """Return a function that is exported for each dtype and shape that it meets."""
        exported = self._each(self.export, function, mode)
        return lambda *arrays: exported(arrays)(*arrays)

    def backward(self, function: Function, mode: str, argument: int) -> Function:
        """Differentiate what was exported; a path for inference refuses."""
        if not self.differentiates:
            raise NotSupported(f"gradients of {self.catalogue.framework} are not asked")
        exported = self._each(self.export_with_gradient, function, mode)
        return lambda *given: self.differentiated(exported(given[:-1]), mode, argument)(*given)

    def export_with_gradient(self, function: Function, arrays: tuple[Native, ...], mode: str) -> Function:
        """Return what was exported of a function with its gradient, as `export` does."""
        return self.export(function, arrays, mode)

    def differentiated(self, exported: Function, mode: str, argument: int) -> Function:  # noqa: ARG002
        """Return what gives value and gradient of what was exported: as the source does, in its plainest mode."""
        return self.source.backward(exported, self.source.plainest, argument)

    @staticmethod
    def _each(export: Exporter, function: Function, mode: str) -> Callable[[tuple[Native, ...]], Function]:
        """Return what exports once for each dtype and shape, also what fails: each call raises that error then."""
        programs: dict[tuple[tuple[str, tuple[int, ...]], ...], Function] = {}

        def exported(arrays: tuple[Native, ...]) -> Function:
            key = tuple((str(array.dtype), tuple(array.shape)) for array in arrays)
            if key not in programs:
                try:
                    programs[key] = export(function, arrays, mode)
                except Exception as failure:  # noqa: BLE001 - whatever an exporter raises is raised by the call
                    programs[key] = failing(failure)
            return programs[key]

        return exported


def failing(error: Exception) -> Function:
    """Return a function that raises an error."""

    def fail(*_arrays: Native) -> Native:
        raise error

    return fail
