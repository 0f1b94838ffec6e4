"""`xentbench tournament`: all fused implementations and modes of one op and shape, timed in turn, and ranked."""

from __future__ import annotations

import math
import os
import random
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import typer
from rich.table import Table

from harness.duel import fairness, record
from harness.duel.contest import leave
from harness.duel.fairness import spoken
from harness.duel.gateways import Place, Question, Refused, Seat, Staff, Worker, WorkerLost
from harness.duel.tournament import Tournament, play
from harness.model import Case, Implementation, Target
from harness.plugin import device as a_device
from harness.plugin import pairs
from suites import contestants, jobs, plan, speed_store, timing_options
from suites.cases import PRESETS, ops
from suites.contestants import Asked, Contestant
from suites.timing_options import out, stop

WORKERS = 3  # a framework; what differs by less than its processes do is called level
FEWER_WORKERS = 2  # where one call of every mode takes a minute
LARGE_BYTES = 64 << 20  # of logits
SECONDS = 60.0  # of blocks; worker start and compilation apart


def tournament(
    op: Annotated[str, typer.Option(help=f"one of {', '.join(ops())}")] = "sparse_xent",
    case: Annotated[str, typer.Option(help=timing_options.CASE)] = "64x1000",
    shape: Annotated[str, typer.Option(help="ROWSxCLASSES, for --case")] = "",
    on: Annotated[str, typer.Option(help="frameworks or framework:mode pairs; default: all found")] = "",
    device: Annotated[str, typer.Option(help="cpu, cuda or cuda:N")] = "cpu",
    workers: Annotated[int, typer.Option(help="processes a framework; default: 3, of large inputs 2")] = 0,
    seconds: Annotated[float, typer.Option(help="of blocks a case, at most; one round is always played")] = SECONDS,
    threads: Annotated[int, typer.Option(help="threads a worker may use")] = 1,
    allocator: Annotated[str, typer.Option(help="default; or warm: malloc keeps what is freed")] = "default",
    seed: Annotated[int, typer.Option(help="of the order of play")] = 0,
    store: Annotated[Path, typer.Option(help="where timings are kept; records lie beside it")] = speed_store.STORE,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="print ranks and fairness cards as JSON")] = False,
) -> None:
    """Rank all fused implementations x modes of an op on one shape, with intervals that hold together.

    Processes of one framework are shared by its modes; every process is timed once a round, in random order.
    """
    try:
        wanted = Asked.read(",".join(filter(None, (case, shape, op))))
        workers = enough(workers, wanted)
        asked = plan.Wanted(PRESETS["full"], pairs(on))
        place = Place.of("", "", threads, timing_options.variables(allocator))
    except ValueError as error:
        stop(2, str(error))
    names = [name for name, _ in jobs.shares(asked) if name != "numpy"]  # the control offers nothing fused
    try:
        with Staff(store.parent / "logs") as staff:
            hired = {name: [staff.hire(place) for _ in range(workers)] for name in names}
            entrants = entered(hired, place, wanted.op, asked, a_device(device) or "cpu")
            if not entrants:
                stop(3, f"no fused implementation of {wanted.op} was found; try: xentbench list implementations")
            told = [
                played(staff, hired, entrants, each, random.Random(seed), seconds, store)  # noqa: S311 - an order of play
                for each in wanted.cases(wanted.op)
            ]
    except WorkerLost as lost:
        stop(4, str(lost))
    except KeyboardInterrupt:
        stop(130, "interrupted")
    if as_json:
        timing_options.write_json(told)
    else:
        for one in told:
            show(one)


def enough(workers: int, wanted: Asked) -> int:
    """Return how many processes a framework has. Raises ValueError for fewer than two."""
    if not workers:
        return FEWER_WORKERS if 4 * math.prod(wanted.shape) > LARGE_BYTES else WORKERS
    if workers < 2:
        raise ValueError(f"--workers is {workers}, expected at least 2: the process is what is replicated")
    return workers


def entered(
    hired: dict[str, list[Worker]], place: Place, op: str, wanted: plan.Wanted, device: str
) -> list[Contestant]:
    """Import every framework in its workers, and return its fused targets; a framework that is missing is said so."""
    for workers in hired.values():
        for worker, name in ((worker, name) for name, of in hired.items() for worker in of if of is workers):
            worker.tell("environment", name, "", device)
    found: list[Contestant] = []
    for name, workers in list(hired.items()):
        try:
            environment, *_ = [worker.hear() for worker in workers]
        except Refused as refusal:
            timing_options.err.print(f"not run: {name}: {refusal}", highlight=False, markup=False, soft_wrap=True)
            del hired[name]
            continue
        surroundings = workers[0].ask("surroundings")
        modes = {mode for framework, mode in wanted.pairs if framework == name and mode}
        found += [
            Contestant(
                Target(Implementation(name, op, function, "fused"), mode, device),
                "",
                place,
                workers[0],
                environment,
                surroundings,
            )
            for function, mode in workers[0].ask("fused", name, "", op)
            if not modes or mode in modes
        ]
    return found


def played(
    staff: Staff,
    hired: Mapping[str, list[Worker]],
    entrants: list[Contestant],
    case: Case,
    rng: random.Random,
    seconds: float,
    store: Path,
) -> dict[str, Any]:
    """Play one case; store it, and return it in plain values."""
    sides: dict[str, list[Seat]] = {}
    refused: dict[str, str] = {}
    for entrant in entrants:
        question = entrant.question(staff, case)
        workers = hired[entrant.target.implementation.framework]
        try:
            sides[str(entrant.target)] = seated(staff, workers, question)
        except Refused as refusal:
            refused[str(entrant.target)] = str(refusal)
    found = play(sides, rng, seconds)
    timed = [finished(entrant, case, found, sides, refused) for entrant in entrants]
    for seats in sides.values():
        leave(seats)
    uid = speed_store.keep(store, "tournament", case, timed)
    plain = in_plain_values(found, case, timed, refused)
    path = store.parent / "duels" / f"{uid}.json"
    blocks = {name: record.packed(side) for name, side in found.blocks.items()}
    record.write(path, "tournament", {**plain, "runs": [uid], "blocks": blocks})
    return {**plain, "record": str(path)}


def seated(staff: Staff, workers: list[Worker], question: Question) -> list[Seat]:
    """Give a framework's workers a question, as many at once as there are cores: first calls take as long as blocks."""
    cores = os.cpu_count() or 1
    parts = [workers[at : at + cores] for at in range(0, len(workers), cores)]
    return [seat for part in parts for seat in staff.seat_all([(one, str(question.target), question) for one in part])]


def finished(
    entrant: Contestant,
    case: Case,
    found: Tournament,
    sides: Mapping[str, list[Seat]],
    refused: Mapping[str, str],
) -> speed_store.Timed:
    """Put an entrant's card beside its blocks."""
    name = str(entrant.target)
    if name in refused:
        return speed_store.Timed(entrant, (), None, refused[name])
    blocks = [one for worker in found.blocks[name] for one in worker]
    return speed_store.Timed(entrant, blocks, contestants.card(entrant, case, sides[name][0], blocks, None))


def in_plain_values(
    found: Tournament, case: Case, timed: list[speed_store.Timed], refused: Mapping[str, str]
) -> dict[str, Any]:
    """Return a tournament as JSON has it, fastest first."""
    by_name = {str(one.contestant.target): one for one in timed}
    return {
        "case": str(case),
        "measured_seconds": found.measured_seconds,
        "refused": dict(refused),
        "ranks": [
            {
                **asdict(rank),
                "framework": by_name[rank.name].contestant.target.implementation.framework,
                "seconds": median(fairness.seconds(one) for one in by_name[rank.name].blocks),
                "card": asdict(card) if (card := by_name[rank.name].card) else None,
            }
            for rank in found.ranks
        ],
    }


def show(told: dict[str, Any]) -> None:
    """Print a ranking: ranks that are level share theirs."""
    table = Table("rank", "target", "a call", "times the fastest", "first call", "faults a call", box=None)
    for one in told["ranks"]:
        ranks = str(one["first"]) if one["first"] == one["last"] else f"{one['first']}-{one['last']}"
        times = f"{one['times']:.3g} ({one['low']:.3g} to {one['high']:.3g})"
        card = one["card"]
        table.add_row(
            ranks,
            one["name"],
            spoken(one["seconds"]),
            times,
            spoken(card["first_seconds"]),
            f"{card['minor_faults']:.3g}",
        )
    timing_options.say(told["case"])
    out.print(table)
    if told["ranks"]:
        lines = ("synchronised", "threads", "allocator", "transfers", "output", "dtype", "cache", "garbage")
        shared = told["ranks"][0]["card"]
        timing_options.say("  " + "; ".join(f"{name}: {shared[name]}" for name in lines))
    for name, reason in told["refused"].items():
        timing_options.say(f"  not timed: {name}: {reason}")
    timing_options.say(f"  {told['measured_seconds']:.3g} s of blocks; record: {told['record']}")
