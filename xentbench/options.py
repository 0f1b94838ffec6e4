"""Options that commands share; those with an environment variable may stand in a project's pyproject.toml too."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated

import typer

from harness.model import FORMATS
from harness.ops import OPS
from harness.store import Location
from harness.store.location import RESULTS

STORE = RESULTS
REPORT = Path("build/report")
FORMS = "FILE|URL"
WHERE = "where results are kept: a file, or postgresql://user@host/database"
WHICH = "a run's id or its beginning, latest, latest~1, a run file, a store, or STORE@RUN"


def listed(names: Callable[[], Iterable[str]]) -> Callable[[str], list[str]]:
    """Return how a shell completes the last name of a comma-separated list."""

    def complete(incomplete: str) -> list[str]:
        before, comma, _ = incomplete.rpartition(",")
        return [f"{before}{comma}{name}" for name in names()]

    return complete


def pairs() -> list[str]:
    """Return every framework and engine, alone and with each of its modes."""
    from harness.adapters import frameworks  # noqa: PLC0415 - for a shell to complete; most commands ask no framework

    names = frameworks.every()
    return [*names, *(f"{name}:{mode}" for name in names for mode in frameworks.modes(name))]


def presets() -> Iterable[str]:
    """Return the names of the presets."""
    from suites.questions.presets import PRESETS  # noqa: PLC0415 - as above

    return PRESETS


def families() -> Iterable[str]:
    """Return the names of the input families."""
    from suites.questions.plan import FAMILIES  # noqa: PLC0415 - as above

    return FAMILIES


def carried(store: Location, uid: str = "latest") -> str:
    """Return the options that a command needs, which is printed to go on from here; none where the defaults do."""
    return store.option + ("" if uid == "latest" else f" --run {shlex.quote(uid)}")


OwnStore = Annotated[Location, typer.Option("--store", parser=Location.of, metavar=FORMS, help=WHERE)]
StoreLocation = Annotated[
    Location, typer.Option("--store", parser=Location.of, metavar=FORMS, help=WHERE, envvar="XENTBENCH_STORE")
]
Preset = Annotated[
    str,
    typer.Option(
        help="how much to ask: smoke, quick, standard or full",
        envvar="XENTBENCH_PRESET",
        autocompletion=listed(presets),
    ),
]
On = Annotated[
    str,
    typer.Option(
        help="frameworks and engines, or framework:mode pairs, as in torch,jax:jit; all: the frameworks",
        envvar="XENTBENCH_ON",
        autocompletion=listed(pairs),
    ),
]
OpNames = Annotated[
    str, typer.Option("--op", help="ops, comma-separated", envvar="XENTBENCH_OP", autocompletion=listed(lambda: OPS))
]
Dtypes = Annotated[
    str,
    typer.Option(
        "--dtype", help=f"of {', '.join(FORMATS)}", envvar="XENTBENCH_DTYPE", autocompletion=listed(lambda: FORMATS)
    ),
]
Families = Annotated[
    str,
    typer.Option("--family", help="input families, comma-separated", autocompletion=listed(families)),
]
Known = Annotated[
    list[Path], typer.Option("--known", help="a file of known deviations of your own", envvar="XENTBENCH_KNOWN")
]
Device = Annotated[
    str,
    typer.Option(
        help="cpu, cuda, or cuda:N", envvar="XENTBENCH_DEVICE", autocompletion=listed(lambda: ("cpu", "cuda"))
    ),
]
ReportPath = Annotated[Path, typer.Option("--report", help="directory of the report", envvar="XENTBENCH_REPORT")]
Strict = Annotated[
    bool, typer.Option("--strict", help="what is recorded otherwise deviates: answers that depend on batch or memory")
]
RunUid = Annotated[str, typer.Option("--run", help="a run's id, its beginning, latest, or latest~1")]
Output = Annotated[Path | None, typer.Option("--output", help="write to this file instead of standard output")]
Threads = Annotated[int, typer.Option(help="threads a framework may use", min=1)]
Timeout = Annotated[float, typer.Option(help="seconds for one question, compilation included", min=0.001)]
Executor = Annotated[
    str, typer.Option("--executor", help="a Dask scheduler, tcp://host:port", show_default="processes here")
]
Jobs = Annotated[int, typer.Option("--jobs", help="processes at a time", min=0, show_default="one a core")]

# What the commands that time have in common.
TIMED_CASE = "op, ROWSxCLASSES, dtype and quantity, comma-separated, each at will"
Graph = Annotated[bool, typer.Option("--graph", help="replay CUDA graphs: without the dispatch; torch alone")]
Allocator = Annotated[str, typer.Option(help="default; or warm: malloc keeps what is freed")]
