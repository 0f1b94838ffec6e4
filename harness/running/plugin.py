"""The pytest plugin: options, and the way of every answer into the store. `suites/conftest.py` turns it on."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NoReturn

import pytest

from harness.running import host, orphan
from harness.running.arguments import run_uid, shard
from harness.running.journal import OURS, Journal, Line
from harness.running.recorder import Recorder
from harness.store import Location, Store, StoreError
from harness.store.location import RESULTS

RECORDER = pytest.StashKey[Recorder]()
BEGUN = pytest.StashKey[bool]()  # by this process, which ends it
ASKED = pytest.StashKey[bool]()  # all there was, of a process that is watched
COMPLETE = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the harness's options."""
    group = parser.getgroup("xentbench")
    group.addoption("--on", default="all", help="frameworks or framework:mode pairs, comma-separated; default: all")
    group.addoption("--preset", default="quick", help="how much to ask: smoke, quick, standard or full")
    group.addoption("--family", default="all", help="input families, comma-separated; default: all")
    group.addoption("--op", default="all", help="ops, comma-separated; default: all")
    group.addoption("--dtype", default="all", help="dtypes, comma-separated; default: all")
    group.addoption("--device", default="all", help="cpu, cuda, or cuda:N; default: all")
    group.addoption("--shard", default="", help="i/n: the i-th of n parts of all questions, the same on every machine")
    group.addoption("--store", default=str(RESULTS), help="where results go: a file, or a database's URL")
    group.addoption("--goldens", default="", help="golden cache; default: `goldens` beside the store")
    group.addoption("--run-uid", default="", help="id of the run: add to it, or begin it; shards of one id are one run")
    group.addoption("--reference", default="fast", help="fast: double-double, audited by mpmath; or mpmath for all")
    group.addoption("--resume", action="store_true", help="leave out what the run holds already")
    group.addoption("--judge", default="", help="ask the functions of this file instead of the frameworks' own")
    group.addoption("--only", default="all", help="of that file, these functions, comma-separated; default: all")
    group.addoption("--first", action="store_true", help="of those functions, stop asking at the first deviation")
    group.addoption("--strict-answers", action="store_true", help="what is recorded otherwise deviates too")
    group.addoption("--known", action="append", default=[], help="a file of known deviations beside those that ship")
    group.addoption(
        "--apart", action="append", default=[], help="a function that is asked last, as the runner names it"
    )
    group.addoption("--leave-out", action="append", default=[], help="a function that is not asked, likewise")
    group.addoption("--doubted", action="append", default=[], help="a question that is asked first, likewise")
    group.addoption("--journal", default="", help="write a line before and after every question to this file")


def pytest_configure(config: pytest.Config) -> None:
    """Begin a run, or join the one named; xdist's workers join their controller's."""
    if parent := os.environ.get(orphan.PARENT):
        orphan.end_with(int(parent))
    config.add_cleanup(partial(_leave, config))  # the first to be added is the last to be done
    uid = config.getoption("--run-uid") or os.environ.get("XENTBENCH_RUN", "")
    journal = Journal(Path(config.getoption("--journal"))) if config.getoption("--journal") else None
    try:
        if not uid or config.getoption("--run-uid"):
            uid = _begin(config, uid)
        recorder = Recorder(Location.of(config.getoption("--store")), uid, journal)
    except StoreError as error:
        if journal is None:
            raise pytest.UsageError(str(error)) from error
        journal.write(Line("lost", reason=str(error)))
        pytest.exit(str(error), returncode=OURS)
    config.stash[RECORDER] = recorder
    config.pluginmanager.register(Internal(recorder))


def _begin(config: pytest.Config, uid: str) -> str:
    """Begin a run, of this id if there is one, unless it is there already; return its id."""
    try:
        _, parts = shard(config.getoption("--shard"))
        named = run_uid(uid) if uid else ""
        with Store(config.getoption("--store")) as store:
            if named in {run.uid for run in store.runs()}:
                return named
            run = host.new_run(config.getoption("--preset"), named, parts)
            store.begin(run)
    except StoreError:
        raise
    except ValueError as error:
        raise pytest.UsageError(str(error)) from error
    config.stash[BEGUN] = True
    os.environ["XENTBENCH_RUN"] = run.uid  # inherited by xdist's workers
    return run.uid


def give_up(recorder: Recorder, error: Exception) -> NoReturn:
    """End the process because the store, a file or the arithmetic is lost, which is no question's fault."""
    recorder.ours(error)
    pytest.exit(str(error), returncode=OURS)


@dataclass(frozen=True)
class Internal:
    """Tells whoever watches why pytest itself fails: the question in hand is not why."""

    recorder: Recorder

    def pytest_internalerror(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Say it, as far as it can still be said."""
        if isinstance(excinfo.value, Exception):
            self.recorder.ours(excinfo.value)


def _leave(config: pytest.Config) -> None:
    """End a process whose every answer is stored, at once: to tear a framework down takes half as long as to import it.

    Whatever is to be done when pytest ends was done before; who watches goes by the journal, and not by the exit code.
    """
    if config.stash.get(ASKED, False):
        config.get_terminal_writer().flush()
        os._exit(0)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Say that all was asked; after an internal or a usage error it was not."""
    config = session.config
    if RECORDER not in config.stash or exitstatus not in COMPLETE:
        return
    try:
        config.stash[RECORDER].done_with()
    except (StoreError, OSError) as error:
        give_up(config.stash[RECORDER], error)
    config.stash[ASKED] = bool(config.getoption("--journal"))
    part, parts = shard(config.getoption("--shard"))
    if parts > 1 and not config.getoption("--journal") and not hasattr(config, "workerinput"):
        with Store(config.getoption("--store")) as store:  # else whoever watches, or the controller, says so
            store.add_shard(config.stash[RECORDER].uid, f"{part}/{parts}")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Commit what is left; who began the run ends it."""
    if RECORDER not in config.stash:
        return
    recorder = config.stash[RECORDER]
    recorder.close()
    if config.stash.get(BEGUN, False):
        os.environ.pop("XENTBENCH_RUN", None)
        with Store(config.getoption("--store")) as store:
            if store.done(recorder.uid) or store.not_run(recorder.uid):
                store.finish(recorder.uid)
            else:  # nothing was asked, as with --collect-only or an option that is off
                store.discard(recorder.uid)
