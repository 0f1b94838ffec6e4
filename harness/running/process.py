"""A job's process, and what is known of it from its journal and from how it ended."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import astuple, dataclass, field
from pathlib import Path
from typing import TextIO

from harness.model import Case, Implementation, Target
from harness.running.journal import Line, Reader

DEATHS_OF_ONE = 3  # of a function: it is left out then, and the others are asked on

Question = tuple[Case, Target]


def named(case: Case, target: Target) -> str:
    """Return a question as processes name it to one another."""
    return f"{case}@{target.implementation.framework}.{target}"


@dataclass(frozen=True)
class Job:
    """One framework's share, or a file's: a pytest command line without the options that the runner adds.

    shared: functions that are strangers to one another share the process, so that one may die of what another did.
    python: the interpreter that runs it.
    """

    name: str
    arguments: tuple[str, ...]
    shared: bool = False
    python: str = sys.executable


@dataclass
class Process:
    """A job's process and what is known of it.

    planned: questions of each function, done ones included. asked: those that have an outcome, or are spared.
    left_out: questions that are not asked any more. apart: functions that have changed the process. doubted: what was
    in hand when a process died of what may be no fault of the question, and how it died. lost: why nothing could be
    stored; losses: how often that was, with nothing stored in between; stored: outcomes when it was started last.
    broken: why it cannot go on.
    """

    job: Job
    directory: Path
    popen: subprocess.Popen[bytes] | None = None
    log: TextIO | None = None
    reader: Reader | None = None
    starts: int = 0
    of_each: dict[Implementation, int] = field(default_factory=dict)
    planned: int = 0
    asked: int = 0
    left_out: int = 0
    in_hand: Question | None = None
    since: float = field(default_factory=time.monotonic)
    not_before: float = 0.0  # that it may start again
    complete: bool = False  # all was asked and is stored
    finished: bool = False
    reasons: list[str] = field(default_factory=list)  # of what was not run, or why the machinery failed
    failed: bool = False
    deviating: int = 0  # answers
    not_asked: dict[Question, None] = field(default_factory=dict)  # for what earlier answers had shown
    notes: list[str] = field(default_factory=list)
    misused: str = ""  # what pytest says of an option that only the framework's process could check
    deaths: Counter[Implementation] = field(default_factory=Counter)
    apart: dict[Implementation, None] = field(default_factory=dict)
    changed: bool = False  # since it was started
    doubted: dict[Question, str] = field(default_factory=dict)
    lost: str = ""
    losses: int = 0
    stored: int = 0
    broken: str = ""

    def take(self, line: Line) -> None:
        """Take in a line of the journal."""
        self.since = time.monotonic()
        match line.kind:
            case "planned" | "left out" | "plan":
                self._plan(line)
            case "note" | "unreadable" if line.reason not in self.notes:  # an earlier process may have said so
                self.notes.append(line.reason)
            case "not run":
                self.reasons.append(line.reason)
            case "lost":
                self.lost = line.reason
            case "broken":
                self.broken = line.reason
            case "done":
                self.complete = True
            case _ if line.case and line.target:
                self._ask(line, (line.case, line.target))
            case "end":
                self.in_hand = None
                self.asked += 1
                self.deviating += bool(line.reason)

    def _plan(self, line: Line) -> None:
        """Take in what is to be asked; it is announced anew by every process."""
        match line.kind:
            case "planned" if line.target:
                self.of_each[line.target.implementation] = line.count
            case "left out":
                self.left_out = line.count
            case "plan":
                self.planned = max(sum(self.of_each.values()), line.count)
                self.asked = self.planned - line.count
                if self.asked > self.stored:
                    self.stored, self.losses = self.asked, 0
                self.not_asked.clear()

    def _ask(self, line: Line, question: Question) -> None:
        """Take in what is said of a question."""
        match line.kind:
            case "begin":
                self.in_hand = question
            case "found":
                self.deviating += bool(line.reason)
                self.apart[question[1].implementation] = None
                self.changed = True
            case "not asked":
                self.asked += 1
                self.not_asked[question] = None

    @property
    def shared(self) -> bool:
        """Whether functions that are strangers to one another are asked in it."""
        return self.job.shared and len(self.of_each) > 1

    def options(self) -> Iterator[str]:
        """Yield what the next process is told of the earlier ones."""
        for option, functions in (("--apart", self.apart), ("--leave-out", self.given_up)):
            for function in functions:
                yield from (option, json.dumps(astuple(function)))
        for question in [*self.doubted][-1:]:  # what is doubted since longer was asked so before
            yield from ("--doubted", named(*question))

    @property
    def given_up(self) -> list[Implementation]:
        """Functions that died too often to be asked more."""
        return [function for function, count in self.deaths.items() if count >= DEATHS_OF_ONE]

    @property
    def unanswered(self) -> int:
        """Questions that have no outcome, though nobody gave them up."""
        return self.planned - self.asked - self.left_out

    def incomplete(self) -> str:
        """Say how many questions have an outcome, and why others have none."""
        of = f"{self.asked} of {self.planned} questions" if self.planned else "no question"
        text = f"incomplete: {of} answered"
        left = [f"{function.name} died {self.deaths[function]} times and was left out" for function in self.given_up]
        return "; ".join([text, *left])
