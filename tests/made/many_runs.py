"""A store of many runs, with upgrades that change answers and times.

Half of the series are accuracies and half are times, as no real store has it: times are what makes its page large.
torch is upgraded at 40 % of the runs and again at 90 %; a tenth and a third of its answers change there, and as many of
its calls take 8 to 30 % longer or less long. Times have 2 % of noise, and one run in twenty is far off.
"""

import dataclasses
import random
from dataclasses import dataclass, field

from harness.model import Case, Implementation, Op, Result, Run, Score, Target, Timing
from harness.store import Store

OPS = ("softmax", "log_softmax", "logsumexp", "sparse_xent", "dense_xent")
MODES = {"torch": ("eager", "compile"), "jax": ("eager", "jit"), "tensorflow": ("eager", "xla")}
DTYPES = ("float32", "float64", "bfloat16", "float16")
UPGRADES = ((0.0, "2.11.0", 0.0), (0.4, "2.12.1", 0.1), (0.9, "2.13.0", 0.33))  # part of the runs, torch, share
HOST = {"processor": "Xeon", "cores": "8", "memory": "32 GiB", "python": "3.11.7"}


@dataclass
class Asked:
    """A series as it is made: its question, its true figure, and those that it ever had."""

    case: Case
    target: Target
    timed: bool
    figure: float
    levels: list[float] = field(default_factory=list)

    def upgraded(self, rng, share):
        """Let an upgrade change the figure, or not."""
        if self.target.implementation.framework == "torch" and rng.random() < share:
            slower = rng.uniform(1.08, 1.3)
            self.figure *= rng.choice((slower, slower, 1 / slower)) if self.timed else rng.uniform(0.5, 2)
        if self.figure not in self.levels[-1:]:
            self.levels.append(self.figure)

    def result(self, rng, environment):
        """Return what a run finds: times are noisy."""
        if self.timed:
            far = rng.uniform(1.2, 3) if rng.random() < 0.05 else 1
            timing = Timing((self.figure * far * rng.lognormvariate(0, 0.02),) * 5, 10, 0.5)
            return Result(self.case, self.target, timing, "unjudged", "", environment)
        score = Score(640, self.figure, self.figure / 4, 0.1, {"S": self.figure / 4}, "S")
        judgement = "deviates" if self.figure > 4 else "conforms"
        return Result(self.case, self.target, score, judgement, "", environment, f"content of {self.case}")


def questions(rng, count):
    """Yield the series, accuracies and times in turn."""
    targets = [
        Target(Implementation(framework, op, f"{framework}.nn.functional.{op}", "fused"), mode)
        for framework, modes in MODES.items()
        for mode in modes
        for op in OPS
    ]
    for number in range(count):
        rest, which = divmod(number // 2, len(targets))
        timed, target = bool(number % 2), targets[which]
        family = "speed" if timed else ("normal", "wide", "near_tie")[rest % 3]
        case = Case(Op(target.implementation.op), "value", family, DTYPES[rest % 4], 64, 8 + rest // 4)
        yield Asked(case, target, timed, 10 ** rng.uniform(-6, -3) if timed else 0.5 * 10 ** abs(rng.gauss(0, 0.4)))


def fill(location, runs=300, series=10_000):
    """Make a store and return its series as they are after the last run."""
    rng = random.Random(5)  # noqa: S311 - reproducible plausibility, no secrets
    asked = list(questions(rng, series))
    starts = {int(part * runs): (torch, share) for part, torch, share in UPGRADES}
    with Store(location) as store:
        for day in range(runs):
            if day in starts:
                torch, share = starts[day]
                versions = {"torch": torch, "jax": "0.10.2", "tensorflow": "2.21.0"}
                facts = [{"framework": name, name: version, "threads": "1"} for name, version in versions.items()]
                keys = dict(zip(versions, map(store.add_environment, facts), strict=True))
                for one in asked:
                    one.upgraded(rng, share)
            date = f"2026-{1 + day // 28:02}-{1 + day % 28:02}"
            run = Run(
                f"{date.replace('-', '')}T010000-{day:06x}", f"{date}T01:00:00+00:00", None, "bench", "quick", HOST
            )
            store.join(dataclasses.replace(run, finished=f"{date}T01:21:00+00:00"))
            store.append(run.uid, [one.result(rng, keys[one.target.implementation.framework]) for one in asked])
    return asked
