"""`xentbench table` and `export`: the results of a run, for people at a glance and for other tools in full."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Annotated, BinaryIO

import typer

from harness.files import runfile
from harness.files.fields import Part
from harness.files.recall import existing
from harness.model import FORMATS as DTYPES
from harness.model import QUANTITIES, Result
from harness.ops import OPS
from harness.spelling import choice, choices
from harness.store.extras import load
from harness.store.reading import never
from reports import export
from reports.ci import files
from reports.texts import matrix
from suites.questions import families
from xentbench import options
from xentbench.screen import data, refusing, write


def _parquet(whole: Part, to: BinaryIO) -> None:
    load("harness.files.parquet", "parquet", "--format parquet").write(whole, to)


# A whole run in one file.
NAMES: Mapping[str, str] = {"run": "run.jsonl.gz", "parquet": "run.parquet"}  # that such a file may have
PACKED: Mapping[str, Callable[[Part, BinaryIO], object]] = {"run": runfile.write, "parquet": _parquet}
FORMATS = (*export.FORMATS, *PACKED, *files.WRITERS)


def table(
    op: options.OpNames = "all",
    dtype: options.Dtypes = "float32",
    quantity: Annotated[
        str,
        typer.Option(help=f"of {', '.join(QUANTITIES)}", autocompletion=options.listed(lambda: QUANTITIES)),
    ] = "value",
    family: Annotated[
        str,
        typer.Option(help="input families, comma-separated", autocompletion=options.listed(lambda: families.FAMILIES)),
    ] = "all",
    store: options.StoreLocation = options.STORE,
    run_uid: options.RunUid = "latest",
    output: options.Output = None,
) -> None:
    """Print the largest errors of a run as a Markdown table.

    They are in ulps, implementations down, families across.

    Examples:
      xentbench table --op softmax,log_softmax
      xentbench table --dtype bfloat16 --quantity grad_logits --output gradients.md

    Exit codes:
      2  an option is off
    """
    with refusing():
        every = tuple(families.FAMILIES)
        ops = choices("--op", op, tuple(OPS)) or tuple(OPS)
        dtypes = choices("--dtype", dtype, tuple(DTYPES)) or tuple(DTYPES)
        quantities = choices("--quantity", quantity, QUANTITIES) or QUANTITIES
        named = choices("--family", family, every)

        def chosen(result: Result) -> bool:
            """Tell whether a result is of the table; sizes of a family are shown where it is named."""
            case = result.case
            drawn = case.source.kind == "family" or (case.source.kind == "sweep" and bool(named))
            shown = drawn and case.source.name in (named or every)
            return shown and case.op.name in ops and case.dtype in dtypes and case.quantity in quantities

        with existing(store) as opened:
            found = [result for result in opened.results(opened.run(run_uid).uid, never) if chosen(result)]
        write(matrix.table(found), output)


def export_results(
    form: Annotated[
        str,
        typer.Option("--format", help=", ".join(FORMATS), autocompletion=options.listed(lambda: FORMATS)),
    ] = "jsonl",
    store: options.StoreLocation = options.STORE,
    run_uid: options.RunUid = "latest",
    output: options.Output = None,
) -> None:
    """Write a run for other tools, other stores, or CI.

    jsonl and csv hold an object a result; the others are one file for a store or for CI to read.

    Examples:
      xentbench export --format csv --output results.csv
      xentbench export --format run --output monday.run.jsonl.gz
      xentbench export | head

    Exit codes:
      2  an option is off
    """
    with refusing():
        choice("--format", form, FORMATS)
        if form in PACKED and not output:
            redirected(form)
        with existing(store) as opened:
            uid = opened.run(run_uid).uid
            with data(output) as to:  # bytes go to the buffer, whatever the stream's encoding
                if form in export.FORMATS:
                    export.write(opened.results(uid, by_case=True), opened.environments(), form, to)
                elif form in PACKED:
                    PACKED[form](Part(opened.begun(uid), opened.results(uid, by_case=True)), to.buffer)
                else:
                    files.WRITERS[form](opened.recorded(uid, never), to.buffer)


def redirected(form: str) -> None:
    """Raise ValueError where compressed bytes would go to a terminal."""
    if sys.stdout.isatty():
        raise ValueError(f"standard output is a terminal, expected a file; try: --format {form} --output {NAMES[form]}")
