"""Which options a function that somebody wants judged has parameters for, and how it is called with them."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from harness.adapters.catalogue import Function, Native
from harness.adapters.fence import NotSupported
from harness.adapters.frameworks import load
from harness.model import Param
from harness.ops import OPS

# The names of an option's parameter, as users' functions have them; each means what `harness.options` says.
SPELLINGS: Mapping[str, tuple[str, ...]] = {
    "axis": ("axis", "dim"),
    "reduction": ("reduction",),
    "class_weight": ("weight", "class_weight", "class_weights"),
    "ignore_index": ("ignore_index",),
    "label_smoothing": ("label_smoothing", "smoothing"),
    "softcap": ("softcap", "soft_cap", "logit_softcap", "logits_soft_cap"),
    "z_loss": ("z_loss", "z_loss_weight", "lse_square_scale"),
    "pos_weight": ("pos_weight",),
    "bias": ("bias", "linear_bias"),
}
OF_LOSSES = ("reduction", "class_weight", "label_smoothing")
OF_ROWS = ("axis", "softcap", "z_loss")  # of losses that have a row's logsumexp
OF_LABELS: Mapping[str, tuple[str, ...]] = {  # options that an op can have, by its labels
    "none": ("axis",),
    "index": (*OF_ROWS, *OF_LOSSES, "ignore_index"),
    "row": (*OF_ROWS, *OF_LOSSES),
}
NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


@dataclass(frozen=True)
class Parameters:
    """A function's parameters beside logits and labels.

    spelled: option -> the parameter's name; an axis that is the second argument has none. unknown: parameters that are
    no option, which stay at their defaults.
    """

    op: str
    function: Function
    spelled: Mapping[str, str]
    unknown: tuple[str, ...]

    @classmethod
    def of(cls, op: str, function: Function) -> Self:
        """Read a function's signature; one that has none is believed to take an axis where its op has one."""
        try:
            signature = inspect.signature(function)
        except ValueError:
            return cls(op, function, {"axis": ""} if OPS[op].takes_axis else {}, ())
        spelled: dict[str, str] = {}
        taken = len(OPS[op].arrays)
        if OPS[op].takes_axis and _binds(signature):
            spelled["axis"], taken = "", 2
        rest = list(signature.parameters.values())[taken:]
        names = [one.name for one in rest if one.kind in NAMED and one.default is not one.empty]
        for option in _options(op):
            found = [name for name in SPELLINGS[option] if name in names]
            if found and option not in spelled:
                spelled[option] = found[0]
        return cls(op, function, spelled, tuple(name for name in names if name not in spelled.values()))

    @property
    def signature(self) -> inspect.Signature:
        """The signature of a builder: options and unknown parameters, by name."""
        kind = inspect.Parameter.KEYWORD_ONLY
        names = (*self.spelled, *self.unknown)
        return inspect.Signature([inspect.Parameter(name, kind, default=None) for name in names])

    def bound(self, asked: Mapping[str, Param], framework: str) -> Function:
        """Return the function of arrays with these options; losses are not reduced unless that is asked.

        Raises NotSupported for a parameter that is no option, and for a mean over something else than its options say.
        """
        if unknown := [name for name in self.unknown if name in asked]:
            raise NotSupported(f"not judged: {unknown[0]}: no option has this name, so it stays at its default")
        plain: dict[str, Param] = {}
        patterns: dict[str, str] = {}
        for option, value in (({"reduction": "none"} if "reduction" in self.spelled else {}) | dict(asked)).items():
            if option == "reduction":
                plain[self.spelled[option]] = self._reduction(str(value), asked)
            elif option in {"class_weight", "pos_weight"}:
                patterns[self.spelled[option]] = str(value)
            elif self.spelled[option] and option != "bias":  # which is an array of the call
                plain[self.spelled[option]] = value
        own = _biased(self.function, self.spelled["bias"]) if asked.get("bias") else self.function
        function: Function = (lambda *arrays: own(*arrays, **plain)) if plain else own
        if "axis" in self.spelled and not self.spelled["axis"]:
            axis = asked.get("axis", -1)
            return lambda logits: function(logits, axis)
        if not patterns:
            return function
        weights = load(framework).catalogue.weights
        if weights is None:
            raise NotSupported(f"{framework} has no weights by class here")

        linear = OPS[self.op].linear  # whose weight has the classes first

        def weighed(*arrays: Native) -> Native:
            like, axis = (arrays[1], 0) if linear else (arrays[0], -1)
            given = {name: weights(like, pattern, axis) for name, pattern in patterns.items()}
            return own(*arrays, **plain, **given)

        return weighed

    def _reduction(self, reduction: str, asked: Mapping[str, Param]) -> str:
        """Return the function's own word; the mean of class indices is over the weights of those that count."""
        mean = "mean"
        if OPS[self.op].labels == "index":
            mean = "mean_classweight" if "class_weight" in asked else "mean_valid" if "ignore_index" in asked else mean
        known = {"none": "none", "sum": "sum", mean: "mean"}
        if reduction not in known:
            raise NotSupported(f"reduction is {reduction!r}, expected one of 'none', 'sum', {mean!r}")
        return known[reduction]


def _biased(function: Function, name: str) -> Function:
    """Return a function that takes its bias, the last array, by its parameter's name."""
    return lambda *arrays, **options: function(*arrays[:-1], **{name: arrays[-1]}, **options)


def _binds(signature: inspect.Signature) -> bool:
    """Tell whether a second positional argument is taken."""
    try:
        signature.bind(None, -1)
    except TypeError:
        return False
    return True


def _options(op: str) -> tuple[str, ...]:
    labels = OPS[op].labels
    if OPS[op].linear:
        return ("bias", *(name for name in OF_LABELS[labels] if name != "axis"))
    if not OPS[op].elementwise:
        return OF_LABELS[labels]
    return () if labels == "none" else (*OF_LOSSES, "pos_weight")
