"""Every stored answer as one array, a point a run, case and target: what pages over many runs are made of.

Only columns of the store's index `history` are read, so that the answers themselves stay where they are; but for the
policies of checks that are recorded and not judged, which are few, and the bits of answers whose error seems to count.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, NamedTuple

import numpy as np

from harness.history.state import state_of
from harness.model import Array, Case, Judgement, Result, Target
from harness.store import Store, nouns

ASKED = 'SELECT "case", target, run, outcome, judgement, figure, share, environment FROM results'
FACTS = 'SELECT "case", target, facts FROM results WHERE run = ? AND outcome = ? AND judgement = ?'
AT_ONCE = 500  # cases that a query names
CASES = f"SELECT key, id, content, {nouns.quoted(nouns.CASE_COLUMNS)} FROM cases"
TARGETS = f"SELECT key, {nouns.quoted(nouns.TARGET_COLUMNS)} FROM targets"
POINT = np.dtype(
    [
        *(("case", "i4"), ("target", "i4"), ("run", "i4"), ("kind", "i4")),
        *(("figure", "f8"), ("share", "f8"), ("environment", "i4")),
    ]
)


Kind = tuple[str, Judgement, str]  # the fields of an AnswerKind
RECORDED: Kind = ("checked", "unjudged", "")


class AnswerKind(NamedTuple):
    """What came back: the outcome by the name it is stored under, its judgement, and the policy of a check."""

    outcome: str
    judgement: Judgement
    policy: str = ""

    @property
    def state(self) -> str:
        """The state of such a result."""
        return state_of(self.outcome, self.judgement)

    @property
    def words(self) -> str:
        """The state, and the policy where there is one."""
        return f"{self.state}: {self.policy}" if self.policy else self.state


@dataclass(frozen=True)
class Named:
    """A case under one of its names."""

    id: str
    content: str
    case: Case


@dataclass(frozen=True, eq=False)
class Points:
    """The points as a structured array of POINT, and what its numbers stand for.

    run: place in the runs that were given. kind, environment: places in the lists here. figure, share: nan where there
    is none. case, target: keys of the dictionaries. bits: reads the digest of a point's answer while the store is open.
    """

    table: Array
    kinds: Sequence[AnswerKind]
    environments: Sequence[str]  # keys
    cases: Mapping[int, Named]
    targets: Mapping[int, Target]
    bits: Callable[[np.void], str]


def pairs(store: Store, results: Iterable[Result]) -> Iterator[tuple[int, int]]:
    """Yield the keys of (case, target) under which the questions of some results may be stored, from whichever run."""
    keys: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    contents: dict[str, str] = {}
    for key, name, content, check in store.rows('SELECT key, id, content, "check" FROM cases ORDER BY key'):
        keys[content, check if content else name].append(key)
        if content:
            contents[name] = content
    targets = {target: key for key, target in _targets(store).items()}
    for result in results:
        name = str(result.case)
        content = result.content or contents.get(name, "")
        for key in [*keys["", name], *(keys[content, result.case.check] if content else ())]:
            yield key, targets[result.target]


def read(store: Store, runs: Sequence[str], asked: Iterable[tuple[int, int]] | None = None) -> Points:
    """Read the points of a store. runs: the uids, oldest first. asked: the keys of (case, target), if not of all."""
    stored = store.rows(ASKED) if asked is None else _rows_of(store, runs, asked)
    place = {uid: number for number, uid in enumerate(runs)}
    kinds: defaultdict[Kind, int] = defaultdict(count().__next__)
    environments: defaultdict[str, int] = defaultdict(count().__next__)
    rows = (
        (
            *(case, target, place[run], kinds[outcome, judgement, ""]),
            *(math.nan if number is None else number for number in (figure, share)),
            environments[environment],
        )
        for case, target, run, outcome, judgement, figure, share, environment in stored
        if run in place
    )
    table = np.fromiter(rows, POINT)
    _read_policies(store, runs, table, kinds)
    cases = {key: Named(name, content, nouns.case_of_row(*row)) for key, name, content, *row in store.rows(CASES)}

    def bits(point: np.void) -> str:
        key = (runs[point["run"]], int(point["case"]), int(point["target"]))
        [(facts,)] = store.rows('SELECT facts FROM results WHERE (run, "case", target) = (?, ?, ?)', key)
        return str(nouns.json_of(facts).get("bits", ""))

    return Points(table, [AnswerKind(*kind) for kind in kinds], list(environments), cases, _targets(store), bits)


def _read_policies(store: Store, runs: Sequence[str], table: Array, kinds: dict[Kind, int]) -> None:
    """Tell checks that are recorded and not judged apart by their policies."""
    recorded = kinds.get(RECORDED)
    places = np.flatnonzero(table["kind"] == recorded) if recorded is not None else np.zeros(0, int)
    for run in np.unique(table["run"][places]).tolist():
        asked = places[table["run"][places] == run]
        cases, found = np.unique(table["case"][asked]).tolist(), {}
        for some in (cases[start : start + AT_ONCE] for start in range(0, len(cases), AT_ONCE)):
            wanted = f'{FACTS} AND "case" IN ({", ".join("?" * len(some))})'
            for case, target, facts in store.rows(wanted, (runs[run], *RECORDED[:2], *some)):
                found[case, target] = str(nouns.json_of(facts).get("policy", ""))
        for place in asked:
            kind = (*RECORDED[:2], found[int(table["case"][place]), int(table["target"][place])])
            table["kind"][place] = kinds[kind]


def _rows_of(store: Store, runs: Sequence[str], asked: Iterable[tuple[int, int]]) -> Iterator[tuple[Any, ...]]:
    wanted = f'{ASKED} WHERE "case" = ? AND target = ? AND run IN ({", ".join("?" for _ in runs)})'
    for pair in dict.fromkeys(asked):
        yield from store.rows(wanted, (*pair, *runs))


def _targets(store: Store) -> dict[int, Target]:
    return {key: nouns.target_of_row(*row) for key, *row in store.rows(TARGETS)}


def questions(points: Points) -> Array:
    """Return for each point the key of the case it answers, under the newest name of that case.

    Cases of one content are one question where the one came after the other; two that a run asked both are two. A
    process that died left no content: then the name tells.
    """
    spans = _spans(points.table)
    chains: dict[tuple[str, str], list[list[int]]] = {}
    for key in sorted(spans, key=lambda key: (spans[key], key)):
        if content := points.cases[key].content:
            alike = chains.setdefault((content, points.cases[key].case.check), [])
            chain = next((one for one in alike if spans[one[-1]][1] < spans[key][0]), None)
            if chain is None:
                alike.append([key])
            else:
                chain.append(key)
    newest = {key: chain[-1] for alike in chains.values() for chain in alike for key in chain}
    named = {points.cases[key].id: newest[key] for key in sorted(newest, key=lambda key: spans[key])}
    lookup = np.arange(max(spans, default=0) + 1)
    for key in spans:
        lookup[key] = newest[key] if key in newest else named.get(points.cases[key].id, key)
    found: Array = lookup[points.table["case"]]
    return found


def _spans(table: Array) -> dict[int, tuple[int, int]]:
    """Return the first and the last run that asked each case."""
    keys, where = np.unique(table["case"], return_inverse=True)
    first, last = np.full(len(keys), np.iinfo("i4").max), np.full(len(keys), -1)
    np.minimum.at(first, where, table["run"])
    np.maximum.at(last, where, table["run"])
    return dict(zip(keys.tolist(), zip(first.tolist(), last.tolist(), strict=True), strict=True))


def combine(*columns: Array) -> Array:
    """Return one whole number for each combination, in the order of the combinations."""
    whole = columns[0].astype("i8")
    for column in columns[1:]:
        whole = whole * (int(column.max(initial=0)) + 1) + column
    return whole
