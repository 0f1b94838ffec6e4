"""Turn the plugin on, and hand every claim its questions."""

from __future__ import annotations

import gc
import json
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path

import pytest

from harness.adapters import frameworks, judged, state
from harness.adapters.adapter import Adapter
from harness.adapters.catalogue import Catalogue
from harness.adapters.fence import NotInstalled
from harness.model import Implementation, NotRun, Target, Unsupported
from harness.running import compiled, measured, plugin, process
from harness.running.arguments import known_mode
from harness.running.compiled import Programs
from harness.running.journal import CHANGED
from harness.running.measured import UNKEPT, Measured
from harness.running.plugin import (
    RECORDER,
    give_up,
    pytest_addoption,
    pytest_configure,
    pytest_unconfigure,
)
from harness.running.recorder import Recorder
from harness.spelling import choice, pieces
from harness.store import Location, StoreError
from reference.cache import FOLDER, Cache
from reference.tiers import CERTIFY
from suites import parts
from suites.judging import judge
from suites.judging.brake import Brake
from suites.judging.claim import Claim
from suites.parts import Part
from suites.questions import corpus, plan

GARBAGE = 20_000  # objects made before a search for circles, at each of which jax looks for its own as well
OUTCOMES = (pytest.skip.Exception, pytest.fail.Exception, pytest.xfail.Exception)  # by which a claim reports

__all__ = [
    "pytest_addoption",
    "pytest_configure",
    "pytest_unconfigure",
]


PROGRAMS = pytest.StashKey[list[Programs]]()  # that frameworks have compiled


def wanted(config: pytest.Config) -> plan.Wanted:
    """Read the options. Raises pytest.UsageError with the choices for one that is off."""
    try:
        corpus.use(Location.of(config.getoption("--store")).folder)
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
    named = want.frameworks if want.pairs or not of_file else tuple(of_file)
    found = []
    if len(named) > 1:
        frameworks.triton_first()
    for name in [name for name in named if not of_file or name in of_file]:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # what a framework says while it is imported is no outcome
                with state.kept(ours=True):
                    adapter = frameworks.load(name)
                if programs := compiled.keep(Location.of(config.getoption("--store")).folder, adapter):
                    config.stash.setdefault(PROGRAMS, []).append(programs)
                adapter = adapter.judging(of_file[name], every_mode=bool(want.pairs)) if of_file else adapter
        except NotInstalled as missing:
            recorder.not_run(NotRun(name, "", want.device or "cpu", str(missing)))
            continue
        if changes := ", ".join(state.changed()):
            recorder.note(f"{name} changes {changes} when it is loaded; it is asked without that")
        try:
            for framework, mode in want.pairs:
                if framework == name and mode:
                    known_mode(name, mode, adapter.modes)
        except ValueError as error:
            raise pytest.UsageError(str(error)) from error
        for entry in plan.missing_devices(adapter, want):
            recorder.not_run(entry)
        found.append(adapter)
    gc.freeze()  # what the imports have left is not looked through again
    gc.set_threshold(GARBAGE)
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
    done = recorder.earlier if config.getoption("--resume") else set()
    every = [
        question
        for question in metafunc.module.questions(installed(config), want)
        if not config.getoption("--judge") or parts.takes(question, want)
    ]
    left = [
        (adapter, case, target)
        for adapter, case, target in every
        if (str(case), target.implementation.framework, str(target)) not in done
    ]
    out = named(config, "--leave-out")
    questions = [question for question in left if question[2].implementation not in out]
    announced(config).add(every, len(left), len(left) - len(questions))
    metafunc.parametrize("question", questions, ids=[process.named(case, target) for _, case, target in questions])


@dataclass
class Announced:
    """The questions of a process: all of each function, by one of its targets; those left, and of these left out."""

    every: dict[Implementation, tuple[Target, int]] = field(default_factory=dict)
    left: int = 0
    left_out: int = 0

    def add(self, questions: Sequence[plan.Item], left: int, left_out: int) -> None:
        """Add those of a module."""
        for _, _, target in questions:
            first, count = self.every.get(target.implementation, (target, 0))
            self.every[target.implementation] = first, count + 1
        self.left += left
        self.left_out += left_out


@cache
def announced(config: pytest.Config) -> Announced:  # noqa: ARG001 - one a process
    """Return what the modules add their questions to."""
    return Announced()


@cache
def named(config: pytest.Config, option: str) -> tuple[Implementation, ...]:
    """Return the functions that an option of the runner names, in order."""
    return tuple(Implementation(*json.loads(text)) for text in config.getoption(option))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Ask somebody's own functions first what shows best, and last those that change the process.

    Before all, and so where nothing else was asked, comes what an earlier process had in hand when it died.
    """
    if config.getoption("--judge"):
        apart = named(config, "--apart")
        items.sort(key=lambda item: _order(asked, apart) if (asked := _question(item)) else (-1, False, False))
    if doubted := config.getoption("--doubted"):
        items.sort(key=lambda item: not ((asked := _question(item)) and process.named(*asked[1:]) in doubted))


def _order(question: plan.Item, apart: Sequence[Implementation]) -> tuple[int, bool, bool]:
    asked = question[2].implementation
    return apart.index(asked) if asked in apart else -1, *parts.order(question)


def _question(item: pytest.Item) -> plan.Item | None:
    """Return an item's question; a claim without questions is one empty item, which has none."""
    spec = getattr(item, "callspec", None)
    question = spec.params.get("question") if spec else None
    return question if isinstance(question, tuple) else None


def pytest_collection_finish(session: pytest.Session) -> None:
    """Announce the plan to whoever watches; of questions that pytest itself leaves out, nobody is told."""
    known, asked = announced(session.config), sum(_question(item) is not None for item in session.items)
    recorder = session.config.stash[RECORDER]
    if known.left - known.left_out == asked:
        recorder.plan(dict(known.every.values()), known.left, known.left_out)
    else:
        recorder.plan({}, asked, 0)


@dataclass(frozen=True)
class Asker:
    """Puts a question, and fails where the answer deviates and is not known to."""

    claim: Claim
    recorder: Recorder
    apart: Sequence[Implementation] | None = None  # where functions that change the process are to be asked apart
    doubted: Sequence[str] = ()  # questions whose answers are not to be lost with what comes after them

    def __call__(self, question: plan.Item, part: Part) -> None:
        """Ask, and report to pytest."""
        try:
            result = self.claim(question, part.answer)
        except (StoreError, OSError, state.NotRestored) as error:  # the function's own are caught by the fence
            give_up(self.recorder, error)
        if self.doubted and process.named(*question[1:]) in self.doubted:
            self.recorder.flush()
        if self.apart is not None and question[2].implementation in self.claim.changes.keys() - {*self.apart}:
            self.recorder.flush()
            pytest.exit("asked on in another process: a function has changed this one", returncode=CHANGED)
        if result is None:
            pytest.skip("not asked: earlier answers have shown what this one would")
        if isinstance(result.outcome, Unsupported):
            pytest.skip(result.outcome.reason)
        if result.judgement == "known":
            pytest.xfail(result.reason)
        if result.judgement == "deviates":
            pytest.fail(result.reason, pytrace=False)


@cache
def kept(config: pytest.Config) -> Measured:
    """Return what is kept of answers; of somebody's own functions nothing, whatever they do to this process."""
    if config.getoption("--judge"):
        return UNKEPT
    folder = Location.of(config.getoption("--store")).folder
    found = Measured(folder / measured.NAME, measured.edition(config.getoption("--reference")))
    config.add_cleanup(found.close)
    return found


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Say what was compiled and measured anew, and what was not, and that all was asked."""
    config = session.config
    for programs in config.stash.get(PROGRAMS, []):
        programs.seal()
        if programs.told:
            config.stash[RECORDER].note(programs.told)
    if RECORDER in config.stash:
        kept(config).flush()
        if told := kept(config).told:
            config.stash[RECORDER].note(told)
    plugin.pytest_sessionfinish(session, exitstatus)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> bool | None:
    """Ask without a report where somebody watches by the journal: what came back is in the store.

    Three reports of each question, with setup, capture and teardown around them, cost more than many a question. An
    error of our own, which is no answer, is reported as ever.
    """
    if not (item.config.getoption("--journal") and _question(item)):
        return None
    assert isinstance(item, pytest.Function)
    ask = partial(item.obj, question=_question(item), claim=asker(item.config))
    call = pytest.CallInfo.from_call(ask, when="call", reraise=(pytest.exit.Exception, KeyboardInterrupt))
    if call.excinfo and not isinstance(call.excinfo.value, OUTCOMES):
        item.ihook.pytest_runtest_logreport(report=item.ihook.pytest_runtest_makereport(item=item, call=call))
    return True


@pytest.fixture(scope="session")
def claim(request: pytest.FixtureRequest) -> Asker:
    """Return what a claim is made with."""
    return asker(request.config)


@cache
def asker(config: pytest.Config) -> Asker:
    """Return what puts all questions of a process."""
    directory = config.getoption("--goldens") or str(Location.of(config.getoption("--store")).folder / FOLDER)
    cache = Cache(Path(directory), choice("--reference", config.getoption("--reference"), tuple(CERTIFY)))
    own, is_judging = map(Path, config.getoption("--known")), bool(config.getoption("--judge"))
    known = judge.known_deviations(own, shipped=not is_judging)
    recorder, first = config.stash[RECORDER], config.getoption("--first")
    brake = Brake(first, stopped=first and recorder.deviates()) if is_judging else None
    several = is_judging and config.getoption("--journal") and len(announced(config).every) > 1
    claim = Claim(
        recorder, cache.golden, known, brake, strict=config.getoption("--strict-answers"), measured=kept(config)
    )
    return Asker(claim, recorder, named(config, "--apart") if several else None, config.getoption("--doubted"))
