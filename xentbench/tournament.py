"""`xentbench tournament`: all fused implementations and modes of one op and shape, timed in turn, and ranked."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.table import Table

from harness.history import change
from harness.model import Case
from harness.ops import OPS
from harness.spelling import choice
from harness.store import Location
from harness.timing.duel import record
from harness.timing.duel.fairness import ALLOCATORS, Card, spoken
from harness.timing.duel.gateways import WorkerLost, Workers
from harness.timing.duel.site import Site
from suites.questions import jobs, plan
from suites.speed import results
from suites.speed.candidates import Candidate, WantedCase, device_of
from suites.speed.results import Timed
from suites.speed.tournaments import TimedCase, Tournaments, processes
from xentbench import options
from xentbench.screen import Exit, ending, harmless, refusing, say, stop, warn, write_json
from xentbench.screen import show as show_table

OP = "sparse_xent"
SECONDS = 40.0  # of blocks; worker start, first calls and the reading of memory apart
SHARED = ("synchronised", "threads", "allocator", "transfers", "output", "dtype", "cache", "garbage")
COLUMNS = ("rank", "target", "a call", "times the fastest", "of limit", "dispatch", "first call", "memory", "faults")


def tournament(
    op: Annotated[
        str,
        typer.Option(
            help=f"one of {', '.join(OPS)}",
            autocompletion=options.listed(lambda: OPS),
            show_default=f"--case's, or {OP}",
        ),
    ] = "",
    case: Annotated[str, typer.Option(help=options.TIMED_CASE)] = "64x1000",
    shape: Annotated[str, typer.Option(help="ROWSxCLASSES, for --case")] = "",
    on: options.On = "all",
    device: options.Device = "cpu",
    workers: Annotated[int, typer.Option(help="processes a framework", show_default="3, of large inputs 2")] = 0,
    seconds: Annotated[float, typer.Option(help="of blocks, at most; a round of each case is always played")] = SECONDS,
    threads: options.Threads = 1,
    allocator: options.Allocator = "default",
    seed: Annotated[int, typer.Option(help="of the order in which workers are timed")] = 0,
    store: options.OwnStore = results.STORE,
    *,
    graph: options.Graph = False,
    as_json: Annotated[bool, typer.Option("--json", help="print ranks and fairness cards as JSON")] = False,
) -> None:
    """Rank all fused functions x modes of an op on one shape.

    The intervals hold all together. Processes of one framework are shared by its modes; every process is timed once a
    round, in random order.

    Examples:
      xentbench tournament --op sparse_xent --shape 512x8192
      xentbench tournament --on torch,jax:jit --op softmax --case 64x1000,value --json

    Exit codes:
      0    the ranking is made
      2    an option is off
      3    there is no fused function of the op
      4    a worker process died or hung
      130  interrupted
    """
    with refusing():
        wanted = WantedCase.read(",".join(filter(None, (OP, case, shape, choice("--op", op, OPS) if op else ""))))
        asked = plan.Wanted.of(on=on)
        site = Site.of(threads=threads, variables=ALLOCATORS[choice("--allocator", allocator, ALLOCATORS)])
        where = device_of(device)
        workers = enough(workers, wanted)
    cases = wanted.cases(wanted.op)
    with refusing(), ending(WorkerLost), Workers(store.folder / "logs") as session:
        tournaments = Tournaments(session, site, workers, graph)
        # numpy has nothing fused.
        tournaments.start([name for name in jobs.slowest_first(asked) if name != "numpy"])
        candidates = tournaments.candidates(wanted.op, where, asked.pairs)
        say_missing(tournaments)
        if not candidates:
            stop(
                Exit.NOTHING_RAN,
                f"no fused implementation of {wanted.op} was found on {where}; try: xentbench list targets",
            )
        timed = run_cases(tournaments, candidates, cases, seed, seconds, store)
        say_missing(tournaments)
    if as_json:
        write_json(timed)
    else:
        for plain in timed:
            show(plain)


def enough(workers: int, wanted: WantedCase) -> int:
    """Return how many processes a framework has. Raises ValueError for fewer than two."""
    if workers == 1 or workers < 0:
        raise ValueError(f"--workers is {workers}, expected at least 2: the process is what is replicated")
    return workers or processes(wanted.cases(wanted.op)[0])


def run_cases(
    tournaments: Tournaments,
    candidates: Sequence[Candidate],
    cases: Sequence[Case],
    seed: int,
    seconds: float,
    store: Location,
) -> list[dict[str, Any]]:
    """Time all cases, in about so many seconds of blocks; each is stored when it is done, all in one run."""
    every: list[dict[str, Any]] = []
    uid = ""
    for done, case in enumerate(cases):
        rng = random.Random(seed)  # noqa: S311 - the order in which workers are timed
        found, timed = tournaments.run(candidates, case, rng, seconds / (len(cases) - done))
        seconds -= found.tournament.measured_seconds
        uid = results.keep(store, "tournament", case, timed, uid)
        plain = in_plain_values(found, timed)
        path = store.folder / "duels" / f"{uid}-{case.quantity}.json"
        blocks = {name: record.pack(side) for name, side in found.tournament.blocks.items()}
        record.write(path, "tournament", {**plain, "runs": [uid], "blocks": blocks})
        every.append({**plain, "record": str(path)})
    return every


def say_missing(tournaments: Tournaments) -> None:
    """Say which frameworks take no part, or no part any more."""
    for name in list(tournaments.missing):
        warn(f"not run: {name}: {tournaments.missing.pop(name)}")


def in_plain_values(found: TimedCase, timed: Sequence[Timed]) -> dict[str, Any]:
    """Return a tournament as JSON has it, fastest first."""
    by_name = {str(one.candidate.target): one for one in timed}
    ranks = found.tournament.ranks if found.preparations else []
    return {
        "case": str(found.case),
        "measured_seconds": found.tournament.measured_seconds,
        "refused": {name: change.in_words(outcome) for name, outcome in found.out.items()},
        "ranks": [
            {
                **asdict(rank),
                "framework": by_name[rank.name].candidate.framework,
                "seconds": card.seconds,
                "card": card.plain,
                "cells": cells(card),
            }
            for rank in ranks
            if (card := by_name[rank.name].card)
        ],
    }


def cells(card: Card) -> list[str]:
    """Return what stands in a line behind the times over the fastest's."""
    of_limit = "" if card.of_limit is None else f"{card.of_limit:.0%}{' in cache' if card.cached else ''}"
    return [
        of_limit,
        "" if card.dispatch_seconds is None else spoken(card.dispatch_seconds),
        spoken(card.first_seconds),
        f"{card.peak.bytes / card.peak.logits_bytes:.2f} x" if card.peak else "",
        f"{card.minor_faults:.3g}",
    ]


def show(plain: dict[str, Any]) -> None:
    """Print a ranking: ranks that are level share theirs."""
    table = Table(*COLUMNS, box=None, padding=(0, 1))
    table.columns[1].overflow = "fold"
    for one in plain["ranks"]:
        ranks = str(one["first"]) if one["first"] == one["last"] else f"{one['first']}-{one['last']}"
        times = f"{one['times']:.3g} ({one['low']:.3g} to {one['high']:.3g})"
        table.add_row(ranks, harmless(one["name"]), spoken(one["seconds"]), times, *one["cells"])
    say(plain["case"])
    show_table(table)
    for line in shared(plain["ranks"]):
        say(f"  {line}")
    for name, reason in plain["refused"].items():
        say(f"  not timed: {name}: {reason}")
    say(f"  {plain['measured_seconds']:.3g} s of blocks; record: {plain['record']}")


def shared(ranks: Sequence[dict[str, Any]]) -> list[str]:
    """Say what all figures hold, and what their columns are."""
    if not ranks:
        return []
    card = ranks[0]["card"]
    lines = ["; ".join(f"{name}: {card[name]}" for name in SHARED)]
    if limit := card["limit"]:
        rates = f"copy {limit['copy'] / 1e9:.3g} GB/s, read {limit['read'] / 1e9:.3g} GB/s, by as many threads"
        floor = spoken(card["floor_seconds"])
        lines.append(f"of limit: {floor}, the least time that memory allows, over a call's ({rates})")
    if peak := card["peak"]:
        size = f"{peak['logits_bytes'] >> 20} MiB"
        lines.append(f"memory: the peak beyond the inputs over the size of the logits, measured with {size} of them")
    return lines
