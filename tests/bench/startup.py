"""What starting costs: `python -m tests.bench.startup [CHECKOUT [STORE]]`, beside another checkout as ratios.

CPU seconds of whole processes, the least and the median of several, with compiled bytecode and without. The goals are
0.25 s for what only prints, and 0.6 s for `status` on the store of a quick run. Without a STORE one as large is made.
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from harness.model import Worst
from harness.store import Store
from tests.bench import children
from tests.made.records import ENVIRONMENT, result, run, score

ROOT = Path(__file__).parents[2]
RUNS = 9
GOALS = {("--version",): 0.25, ("--help",): 0.25, ("status",): 0.6}  # CPU seconds, with compiled bytecode
QUICK_RESULTS = 45_756  # of a quick run over three frameworks and numpy
TARGETS = 4


def made_up(path):
    """Make a store of one run that is as large as a quick one."""
    row = " ".join((0.1 * k).hex() for k in range(64))
    with Store(path) as store:
        store.join(run())
        key = store.add_environment(ENVIRONMENT)
        store.append(run().uid, [answer(row, *divmod(k, TARGETS), key) for k in range(QUICK_RESULTS)])


def answer(row, question, target, key):
    """Make an answer with a worst input of its own question's."""
    worst = Worst((target, 0), f"{row} {float(question).hex()}", "", "", "0.75", "0x1.8p-1", "0x1.9p-1", 2.0)
    return result(score(worst=worst), f"family{question}", environment=key, seed=target)


def cpu_seconds(checkout, folder, command, *, compiled):
    """Return the CPU seconds of each run of a command, its children's included."""
    kept = {} if compiled else {"PYTHONDONTWRITEBYTECODE": "1"}
    paths = {"PYTHONPATH": str(checkout), "PYTHONPYCACHEPREFIX": str(folder / ("compiled" if compiled else "none"))}
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    words = [sys.executable, "-m", "xentbench", *command]
    found = []
    for _ in range(RUNS + 1):
        before = children.cpu_seconds()
        subprocess.run(words, cwd=folder, env=environment | paths | kept, capture_output=True, check=True)
        found.append(children.cpu_seconds() - before)
    return found[1:]  # the first one writes the bytecode


def line(command, checkouts, folder, *, compiled):
    """Return a command's figures, of each checkout, and their ratio."""
    cells = [f"{' '.join(command):10}", f"{'compiled' if compiled else 'no bytecode':12}"]
    least = []
    for checkout in checkouts:
        own = folder / f"{checkouts.index(checkout)}"
        words = (*command, "--store", own / "results.sqlite") if command == ("status",) else command
        try:
            seconds = cpu_seconds(checkout, own, words, compiled=compiled)
        except subprocess.CalledProcessError:
            cells.append("     none     ")  # an older checkout lacks an option
            continue
        least.append(min(seconds))
        cells.append(f"{min(seconds):6.3f} {statistics.median(seconds):6.3f}")
    cells.append(f"{least[0] / least[1]:5.2f}" if len(least) > 1 else "     ")
    return " | ".join([*cells, f"{GOALS[command]:.2f}" if compiled else ""])


def main():
    """Print a line a command, with bytecode and without."""
    checkouts = [ROOT, *map(Path, sys.argv[1:2])]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "0").mkdir()
        if sys.argv[2:]:
            shutil.copyfile(sys.argv[2], folder / "0" / "results.sqlite")
        else:
            made_up(folder / "0" / "results.sqlite")
        for k in range(1, len(checkouts)):
            shutil.copytree(folder / "0", folder / str(k))  # each its own: a newer one may change the schema
        print("CPU seconds, least and median of", RUNS, *(f"| {checkout}" for checkout in checkouts), "| ratio | goal")  # noqa: T201
        for compiled in (True, False):
            for command in GOALS:
                print(line(command, checkouts, folder, compiled=compiled), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
