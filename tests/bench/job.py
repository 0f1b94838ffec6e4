"""What the main job costs beside another checkout: `python -m tests.bench.job CHECKOUT [--turns N] [options of run]`.

Both have their goldens before anything counts. In each turn each of them runs twice in a folder of its own: `first`
with nothing compiled and nothing measured, as after an upgrade, and `again`, with nothing changed. This checkout does
so twice: with the questions that the other asks, and with all of its own. Of several turns the least counts, of the CPU
seconds of all processes and of the seconds on the clock. A share is that of the frameworks' calls, with what they
compile, and of these with the loading of frameworks, in the CPU time of this checkout's run. The floor is these two
alone over the other's CPU time: what a run would take that did nothing beside them.
"""

import argparse
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from harness.running import measured
from tests.bench import asked, children

ROOT = Path(__file__).parents[2]
TIMES = ("first", "again")
ENDS = (0, 1)  # of a run whose answers conform, or deviate
KEPT = ("compiled", "inductor", measured.NAME, f"{measured.NAME}-wal", f"{measured.NAME}-shm")
QUESTIONS = (
    "SELECT c.id, t.framework, t.name, t.mode, t.device FROM results r"
    ' JOIN cases c ON r."case" = c.key JOIN targets t ON r.target = t.key'
)


@dataclass(frozen=True)
class Cost:
    """What a run takes."""

    cpu: float
    seconds: float
    answers: int
    calls: float = 0.0
    loading: float = 0.0

    def __str__(self):
        """Print a line."""
        share = f"; calls {self.calls / self.cpu:.0%}, loading {self.loading / self.cpu:.0%}" if self.calls else ""
        return f"{self.cpu:8.1f} s of CPU {self.seconds:8.1f} s {self.answers:8} answers{share}"


@dataclass(frozen=True)
class Side:
    """A checkout in its folder. only: the file of the questions that it is held to."""

    name: str
    checkout: Path
    folder: Path
    only: Path | None = None

    def run(self, options):
        """Run the main job."""
        store, shares = self.folder / "results.sqlite", self.folder / "shares"
        for file in self.folder.glob("results.sqlite*"):
            file.unlink()
        shutil.rmtree(shares, ignore_errors=True)
        shares.mkdir()
        environment = os.environ | {
            "PYTHONPATH": str(self.checkout),
            "TORCHINDUCTOR_CACHE_DIR": str(self.folder / KEPT[1]),
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",  # the plugin of whichever is installed
        }
        if self.checkout == ROOT:
            environment |= {"PYTEST_ADDOPTS": f"-p {asked.__name__}", asked.SHARES: str(shares)}
            environment |= {asked.ONLY: str(self.only)} if self.only else {}
        words = [sys.executable, "-m", "xentbench", "run", "--store", str(store)]
        words += ["--report", str(self.folder / "report"), *options]
        before, start = children.cpu_seconds(), time.monotonic()
        ended = subprocess.run(words, cwd=self.folder, env=environment, capture_output=True, text=True, check=False)
        cpu, seconds = children.cpu_seconds() - before, time.monotonic() - start
        if ended.returncode not in ENDS:
            said = (ended.stdout + ended.stderr)[-2000:]
            raise SystemExit(f"the run of {self.checkout} ended with {ended.returncode}, expected 0 or 1: {said}")
        spent = [json.loads(file.read_text("utf-8")) for file in shares.glob("*.json")]
        calls, loading = (sum(one[what] for one in spent) for what in ("calls", "loading"))
        return Cost(cpu, seconds, len(self.questions()), calls, loading)

    def questions(self):
        """Return the questions that were answered, as processes name them."""
        with closing(sqlite3.connect(self.folder / "results.sqlite")) as connection:
            return [
                f"{case}@{framework}.{name}@{mode}" + ("" if device == "cpu" else f":{device}")
                for case, framework, name, mode, device in connection.execute(QUESTIONS)
            ]

    def forget(self):
        """Let nothing be compiled or measured."""
        for name in KEPT:
            path = self.folder / name
            shutil.rmtree(path, ignore_errors=True)
            path.unlink(missing_ok=True)


def least(costs):
    """Return the least of several runs: what else the machine did only adds."""
    best = min(costs, key=lambda cost: cost.cpu)
    return Cost(best.cpu, min(cost.seconds for cost in costs), best.answers, best.calls, best.loading)


def table(found):
    """Return the lines of the table of {(time, side): costs}, sides in order, each with its ratio to the first."""
    yield "| | CPU seconds | ratio | seconds | ratio | answers | share of calls | with loading | floor |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
    for when in TIMES:
        best = {name: least(costs) for (at, name), costs in found.items() if at == when}
        before = next(iter(best.values()))
        for name, cost in best.items():
            own = cost.calls + cost.loading
            parts = (cost.calls / cost.cpu, own / cost.cpu, own / before.cpu)
            shares = [f"{part:.2f}" if cost.calls else "" for part in parts]
            ratios = [f"{cost.cpu / before.cpu:.2f}", f"{cost.seconds:.1f}", f"{cost.seconds / before.seconds:.2f}"]
            yield f"| {when}, {name} | " + " | ".join([f"{cost.cpu:.1f}", *ratios, str(cost.answers), *shares]) + " |"


def main():
    """Print a line a run, and a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("other", type=Path, metavar="CHECKOUT")
    parser.add_argument("--turns", type=int, default=1)
    wanted, options = parser.parse_known_args()
    with tempfile.TemporaryDirectory() as name:
        folder, other = Path(name), wanted.other.resolve()
        only = folder / "questions"
        sides = [Side("other", other, folder / "other"), Side("same questions", ROOT, folder / "same", only)]
        sides.append(Side("all questions", ROOT, folder / "all"))
        for side in sides:
            side.folder.mkdir()
        for side in (sides[0], sides[2]):
            print(f"{'goldens':8} {side.name:15} {side.run(options)}", flush=True)  # noqa: T201
        only.write_text("\n".join(sides[0].questions()), "utf-8")
        shutil.copytree(sides[2].folder / "goldens", sides[1].folder / "goldens")
        found = {}
        for turn in range(wanted.turns):
            for side in sides if turn % 2 == 0 else sides[::-1]:
                side.forget()
                for when in TIMES:
                    cost = side.run(options)
                    found.setdefault((when, side.name), []).append(cost)
                    print(f"{when:8} {side.name:15} {cost}", flush=True)  # noqa: T201
    for line in table({key: found[key] for key in ((when, side.name) for when in TIMES for side in sides)}):
        print(line)  # noqa: T201


if __name__ == "__main__":
    main()
