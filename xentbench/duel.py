"""`xentbench duel A B`: is B slower than A, by how much, and how sure is that?"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import Annotated, Any

import typer

from harness.model import Case
from harness.store import Location
from harness.timing.duel import record
from harness.timing.duel.contest import Duel, Squads, leave, settle
from harness.timing.duel.decision import Rule, Verdict
from harness.timing.duel.fairness import Card, spoken
from harness.timing.duel.gateways import Place, Seat, Staff
from harness.timing.duel.pairing import Measured
from harness.timing.traffic import Limit
from reference.cache import Cache
from reference.golden import Audited
from suites.speed import contestants, results
from suites.speed.contestants import Accuracy, Asked, Contestant, Written
from suites.speed.peaks import Witnesses
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
class Corner:
    """A side before the duel: who plays, what memory allows where it plays, and who reads its memory."""

    contestant: Contestant
    limit: Limit | None
    witnesses: Witnesses


@dataclass(frozen=True)
class Side:
    """One side of a settled duel: its figure, its accuracy, its card."""

    contestant: Contestant
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
        wanted = Asked.read(case)
        rule = Rule(min_effect=timing.share("--min-effect", min_effect))
        where = contestants.device_of(device)
        written = [Written.read(text, where) for text in (a, b)]
        variables = timing.variables(allocator)
    except ValueError as error:
        stop(2, str(error))
    places = Place.of(python_a, spec_a, threads, variables), Place.of(python_b, spec_b, threads, variables)
    with timing.ending(), Staff(store.folder / "logs") as staff:
        both = entered(staff, written, places, wanted.op, graph=graph)
        sides = cornered(staff, *both)
        squads = Squads(staff, places, rule.waves, (both[0].orders, both[1].orders))
        told = [
            settled(staff, squads, sides, each, rule, random.Random(seed), store)  # noqa: S311 - an order of play
            for each in wanted.cases(both[0].target.implementation.op)
        ]
    if as_json:
        timing.write_json(told)
    else:
        for one in told:
            show(one, rule)
    answers = {one["verdict"]["answer"] for one in told}
    raise typer.Exit(1 if "slower" in answers else 3 if "cannot tell" in answers else 0)


def entered(
    staff: Staff, written: list[Written], places: tuple[Place, Place], op: str, *, graph: bool
) -> tuple[Contestant, Contestant]:
    """Find both targets and the op that both answer."""
    clerks = [staff.hire(place) for place in places]
    found = [contestants.find(clerk, text) for clerk, text in zip(clerks, written, strict=True)]
    pair = contestants.same_op(found[0], found[1], op)
    a, b = (contestants.enter(*each) for each in zip(clerks, places, pair, (of.file for of in written), strict=True))
    return replace(a, graph=graph), replace(b, graph=graph)


def cornered(staff: Staff, a: Contestant, b: Contestant) -> tuple[Corner, Corner]:
    """Measure the memory where each plays; once where both play in one place."""
    of_a = contestants.limit(a.clerk, *a.orders[::2], a.place.threads)
    alike = (a.place, a.target.device) == (b.place, b.target.device)
    of_b = of_a if alike else contestants.limit(b.clerk, *b.orders[::2], b.place.threads)
    return Corner(a, of_a, Witnesses(staff, a.place)), Corner(b, of_b, Witnesses(staff, b.place))


def settled(
    staff: Staff,
    squads: Squads,
    sides: tuple[Corner, Corner],
    case: Case,
    rule: Rule,
    rng: random.Random,
    store: Location,
) -> dict[str, Any]:
    """Play one case; store it, and return it in plain values."""
    questions = sides[0].contestant.question(staff, case), sides[1].contestant.question(staff, case)
    seated: list[tuple[list[Seat], list[Seat]]] = []

    def players(look: int) -> tuple[list[Seat], list[Seat]]:
        seated.append(squads.seats(look, str(case), questions))
        return seated[-1]

    found = settle(players, rule, rng)
    for both in seated:
        leave((*both[0], *both[1]))
    certify = Cache(store.folder / "goldens", "fast").golden
    a, b = (
        judged(staff, side, case, seats[0], found.blocks(name), certify)
        for side, seats, name in zip(sides, seated[0], "ab", strict=True)
    )
    return kept(found, rule, case, (a, b), store)


def judged(staff: Staff, corner: Corner, case: Case, seat: Seat, blocks: Iterable[Measured], certify: Audited) -> Side:
    """Put a side's accuracy and card beside its blocks."""
    contestant, measured = corner.contestant, list(blocks)
    accuracy = contestants.accuracy(staff, contestant, case, certify)
    question = contestants.smallest(staff, contestant, case)
    (small,) = staff.seat_each([(contestant.clerk, "smallest", question)])
    dispatch = contestants.dispatch_seconds(small) if isinstance(small, Seat) else None
    peak = corner.witnesses.peaks([contestant], case).get(str(contestant.target))
    card = contestants.card(contestant, case, seat.held, measured, dispatch, corner.limit, peak)
    return Side(contestant, measured, accuracy, card)


def kept(found: Duel, rule: Rule, case: Case, sides: tuple[Side, Side], store: Location) -> dict[str, Any]:
    """Store both sides' timings, and the pairing beside them."""
    plain = {
        "case": str(case),
        "verdict": asdict(found.verdict),
        "measured_seconds": found.measured_seconds,
        **{name: in_plain_values(side) for name, side in zip("ab", sides, strict=True)},
    }
    uids = [
        results.keep(store, "duel", case, [Timed(side.contestant, side.blocks, found.verdict.workers, side.card)])
        for side in sides  # a run each: A and B may be one target, in two environments
    ]
    path = store.folder / "duels" / f"{uids[0]}.json"
    record.write(path, "duel", {**plain, "runs": uids, **record.of_duel(found, rule)})
    return {**plain, "record": str(path)}


def in_plain_values(side: Side) -> dict[str, Any]:
    """Return a side as JSON has it."""
    return {
        "target": str(side.contestant.target),
        "file": side.contestant.file,
        "place": side.contestant.place.spec,
        "environment": side.contestant.environment,
        "seconds": side.card.seconds,
        "accuracy": asdict(side.accuracy) | {"words": side.accuracy.words},
        "card": side.card.plain,
        "card_lines": side.card.lines,
    }


def show(told: dict[str, Any], rule: Rule) -> None:
    """Print a settled duel: the verdict, both sides, and what their figures hold."""
    verdict = Verdict(**told["verdict"])
    timing.say(told["case"])
    for name in "ab":
        side = told[name]
        timing.say(f"  {name.upper()} {side['target']}: {spoken(side['seconds'])} a call; {side['accuracy']['words']}")
    meaning = MEANS[verdict.answer].format(ratio=verdict.ratio, size=100 * rule.min_effect)
    timing.say(
        f"  {meaning} ({verdict.low:.3f} to {verdict.high:.3f} at {verdict.confidence:.2%}); "
        f"{verdict.workers} workers a side, {told['measured_seconds']:.2g} s of blocks; "
        f"a slowdown of {verdict.detectable:.1%} would have been found"
    )
    out.print(timing.cards({name.upper(): told[name]["card_lines"] for name in "ab"}))
    with suppress(BrokenPipeError):
        timing.say(f"  record: {told['record']}")
        sys.stdout.flush()
