"""What a full run of 412 380 results takes to move about: `python -m tests.bench.volume [CHECKOUT] [--only WHAT]`.

sizes: the most memory that each command's process held, nothing subtracted, its CPU seconds, and the size of what it
wrote. runs: CPU seconds with 300 runs in the store over those with 10. The goals are 300 MB a command, 1 GB of JSON
Lines, and 1.2 times as long. CHECKOUT: another one, whose commands are measured on the same stores instead.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
FORMATS = ("jsonl", "csv", "run", "parquet", "summary", "junit", "badge")
MOST = 300  # MB
RUNS = (10, 300)
SERIES = 1000  # answers of each of the many runs
TIMES = 3
ASKED = ("--on", "numpy", "--op", "softmax", "--dtype", "float32")  # of the run that is begun in each store


def spent(words, folder, checkout, ends=(0,)):
    """Run a command; return its most memory in MB and its CPU seconds, those of its children included."""
    environment = os.environ | {"PYTHONPATH": str(checkout), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    with Path(folder, "said").open("wb") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", *words], cwd=folder, env=environment, stdout=said, stderr=subprocess.STDOUT
        )
        _, status, used = os.wait4(process.pid, 0)  # of this child alone
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in ends:
        text = Path(folder, "said").read_text("utf-8", "replace")[-2000:]
        raise SystemExit(f"{' '.join(words)} ended with {process.returncode}, expected one of {ends}: {text}")
    return used.ru_maxrss * 1024 / 1e6, used.ru_utime + used.ru_stime  # kilobytes on Linux


def made(words, folder):
    """Make a store by one of tests/made, in a process of its own: this one's memory counts for its children."""
    code = "import sys; from tests.made import {0}; {0}.fill(sys.argv[1], *map(int, sys.argv[2:]))".format(words[0])
    subprocess.run(
        [sys.executable, "-c", code, *map(str, words[1:])],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        check=True,
    )


def volumes(folder, checkout, results):
    """Yield a command, its memory, its CPU seconds and the bytes that it wrote."""
    store = folder / "large.sqlite"
    made(("many_answers", store, results), folder)
    for form in FORMATS:
        to = folder / f"{form}.export"
        words = ("xentbench", "export", "--format", form, "--store", str(store), "--output", str(to))
        yield (f"export --format {form}", *spent(words, folder, checkout), to.stat().st_size)
        if form not in {"run", "parquet"}:
            to.unlink()
    for form in ("run", "parquet"):
        other = folder / f"{form}.sqlite"
        words = ("xentbench", "import", str(folder / f"{form}.export"), "--store", str(other))
        yield (f"import of {form}", *spent(words, folder, checkout), other.stat().st_size)
    words = ("xentbench", "report", "--store", str(store), "--report", str(folder / "report"))
    yield ("report", *spent(words, folder, checkout), (folder / "report" / "index.html").stat().st_size)
    made(("many_answers", store, results, 2), folder)
    words = ("xentbench", "compare", "latest~1", "latest", "--store", str(store))
    yield ("compare", *spent(words, folder, checkout, (0, 1)), (folder / "said").stat().st_size)
    words = ("xentbench", "report", "--store", str(store), "--report", str(folder / "report"))
    yield ("report beside another", *spent(words, folder, checkout), (folder / "report" / "index.html").stat().st_size)


def ratios(folder, checkout, runs=RUNS, series=SERIES):
    """Yield a command and its CPU seconds with few runs in the store and with many, each the least of several."""
    stores = [folder / f"{count}.sqlite" for count in runs]
    for store, count in zip(stores, runs, strict=True):
        made(("many_runs", store, count, series), folder)
    for name, words in (
        ("status", ()),
        ("compare", ("latest~1", "latest")),
        ("report", ("--report", str(folder / "report"))),
        ("run", (*ASKED, "--report", str(folder / "report"))),
    ):
        found = {store: [] for store in stores}
        for _ in range(TIMES):
            for store in stores:  # in turn
                asked = ("xentbench", name, *words, "--store", str(store))
                found[store].append(spent(asked, folder, checkout, (0, 1, 3))[1])  # 3: numpy's answers are not judged
        yield (name, *(min(seconds) for seconds in found.values()))


def main():
    """Print a line a command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkout", nargs="?", type=Path, default=ROOT)
    parser.add_argument("--only", choices=("sizes", "runs"))
    asked = parser.parse_args()
    checkout = asked.checkout.resolve()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for command, memory, seconds, size in volumes(folder, checkout, 412_380) if asked.only != "runs" else ():
            print(f"{command:24} {memory:7.0f} MB of {MOST} {seconds:7.1f} s of CPU {size / 1e6:9.1f} MB", flush=True)  # noqa: T201
        for command, few, many in ratios(folder, checkout) if asked.only != "sizes" else ():
            print(f"{command:24} {few:6.2f} s of CPU, {many / few:5.2f} times as long", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
