"""`xentbench.check` and `assert_conforms`: a function judged in the process that calls it, with no file written.

What happens to a function happens to its caller: a crash or a hang is one of the user's own process, which
`xentbench judge` survives. Goldens are kept in memory for the next call, or in a folder that is named.
"""

from __future__ import annotations

import inspect
import shlex
import warnings
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypedDict, Unpack

from harness.adapters import frameworks, judged, state
from harness.adapters.adapter import Adapter
from harness.model import Case, Result, Target
from harness.running import host
from harness.running.arguments import known_mode
from harness.running.recorder import Recorder
from harness.store import Location, Store
from reference.cache import Cache, Memory
from reference.golden import Audited
from suites import parts
from suites.judging import judge, lines, verdict
from suites.judging.brake import Brake
from suites.judging.claim import Claim
from suites.judging.findings import Finding, Question
from suites.judging.verdict import Judged
from suites.questions.plan import Wanted

MEMORY = Memory()
Known = str | Path | Sequence[str | Path]


@dataclass
class Kept:
    """What comes back, in memory."""

    results: list[Result] = field(default_factory=list)
    spared: list[Question] = field(default_factory=list)
    notes: dict[str, None] = field(default_factory=dict)

    def begin(self, case: Case, target: Target) -> None:
        """Nobody watches."""

    def end(self, result: Result) -> None:
        """Keep a result."""
        self.results.append(result)

    def found(self, result: Result) -> None:
        """Keep what was found beside an answer."""
        self.results.append(result)

    def not_asked(self, case: Case, target: Target) -> None:
        """Keep a question that is spared."""
        self.spared.append((case, target))

    def leave(self) -> None:
        """Stay: the process is somebody's own."""

    def note(self, text: str) -> None:
        """Keep a remark."""
        self.notes[text] = None

    def environment(self, adapter: Adapter, device: str) -> str:  # noqa: ARG002 - nothing is stored
        """Return no key."""
        return ""


@dataclass
class Stored(Kept):
    """What comes back, in memory and in a store."""

    recorder: Recorder = field(kw_only=True)

    def end(self, result: Result) -> None:
        """Keep and store a result."""
        super().end(result)
        self.recorder.end(result)

    def found(self, result: Result) -> None:
        """Keep and store what was found beside an answer."""
        super().found(result)
        self.recorder.found(result)

    def environment(self, adapter: Adapter, device: str) -> str:
        """Return the key of the environment, which is stored."""
        return self.recorder.environment(adapter, device)


def check(
    function: Callable[..., Any],
    op: str,
    *,
    framework: str,
    preset: str = "smoke",
    dtypes: Iterable[str] = (),
    modes: Iterable[str] = (),
    device: str = "cpu",
    families: Iterable[str] = (),
    known: Known = (),
    strict: bool = False,
    first: bool = False,
    store: str | Path | None = None,
    goldens: str | Path | None = None,
) -> Judged:
    """Judge a function in this process, and return the findings, most harmful first: nothing where it conforms.

    Args:
        function: called with the framework's own arrays, as the op's signature says: `(logits, labels)` of losses.
        op: such as "sparse_xent" or "softmax"; `xentbench list ops` has them all.
        framework: "torch", "jax", "tensorflow" or "numpy".
        preset: how much is asked: smoke, quick, standard or full.
        dtypes: such as "float32"; all that the framework has where none is named.
        modes: of the framework, such as "eager"; those that do not compile for long where none is named.
        device: cpu, cuda or cuda:N.
        families: of inputs; all where none is named.
        known: a file of accepted deviations, or several, as `xentbench accept` writes them.
        strict: what is recorded otherwise deviates too, such as an answer that depends on its batch.
        first: stop at the first finding.
        store: a file or URL that results are kept in; nothing is written where none is named.
        goldens: a folder that exact answers are kept in; in memory where none is named.

    The function is called in this process: where it crashes or hangs, so does the process.

    It is measured by the usual arithmetic, whatever rounding or flush-to-zero the caller has set, which is kept.

    Raises ValueError for a name that is off, TypeError for what is no function, and NotInstalled where the framework
    cannot be imported.
    """
    if not callable(function):
        raise TypeError(f"function is {function!r}, expected one that can be called")
    judged.implements(op, framework=framework)  # raises for names that are off
    wanted = Wanted.of(
        preset=preset,
        on=",".join(f"{framework}:{mode}" for mode in _names(modes)) or framework,
        dtype=",".join(_names(dtypes)),
        device=device,
        family=",".join(_names(families)),
    )
    accepted = judge.known_deviations(map(Path, _names(known)), shipped=False)
    adapter = _adapter(function, op, framework, wanted, _names(modes))
    with ExitStack() as stack:
        kept, uid = _kept(store, preset, stack)
        brake = Brake(first=first)
        claim = Claim(kept, _goldens(goldens), accepted, brake, strict=strict)
        with warnings.catch_warnings(), state.plain():
            warnings.simplefilter("ignore")
            for question, part in parts.questions([adapter], wanted):
                claim(question, part.answer)
    (found,) = verdict.verdicts(kept.results, kept.spared, list(kept.notes)) or [_unasked(adapter)]
    return with_commands(found, store, uid)


class Options(TypedDict, total=False):
    """What `check` takes beside a function, its op and its framework."""

    preset: str
    dtypes: Iterable[str]
    modes: Iterable[str]
    device: str
    families: Iterable[str]
    known: Known
    strict: bool
    first: bool
    store: str | Path | None
    goldens: str | Path | None


def assert_conforms(function: Callable[..., Any], op: str, *, framework: str, **options: Unpack[Options]) -> None:
    """Raise AssertionError, with the first findings, where a function does not conform; options are those of `check`.

    The function is called in this process: where it crashes or hangs, so does the process.
    """
    __tracebackhide__ = True
    found = check(function, op, framework=framework, **options)
    if found.verdict != "conforms":
        raise AssertionError("\n".join(lines.of(found)))


def _names(given: Any) -> list[str]:
    """Return the names of one or of several."""
    return [str(given)] if isinstance(given, str | Path) else [str(each) for each in given]


def _adapter(function: Callable[..., Any], op: str, framework: str, wanted: Wanted, modes: Sequence[str]) -> Adapter:
    """Return the adapter that offers the function alone."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what a framework says while it is imported is no outcome
        plain = frameworks.load(framework)
    for mode in modes:
        known_mode(framework, mode, plain.modes)
    catalogue = judged.by_framework([(framework, op, function)])[framework]
    adapter = plain.judging(catalogue, every_mode=bool(modes))
    if not wanted.devices(adapter):
        raise ValueError(f"device is {wanted.device!r}, expected one of {', '.join(adapter.devices())}")
    catalogue.file = _file(function)
    return adapter


def _file(function: Callable[..., Any]) -> str:
    """Return the file that a function can be imported from again, or nothing."""
    try:
        found = inspect.getsourcefile(function) or ""
    except TypeError:
        return ""
    importable = getattr(function, "__qualname__", "<") == getattr(function, "__name__", "")
    return str(Path(found).resolve()) if importable and Path(found).is_file() else ""


def _goldens(folder: str | Path | None) -> Audited:
    return MEMORY.golden if folder is None else Cache(Path(folder)).golden


def _kept(store: str | Path | None, preset: str, stack: ExitStack) -> tuple[Kept, str]:
    """Return where results go, and the id of the run if they are stored."""
    if store is None:
        return Kept(), ""
    location, run = Location.of(str(store)), host.new_run(preset)
    with Store(location) as opened:
        opened.begin(run)
    recorder = Recorder(location, run.uid, None)

    def finish() -> None:
        recorder.close()
        with Store(location) as opened:
            opened.finish(run.uid)

    stack.callback(finish)
    return Stored(recorder=recorder), run.uid


def _unasked(adapter: Adapter) -> Judged:
    (implementation,) = adapter.implementations()
    return Judged(implementation.name, implementation.op, implementation.framework, "not judged")


def with_commands(found: Judged, store: str | Path | None, uid: str) -> Judged:
    """Return a verdict whose findings say what to run, or to write, to see more."""
    findings = tuple(replace(finding, explain=_more(finding, store, uid)) for finding in found.findings)
    return replace(found, findings=findings)


def _more(finding: Finding, store: str | Path | None, uid: str) -> str:
    """Return the command that explains a stored finding, or the code that stores it."""
    if store is not None:
        answer = shlex.quote(f"{finding.case}@{finding.target}")
        return f"xentbench explain {answer}{Location.of(str(store)).option} --run {uid}"
    asked = f'{finding.implementation}, "{finding.op.partition("(")[0]}", framework="{finding.framework}"'
    return f'xentbench.check({asked}, store="build/judged.sqlite"), then xentbench explain'
