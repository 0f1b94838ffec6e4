"""Write reports/samples: `python -m tests.samples [STORE]`.

Its run files come out of a store, and the tables of its account out of these; the words before the tables stay.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from harness.files import runfile
from harness.history.course import follow
from harness.history.verdict import of_comparison
from harness.model import Checked, Recorded, Result, Score
from harness.store import Store
from reports import gfm
from reports.texts import course as text
from reports.texts.comparison import SENTENCE
from xentbench.compare import exit_code

HERE = Path(__file__).parent.parent / "reports/samples"
ACCOUNT = HERE / "README.md"
RELEASES = {
    "jax": ("0.8.0", "0.8.3", "0.9.0.1", "0.9.2", "0.10.0", "0.10.2", "0.11.2", "0.12.0.1"),
    "tensorflow-cpu": ("2.18.1", "2.19.1", "2.20.0", "2.21.0"),
}
ROWS = 50  # of a table


def file(uid: str) -> Path:
    """Return the path of a run's file."""
    return HERE / f"{uid}.run.jsonl.gz"


def uids(package: str) -> list[str]:
    """Return the runs of a package, in the order of its releases."""
    return [f"{package}-{release}" for release in RELEASES[package]]


def recorded(package: str) -> list[Recorded]:
    """Read the runs of a package, in the order of its releases."""
    return [runfile.read(file(uid)) for uid in uids(package)]


def keep(location: Path) -> None:
    """Write the run files out of a store, without the worst inputs."""
    HERE.mkdir(exist_ok=True)
    with Store(location, make=False) as store:
        for uid in [uid for package in RELEASES for uid in uids(package)]:
            whole = store.recorded(uid)
            results = [_short(result) for result in whole.results]
            with file(uid).open("wb") as to:
                runfile.write(replace(whole, results=results), to)


def _short(result: Result) -> Result:
    match result.outcome:
        case Score() | Checked() as outcome:
            return replace(result, outcome=replace(outcome, worst=None))
    return result


def account() -> str:
    """Return the account: a verdict a pair of releases, and of each framework what came, went and changed."""
    runs = {package: recorded(package) for package in RELEASES}
    pairs = [pair for some in runs.values() for pair in pairwise(some)]
    cells = [_pair(pair) for pair in pairs]
    parts = [f"## {len(pairs)} pairs of releases through the default gate\n\n{gfm.table(('verdict', 'exit'), cells)}"]
    parts += [re.sub(r"^#", "##", text.markdown(follow(some), ROWS), flags=re.MULTILINE) for some in runs.values()]
    words, _, _ = ACCOUNT.read_text("utf-8").partition("## ")
    return words + "\n".join(parts)


def _pair(pair: Sequence[Recorded]) -> tuple[str, str]:
    course = follow(pair)
    return gfm.plain(of_comparison(course.whole).sentence, SENTENCE), str(exit_code(course, "new").value)


def main(arguments: Sequence[str]) -> None:
    """Write what is asked for."""
    for location in arguments:
        keep(Path(location))
    ACCOUNT.write_text(account(), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
