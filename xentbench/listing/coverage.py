"""`xentbench coverage`: which public functions are asked, which are the same as those, and why the others are not."""

from __future__ import annotations

from collections import Counter
from typing import Annotated

import typer

from harness.adapters.fence import NotInstalled
from harness.coverage.kept import STATES, Map, kept
from harness.coverage.table import table
from harness.coverage.walked import walked
from harness.history.counting import plural
from xentbench.listing.things import table as columns
from xentbench.screen import Exit, ending, refusing, say, show, stop, warn

SHOWN = ("new", "beyond")  # of what nobody asked to see all


def print_coverage(
    surfaces: Annotated[
        list[str] | None, typer.Argument(metavar="[SURFACE]...", help="torch, tensorflow, jax, keras_on_torch, ...")
    ] = None,
    *,
    names: Annotated[bool, typer.Option("--names", help="print every name, and what became of it")] = False,
    as_kept: Annotated[bool, typer.Option("--kept", help="print the maps that ship, and walk nothing")] = False,
) -> None:
    """Say which public functions are asked, which do the same, and why the others are not.

    Each surface is walked in a process of its own. What is new is printed by its name.

    Examples:
      xentbench coverage
      xentbench coverage torch --names

    Exit codes:
      1  a function is new: neither asked, nor the same as one that is, nor given a reason
      2  no surface is named so
      3  nothing could be walked
      4  a process that walks has failed
    """
    with refusing():
        chosen = [table().surface(name).name for name in surfaces or table().surfaces]
    maps = kept()
    found = [maps[name] for name in chosen if name in maps]
    if not as_kept:
        with ending(RuntimeError):
            found = [one for name in chosen if (one := _walked(name))]
    if not found:
        stop(Exit.NOTHING_RAN, f"nothing was walked, expected one of {', '.join(chosen)}; try: pip install one")
    for one in found:
        say(summary(one))
    show(columns(("surface", "state", "name", "what is said of it"), _rows(found, names=names)))
    if any(one.of("new") for one in found):
        raise typer.Exit(Exit.DEVIATES)


def summary(one: Map) -> str:
    """Return one line on a map."""
    versions = ", ".join(f"{package} {version}" for package, version in one.versions.items())
    counts = Counter(state for state, _ in one.entries.values())
    told = ", ".join(f"{counts[state]} {state}" for state in STATES if counts[state])
    return f"{one.name} ({versions}): {plural(one.count, 'public name')}: {told}"


def _walked(name: str) -> Map | None:
    try:
        return walked(name)
    except NotInstalled as missing:
        warn(f"not walked: {missing}")
        return None


def _rows(found: list[Map], *, names: bool) -> list[tuple[str, ...]]:
    return [
        (one.name, state, name, said)
        for one in found
        for name, (state, said) in one.entries.items()
        if names or state in SHOWN
    ]
