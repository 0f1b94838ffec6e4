"""Turn the plugin on, and hand every claim its questions."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from harness.adapters import frameworks, judged
from harness.adapters.adapter import Adapter
from harness.adapters.catalogue import Catalogue
from harness.adapters.fence import NotInstalled
from harness.model import Case, NotRun, Outcome, Result, Target, Unsupported
from harness.running.arguments import known_mode
from harness.running.plugin import (
    RECORDER,
    pytest_addoption,
    pytest_configure,
    pytest_sessionfinish,
    pytest_unconfigure,
)
from harness.running.recorder import Recorder
from harness.spelling import choice, pieces
from harness.store import Location
from reference.cache import Cache
from reference.golden import Audited
from reference.tiers import CERTIFY
from suites.checks import check as checks
from suites.checks.check import Asking
from suites.judging import ask, judge
from suites.questions import plan

__all__ = ["pytest_addoption", "pytest_configure", "pytest_sessionfinish", "pytest_unconfigure"]

Answer = Callable[[Adapter, Case, Target], Outcome]


def wanted(config: pytest.Config) -> plan.Wanted:
    """Read the options. Raises pytest.UsageError with the choices for one that is off."""
    try:
        return plan.Wanted.of(**{name: config.getoption(f"--{name}") for name in plan.WRITTEN})
    except ValueError as error:
        raise pytest.UsageError(str(error)) from error


def kernels(config: pytest.Config) -> dict[str, Catalogue]:
    """Return the functions of the file that is judged, by framework; nothing where the frameworks themselves are."""
    path = config.getoption("--judge")
    if not path:
        return {}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return judged.catalogues(Path(path), pieces(config.getoption("--only")))
    except ValueError as error:
        raise pytest.UsageError(str(error)) from error


@cache
def installed(config: pytest.Config) -> tuple[Adapter, ...]:
    """Import the wanted frameworks; one that is missing is stored as not run."""
    want, recorder = wanted(config), config.stash[RECORDER]
    of_file = kernels(config)
    everywhere = of_file or frameworks.names()
    named = [name for name in dict.fromkeys(framework for framework, _ in want.pairs) if name in everywhere]
    found = []
    for name in named if want.pairs else everywhere:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # what a framework says while it is imported is no outcome
                adapter = frameworks.load(name)
                adapter = adapter.judging(of_file[name], every_mode=bool(want.pairs)) if of_file else adapter
        except NotInstalled as missing:
            recorder.not_run(NotRun(name, "", want.device or "cpu", str(missing)))
            continue
        try:
            for framework, mode in want.pairs:
                if framework == name and mode:
                    known_mode(name, mode, adapter.modes)
        except ValueError as error:
            raise pytest.UsageError(str(error)) from error
        for entry in plan.missing_devices(adapter, want):
            recorder.not_run(entry)
        found.append(adapter)
    return tuple(found)


def pytest_sessionstart(session: pytest.Session) -> None:
    """Check the options before anything is collected: a usage error is none of a module's."""
    wanted(session.config)
    if not session.config.getoption("numprocesses", None):  # xdist's controller asks nothing itself
        installed(session.config)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give a claim the questions of its module."""
    if "question" not in metafunc.fixturenames:
        return
    config = metafunc.config
    want, recorder = wanted(config), config.stash[RECORDER]
    done = recorder.done() if config.getoption("--resume") else set()
    questions = [
        (adapter, case, target)
        for adapter, case, target in metafunc.module.questions(installed(config), want)
        if (str(case), target.implementation.framework, str(target)) not in done
        and (case.dtype in adapter.dtypes or want.dtypes or not config.getoption("--judge"))
    ]
    metafunc.parametrize("question", questions, ids=[_id(case, target) for _, case, target in questions])


def _id(case: Case, target: Target) -> str:
    return f"{case}@{target.implementation.framework}.{target}"


def pytest_collection_finish(session: pytest.Session) -> None:
    """Announce the plan to whoever watches; a claim without questions is one empty item, which is none."""
    given = [getattr(item, "callspec", None) for item in session.items]
    count = sum(isinstance(spec.params.get("question"), tuple) for spec in given if spec)
    session.config.stash[RECORDER].plan(count)


@dataclass(frozen=True)
class Claim:
    """Asks a question, records what comes back, and fails where it deviates and is not known to."""

    recorder: Recorder
    certify: Audited
    known: Sequence[judge.Known]

    def check(self, question: plan.Item, suite: checks.Suite) -> None:
        """Make a check of a suite."""
        self(question, lambda adapter, case, target: checks.outcome(suite, Asking(adapter, case, target, self.certify)))

    def __call__(self, question: plan.Item, answer: Answer | None = None) -> None:
        """Ask; `answer` replaces the scoring where something else than accuracy is asked."""
        adapter, case, target = question
        self.recorder.begin(case, target)
        shared = ask.asked(case, self.certify)
        outcome = answer(*question) if answer else ask.score(adapter, target, shared)
        judgement, reason = judge.judge(case, target, outcome, self.known)
        environment = self.recorder.environment(adapter, target.device)
        content = "" if answer else shared.content
        self.recorder.end(Result(case, target, outcome, judgement, reason, environment, content))
        if isinstance(outcome, Unsupported):
            pytest.skip(outcome.reason)
        if judgement == "known":
            pytest.xfail(reason)
        if judgement == "deviates":
            pytest.fail(reason, pytrace=False)


@pytest.fixture(scope="session")
def claim(request: pytest.FixtureRequest) -> Claim:
    """Return what a claim is made with."""
    config = request.config
    directory = config.getoption("--goldens") or str(Location.of(config.getoption("--store")).folder / "goldens")
    cache = Cache(Path(directory), choice("--reference", config.getoption("--reference"), tuple(CERTIFY)))
    known = () if config.getoption("--judge") else judge.known_deviations(map(Path, config.getoption("--known")))
    return Claim(config.stash[RECORDER], cache.golden, known)
