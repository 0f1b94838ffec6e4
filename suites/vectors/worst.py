"""The rows on which frameworks did worst: inputs that no code can draw again, read from where they were found."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path

from harness.files.recall import existing
from harness.model import Case, Op, Quantity, Score, Worst
from harness.ops import OPS
from harness.store import Location
from reference.question import Question
from reference.vectors import File
from suites.questions.cases import POINT_FAMILIES, ROW_FAMILIES
from suites.vectors.choice import WORST, Chosen

MOST_CLASSES = 64  # of a worst row
LEAST_ULP = 1.0  # a row counts as a worst one where somebody is further off


def in_store(location: Location | Path) -> list[Chosen]:
    """Return the rows of a store's latest run on which a fused function was furthest off, one a question's kind."""
    furthest: dict[tuple[Op, Quantity, str, str], tuple[float, Case, Worst]] = {}
    with existing(location) as store:
        for result in store.results(store.run("latest").uid):
            case, outcome = result.case, result.outcome
            if result.target.implementation.kind != "fused" or not isinstance(outcome, Score):
                continue
            worst = outcome.worst
            drawn = case.family in {**ROW_FAMILIES, **POINT_FAMILIES} and case.op.options.get("reduction") != "mean"
            if worst is None or not drawn or case.classes > MOST_CLASSES:
                continue
            key = (case.op, case.quantity, case.dtype, case.family)
            size = math.inf if math.isnan(worst.ulp) else abs(worst.ulp)
            if size > LEAST_ULP and (key not in furthest or size > furthest[key][0]):
                furthest[key] = (size, case, worst)
    order = sorted(furthest, key=lambda key: (str(key[0]), *key[1:]))
    return [_chosen(*furthest[key][1:]) for key in order]


def _chosen(case: Case, worst: Worst) -> Chosen:
    """Turn a stored worst element into a question; of an elementwise op its point is all there is to ask."""
    read = [tuple(map(float.fromhex, text.split())) for text in (worst.logits, worst.upstream)]
    labels = tuple(
        (float if OPS[case.op.name].labels == "index" else float.fromhex)(part) for part in worst.label.split()
    )
    logits, upstream = read
    at: tuple[int, ...] | None = worst.index[1:] or None
    if OPS[case.op.name].elementwise:
        j = worst.index[1]
        logits, labels, upstream = (part[j : j + 1] for part in (logits, labels, upstream))
        at = None
    return Chosen(Question(case.op, case.quantity, case.dtype, logits, labels, upstream, at=at), case.family, WORST)


def in_files(files: Iterable[File]) -> list[Chosen]:
    """Return the worst rows that are in some files already."""
    return [
        Chosen(vector.question, vector.family, WORST)
        for file in files
        for vector in file.vectors
        if WORST[0] in vector.flags
    ]
