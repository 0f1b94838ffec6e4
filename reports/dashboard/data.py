"""The dashboard's data block: every series in columns, gzip in base64; static/dashboard.js reads it.

An accuracy needs no more than its changes: between them it stays what it was. The times of a series are a text of whole
numbers, apart by commas, one for each run that its machine timed anything in: the logarithm of the time in steps of a
quarter of a percent, as the difference from the last one; empty where the run did not ask.
"""

from __future__ import annotations

import math
from dataclasses import astuple
from statistics import median
from typing import TYPE_CHECKING, Any

from reports import numbers
from reports.block import Words, shape
from reports.dashboard.events import changes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.history.levels import History
    from harness.history.series import ChangePoint, Series

STEPS = 400  # to a factor of e
SERIES = (
    *("target", "op", "quantity", "family", "dtype", "shape", "check", "state"),
    *("machine", "first", "last", "asked", "figure", "changes"),
)
CHANGES = ("at", "before", "turn", "was", "now", "state_was", "state_now", "low", "high", "differences")
TURNS = ("worse", "better", "different")


def facts(history: History) -> dict[str, Any]:
    """Return what the page's script works on; infinities and nans are text, as in every block."""
    words = {name: Words() for name in ("target", "op", "quantity", "family", "dtype", "shape", "check", "state")}
    machines: dict[str, list[int]] = {}
    for series in history.series:
        if series.machine is not None:
            machines.setdefault(series.machine, []).extend(series.runs.tolist())
    timed = {name: sorted(set(runs)) for name, runs in machines.items()}
    places = {name: place for place, name in enumerate(timed)}
    rows = [_series(history, series, words, places) for series in history.series]
    differing = Words()
    turned = [
        _change(history, series, change, words["state"], differing[tuple(map(astuple, found))])
        for series, change, found in changes(history)
    ]
    return {
        "runs": [[run.uid, run.started] for run in history.runs],
        "machines": [{"name": name, "runs": runs} for name, runs in timed.items()],
        "words": {name: list(words[name]) for name in words},
        "differences": list(differing),
        "series": _columns(SERIES, rows),
        "changes": _columns(CHANGES, turned),
        "times": [_times(series, timed[series.machine]) for series in history.series if series.machine is not None],
    }


def _series(history: History, series: Series, words: Mapping[str, Words], machines: Mapping[str, int]) -> list[Any]:
    """Return the columns SERIES of a series."""
    case, target, implementation = series.case, series.target, series.target.implementation
    named = {
        "target": (implementation.framework, implementation.name, target.mode, target.device, implementation.kind),
        "op": str(case.op),
        "quantity": case.quantity,
        "family": case.family,
        "dtype": case.dtype,
        "shape": shape(case),
        "check": case.check,
        "state": history.kinds[series.kinds[-1]].words,
    }
    return [
        *(words[name][word] for name, word in named.items()),
        None if series.machine is None else machines[series.machine],
        int(series.runs[0]),
        int(series.runs[-1]),
        len(series.runs),
        level(series),
        len(series.changes),
    ]


def level(series: Series) -> float | None:
    """Return the figure that a series stands at: the last one, or the median of times since the last step."""
    if series.machine is None:
        return _number(series.figures[-1])
    last = max((change.at for change in series.changes if change.ratio), default=0)
    times = [time for time in series.figures[last:].tolist() if time > 0]
    return numbers.rounded(median(times)) if times else None


def _change(history: History, series: Series, change: ChangePoint, states: Words, facts: int) -> list[Any]:
    """Return the columns CHANGES of a change; levels of times need no more than three digits."""
    before, ratio = change.at - 1, change.ratio
    figures = [_number(change.was), _number(change.now)]
    return [
        int(series.runs[change.at]),
        int(series.runs[before]),
        TURNS.index(change.turn),
        *(figures if ratio is None else map(numbers.rounded, figures)),
        *(states[history.kinds[series.kinds[place]].words] for place in (before, change.at)),
        *((None, None) if ratio is None else map(numbers.rounded, (ratio.low, ratio.high))),
        facts,
    ]


def _number(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


def _times(series: Series, runs: Sequence[int]) -> str:
    """Return the times of a series in the runs of its machine, as the script reads them."""
    found = dict(zip(series.runs.tolist(), series.figures.tolist(), strict=True))
    texts, last = [], 0
    for run in runs:
        time = found.get(run, 0.0)
        if time > 0:
            step = round(STEPS * math.log(time))
            texts.append(str(step - last))
            last = step
        else:
            texts.append("")
    return ",".join(texts)


def _columns(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> dict[str, list[Any]]:
    columns = [list(column) for column in zip(*rows, strict=True)] or [[] for _ in names]
    return dict(zip(names, columns, strict=True))
