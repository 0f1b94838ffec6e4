"""Candidates: rows that families draw, and what becomes of a row in one step of a search."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from harness.model import FORMATS, Array, Case, Inputs, Source
from harness.ops import OPS
from reference.bounds.heights import LONG
from suites.questions import cases, families

Rng = np.random.Generator
SMALL, LARGE = -8.0, 8.0  # log2 of what a family's logits are multiplied by


@dataclass(frozen=True)
class Drawn:
    """A family with its parameters. power: log2 of the size that its rows are multiplied by."""

    family: str
    power: float


def kinds(case: Case) -> tuple[str, ...]:
    """Return the families that rows of a case are drawn from: those of short rows."""
    of_op = cases.POINT_FAMILIES if OPS[case.op.name].elementwise else cases.ROW_FAMILIES
    return tuple(name for name, (_, classes) in of_op.items() if classes < LONG)


def parameters(case: Case, rng: Rng, best: Sequence[Drawn]) -> Drawn:
    """Choose a family's parameters anew, or near one that did well."""
    if best and rng.random() < 0.5:
        parent = best[int(rng.integers(len(best)))]
        return replace(parent, power=float(np.clip(parent.power + rng.standard_normal(), SMALL, LARGE)))
    names = kinds(case)
    return Drawn(names[int(rng.integers(len(names)))], float(rng.choice([0.0, rng.uniform(SMALL, LARGE)])))


def fresh(case: Case, rng: Rng, drawn: Drawn, rows: int) -> Inputs:
    """Draw rows; what overflows becomes the largest number."""
    source = str(Source("sweep", drawn.family, f"{2.0**drawn.power!r}"))
    with np.errstate(over="ignore"):
        some = cases.inputs(replace(case, family=source, rows=rows, seed=int(rng.integers(1 << 31))))
    return replace(some, logits=finite(some.logits, case.dtype))


def take(some: Inputs, which: Sequence[int] | Array) -> Inputs:
    """Return some of the rows."""
    index = np.asarray(which, np.intp)
    labels = None if some.labels is None else some.labels[index]
    return Inputs(some.logits[index], labels, some.upstream[index])


def joined(parts: Sequence[Inputs]) -> Inputs:
    """Put rows below one another."""
    labels = [part.labels for part in parts if part.labels is not None]
    logits, upstream = (np.concatenate(some) for some in zip(*((p.logits, p.upstream) for p in parts), strict=True))
    return Inputs(logits, np.concatenate(labels) if labels else None, upstream)


def places(x: Array) -> Array:
    """Return the places of numbers on their format's line, 0 at 0: neighbours differ by 1."""
    width = x.dtype.itemsize
    bits = x.view(f"i{width}").astype(np.int64)
    return np.where(bits < 0, -(bits & ((1 << (8 * width - 1)) - 1)), bits)


def at(place: Array, dtype: str) -> Array:
    """Return the numbers at places of a format's line."""
    like = families.to_dtype(np.zeros(1), dtype).dtype
    size = np.abs(place).astype(f"i{like.itemsize}").view(like)
    return np.where(place < 0, -size, size).astype(like)


def finite(x: Array, dtype: str) -> Array:
    """Return numbers with the largest one in place of what is beyond it."""
    form = FORMATS[dtype]
    most = ((form.emax - form.emin + 2) << (form.precision - 1)) - 1
    return at(np.clip(places(x), -most, most), dtype)


def child(case: Case, rng: Rng, parents: Inputs, fresh_rows: Inputs) -> Inputs:
    """Return one row that a step makes of some parents, or of one and of a row that was drawn."""
    count = len(parents.logits)
    one, other = (take(parents, [int(rng.integers(count))]) for _ in range(2))
    step = STEPS[int(rng.integers(len(STEPS)))]
    with np.errstate(over="ignore"):
        logits = step(one.logits, other.logits, rng, case)
    logits = finite(logits, case.dtype)
    given = take(fresh_rows, [int(rng.integers(len(fresh_rows.logits)))]) if rng.random() < 0.1 else one
    return Inputs(logits, given.labels, given.upstream)


Step = Callable[[Array, Array, Rng, Case], Array]


def coordinate(x: Array, _: Array, rng: Rng, case: Case) -> Array:
    """Move some logits by a power of two of ulps."""
    form = FORMATS[case.dtype]
    far = 1 << int(rng.integers(form.precision + 2))
    moved = rng.random(x.shape) < 1.5 / x.shape[1]
    moved[0, rng.integers(x.shape[1])] = True
    return at(places(x) + moved * rng.choice([-1, 1], x.shape) * far, case.dtype)


def level(x: Array, _: Array, rng: Rng, case: Case) -> Array:
    """Add a number to all logits."""
    return families.to_dtype(x.astype(np.float64) + rng.standard_normal() * 2.0 ** rng.integers(-6, 7), case.dtype)


def size(x: Array, _: Array, rng: Rng, case: Case) -> Array:
    """Multiply all logits by a number near 1."""
    return families.to_dtype(x.astype(np.float64) * 2.0 ** (0.3 * rng.standard_normal()), case.dtype)


def beside(x: Array, _: Array, rng: Rng, case: Case) -> Array:
    """Put a logit some ulps beside another one."""
    to, of_ = rng.integers(x.shape[1], size=2)
    place = places(x)
    place[0, to] = place[0, of_] + int(rng.integers(-4, 5))
    return at(place, case.dtype)


def crossed(x: Array, other: Array, rng: Rng, case: Case) -> Array:  # noqa: ARG001 - as the others
    """Take some logits from another row."""
    return np.where(rng.random(x.shape) < 0.5, x, other)


STEPS: tuple[Step, ...] = (coordinate, coordinate, coordinate, level, size, beside, crossed)
