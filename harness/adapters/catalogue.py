"""The public functions of a framework and the compositions of them, each with the builder of what is called."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from types import ModuleType
from typing import Any, cast

from harness.adapters.fence import NotSupported
from harness.forms.form import Form
from harness.model import DTYPES, Implementation, Kind, Param, Quantity

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
    only: frozenset[str] = frozenset()  # families and options that it is asked in; empty: in all, and in every check
    dtypes: tuple[str, ...] = ()  # that its documentation names; empty: all

    def expect(self, quantity: object, dtype: str) -> None:
        """Raise NotSupported for a quantity, or a dtype, that it is documented not to have."""
        if quantity in self.refuses:
            raise NotSupported(self.refuses[quantity])  # type: ignore[index]
        if self.dtypes and dtype not in self.dtypes:
            raise NotSupported(f"dtype is {dtype}, expected one of {', '.join(self.dtypes)}, as its documentation says")

    def takes(self, *names: str) -> bool:
        """Tell whether it is asked in a family, or with one of some options; with no name, in a check of any kind."""
        return not self.only or not self.only.isdisjoint(names)


@dataclass(frozen=True)
class Spelling:
    """A public function that is no row, because what it does is shown to be what a row does.

    like: the builder of that row, or of a row's function behind an exact step, such as a negation. shown: the row.
    options: those that both are shown to be the same with, beside none; of each, a value. plain: without any too.
    dtypes: in which; an answer in others is not asked.
    """

    op: str
    name: str
    found: object
    build: Builder
    like: Builder
    shown: str
    options: Mapping[str, Param]
    plain: bool = True
    dtypes: tuple[str, ...] = DTYPES


def made_first(kind: Any) -> Function:
    """Return a function that makes an object of its options, and calls it with the arrays, as modules are used."""
    return lambda *arrays, **options: kind(**options)(*arrays)


def last_axis(axis: int, rank: int) -> None:
    """Refuse another axis of the classes than the last."""
    if axis not in {-1, rank - 1}:
        raise NotSupported(f"axis is {axis} of {rank}, expected the last; it has no axis, or takes -1 alone")


@dataclass
class Catalogue:
    """The public functions of one framework, each under the name its users search for.

    within: the modules that names are looked up in, as their users import them. total, mean: how users reduce losses.
    forms: the compositions that users write. weights: (array, pattern, axis) -> a pattern's numbers along that axis.
    spellings: functions that do what a row does under another name, by op and name.
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
    spellings: dict[tuple[str, str], Spelling] = field(default_factory=dict)
    file: str = ""
    notes: dict[str, str] = field(default_factory=dict)

    def public(
        self, op: str, /, *functions: str, only: Sequence[str] = (), **refuses: str
    ) -> Callable[[Builder], Builder]:
        """Register fused public functions: the builder's first argument is the function found under the dotted name.

        The name shown and the function called cannot drift apart, because one is looked up from the other.
        `only`: families and options that it is asked in, where another row does the same in others.
        `refuses`: quantity="why the framework does not give it".
        """

        def register(build: Builder) -> Builder:
            for dotted in functions:
                found = self.found(dotted)
                self._add(op, dotted, "fused", partial(build, found), (build, found), refuses, frozenset(only))
            return build

        return register

    @property
    def imports(self) -> tuple[str, ...]:
        """The lines that import the modules which names are looked up in, as users write them."""
        modules = {root: found.__name__ for root, found in self.within.items() if isinstance(found, ModuleType)}
        return tuple(f"import {name}" + (f" as {root}" if root != name else "") for root, name in modules.items())

    def found(self, dotted: str) -> Any:
        """Look a public function up."""
        root, *path = dotted.split(".")
        found = self.within[root]
        for attribute in path:
            found = getattr(found, attribute)
        return found

    def spelled(
        self,
        op: str,
        row: str,
        /,
        *functions: str,
        build: Builder | None = None,
        like: Builder | None = None,
        shown: str = "",
        plain: bool = True,
        dtypes: tuple[str, ...] = DTYPES,
        **options: Param,
    ) -> None:
        """Register public functions that do what a row does, with no options and with each of these.

        A class is made with the options, and its object called.
        build: what calls the function, where it is not called as the row's is.
        like, shown: what it is the same as and how that reads, where that is the row behind an exact step.
        """
        offer = self.offers[op, row]
        for dotted in functions:
            found = self.found(dotted)
            called = made_first(found) if isinstance(found, type) else found
            own: Builder = partial(build or cast("Builder", offer.identity[0]), called)
            self.spellings[op, dotted] = Spelling(
                op, dotted, found, own, like or offer.build, shown or row, options, plain, dtypes
            )

    def form(
        self,
        op: str,
        name: str,
        kind: Kind,
        /,
        only: Sequence[str] = (),
        dtypes: Sequence[str] = (),
        **refuses: str,
    ) -> Callable[[Builder], Builder]:
        """Register a composition that users write; `name` is that composition, as they write it; `only` as `public`.

        dtypes: those that it takes, where its documentation leaves some out.
        """

        def register(build: Builder) -> Builder:
            self._add(op, name, kind, build, (build,), refuses, frozenset(only), tuple(dtypes))
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
                self.form(form.op, form.name, form.kind, form.only, form.dtypes, **form.refuses)(build)

    def _has(self, needed: str) -> bool:
        """Tell whether the framework here has a name, or takes a call."""
        try:
            return eval(needed, dict(self.within)) is not None  # noqa: S307 - our own rows
        except (AttributeError, NameError, TypeError, ValueError):
            return False

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
        only: frozenset[str] = frozenset(),
        dtypes: tuple[str, ...] = (),
    ) -> None:
        if (op, name) in self.offers:
            raise ValueError(f"implementation {name!r} of {op!r} is registered twice, expected once; rename one")
        implementation = Implementation(self.framework, op, name, kind)
        self.offers[op, name] = Offer(implementation, build, identity, dict(refuses), only, dtypes)  # type: ignore[arg-type]


def _missing(reason: str, /, **_options: Param) -> Function:
    """Refuse what the framework's release does not have."""
    raise NotSupported(reason)
