"""The public functions of a framework and the compositions of them, each with the builder of what is called."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from harness.adapters.fence import NotSupported
from harness.forms.form import Form
from harness.model import Implementation, Kind, Param, Quantity

Native = Any  # a framework's own array
Function = Callable[..., Native]  # native arrays in, one native array out
Builder = Callable[..., Function]


@dataclass(frozen=True)
class Offer:
    """An implementation with the builder of its function: op params in, function of native arrays out."""

    implementation: Implementation
    build: Builder
    identity: tuple[object, ...]  # equal for two spellings of one function, which then share what is compiled
    refuses: Mapping[Quantity, str]  # quantities the framework documents that it does not give, and why


def last_axis(axis: int, rank: int) -> None:
    """Refuse another axis of the classes than the last."""
    if axis not in {-1, rank - 1}:
        raise NotSupported(f"axis is {axis} of {rank}, expected the last; it has no axis, or takes -1 alone")


@dataclass
class Catalogue:
    """The public functions of one framework, each under the name its users search for.

    within: the modules that names are looked up in, as their users import them. total, mean: how users reduce losses.
    forms: the compositions that users write. weights: (array, pattern, axis) -> a pattern's numbers along that axis.
    file: what somebody's own functions were read from. notes: what was done about how these are written, a line a
    function.
    """

    framework: str
    within: dict[str, object] = field(default_factory=dict)
    total: Function | None = None
    mean: Function | None = None
    forms: Sequence[Form] = ()
    weights: Function | None = None
    offers: dict[tuple[str, str], Offer] = field(default_factory=dict)
    file: str = ""
    notes: dict[str, str] = field(default_factory=dict)

    def public(self, op: str, /, *functions: str, **refuses: str) -> Callable[[Builder], Builder]:
        """Register fused public functions: the builder's first argument is the function found under the dotted name.

        The name shown and the function called cannot drift apart, because one is looked up from the other.
        `refuses`: quantity="why the framework does not give it".
        """

        def register(build: Builder) -> Builder:
            for dotted in functions:
                root, *path = dotted.split(".")
                found = self.within[root]
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

    def compose(self, *ops: str) -> None:
        """Register the compositions of some ops, or all."""
        names = {**self.within, "reduced": self.reduced, "last_axis": last_axis}
        for form in self.forms:
            if not ops or form.op in ops:
                build = eval(form.builder, dict(names))  # noqa: S307 - our own rows: what runs is what reports print
                if form.needs and not self._has(form.needs):
                    build = partial(_missing, f"{self.framework} here has no {form.needs}, expected a release that has")
                self.form(form.op, form.name, form.kind, **form.refuses)(build)

    def _has(self, dotted: str) -> bool:
        """Tell whether the framework here has a name."""
        root, *path = dotted.split(".")
        found: object | None = self.within.get(root)
        for attribute in path:
            found = getattr(found, attribute, None)
        return found is not None

    def reduced(self, losses: Function, reduction: str) -> Function:
        """Return the losses themselves, or their sum or mean as users take it: behind a function without the option."""
        if reduction == "none":
            return losses
        known = {"sum": self.total, "mean": self.mean}
        reduce = known.get(reduction)
        if reduce is None:
            raise NotSupported(f"reduction is {reduction!r}, expected one of 'none', 'sum', 'mean'")
        return lambda *arrays: reduce(losses(*arrays))

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


def _missing(reason: str, /, **_options: Param) -> Function:
    """Refuse what the framework's release does not have."""
    raise NotSupported(reason)
