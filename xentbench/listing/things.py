"""`xentbench list`: what can be asked, of whom, and what a project has set."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from harness.adapters import frameworks
from harness.adapters.adapter import Adapter
from harness.adapters.fence import NotInstalled
from harness.ops import ASKED
from harness.options import OPTIONS, REDUCTIONS
from harness.spelling import choice
from suites.questions import cases, jobs, plan
from xentbench import __main__ as front_door
from xentbench import options, settings
from xentbench.screen import refusing, show, warn

THINGS = ("ops", "options", "implementations", "families", "targets", "engines", "settings")


def list_things(
    what: Annotated[
        str,
        typer.Argument(
            help="ops, options, implementations, families, targets, engines or settings",
            autocompletion=lambda: list(THINGS),
        ),
    ],
    on: options.On = "all",
) -> None:
    """List what can be asked, and of whom; and what is set.

    Examples:
      xentbench list ops
      xentbench list targets --on torch
      xentbench list settings

    Exit codes:
      2  an option is off
    """
    with refusing():
        choice("what", what, THINGS)
        wanted = plan.Wanted.of(on=on)
        set_here = settings.read(Path.cwd()) if what == "settings" else settings.Settings()
    match what:
        case "ops":
            rows = {str(op): ", ".join(quantities) for op, quantities in ASKED.items()}
            show(texts(("op", "quantities"), rows))
        case "options":
            reductions = {f"reduction={name}": text for name, text in REDUCTIONS.items()}
            show(texts(("option", "what it means"), {**OPTIONS, **reductions}))
        case "families":
            show(texts(("family", "what it provokes"), cases.descriptions()))
        case "engines":
            show(table(("engine", "group", "modes"), engines()))
        case "settings":
            show(table(("setting", "value", "from", "commands"), sorted(every_setting(set_here))))
        case "implementations":
            show(table(("op", "implementation", "kind", "modes"), implementations(wanted)))
        case _:
            show(table(("op", "implementation", "kind", "mode", "device"), targets(wanted)))


def texts(columns: tuple[str, str], rows: Mapping[str, str]) -> Table:
    """Return a table of names and what they mean."""
    made = Table(*columns, box=None, pad_edge=False)
    for row in rows.items():
        made.add_row(*row)
    return made


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    """Return a table whose cells are folded rather than cut."""
    made = Table(box=None, pad_edge=False)
    for column in columns:
        made.add_column(column, overflow="fold")
    for row in rows:
        made.add_row(*row)
    return made


def installed(wanted: plan.Wanted) -> Iterator[Adapter]:
    """Yield the adapters that are wanted, and say which cannot be had."""
    for name in jobs.slowest_first(wanted):
        try:
            yield frameworks.load(name)
        except NotInstalled as missing:
            warn(f"not listed: {missing}")


def engines() -> Iterator[tuple[str, ...]]:
    """Yield each engine, whether it is installed or not, with its group and its modes."""
    for name, module in frameworks.engines().items():
        yield name, module.split(".")[-2], ", ".join(frameworks.modes(name))


def implementations(wanted: plan.Wanted) -> Iterator[tuple[str, ...]]:
    """Yield each implementation, with its modes."""
    for adapter in installed(wanted):
        for each in adapter.implementations():
            yield each.op, each.name, each.kind, ", ".join(wanted.modes(adapter))


def targets(wanted: plan.Wanted) -> Iterator[tuple[str, ...]]:
    """Yield each implementation in every mode and on every device."""
    for adapter in installed(wanted):
        for target in plan.targets(adapter, wanted):
            asked = target.implementation
            yield asked.op, asked.name, asked.kind, target.mode, target.device


def every_setting(set_here: settings.Settings) -> Iterator[tuple[str, ...]]:
    """Yield each setting with its value, where that comes from, and the commands that take it."""
    found: dict[tuple[str, str, str], list[str]] = {}
    for name in front_door.COMMANDS:
        for parameter in front_door.load(name).params:
            if key := settings.key(parameter):
                found.setdefault((key, *_value(key, parameter, set_here)), []).append(name)
    for row, commands in found.items():
        yield *row, ", ".join(commands)


def _value(key: str, parameter: object, set_here: settings.Settings) -> tuple[str, str]:
    """Return the value of a setting and its source: the environment, the file, or the option's default."""
    variable = str(getattr(parameter, "envvar", ""))
    if variable in os.environ:
        return os.environ[variable], variable
    if key in set_here.values:
        value = set_here.values[key]
        return ", ".join(value) if isinstance(value, list) else str(value), str(set_here.file)
    return str(getattr(parameter, "default", "") or ""), "default"
