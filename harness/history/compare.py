"""Compare two runs question by question: what was added, removed or changed, and what stayed.

A question is known by its case, by the content of its inputs, and by who was asked. A case that was renamed is found by
its content; a case whose inputs were drawn anew is another question, whatever its name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import chain, starmap, zip_longest
from typing import Any

from harness.history import change, difference, news, ratio
from harness.history.change import Change, Status
from harness.history.difference import Difference
from harness.history.news import COUNTED, GATES, NEWS, Accepts, FailOn, News, Turn
from harness.model import Case, Crashed, Failed, NotRun, Recorded, Result, Run, Target, TimedOut, Timing, Unsupported
from harness.store import nouns

Key = tuple[object, ...]
Unpaired = dict[Key, Result]

PAIRED = object()  # in the place of a result that has its counterpart

ORDER: tuple[News, ...] = tuple(NEWS)
STATUSES: tuple[Status, ...] = ("changed", "cannot tell", "added", "removed", "unchanged")


@dataclass(frozen=True)
class Comparison:
    """What became of everything: differences of the environments, and a change a question, the worst first."""

    before: Run
    after: Run
    size: float  # relative, from which a difference of times counts
    environments: tuple[Difference, ...]
    not_run: tuple[NotRun, ...]  # in the later run
    moved: tuple[Change, ...]  # all that is news of any kind
    steady: tuple[Change | Result, ...]  # all else; what both runs hold as one result, as most do, is that alone

    @property
    def changes(self) -> tuple[Change, ...]:
        """The change of every question, made each time of what is steady."""
        return (*self.moved, *map(_change, self.steady))

    @property
    def pairs(self) -> Iterator[tuple[Result | None, Result | None]]:
        """What each run has of every question, in the order of the changes."""
        for one in chain(self.moved, self.steady):
            yield (one, one) if isinstance(one, Result) else (one.before, one.after)

    def of_news(self, kind: News) -> list[Change]:
        """Return the changes of one kind of news."""
        return [one for one in self.moved if one.news == kind]

    def turned(self, turn: Turn, aspect: str = "") -> list[Change]:
        """Return the changes that went one way, of accuracy, of speed or of both."""
        return [one for one in self.moved if one.turn == turn and aspect in {"", one.aspect}]

    @cached_property
    def bits(self) -> dict[str, int]:
        """The number of answers that are the same bit by bit, and of those that are not, where both runs kept bits."""
        counted = Counter(starmap(change.same_bits, self.pairs))
        return {"same": counted[True], "other": counted[False]}

    @cached_property
    def sections(self) -> dict[str, list[Change]]:
        """Every question that is not unchanged, in one list of a title each; what matters most first."""
        return {title: self.of_news(kind) for kind, title in NEWS.items() if kind != "none"}

    @property
    def counts(self) -> dict[str, int]:
        """The number of questions under each word of COUNTED."""
        return self.counts_of("accuracy", "speed")

    def counts_of(self, *aspects: str) -> dict[str, int]:
        """Return the number of questions of some aspects under each word of COUNTED."""
        every = self._tally
        return {word: sum(every[kind, one] for kind in kinds for one in aspects) for word, kinds in COUNTED.items()}

    @cached_property
    def _tally(self) -> Counter[tuple[News, str]]:
        return Counter((one.news, one.aspect) for one in chain(self.moved, map(_change, self.steady)))

    @property
    def shared(self) -> bool:
        """Whether there is a question that both runs asked."""
        return bool(self.steady) or any(one.before and one.after for one in self.moved)

    @property
    def broken(self) -> bool:
        """Whether a process died or hung in the later run that did not in the earlier one."""
        return any(map(change.broke, self.moved))

    @property
    def suspicious(self) -> list[tuple[Result, Result]]:
        """The times that a duel may settle: those that samples alone call changed, and those that cannot be told."""
        runs, found = (self.before.uid, self.after.uid), []
        for one in self.moved:
            match one.before, one.after:
                case Result(outcome=Timing() as old) as was, Result(outcome=Timing() as new) as now:
                    changed = one.news in {"slower", "better"} and ratio.settled(old, new, runs) is None
                    if changed or one.news == "untold":
                        found.append((was, now))
        return found

    def failing(self, gate: FailOn) -> list[Change]:
        """Return the changes that fail a gate."""
        return [one for one in self.moved if one.news in GATES[gate]]


def compare(before: Recorded, after: Recorded, size: float = ratio.SIZE, accepts: Accepts = news.nothing) -> Comparison:
    """Compare two runs.

    size: the relative difference of times from which one counts. accepts: what a list of one's own says of an answer.
    """
    before, after = (replace(run, results=news.judged(run, accepts)) for run in (before, after))
    between = partial(change.between, size=size, runs=(before.run.uid, after.run.uid))
    moved, steady = _ordered(
        _accepted(one, after, accepts) for one in _changes(before.results, after.results, after.not_run, between)
    )
    differences = difference.between(before, after)
    return Comparison(before.run, after.run, size, differences, tuple(after.not_run), moved, steady)


def _ordered(changes: Iterable[Change]) -> tuple[tuple[Change, ...], tuple[Change | Result, ...]]:
    """Return what moved and what is steady, what matters most first, and of what matters alike what moved furthest.

    Sorted kind by kind: of hundreds of thousands, a key of several parts each takes as much memory as they do.
    """
    kinds: dict[tuple[int, int, str], list[Change | Result]] = {}
    for one in changes:
        held = one.after if one.news == "none" and one.before is one.after else None
        kinds.setdefault((ORDER.index(one.news), STATUSES.index(one.status), one.aspect), []).append(held or one)
    moved, steady = list[Change | Result](), list[Change | Result]()
    for key in sorted(kinds):
        to = steady if ORDER[key[0]] == "none" else moved
        to += sorted(kinds.pop(key), key=lambda one: change.severity(_change(one)), reverse=True)
    return tuple(map(_change, moved)), tuple(steady)


def _change(one: Change | Result) -> Change:
    return change.unchanged(one, one) if isinstance(one, Result) else one


def _accepted(one: Change, run: Recorded, accepts: Accepts) -> Change:
    """Return a change as a list of one's own has it: news for the worse that is accepted fails no gate."""
    if one.news not in news.ACCEPTABLE or one.after is None:
        return one
    said = accepts(one.after, run.environments.get(one.after.environment, {}))
    if said is None:
        return one
    if said.seen:
        return replace(one, reason=f"{one.reason}; accepted with {said.seen} alone")
    return replace(one, turn="different", news="accepted", reason=f"{one.reason}; accepted: {said.reason}")


class _Names:
    """What questions are called, each name made once: results share their cases and targets.

    What has a name lives as long as this does, so that it is known by its place in memory.
    """

    def __init__(self) -> None:
        self._known: dict[int, Any] = {}
        self._each: dict[object, Any] = {}

    def case(self, result: Result) -> str:
        """Return the name of its case."""
        name: str = self._known.get(id(result.case)) or self._new(result.case, str(result.case))
        return name

    def target(self, result: Result) -> Key:
        """Return the names of its target."""
        name: Key = self._known.get(id(result.target)) or self._new(result.target, _target(result))
        return name

    def _new(self, noun: Case | Target, name: object) -> Any:
        self._known[id(noun)] = self._each.setdefault(name, name)
        return self._known[id(noun)]


def _by_question(results: Sequence[Result], names: _Names) -> dict[tuple[str, str], dict[Key, Any]]:
    """Return results by the name and content of their case, then by their target: the lightest way to hold many."""
    found: dict[tuple[str, str], dict[Key, Any]] = {}
    for result in results:
        found.setdefault((names.case(result), result.content), {})[names.target(result)] = result
    return found


def _changes(
    before: Sequence[Result],
    after: Sequence[Result],
    not_run: Sequence[NotRun],
    between: Callable[[Result, Result], Change],
) -> Iterator[Change]:
    names, come = _Names(), {}
    old = _by_question(rest := [a for a, b in zip_longest(before, after) if a is not None and a is not b], names)
    for result, other in zip_longest(after, before[: len(after)]):
        if result is other:  # which both runs have
            timed = isinstance(result.outcome, Timing)  # of few samples, which nothing can be told by
            yield between(result, result) if timed else change.unchanged(result, result)
            continue
        there = old.get((names.case(result), result.content), {})
        if (found := there.get(names.target(result))) is None:
            come[_question(result)] = result
        elif found is not PAIRED:
            there[names.target(result)] = PAIRED
            yield between(found, result)
    gone = {
        _question(result): result
        for result in rest
        if old[names.case(result), result.content][names.target(result)] is not PAIRED
    }
    del old, names
    for then, now in _dead(gone, come):
        yield between(then, now)
    for then, now in _renamed(gone, come):
        found = between(then, now)
        yield replace(found, reason="; ".join(filter(None, [found.reason, f"renamed, was {then.case}"])))
    named = {_name(result) for result in gone.values()} & {_name(result) for result in come.values()}
    for result in come.values():
        yield _added(result, anew=_name(result) in named)
    for result in gone.values():
        yield _removed(result, not_run, anew=_name(result) in named)


def _dead(gone: Unpaired, come: Unpaired) -> Iterator[tuple[Result, Result]]:
    """Take out the pairs of one name where a side knows no content: a process that died left none."""
    waiting = {_name(result): question for question, result in gone.items()}
    for question, result in list(come.items()):
        other = waiting.get(_name(result))
        if other in gone and not (result.content and gone[other].content):
            yield gone.pop(other), come.pop(question)


def _renamed(gone: Unpaired, come: Unpaired) -> Iterator[tuple[Result, Result]]:
    """Take out the pairs of one content, each once."""
    waiting: dict[Key, list[Key]] = {}
    for question, result in gone.items():
        if result.content:
            waiting.setdefault(_content(result), []).append(question)
    for question, result in list(come.items()):
        if left := waiting.get(_content(result)):
            yield gone.pop(left.pop(0)), come.pop(question)


def _added(result: Result, *, anew: bool) -> Change:
    why = "its inputs were drawn anew" if anew else "not asked before"
    if result.judgement == "deviates":
        return Change("added", "worse", "judgement", f"{why}; deviates: {result.reason}", None, result)
    reason = f"{why}; {change.in_words(result.outcome)}"
    if not news.counted(result):
        return Change("added", "none", "unjudged", reason, None, result)
    dead = isinstance(result.outcome, Crashed | TimedOut) and result.judgement != "known"
    return Change("added", "worse" if dead else "none", "lost" if dead else "added", reason, None, result)


def _removed(result: Result, not_run: Sequence[NotRun], *, anew: bool) -> Change:
    """Return the change of an answer that is gone: lost, unless there was none or its inputs were drawn anew."""
    lost = next((entry for entry in not_run if _covers(entry, result)), None)
    reason = "its inputs were drawn anew" if anew else f"not run: {lost.reason}" if lost else "not asked any more"
    if not news.counted(result):
        return Change("removed", "none", "unjudged", reason, result, None)
    if anew or isinstance(result.outcome, Unsupported | Failed | Crashed | TimedOut):
        return Change("removed", "none", "removed", reason, result, None)
    return Change("removed", "worse", "lost", reason, result, None)


def _covers(entry: NotRun, result: Result) -> bool:
    """Tell whether a result is missing because of what was not run; of a missing framework only the cpu is named."""
    target = result.target
    names = {target.implementation.framework}
    if isinstance(result.outcome, Timing):
        names.add(f"{target.implementation.framework}-speed")  # as the jobs that time are called
    return (
        entry.framework in names
        and entry.mode in {"", target.mode}
        and entry.device in {"", "cpu", target.device, target.device.partition(":")[0]}
    )


def _target(result: Result) -> Key:
    framework, op, name, _, mode, device = nouns.target_row(result.target)
    return (framework, op, name, mode, device)


def _name(result: Result) -> Key:
    return (str(result.case), *_target(result))


def _question(result: Result) -> Key:
    return (*_name(result), result.content)


def _content(result: Result) -> Key:
    return (result.content, result.case.check, *_name(result)[1:])
