"""`xentbench duel A B`: is B slower than A, by how much, and how sure is that? And the duels of `compare --settle`."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from typing import Annotated, Any

import typer
from rich.table import Table

from harness.files.recall import existing
from harness.history.compare import compare
from harness.model import Case, Recorded, Result
from harness.running.progress import Progress
from harness.spelling import choice
from harness.store import Location, Store
from harness.timing.duel import record
from harness.timing.duel.decision import Rule, Verdict
from harness.timing.duel.fairness import ALLOCATORS, Card, spoken
from harness.timing.duel.gateways import Loaded, WorkerLost, Workers
from harness.timing.duel.pairing import Measured
from harness.timing.duel.site import Site
from harness.timing.duel.waves import Duel, Sides
from harness.timing.traffic import Bandwidth
from reference.cache import FOLDER, Cache
from reference.golden import Audited
from suites.speed import candidates, results
from suites.speed.candidates import Accuracy, Candidate, WantedCase, Written
from suites.speed.peaks import PeakMemory
from suites.speed.results import Timed
from suites.speed.settling import Settling
from xentbench import options
from xentbench.screen import Exit, console, ending, refusing, say, warn, write_json
from xentbench.screen import show as show_table

MEANS = {
    "slower": "B is slower: {ratio:.3f} times A's time",
    "faster": "B is faster: {ratio:.3f} times A's time",
    "same": "the same within {size:.3g} %: B takes {ratio:.3f} times A's time",
    "cannot tell": "cannot tell: B takes {ratio:.3f} times A's time",
}

INTERRUPTED = "interrupted; what duels have found is kept"


@dataclass(frozen=True)
class Side:
    """A side before the duel: what is timed, how fast memory is there, and what reads how much of it is in use."""

    candidate: Candidate
    bandwidth: Bandwidth | None
    peak_memory: PeakMemory


@dataclass(frozen=True)
class TimedSide:
    """One side of a decided duel: its figure, its accuracy, its card."""

    candidate: Candidate
    blocks: list[Measured]
    accuracy: Accuracy
    card: Card


def duel(
    a: Annotated[str, typer.Argument(metavar="A", help="NAME@MODE[:DEVICE], or FILE.py::FUNCTION@MODE")],
    b: Annotated[str, typer.Argument(metavar="B", help="as A; may be the same, in another environment")],
    case: Annotated[str, typer.Option(help=options.TIMED_CASE, show_default="64x1000,float32,value,grad_logits")] = "",
    python_a: Annotated[str, typer.Option(help="A's interpreter, where it is another one")] = "",
    python_b: Annotated[str, typer.Option(help="B's interpreter")] = "",
    spec_a: Annotated[str, typer.Option(help="A's execnet spec: ssh=host//python=PATH")] = "",
    spec_b: Annotated[str, typer.Option(help="B's execnet spec")] = "",
    min_effect: Annotated[str, typer.Option(help="what counts as a difference", envvar="XENTBENCH_MIN_EFFECT")] = "3%",
    device: Annotated[
        str, typer.Option(help="cpu, cuda or cuda:N, of targets that name none", envvar="XENTBENCH_DEVICE")
    ] = "cpu",
    threads: options.Threads = 1,
    allocator: options.Allocator = "default",
    seed: Annotated[int, typer.Option(help="of the order in which workers are timed")] = 0,
    store: options.OwnStore = results.STORE,
    *,
    graph: options.Graph = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="print verdicts, accuracy and fairness cards as JSON")
    ] = False,
) -> None:
    """Decide whether B is slower than A, faster or the same.

    Several worker processes a side are timed in turn.

    Examples:
      xentbench duel torch.softmax@eager jax.nn.softmax@jit --case 512x8192,float32,value
      xentbench duel my_kernel.py::mine@eager torch.nn.functional.cross_entropy@compile --min-effect 5%

    Exit codes:
      0    B is as fast as A, or faster
      1    B is slower
      2    an option is off, or a target cannot be asked
      3    nothing is slower, and one case cannot be told
      4    a worker process died or hung
      130  interrupted
    """
    with refusing():
        wanted = WantedCase.read(case)
        rule = Rule(min_effect=share("--min-effect", min_effect))
        where = candidates.device_of(device)
        written = [Written.read(text, where) for text in (a, b)]
        variables = ALLOCATORS[choice("--allocator", allocator, ALLOCATORS)]
    sites = Site.of(python_a, spec_a, threads, variables), Site.of(python_b, spec_b, threads, variables)
    with refusing(), ending(WorkerLost), Workers(store.folder / "logs") as workers:
        both = find_both(workers, written, sites, wanted.op, graph=graph)
        sides = measure_memory(workers, *both)
        waves = Sides(workers, sites, rule.waves, (both[0].where, both[1].where))
        decided = [
            decide_case(workers, waves, sides, each, rule, random.Random(seed), store)  # noqa: S311 - an order
            for each in wanted.cases(both[0].target.implementation.op)
        ]
    if as_json:
        write_json(decided)
    else:
        for plain in decided:
            show(plain, rule)
    answers = {plain["verdict"]["answer"] for plain in decided}
    undecided = Exit.NOTHING_RAN if "cannot tell" in answers else Exit.CONFORMS
    raise typer.Exit(Exit.DEVIATES if "slower" in answers else undecided)


def find_both(
    workers: Workers, written: list[Written], sites: tuple[Site, Site], op: str, *, graph: bool
) -> tuple[Candidate, Candidate]:
    """Find both targets and the op that both answer."""
    first = [workers.start(site) for site in sites]
    found = [candidates.find(worker, text) for worker, text in zip(first, written, strict=True)]
    pair = candidates.same_op(found[0], found[1], op)
    files = (text.file for text in written)
    a, b = (candidates.candidate(*each) for each in zip(first, sites, pair, files, strict=True))
    return replace(a, graph=graph), replace(b, graph=graph)


def measure_memory(workers: Workers, a: Candidate, b: Candidate) -> tuple[Side, Side]:
    """Measure how fast memory is where each side runs; once where both run in one place."""
    in_a = candidates.bandwidth(a.worker, a.framework, a.target.device, a.site.threads)
    alike = (a.site, a.target.device) == (b.site, b.target.device)
    in_b = in_a if alike else candidates.bandwidth(b.worker, b.framework, b.target.device, b.site.threads)
    return Side(a, in_a, PeakMemory(workers, a.site)), Side(b, in_b, PeakMemory(workers, b.site))


def decide_case(
    workers: Workers,
    waves: Sides,
    sides: tuple[Side, Side],
    case: Case,
    rule: Rule,
    rng: random.Random,
    store: Location,
) -> dict[str, Any]:
    """Decide one case; store it, and return it in plain values."""
    orders = sides[0].candidate.order(workers, case), sides[1].candidate.order(workers, case)
    duel, first = waves.duel(str(case), orders, rule, rng)
    certify = Cache(store.folder / FOLDER, "fast").golden
    a, b = (
        timed_side(workers, side, case, loaded, duel.blocks(name), certify)
        for side, loaded, name in zip(sides, first, "ab", strict=True)
    )
    return keep(duel, rule, case, (a, b), store)


def timed_side(
    workers: Workers, side: Side, case: Case, loaded: Loaded, blocks: list[Measured], certify: Audited
) -> TimedSide:
    """Put a side's accuracy and card beside its blocks."""
    candidate = side.candidate
    accuracy = candidates.accuracy(workers, candidate, case, certify)
    order = candidates.smallest(workers, candidate, case)
    (small,) = workers.load_each([(candidate.worker, "smallest", order)])
    dispatch = candidates.dispatch_seconds(small) if isinstance(small, Loaded) else None
    peak = side.peak_memory.peaks([candidate], case).get(str(candidate.target))
    card = candidates.card(candidate, case, loaded.preparation, blocks, dispatch, side.bandwidth, peak)
    return TimedSide(candidate, blocks, accuracy, card)


def keep(duel: Duel, rule: Rule, case: Case, sides: tuple[TimedSide, TimedSide], store: Location) -> dict[str, Any]:
    """Store both sides' timings, and the raw blocks beside them."""
    plain = {
        "case": str(case),
        "verdict": asdict(duel.verdict),
        "measured_seconds": duel.measured_seconds,
        **{name: in_plain_values(side) for name, side in zip("ab", sides, strict=True)},
    }
    uids = [
        results.keep(store, "duel", case, [Timed(side.candidate, side.blocks, duel.verdict.workers, side.card)])
        for side in sides  # a run each: A and B may be one target, in two environments
    ]
    path = store.folder / "duels" / f"{uids[0]}.json"
    record.write(path, "duel", {**plain, "runs": uids, **record.plain(duel, rule)})
    return {**plain, "record": str(path)}


def in_plain_values(side: TimedSide) -> dict[str, Any]:
    """Return a side as JSON has it."""
    return {
        "target": str(side.candidate.target),
        "file": side.candidate.file,
        "place": side.candidate.site.spec,
        "environment": side.candidate.environment,
        "seconds": side.card.seconds,
        "accuracy": asdict(side.accuracy) | {"words": side.accuracy.words},
        "card": side.card.plain,
        "card_lines": side.card.lines,
    }


def show(plain: dict[str, Any], rule: Rule) -> None:
    """Print a decided duel: the verdict, both sides, and what their figures hold."""
    verdict = Verdict(**plain["verdict"])
    say(plain["case"])
    for name in "ab":
        side = plain[name]
        say(f"  {name.upper()} {side['target']}: {spoken(side['seconds'])} a call; {side['accuracy']['words']}")
    meaning = MEANS[verdict.answer].format(ratio=verdict.ratio, size=100 * rule.min_effect)
    say(
        f"  {meaning} ({verdict.low:.3f} to {verdict.high:.3f} at {verdict.confidence:.2%}); "
        f"{verdict.workers} workers a side, {plain['measured_seconds']:.2g} s of blocks; "
        f"a slowdown of {verdict.detectable:.1%} would have been found"
    )
    show_table(cards({name.upper(): plain[name]["card_lines"] for name in "ab"}))
    say(f"  record: {plain['record']}")


def cards(lines: Mapping[str, Mapping[str, str]]) -> Table:
    """Return fairness cards side by side; what all have in common is written once."""
    table = Table("fairness", *lines, box=None, pad_edge=False, padding=(0, 2, 0, 2))
    for row in dict.fromkeys(name for card in lines.values() for name in card):
        values = [card.get(row, "") for card in lines.values()]
        table.add_row(row, *(values if len(set(values)) > 1 else [values[0], *("as A" for _ in values[1:])]))
    return table


def share(option: str, text: str) -> float:
    """Read `3%` or `0.03`. Raises ValueError for what is no share between 0 and 1."""
    try:
        found = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        found = 0.0
    if not 0 < found < 1:
        raise ValueError(f"{option} is {text!r}, expected a share such as 3% or 0.03")
    return found


def settle_times(runs: Sequence[Recorded], size: float, location: Location, pythons: Sequence[str]) -> list[Recorded]:
    """Play every suspicious time of runs, each beside the one before it and the last beside the first, as a duel.

    What is found is kept in the later run of each two; returns all runs as they are then. pythons: their interpreters.
    Raises StoreError where a later run is in no store, and ValueError where an interpreter is another environment than
    its run had.
    """
    if len(pythons) != len(runs):
        raise ValueError(f"--python names {len(pythons)} interpreters, expected {len(runs)}, one a run in their order")
    settled = list(runs)
    for before, after in dict.fromkeys([*pairwise(range(len(runs))), (0, len(runs) - 1)]):
        settled[after] = settle_pair(settled[before], settled[after], (pythons[before], pythons[after]), size, location)
    return settled


def settle_pair(
    before: Recorded, after: Recorded, pythons: tuple[str, str], size: float, location: Location
) -> Recorded:
    """Play the suspicious times of two runs, and return the later one as it is then."""
    suspicious = compare(before, after, size).suspicious
    if not suspicious:
        return after
    with existing(location) as opened:
        uid = opened.run(after.run.uid).uid
    with ending(WorkerLost, interrupted=INTERRUPTED), Progress(console(stderr=True)) as progress:
        for found in Settling(before, after, pythons, size, location, progress.simple).run(suspicious):
            if isinstance(found, Result):
                with Store(location) as opened:
                    opened.append(uid, [found])
            else:
                progress.clear()
                warn(f"not settled: {found}")
    with existing(location) as opened:
        return opened.recorded(uid)
