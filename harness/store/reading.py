"""What a store holds, read: runs, results, environments, each held to its type on the way out of the database.

Raw outcomes are stored; statistics are computed when read.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields, replace
from functools import partial
from itertools import islice
from typing import Any, TypeVar, get_args

from harness.model import Case, Checked, Judgement, NotRun, Outcome, Recorded, Result, Run, Score, Target, Worst
from harness.store import hints, nouns, typed
from harness.store.alike import shared
from harness.store.database import Database, Row, StoreError
from harness.store.hints import Malformed
from harness.store.location import Location
from harness.store.outcomes import decompressed, named_texts, unpack
from harness.store.typed import made

K = TypeVar("K", int, str)
V = TypeVar("V")

CHUNK = 1000  # results at a time: read texts together, and hold no more than these in another form
CHARACTERS_HELD = 1 << 20  # of long texts

CASE, TARGET = nouns.quoted(nouns.CASE_COLUMNS), nouns.quoted(nouns.TARGET_COLUMNS)
CASES = f"SELECT key, content, {nouns.quoted(nouns.CASE_COLUMNS, 'cases')} FROM cases"
TARGETS = f"SELECT key, {nouns.quoted(nouns.TARGET_COLUMNS, 'targets')} FROM targets"
TEXTS = 'SELECT key, "text" FROM texts'
RESULTS = 'SELECT "case", target, environment, outcome, facts, judgement, reason FROM results WHERE run = ? ORDER BY '
BY_TARGET, BY_CASE = f'{RESULTS} target, "case"', f'{RESULTS} "case", target'
RUNS = "SELECT uid, started, finished, command, preset, host, shards, notes FROM runs ORDER BY place, uid"
LEAN: Mapping[str, Any] = {"worst": None}
LEANEST: Mapping[str, Any] = {**LEAN, "detail": "", "mean_ulp": 0.0, "bias_ulp": 0.0}
Facts = dict[str, str]
Wanted = Callable[[Result], bool]
JUDGEMENTS: Mapping[str, Judgement] = {word: word for word in get_args(Judgement)}


def always(_: Result) -> bool:
    """Want every worst element."""
    return True


def never(_: Result) -> bool:
    """Want none: who compares runs or counts answers reads none."""
    return False


def without_worst(result: Result) -> Result:
    """Return a result without its worst element."""
    match result.outcome:
        case Score(worst=Worst()) | Checked(worst=Worst()):
            return replace(result, outcome=replace(result.outcome, worst=None))
    return result


class Stored:
    """The runs of an open database. What is in it and cannot be read raises StoreError, which says where and what."""

    location: Location
    _db: Database

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> Iterator[Row]:
        """Yield the rows of a query; for pages over many runs, which read columns and not results.

        `?` stands for a parameter, in PostgreSQL as in SQLite. Both answer alike without: LIKE; min and max of several
        columns; a column that is neither grouped by nor in an aggregate; functions of JSON and of dates; an order that
        no ORDER BY asks for.
        """
        return self._db.rows(sql, parameters)

    @contextmanager
    def _sound(self) -> Iterator[None]:
        """Say where it lies what is off."""
        try:
            yield
        except Malformed as error:
            raise StoreError(
                f"store is {self.location} ({error}), expected what this program stores; "
                f"try: xentbench prune{self.location.option}, which removes runs"
            ) from error

    def runs(self) -> list[Run]:
        """Return all runs, in the order in which they came here; what their clocks say decides nothing."""
        with self._sound():
            return [_run(*row) for row in self._db.rows(RUNS)]

    def run(self, uid: str = "latest") -> Run:
        """Find a run by its uid, a unique beginning of it, `latest`, or `latest~1` for the one before.

        Raises StoreError where there is none.
        """
        runs = {run.uid: run for run in self.runs()}
        return runs[self.named(uid, list(runs))]

    def named(self, uid: str, uids: Sequence[str]) -> str:
        """Return which of the runs' ids is meant, as `run` has it, without a look at the runs."""
        if back := re.fullmatch(r"latest(?:~(\d{1,9}))?", uid):
            found = list(uids[: max(0, len(uids) - int(back[1] or 0))][-1:])
        else:
            found = [uid] if uid in uids else [one for one in uids if one.startswith(uid)]
        if len(found) != 1:
            known = ", ".join(map(short, uids[-5:])) or f"none yet; try: xentbench run{self.location.option}"
            raise StoreError(f"run is {short(uid)!r}, expected `latest` or one of the runs in {self.location}: {known}")
        return found[0]

    def earlier(self, uid: str) -> str:
        """Return the uid of the run that this one is to be held against; empty where there is none.

        It is the last finished one before it of the same preset that asked any of the same targets: of somebody's own
        functions, the last run of these.
        """
        run, runs = self.run(uid), self.runs()
        before = runs[: [one.uid for one in runs].index(run.uid)]
        asked = self._targets(run.uid)
        alike = (one.uid for one in reversed(before) if one.preset == run.preset and one.finished)
        return next((one for one in alike if not asked or asked & self._targets(one)), "")

    def _targets(self, uid: str) -> set[int]:
        """Return the keys of the targets that a run asked."""
        return {key for (key,) in self._db.rows("SELECT DISTINCT target FROM results WHERE run = ?", (uid,))}

    def done(self, uid: str) -> set[tuple[str, str, str]]:
        """Return (case id, framework, target) of every result of a run."""
        rows = self._db.rows(
            f"SELECT c.id, {', '.join(f't.{name}' for name in nouns.TARGET_COLUMNS)}"
            ' FROM results r JOIN cases c ON r."case" = c.key JOIN targets t ON r.target = t.key WHERE r.run = ?',
            (uid,),
        )
        with self._sound():
            return {(case, row[0], str(nouns.target_of_row(*row))) for case, *row in rows}

    def kinds(self, uid: str) -> dict[tuple[str, Judgement], int]:
        """Return how many results of a run have each outcome and judgement; far cheaper than reading them."""
        sql = "SELECT outcome, judgement, count(*) FROM results WHERE run = ? GROUP BY outcome, judgement"
        return {(outcome, judgement): count for outcome, judgement, count in self._db.rows(sql, (uid,))}

    def results(
        self, uid: str, worst: Wanted = always, *, compared: bool = True, by_case: bool = False
    ) -> Iterator[Result]:
        """Yield a run's results, grouped by target, in the order they were first asked in.

        worst: tells of a result, shown without its worst element, whether that is wanted; most of a store is these.
        compared: whether mean and bias, and a check's detail, are wanted of results whose worst element is not; else
        they are 0 and empty, for only comparisons read them.
        by_case: group them by case, whose answers share their rows: the lightest order to read all of a large run in.
        """
        rows = self._db.rows(BY_CASE if by_case else BY_TARGET, (uid,))
        cases: dict[int, tuple[Case, str]] = {}  # thousands of results share one, and a target too
        targets: dict[int, Target] = {}
        texts: dict[str, str] = {}
        words: dict[str, str] = {}  # each once
        held = 0
        left_out = LEAN if compared else LEANEST
        while chunk := list(islice(rows, CHUNK)):
            with self._sound():
                self._read(CASES, (row[0] for row in chunk), cases, _case)
                self._read(TARGETS, (row[1] for row in chunk), targets, nouns.target_of_row)
                make = partial(_result, cases=cases, targets=targets, words=words)
                facts = {text: nouns.json_of(text) for text in dict.fromkeys(row[4] for row in chunk)}
                found, told = dict[int, Result](), list(range(len(chunk)))
                if worst is not always:
                    lean = _outcomes(chunk, {text: _lean(each, left_out) for text, each in facts.items()}, texts)
                    found = dict(enumerate(map(make, chunk, lean)))
                    told = [k for k, row in enumerate(chunk) if _has_more(facts[row[4]]) and worst(found[k])]
                some = [chunk[k] for k in told]
                new = self._read(TEXTS, named_texts(facts[row[4]] for row in some), texts, decompressed)
                found |= zip(told, map(make, some, _outcomes(some, facts, texts)), strict=True)
            yield from (found[k] for k in range(len(chunk)))
            held += sum(len(texts[key]) for key in new if key in texts)
            if held > CHARACTERS_HELD:
                texts.clear()
                held = 0

    def by_target(self, uid: str, results: Iterable[Result]) -> list[Result]:
        """Return a run's results that come by case in the order that `results` has without."""
        keys = self._targets(uid)
        rows = self._db.rows(f"{TARGETS} ORDER BY key")
        with self._sound():
            groups: dict[Target, list[Result]] = {nouns.target_of_row(*row): [] for key, *row in rows if key in keys}
        for result in results:
            groups[result.target].append(result)
        return [result for group in groups.values() for result in group]

    def _read(self, sql: str, keys: Iterable[K], known: dict[K, V], made: Callable[..., V]) -> list[K]:
        """Add what some keys name and is not known yet; return these keys."""
        if new := [key for key in dict.fromkeys(keys) if key not in known]:
            marks = ", ".join("?" * len(new))
            for key, *row in self._db.rows(f"{sql} WHERE key IN ({marks})", new):
                known[key] = made(*row)
        return new

    def environments(self) -> dict[str, Facts]:
        """Return every environment by its key."""
        rows = self._db.rows("SELECT key, facts FROM environments ORDER BY key")
        with self._sound():
            return {key: _facts("environment", text) for key, text in rows}

    def begun(self, uid: str) -> Recorded:
        """Return a run with all that is stored of it but its results. Raises StoreError where there is none."""
        run, every = self.run(uid), self.environments()
        used = self._db.rows("SELECT DISTINCT environment FROM results WHERE run = ? ORDER BY 1", (run.uid,))
        environments = {key: every[key] for (key,) in used if key in every}
        return Recorded(run, environments, self.not_run(run.uid), ())

    def recorded(self, uid: str, worst: Wanted = always, beside: Sequence[Result] = ()) -> Recorded:
        """Return a run with all that is stored of it, worst elements as `results` has them. Raises StoreError.

        beside: of a run to be compared with; what is the same there is held once.
        """
        begun = self.begun(uid)
        results = shared(self.results(begun.run.uid, worst, by_case=True), beside)
        return replace(begun, results=self.by_target(begun.run.uid, results))

    def not_run(self, uid: str) -> list[NotRun]:
        """Return what a run asked for in vain."""
        sql = "SELECT framework, mode, device, reason FROM not_run WHERE run = ? ORDER BY framework, mode, device"
        names = [field.name for field in fields(NotRun)]
        with self._sound():
            return [made(NotRun, dict(zip(names, row, strict=True))) for row in self._db.rows(sql, (uid,))]


def short(text: str, longest: int = 100) -> str:
    """Return a word that may be of any length and of any signs, cut and on one line."""
    cut = text if len(text) <= longest else f"{text[:longest]}..."
    return "".join(sign if sign.isprintable() else " " for sign in cut)


def _run(*row: Any) -> Run:
    *said, host, shards, notes = row
    fields: dict[str, Any] = dict(zip(("uid", "started", "finished", "command", "preset"), said, strict=True))
    lists = {"shards": tuple(shards.split()), "notes": tuple(dict.fromkeys(filter(None, notes.split("\n"))))}
    return made(Run, fields | {"host": _facts("host", host)} | lists)


def _facts(what: str, text: str) -> Facts:
    found: Facts = typed.read(Mapping[str, str], what, nouns.json_of(text))
    return found


def _result(
    row: Row,
    outcome: Outcome,
    *,
    cases: Mapping[int, tuple[Case, str]],
    targets: Mapping[int, Target],
    words: dict[str, str],
) -> Result:
    """Return the result of a row of RESULTS, whose words the columns' types hold to what they are."""
    key, target, environment, _, _, judgement, reason = row
    if key not in cases or target not in targets or judgement not in JUDGEMENTS:
        raise Malformed(f"result is {hints.shown(row)}, expected one whose case, target and judgement are known")
    case, content = cases[key]
    shared = {name: words.setdefault(word, word) for name, word in (("reason", reason), ("environment", environment))}
    return Result(case, targets[target], outcome, JUDGEMENTS[judgement], content=content, **shared)


def _outcomes(rows: Iterable[Row], facts: Mapping[str, Any], texts: Mapping[str, str]) -> Iterator[Outcome]:
    """Yield the outcomes of rows of RESULTS; names of one function answer alike, and what is the same is held once."""
    made: dict[tuple[str, str], Outcome] = {}
    for _, _, _, name, text, *_ in rows:
        if (name, text) not in made:
            made[name, text] = unpack(name, facts[text], texts)
        yield made[name, text]


def _has_more(facts: Any) -> bool:
    """Tell whether an outcome has a worst element, or a detail."""
    return isinstance(facts, dict) and bool(facts.get("worst") or facts.get("detail"))


def _lean(facts: Any, empty: Mapping[str, Any]) -> Any:
    """Return the facts of an outcome with some of them empty."""
    if not isinstance(facts, dict):
        return facts  # which is no outcome's
    return facts | {name: empty[name] for name in empty.keys() & facts.keys()}


def _case(content: str, *row: Any) -> tuple[Case, str]:
    """Return the case of its row, with the content of its inputs; its words, which are few, are held once."""
    return nouns.case_of_row(*(sys.intern(each) if each.__class__ is str else each for each in row)), content
