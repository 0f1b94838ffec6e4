"""What the main job costs beside another checkout: `python -m tests.bench.job CHECKOUT [options of xentbench run]`.

Each checkout runs three times in a folder of its own, in turn with the other: `goldens` makes them, `first` has them
and compiles anything anew, `again` has both, as where nothing has changed. CPU seconds of all processes and seconds on
the clock, with the questions answered, because a later checkout asks more.
"""

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

from tests.bench import children

ROOT = Path(__file__).parents[2]
TIMES = ("goldens", "first", "again")
ENDS = (0, 1)  # of a run whose answers conform, or deviate
KEPT = ("compiled", "inductor")  # what is compiled, here and by torch for an older checkout


def run(checkout, folder, options):
    """Run the main job; return (CPU seconds, seconds, answers)."""
    store = folder / "results.sqlite"
    for file in folder.glob("results.sqlite*"):
        file.unlink()
    own = {"PYTHONPATH": str(checkout), "TORCHINDUCTOR_CACHE_DIR": str(folder / KEPT[1])}
    environment = (
        os.environ | own | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    )  # this project's, of whichever is installed
    words = [sys.executable, "-m", "xentbench", "run", "--store", str(store), "--report", str(folder / "report")]
    before, start = children.cpu_seconds(), time.monotonic()
    ended = subprocess.run([*words, *options], cwd=folder, env=environment, capture_output=True, text=True, check=False)
    cpu, seconds = children.cpu_seconds() - before, time.monotonic() - start
    if ended.returncode not in ENDS:
        said = (ended.stdout + ended.stderr)[-2000:]
        raise SystemExit(f"the run of {checkout} ended with {ended.returncode}, expected 0 or 1: {said}")
    with closing(sqlite3.connect(store)) as connection:
        (answers,) = connection.execute("SELECT count(*) FROM results").fetchone()
    return cpu, seconds, answers


def main():
    """Print a line a time and checkout, and the ratios of this one to the other."""
    other, *options = sys.argv[1:]
    checkouts = (ROOT, Path(other).resolve())
    with tempfile.TemporaryDirectory() as name:
        folders = [Path(name, str(k)) for k in range(len(checkouts))]
        for folder in folders:
            folder.mkdir()
        for which in TIMES:
            found = []
            for checkout, folder in zip(checkouts, folders, strict=True):
                if which == "first":
                    for kept in KEPT:
                        shutil.rmtree(folder / kept, ignore_errors=True)
                cpu, seconds, answers = run(checkout, folder, options)
                found.append((cpu, seconds, answers))
                print(f"{which:8} {cpu:8.1f} s of CPU {seconds:8.1f} s {answers:8} answers  {checkout}", flush=True)  # noqa: T201
            (cpu, seconds, answers), (cpu_before, seconds_before, answers_before) = found
            each = cpu / answers / (cpu_before / answers_before)
            print(  # noqa: T201
                f"{which:8} {cpu / cpu_before:8.2f} of the CPU {seconds / seconds_before:7.2f} of the time"
                f" {each:5.2f} of the CPU an answer",
                flush=True,
            )


if __name__ == "__main__":
    main()
