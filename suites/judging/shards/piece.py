"""One piece of a run, as a worker does it: a framework's share of the cases, asked in a process of its own."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from harness.files import merge, runfile
from harness.files.fields import Part
from harness.model import Case, Outcome, Recorded, Result, Target
from harness.running.process import Process
from harness.running.runner import Runner
from harness.running.spread import workers
from harness.store import Location, Store
from reference.cache import FOLDER, Cache
from suites.judging import judge
from suites.questions import corpus, jobs
from suites.questions.plan import Wanted

WHOSE = "where the run was begun"


@dataclass(frozen=True)
class Settings:
    """What all pieces of a run are asked with; texts are those of files that a worker has not.

    program: facts that the worker's have to equal. logs: the folder that reasons name.
    """

    uid: str
    arguments: tuple[str, ...]  # of the process that asks, files of known deviations left out
    known: tuple[str, ...]
    strict: bool
    corpus: str
    timeout_seconds: float
    threads: int
    program: Mapping[str, str]
    logs: str


@dataclass(frozen=True)
class Piece:
    """Questions of one framework.

    goldens: files of a cache by their names. begun: the run, with the answers that it holds of them, as a run file.
    """

    framework: str
    wanted: Wanted
    settings: Settings
    goldens: Mapping[str, bytes]
    begun: bytes


@dataclass(frozen=True)
class Done:
    """The run with what it holds now, as a run file; log: of the process.

    failed, misused, nothing: why it gave up, why no option of it can be, why nothing was there to be asked; or empty.
    """

    file: bytes
    log: str
    failed: str
    misused: str
    nothing: str


@cache
def workplace() -> TemporaryDirectory[str]:
    """Return this process's own folder: what frameworks compile, and goldens, last from piece to piece."""
    return TemporaryDirectory(prefix="xentbench-")


def answer(piece: Piece) -> Done:
    """Ask. Raises Mismatch where this worker would measure by another program than whoever began the run."""
    settings = piece.settings
    workers.check(workers.program(), settings.program, WHOSE)
    folder = Path(workplace().name)
    (folder / corpus.NAME).write_text(settings.corpus, "utf-8")
    Cache(folder / FOLDER).put(piece.goldens)
    known = [folder / f"known-{i}.toml" for i in range(len(settings.known))]
    for path, text in zip(known, settings.known, strict=True):
        path.write_text(text, "utf-8")
    name = f"{secrets.token_hex(8)}.run"
    file = folder / f"{name}.sqlite"
    try:
        return _answer(piece, Location.of(file), known)
    finally:
        for path in folder.glob(f"{name}*"):
            path.unlink()


def _answer(piece: Piece, location: Location, known: Sequence[Path]) -> Done:
    """Ask what is wanted into a store of its own, which begins with what the run holds already."""
    settings, folder = piece.settings, location.folder
    listed = judge.known_deviations(known)

    def judged(case: Case, target: Target, outcome: Outcome) -> Result:
        """Judge what the runner itself finds."""
        return Result(case, target, outcome, *judge.judge(case, target, outcome, listed, strict=settings.strict))

    given = Path(location.text).with_suffix(".gz")
    given.write_bytes(piece.begun)
    with Store(location) as store:
        merge.merge(store, given)
    logs = folder / "logs"
    log = logs / f"{piece.framework}.log"
    log.unlink(missing_ok=True)
    runner = Runner(location, settings.uid, logs, judged, settings.timeout_seconds, settings.threads, lambda _: None)
    words = [*settings.arguments, *(word for path in known for word in ("--known", str(path)))]
    (process,) = runner.run(jobs.accuracy(piece.wanted, words), at_once=1)
    text = log.read_text("utf-8", errors="replace") if log.exists() else ""
    with Store(location) as store, given.open("wb") as to:
        runfile.write(Part(_told(store.begun(settings.uid), logs, settings.logs), store.results(settings.uid)), to)
    failed = process.reasons[-1] if process.failed else ""
    return Done(given.read_bytes(), text, failed, process.misused, _nothing(process))


def _told(begun: Recorded, here: Path, there: str) -> Recorded:
    """Let reasons name logs where they are read."""
    entries = [replace(one, reason=one.reason.replace(str(here), there)) for one in begun.not_run]
    return replace(begun, not_run=entries)


def _nothing(process: Process) -> str:
    """Return why a framework is not there to be asked."""
    return process.reasons[-1] if process.reasons and not (process.planned or process.failed) else ""
