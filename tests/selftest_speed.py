"""The duel judged: planted slowdowns of 0, 2, 5 and 10 %, decided by it and by the rules that people use today.

`python -m tests.selftest_speed` prints false alarms and power against wall time, all on this machine in one run, with
busy processes beside it. It fails where more than 0.5 % of the decisions between equals are alarms, or where fewer than
99 % of the slowdowns of 5 % are found.

In every duel the workers of a pool are dealt out anew to the two sides, and pools are replaced: the process is the
random effect, so two fixed sets of processes would be one decision, however often it is repeated.
"""

import argparse
import json
import math
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import permutations
from pathlib import Path
from statistics import NormalDist, mean, median

from rich.console import Console
from rich.table import Table

from harness.model import Case, Implementation, Op, Target
from harness.timing.duel import fairness
from harness.timing.duel.decision import Rule
from harness.timing.duel.gateways import Workers
from harness.timing.duel.order import Order
from harness.timing.duel.site import Site
from harness.timing.duel.waves import settle
from suites.questions import cases
from tests.kernels import slowdowns
from tests.kernels.slowdowns import OPS, SHARES

HERE = Path(__file__).parent
SHAPE = (64, 1000)
FALSE_ALARMS, POWER = 0.005, 0.99  # to reach
ASV_P, ASV_FACTOR = 0.002, 1.1  # asv/statistics.py is_different, asv continuous --factor; asv 0.6
ASV_PROCESSES = 2
OLD, NEW = "old", "new"


@dataclass
class Tally:
    """Decisions of one rule, by planted share."""

    alarms: Counter = field(default_factory=Counter)
    decisions: Counter = field(default_factory=Counter)
    untold: Counter = field(default_factory=Counter)
    block_seconds: dict = field(default_factory=lambda: {share: [] for share in SHARES})
    wall_seconds: list = field(default_factory=list)

    def add(self, share, *, alarm, untold=False):
        """Count a decision."""
        self.decisions[share] += 1
        self.alarms[share] += alarm
        self.untold[share] += untold

    def rate(self, share):
        """Return the share of alarms."""
        return self.alarms[share] / max(1, self.decisions[share])


def main():
    """Run everything, print the table, and return the exit code."""
    options = parsed()
    out = Console(width=None if sys.stdout.isatty() else 140)
    with busy(options.busy):
        tallies = {"duel": Tally()}
        started = time.monotonic()
        overheads = [pool(options, number, tallies["duel"], out) for number in range(options.pools)]
        out.print(f"duels: {time.monotonic() - started:.0f} s, worker starts included")
        if options.runs:
            tallies |= others(benchmarks(options.runs, out))
    show(out, tallies)
    duel = tallies["duel"]
    slowest = {share: sorted(duel.block_seconds[share]) for share in SHARES}
    for share, seconds in slowest.items():
        if seconds:
            out.print(f"blocks of a duel at {share} %: median {median(seconds):.2f} s, longest {seconds[-1]:.2f} s")
    out.print(f"loop and wait in a block: {max(overheads):.2%} of the call at most (median over workers, by op)")
    return int(duel.rate(0) > FALSE_ALARMS or duel.rate(5) < POWER)


def parsed():
    """Read the options."""
    parser = argparse.ArgumentParser(prog="python -m tests.selftest_speed", description=__doc__.splitlines()[0])
    parser.add_argument("--pools", type=int, default=3, help="sets of workers, one after the other")
    parser.add_argument("--equals", type=int, default=140, help="duels between equals in each")
    parser.add_argument("--planted", type=int, default=40, help="duels a pool for each slowdown")
    parser.add_argument("--runs", type=int, default=8, help="pytest-benchmark processes; 0: leave other rules out")
    parser.add_argument("--busy", type=int, default=2, help="busy processes beside it")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


@contextmanager
def busy(count):
    """Keep processes busy meanwhile."""
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


def pool(options, number, tally, out):
    """Start a pool of processes, run its duels, and return the largest overhead of an op."""
    rule, rng = Rule(), random.Random(f"{options.seed} {number}")  # noqa: S311 - the order in which workers are timed
    started = time.monotonic()
    with Workers() as workers:
        pool = [workers.start(Site.of()) for _ in range(2 * sum(rule.waves))]
        loaded = {(op, share): load(workers, pool, op, share) for op in OPS for share in SHARES}
        out.print(f"pool {number}: {len(pool)} workers started in {time.monotonic() - started:.0f} s")
        planned = [0] * options.equals + [share for share in SHARES if share for _ in range(options.planted)]
        for share in rng.sample(planned, len(planned)):
            duel(loaded, rng.choice(list(OPS)), share, rule, rng, tally)
    return max(median(one.preparation.overhead_seconds / one.seconds for one in loaded[op, 0]) for op in OPS)


def load(workers, pool, op, share):
    """Let every worker of a pool prepare an op with a share of slowdown."""
    case = Case(Op.of(op), "value", cases.SPEED, "float32", *SHAPE)
    target = Target(Implementation("torch", op, slowdowns.name(op, share), "fused"), "eager")
    arrays = workers.arrays.put(op, lambda: cases.inputs(case))
    order = Order(case, target, slowdowns.__file__, arrays, fairness.cache_bytes("cpu"))
    return workers.load_all([(worker, f"{op}-{share}", order) for worker in pool])


def duel(loaded, op, share, rule, rng, tally):
    """Run one duel between workers dealt out anew."""
    dealt = rng.sample(range(2 * sum(rule.waves)), 2 * sum(rule.waves))

    def wave(look):
        first = 2 * sum(rule.waves[:look])
        both = dealt[first : first + 2 * rule.waves[look]]
        return [loaded[op, 0][one] for one in both[::2]], [loaded[op, share][one] for one in both[1::2]]

    started = time.monotonic()
    settled = settle(wave, rule, rng)
    tally.wall_seconds.append(time.monotonic() - started)
    tally.block_seconds[share].append(settled.measured_seconds)
    answer = settled.verdict.answer
    alarm = answer == "slower" or (answer == "faster" and not share)
    tally.add(share, alarm=alarm, untold=answer == "cannot tell")


def benchmarks(runs, out):
    """Run pytest-benchmark in so many processes; return {(op, share): [figures of each run]}."""
    found = {(op, share): [] for op in OPS for share in SHARES}
    started = time.monotonic()
    for _ in range(runs):
        with tempfile.TemporaryDirectory() as folder:
            report = Path(folder) / "benchmark.json"
            options = ["-q", "-p", "no:cacheprovider", "--benchmark-disable-gc", f"--benchmark-json={report}"]
            subprocess.run(
                [sys.executable, "-m", "pytest", str(HERE / "orders" / "slowdowns.py"), *options],
                cwd=HERE.parent,
                env=os.environ | {"OMP_NUM_THREADS": "1"},
                check=True,
                capture_output=True,
            )
            for one in json.loads(report.read_text())["benchmarks"]:
                info = one["extra_info"]
                found[info["op"], info["share"]].append({**one["stats"], "asv": info["asv"]})
    seconds = time.monotonic() - started
    out.print(f"pytest-benchmark: {runs} runs of {len(found)} functions, {seconds / runs / len(found):.1f} s each")
    return found | {"seconds": seconds / runs / len(found)}


def others(found):
    """Decide by other people's rules, between every two processes: the old version's run and the new one's."""
    tallies = {
        "pytest-benchmark compare mean:5%": Tally(),
        "pytest-benchmark compare median:5%": Tally(),
        "asv continuous, factor 1.1": Tally(),
    }
    by_mean, by_median, by_asv = tallies.values()
    for op in OPS:
        for share in SHARES:
            plain, slow = found[op, 0], found[op, share]
            for old, new in permutations(range(len(plain)), 2):
                by_mean.add(share, alarm=exceeds(plain[old]["mean"], slow[new]["mean"], share))
                by_median.add(share, alarm=exceeds(plain[old]["median"], slow[new]["median"], share))
            for four in permutations(range(len(plain)), 2 * ASV_PROCESSES) if len(plain) < 9 else ():
                if four[0] < four[1] and four[2] < four[3]:
                    samples = [
                        [one for run in pair for one in side[run]["asv"]]
                        for side, pair in ((plain, four[:2]), (slow, four[2:]))
                    ]
                    by_asv.add(share, alarm=asv_alarm(*samples) or (not share and asv_alarm(*samples[::-1])))
    for tally in (by_mean, by_median):
        tally.wall_seconds.append(2 * found["seconds"])
    by_asv.wall_seconds.append(2 * ASV_PROCESSES * found["seconds"])
    return tallies


def exceeds(old, new, share):
    """Apply --benchmark-compare-fail=...:5%; between equals an improvement that is none counts too."""
    return new > 1.05 * old or (not share and old > 1.05 * new)


def asv_alarm(old, new):
    """Apply asv's rule: medians apart by the factor, and Mann-Whitney's test below its threshold."""
    return median(new) > ASV_FACTOR * median(old) and mann_whitney(old, new) < ASV_P


def mann_whitney(a, b):
    """Return the two-sided p of Mann and Whitney's test, by the normal approximation."""
    above = sum((y > x) + 0.5 * (y == x) for x in a for y in b)
    spread = math.sqrt(len(a) * len(b) * (len(a) + len(b) + 1) / 12)
    return 2 * NormalDist().cdf(-abs(above - len(a) * len(b) / 2) / spread)


def show(out, tallies):
    """Print the table."""
    columns = ["rule", *(f"{share} %" if share else "0 % (false alarms)" for share in SHARES), "wall a decision"]
    table = Table(*columns, title="alarms, of decisions, by planted slowdown", title_justify="left")
    for rule, tally in tallies.items():
        cells = [
            f"{tally.rate(share):.1%} ({tally.alarms[share]}/{tally.decisions[share]})"
            + (f", {tally.untold[share]} untold" if tally.untold[share] else "")
            for share in SHARES
        ]
        table.add_row(rule, *cells, f"{mean(tally.wall_seconds):.2g} s" if tally.wall_seconds else "")
    out.print(table)


if __name__ == "__main__":
    sys.exit(main())
