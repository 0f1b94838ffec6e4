"""One run as pages read it: its results by kind, the run before, and the words that explain them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from harness.history import course
from harness.history.compare import Comparison
from harness.history.course import Course
from harness.history.news import Accepts, nothing
from harness.model import NotRun, Recorded, Result, Run, Score, Timing
from reports import layout, lines, ranked

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.history.levels import Level
    from harness.model import Implementation
    from reports.lines import Names
    from reports.ranked import Ranking


FRAMEWORKS = ("torch", "tensorflow", "jax", "numpy")  # whatever else answered is an engine
FORMAT = "float32"  # what most people compute in


@dataclass(frozen=True)
class Piece:
    """A piece of an answer: text, its symbol, and the place in the report that proves it. note: beside it, smaller."""

    text: str
    at: str = ""
    symbol: str = ""
    note: str = ""


@dataclass(frozen=True)
class Material:
    """One run, ready to be shown.

    `descriptions` explains families and metrics by name, `published` quotes digits, `before` are the runs compared
    with, the latest last, `accepts` tells what a list of one's own accepts, `history` what became of the answers told
    in detail, by their place in `told`, over the runs up to this one. `store`: where the run is kept, as a command
    takes it.
    """

    run: Run
    results: Sequence[Result]
    environments: Mapping[str, Mapping[str, str]]
    not_run: Sequence[NotRun]
    descriptions: Mapping[str, str] = field(default_factory=dict)
    published: Mapping[str, str] = field(default_factory=dict)
    before: Sequence[Recorded] = ()
    accepts: Accepts = nothing
    history: Mapping[int, Sequence[Level]] = field(default_factory=dict)
    store: str = ""

    @cached_property
    def recorded(self) -> Recorded:
        """The run with all that was stored of it."""
        return Recorded(self.run, self.environments, self.not_run, self.results)

    @cached_property
    def course(self) -> Course | None:
        """What changed from run to run, up to this one; None where there is none to compare with."""
        return course.follow([*self.before, self.recorded], accepts=self.accepts) if self.before else None

    @property
    def comparison(self) -> Comparison | None:
        """What changed since the run before; None where there is none to compare with."""
        return self.course.steps[-1] if self.course else None

    def file(self, result: Result) -> str:
        """Return the file that a judged function was read from; nothing for a framework's own."""
        return self.environments.get(result.environment, {}).get("file", "")

    @cached_property
    def answers(self) -> list[Result]:
        """The distances from the truth, or what came instead; a cell of the page points into this list."""
        return [r for r in self.judged if not r.case.check and r.case.source.kind != "options"]

    @cached_property
    def told(self) -> list[Result]:
        """Every result that has a sheet: the answers, at the places that they have there, options and checks."""
        return [*self.answers, *self.options, *self.checked]

    @cached_property
    def names(self) -> Mapping[Implementation, Names]:
        """The names of the function that each fused implementation is."""
        return lines.names(self.functions)

    @cached_property
    def judged(self) -> Sequence[Result]:
        """Every result but the timings."""
        timed = bool(self.timings)
        return [one for one in self.results if not isinstance(one.outcome, Timing)] if timed else self.results

    @cached_property
    def scores(self) -> dict[str, list[Result]]:
        """The answers that are distances, by op; those to published examples left out."""
        found: dict[str, list[Result]] = {}
        for answer in self.answers:
            if isinstance(answer.outcome, Score) and answer.case.source.kind != "published":
                found.setdefault(str(answer.case.op), []).append(answer)
        return found

    @cached_property
    def functions(self) -> dict[Implementation, Implementation]:
        """Of each fused implementation the plainest name of its function."""
        return lines.functions(self.answers)

    @cached_property
    def options(self) -> list[Result]:
        """The distances of ops with options."""
        return [r for r in self.judged if not r.case.check and r.case.source.kind == "options"]

    @cached_property
    def checked(self) -> list[Result]:
        """The results of checks: special values, laws, invariance."""
        return [result for result in self.results if result.case.check]

    @cached_property
    def timings(self) -> list[Result]:
        """The results that are timings."""
        return [result for result in self.results if isinstance(result.outcome, Timing)]

    @cached_property
    def rankings(self) -> list[Ranking]:
        """The tournaments, case by case."""
        return ranked.rankings(self.timings)


def place(result: Result) -> str:
    """Return where the page tells of a result: the fragment of a link to its sheet."""
    return layout.link(text(result))


def told_by(results: Sequence[Result], **choices: str) -> str:
    """Return where the page tells of results: of one its sheet, of several the explorer with choices."""
    return place(results[0]) if len(results) == 1 else layout.explorer(**choices)


def exactly(name: str) -> str:
    """Return what the explorer's choice of an implementation finds by its whole name alone."""
    return f'"{name}"'


def text(result: Result) -> str:
    """Return the text that finds a result again: the fragment of its link, before quoting."""
    return f"{result.case}|{result.target.implementation.framework}|{result.target}"
