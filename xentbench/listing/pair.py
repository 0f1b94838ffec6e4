"""`xentbench pair`: two targets of a run side by side."""

from __future__ import annotations

from typing import Annotated

import typer

from harness.files.recall import existing
from harness.model import Result, Timing
from harness.spelling import choice
from harness.store.reading import never
from reports import ranked
from reports.texts import pair as text
from xentbench import options
from xentbench.screen import refusing, write

NAMED = "NAME@MODE, as reports, tables and `xentbench list targets` name it; without @MODE where it ran in one"


def pair(
    a: Annotated[str, typer.Argument(metavar="A", help=NAMED)],
    b: Annotated[str, typer.Argument(metavar="B", help="another one, likewise")],
    store: options.StoreLocation = options.STORE,
    run_uid: options.RunUid = "latest",
    output: options.Output = None,
) -> None:
    """Print two targets of a run side by side.

    It is every question that both were asked, value and gradient, with the distances, whether the bits are the same,
    and the times of both.

    Examples:
      xentbench pair torch.softmax@eager torch.softmax@compile
      xentbench pair jax.nn.softmax@jit tf.nn.softmax@xla --output pair.md

    Exit codes:
      2  an option is off, a target is none of the run, or the two share no question
    """
    with refusing():
        with existing(store) as opened:
            results = list(opened.results(opened.run(run_uid).uid, never))
        first, second = _target("A", a, results), _target("B", b, results)
        found = text.rows(results, first, second)
        if not found:
            ops = [sorted({str(one.case.op) for one in results if str(one.target) == name}) for name in (first, second)]
            raise ValueError(
                f"A and B are of {', '.join(ops[0])} and {', '.join(ops[1])}, expected two that were asked the same; "
                "try: two targets of one op"
            )
        rankings = ranked.rankings(one for one in results if isinstance(one.outcome, Timing))
        write(text.markdown(found, first, second, rankings), output)


def _target(which: str, name: str, results: list[Result]) -> str:
    """Return the target that is meant. Raises ValueError with the choices."""
    known = list(dict.fromkeys(str(one.target) for one in results))
    modes = [one for one in known if one.startswith(f"{name}@")]
    if name not in known and modes:
        return modes[0] if len(modes) == 1 else choice(which, name, modes)
    return choice(which, name, known)
