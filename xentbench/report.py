"""`xentbench report`, `dashboard` and `explain`: a stored run, all stored runs, and one answer, for people to read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from harness.files.recall import existing, recall
from harness.history.news import Accepts, nothing
from harness.model import Recorded
from harness.scoring import metrics
from harness.store import Store
from harness.store.reading import never
from reference.cache import FOLDER, Cache
from reports import dashboard, site
from reports.reproducer import script as reproducer
from suites import explain
from suites.judging import judge
from suites.judging.accepted import accepting
from suites.questions import cases, published
from xentbench import options
from xentbench.screen import folder, refusing, say, write


def report(
    store: options.StoreLocation = options.STORE,
    directory: options.ReportPath = options.REPORT,
    run_uid: options.RunUid = "latest",
    against: Annotated[
        str, typer.Option(help=f"what to compare with: {options.WHICH}", show_default="the run before it")
    ] = "",
    known: options.Known = [],  # noqa: B006 - typer's way to write several
) -> None:
    """Write the report of a stored run again, beside another run.

    Examples:
      xentbench report --run latest~1
      xentbench report --against baseline.run.jsonl.gz

    Exit codes:
      2  an option is off
    """
    with refusing(), existing(store) as opened:
        folder("--report", directory)
        before = [recall(against, store)] if against else []
        accepts = accepting(judge.known_deviations(known, shipped=False))
        say(str(write_report(opened, opened.run(run_uid).uid, directory, before, accepts)))


def write_report(
    store: Store, uid: str, directory: Path, before: Sequence[Recorded] = (), accepts: Accepts = nothing
) -> Path:
    """Write the report of a run, beside others or the one before of its preset; return its first page's path.

    accepts: what a list of one's own says of an answer.
    """
    if not before and (earlier := store.earlier(uid)):
        before = [store.recorded(earlier, never)]
    told = words() | site.Words(before=before, accepts=accepts)
    return site.write(store, uid, directory, **told)


def words() -> site.Words:
    """Return what reports say of families, verdicts, checks and published examples."""
    digits = {example: text.digits for example, text in published.EXAMPLES.items()}
    descriptions = cases.descriptions() | {
        name: " ".join((decide.__doc__ or "").split()) for name, decide in metrics.VERDICTS.items()
    }
    descriptions |= {name: check.claim for name, check in explain.every_check().items()}
    descriptions |= {f"published/{example}": asked for example, asked in published.ASKED.items()}
    return {"descriptions": descriptions, "published": digits}


def write_dashboard(
    store: options.StoreLocation = options.STORE,
    directory: options.ReportPath = options.REPORT,
    known: options.Known = [],  # noqa: B006 - typer's way to write several
) -> None:
    """Write one page over all runs of a store.

    It shows what changed, at which run, with which versions, and the verdict on the last run as `status` has it.

    Examples:
      xentbench dashboard --store postgresql://alice@db.example/xentbench

    Exit codes:
      2  an option is off
    """
    with refusing(), existing(store) as opened:
        accepts = accepting(judge.known_deviations(known, shipped=False))
        say(str(dashboard.write(opened, folder("--report", directory), accepts)))


def explain_answer(
    answer: Annotated[str, typer.Argument(help="CASE@TARGET, as the terminal, the report and `export` name it")],
    store: options.StoreLocation = options.STORE,
    run_uid: options.RunUid = "latest",
    output: options.Output = None,
    *,
    issue: Annotated[bool, typer.Option("--issue", help="write it as a bug report in Markdown")] = False,
) -> None:
    """Explain one answer, and print a script that asks again.

    It shows the worst input, the exact value, what came back, and the budget.

    Examples:
      xentbench explain 'softmax-value-offset-float32-32x64@torch.softmax@eager'
      xentbench explain 'softmax-value-offset-float32-32x64@torch.softmax@eager' --issue --output issue.md

    Exit codes:
      2  an option is off, or no stored answer is named so
    """
    with refusing(), existing(store) as opened:
        found = explain.find(opened.results(opened.run(run_uid).uid), answer)
        versions = opened.environments().get(found.environment, {})
    script = reproducer.script(found, versions) if reproducer.offered(found, versions) else ""
    explanation = explain.explain(found, versions, Cache(store.folder / FOLDER, "mpmath").golden, script)
    with refusing():
        write((explain.issue if issue else explain.text)(explanation), output)
