"""`xentbench judge FILE.py`: from the command line to verdicts, findings and the exit code."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated

import typer

from harness.adapters.judged import expect_file
from harness.model import Case, Outcome, Result, Target
from harness.running import host
from harness.running.process import Job, Process
from harness.running.progress import Progress
from harness.running.runner import Runner, Trouble
from harness.store import Location, Store, StoreError
from suites.judging import judge, lines
from suites.judging.findings import Finding
from suites.judging.verdict import Judged, verdicts
from suites.questions import corpus, jobs, plan
from xentbench import options
from xentbench.judging import watch
from xentbench.screen import Exit, console, ending, folder, refusing, say, stop, warn, write_json

JUDGED = Location.of("build/judged.sqlite")


@dataclass(frozen=True)
class Request:
    """What is judged, and how; `words` are options of the process that asks."""

    file: Path
    wanted: plan.Wanted
    store: Location
    words: Sequence[str]
    known: Sequence[judge.Known]
    timeout_seconds: float
    as_json: bool
    report: Path | None


def judge_file(
    file: Annotated[Path, typer.Argument(help="a Python file with functions marked by @implements, or a program")],
    preset: options.Preset = "quick",
    on: Annotated[
        str,
        typer.Option(
            help="frameworks or framework:mode pairs; all: but for modes that compile for long, and sessions",
            autocompletion=options.listed(options.pairs),
        ),
    ] = "all",
    only: Annotated[str, typer.Option(help="functions of the file, comma-separated")] = "all",
    dtype: options.Dtypes = "all",
    device: options.Device = "all",
    family: options.Families = "all",
    store: options.OwnStore = JUDGED,
    report: Annotated[Path | None, typer.Option(help="also write an HTML report to this directory")] = None,
    known: options.Known = [],  # noqa: B006 - typer's way to write several
    *,
    first: Annotated[bool, typer.Option("--first", help="stop at the first finding")] = False,
    strict: options.Strict = False,
    watching: Annotated[bool, typer.Option("--watch", help="judge again whenever the file changes")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="print a JSON list of verdicts and findings")] = False,
    timeout: options.Timeout = 60.0,
) -> None:
    """Judge your own functions as the frameworks' own are judged.

    The file holds plain functions marked by `@implements(op, framework="...")` from `xentbench`, or it is a program
    that speaks the process protocol (docs/protocol.md). A finding is one cause, shown by its plainest example; after
    ten answers that show one, no more are asked for.

    Examples:
      xentbench judge my_kernel.py
      xentbench judge my_kernel.py --first --watch
      xentbench judge my_kernel.py --on torch:compile --dtype float32 --only my_softmax --json
      xentbench judge my_kernel.py --report build/judged --known accepted.toml

    Exit codes:
      0    every function conforms; what is refused aloud is not judged
      1    one deviates, or gives no answer
      2    an option is off, or the file
      3    no function of the file could be asked, or judged
      4    questions got no answer, and no function is to blame
      130  interrupted
    """
    with refusing():
        wanted = plan.Wanted.of(preset=preset, on=on, dtype=dtype, device=device, family=family)
        corpus.use(store.folder)
        accepted = judge.known_deviations(known, shipped=False)
        if report:
            folder("--report", report)
        if not watching:  # which waits for a file that an editor is writing
            expect_file(file)
    words = ["--only", only, *(["--first"] if first else []), *(["--strict-answers"] if strict else [])]
    words += [word for path in known for word in ("--known", str(path.resolve()))]
    request = Request(file, wanted, store, words, accepted, timeout, as_json, report)
    if not watching:
        raise typer.Exit(judge_once(request))
    with ending():
        for _ in watch.changes(file):
            code = judge_once(request)
            say(f"{file}: exit code {code.value}; judged again when it changes; Ctrl-C ends")


def judge_once(request: Request) -> Exit:
    """Judge the file, print what was found, and return the exit code."""
    with refusing(), Store(request.store) as opened:
        run = host.new_run(request.wanted.preset.name)
        opened.begin(run)
    early = Early(request, run.uid)
    process = answer(request, run.uid, jobs.judging(request.file, request.wanted, request.words), early)
    results = close(request.store, run.uid, process)
    every = verdicts(results, process.not_asked, process.notes, process.of_each)
    found = [with_commands(one, request.store, run.uid) for one in every]
    for note in process.notes:
        if not note.startswith("`"):  # else it is of a function, and told there
            warn(f"note: {note}")
    if request.as_json:
        write_json([asdict(judged) for judged in found])
    else:
        for judged in found:
            for line in lines.of(judged):
                say(line)
    if request.report:
        from xentbench.report import write_report  # noqa: PLC0415 - who writes no report loads no templates

        with Store(request.store) as opened:
            (warn if request.as_json else say)(f"report: {write_report(opened, run.uid, request.report)}")
    return exit_code(found, process)


def exit_code(found: Sequence[Judged], process: Process) -> Exit:
    """Return the exit code, and say what went wrong beside the functions."""
    verdict = {judged.verdict for judged in found}
    if process.failed or "incomplete" in verdict:
        warn(f"error: {process.reasons[-1] if process.reasons else process.incomplete()}")
        return Exit.MACHINERY
    if verdict <= {"not judged"}:
        warn("error: no function of the file could be asked" if not found else "error: no function could be judged")
        return Exit.NOTHING_RAN
    return Exit.CONFORMS if verdict == {"conforms"} else Exit.DEVIATES


@dataclass
class Early:
    """Shows the progress, and the first finding as soon as there is one."""

    request: Request
    uid: str
    progress: Progress | None = None
    shown: bool = False

    def __call__(self, processes: Sequence[Process]) -> None:
        """Look at how far the process is."""
        assert self.progress is not None
        self.progress(processes)
        (process,) = processes
        if process.deviating and not (self.shown or self.request.as_json):
            self.shown = self._show()

    def _show(self) -> bool:
        """Print the finding that there is; tell whether there is one, for it may be no finding after all."""
        with Store(self.request.store) as opened:
            found = verdicts(opened.results(self.uid))
        finding = next((finding for judged in found for finding in judged.findings), None)
        if finding is None or self.progress is None:
            return False
        self.progress.clear()
        first, *rest = lines.finding_lines(with_command(finding, self.request.store, self.uid))
        say(f"first finding, while the rest is asked: {finding.implementation}: {first}")
        for line in rest:
            say(f"  {line}")
        sys.stdout.flush()  # it is there to be read now, be it through a pipe
        return True


def answer(request: Request, uid: str, job: list[Job], early: Early) -> Process:
    """Ask every function of the file; return the process that did, finished."""

    def unlisted(case: Case, target: Target, outcome: Outcome) -> Result:
        """Judge what the runner itself found."""
        return Result(case, target, outcome, *judge.judge(case, target, outcome, request.known))

    with ending(Trouble, StoreError), Progress(console(stderr=True)) as early.progress:
        runner = Runner(
            store=request.store,
            uid=uid,
            logs=request.store.folder / "logs",
            judge=unlisted,
            timeout_seconds=request.timeout_seconds,
            threads=1,
            progress=early,
        )
        (process,) = runner.run(job, at_once=1)
        return process


def close(store: Location, uid: str, process: Process) -> list[Result]:
    """Note that the run is finished, say what was not run, and return the results; no misused run stays behind."""
    with Store(store) as opened:
        if process.misused:
            opened.discard(uid)
            stop(Exit.USAGE, process.misused)
        opened.finish(uid)
        for entry in opened.not_run(uid):
            warn(f"not run: {entry.framework}: {entry.reason}")
        return list(opened.results(uid))


def with_commands(judged: Judged, store: Location, uid: str) -> Judged:
    """Return a verdict whose findings carry the command that explains them."""
    return replace(judged, findings=tuple(with_command(finding, store, uid) for finding in judged.findings))


def with_command(finding: Finding, store: Location, uid: str) -> Finding:
    """Return a finding with the command that explains it."""
    answered = shlex.quote(f"{finding.case}@{finding.target}")
    return replace(finding, explain=f"xentbench explain {answered}{options.carried(store, uid)}")
