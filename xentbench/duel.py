"""`xentbench duel A B`: is B slower than A, by how much, and how sure is that?"""

from __future__ import annotations

import random
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import Annotated, Any

import typer

from harness.model import Case
from harness.store import Location
from harness.timing.duel import record
from harness.timing.duel.decision import Rule, Verdict
from harness.timing.duel.fairness import Card, spoken
from harness.timing.duel.gateways import Loaded, Workers
from harness.timing.duel.pairing import Measured
from harness.timing.duel.site import Site
from harness.timing.duel.waves import Duel, Sides, settle, unload
from harness.timing.traffic import Bandwidth
from reference.cache import Cache
from reference.golden import Audited
from suites.speed import candidates, results
from suites.speed.candidates import Accuracy, Candidate, WantedCase, Written
from suites.speed.peaks import PeakMemory
from suites.speed.results import Timed
from xentbench import timing
from xentbench.options import StoreLocation
from xentbench.timing import out, stop

MEANS = {
    "slower": "B is slower: {ratio:.3f} times A's time",
    "faster": "B is faster: {ratio:.3f} times A's time",
    "same": "the same within {size:.3g} %: B takes {ratio:.3f} times A's time",
    "cannot tell": "cannot tell: B takes {ratio:.3f} times A's time",
}


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
    case: Annotated[str, typer.Option(help=timing.CASE)] = "",
    python_a: Annotated[str, typer.Option(help="A's interpreter, where it is another one")] = "",
    python_b: Annotated[str, typer.Option(help="B's interpreter")] = "",
    spec_a: Annotated[str, typer.Option(help="A's execnet spec: ssh=host//python=PATH")] = "",
    spec_b: Annotated[str, typer.Option(help="B's execnet spec")] = "",
    min_effect: Annotated[str, typer.Option(help="what counts as a difference")] = "3%",
    device: Annotated[str, typer.Option(help="cpu, cuda or cuda:N, of targets that name none")] = "",
    threads: Annotated[int, typer.Option(help="threads a worker may use")] = 1,
    allocator: Annotated[str, typer.Option(help="default; or warm: malloc keeps what is freed")] = "default",
    seed: Annotated[int, typer.Option(help="of the order in which workers are timed")] = 0,
    store: StoreLocation = results.STORE,
    *,
    graph: timing.Graph = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="print verdicts, accuracy and fairness cards as JSON")
    ] = False,
) -> None:
    """Decide whether B is slower than A, faster or the same; several worker processes a side, timed in turn.

    Exit code 1 where B is slower, 3 where nothing is slower and one case cannot be told.
    """
    try:
        wanted = WantedCase.read(case)
        rule = Rule(min_effect=timing.share("--min-effect", min_effect))
        where = candidates.device_of(device)
        written = [Written.read(text, where) for text in (a, b)]
        variables = timing.variables(allocator)
    except ValueError as error:
        stop(2, str(error))
    sites = Site.of(python_a, spec_a, threads, variables), Site.of(python_b, spec_b, threads, variables)
    with timing.ending(), Workers(store.folder / "logs") as workers:
        both = find_both(workers, written, sites, wanted.op, graph=graph)
        sides = measure_memory(workers, *both)
        waves = Sides(workers, sites, rule.waves, (both[0].where, both[1].where))
        decided = [
            decide_case(workers, waves, sides, each, rule, random.Random(seed), store)  # noqa: S311 - an order
            for each in wanted.cases(both[0].target.implementation.op)
        ]
    if as_json:
        timing.write_json(decided)
    else:
        for plain in decided:
            show(plain, rule)
    answers = {plain["verdict"]["answer"] for plain in decided}
    raise typer.Exit(1 if "slower" in answers else 3 if "cannot tell" in answers else 0)


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
    loaded: list[tuple[list[Loaded], list[Loaded]]] = []

    def load(look: int) -> tuple[list[Loaded], list[Loaded]]:
        loaded.append(waves.load(look, str(case), orders))
        return loaded[-1]

    duel = settle(load, rule, rng)
    for both in loaded:
        unload((*both[0], *both[1]))
    certify = Cache(store.folder / "goldens", "fast").golden
    a, b = (
        timed_side(workers, side, case, first[0], duel.blocks(name), certify)
        for side, first, name in zip(sides, loaded[0], "ab", strict=True)
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
    timing.say(plain["case"])
    for name in "ab":
        side = plain[name]
        timing.say(f"  {name.upper()} {side['target']}: {spoken(side['seconds'])} a call; {side['accuracy']['words']}")
    meaning = MEANS[verdict.answer].format(ratio=verdict.ratio, size=100 * rule.min_effect)
    timing.say(
        f"  {meaning} ({verdict.low:.3f} to {verdict.high:.3f} at {verdict.confidence:.2%}); "
        f"{verdict.workers} workers a side, {plain['measured_seconds']:.2g} s of blocks; "
        f"a slowdown of {verdict.detectable:.1%} would have been found"
    )
    out.print(timing.cards({name.upper(): plain[name]["card_lines"] for name in "ab"}))
    with suppress(BrokenPipeError):
        timing.say(f"  record: {plain['record']}")
        sys.stdout.flush()
