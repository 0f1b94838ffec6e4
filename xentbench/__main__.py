"""The command line: its commands in groups, each imported when it is asked for."""

from __future__ import annotations

import gc
import importlib
import inspect
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup

from harness.spelling import meant, try_instead
from xentbench import settings
from xentbench.screen import Exit, guarded, prepare, say, stop, version

GARBAGE = 100_000  # objects made before a search for circles: a command ends soon, and most of what it reads lives on
SECTION = re.compile(r"^(Examples|Exit codes):$", re.MULTILINE)  # of a docstring, kept as it is set


class Command(NamedTuple):
    """Where a command is, in which group, and what it does, as the first line of its docstring has it."""

    home: str
    group: str
    summary: str


COMMANDS: Mapping[str, Command] = {
    "run": Command("run:run", "Run", "Ask every framework and mode found, and write a report."),
    "sweep": Command(
        "sweeping.sweep:sweep", "Run", "Put every number of a format to functions of one number, and write a report."
    ),
    "search": Command(
        "searching.search:search",
        "Run",
        "Search for inputs that a function is further off on than on any known, and keep them.",
    ),
    "status": Command("compare:status", "Look", "Say in one screen how the last run stands against the one before."),
    "report": Command("report:report", "Look", "Write the report of a stored run again, beside another run."),
    "dashboard": Command("report:write_dashboard", "Look", "Write one page over all runs of a store."),
    "table": Command("results:table", "Look", "Print the largest errors of a run as a Markdown table."),
    "explain": Command("report:explain_answer", "Look", "Explain one answer, and print a script that asks again."),
    "pair": Command("listing.pair:pair", "Look", "Print two targets of a run side by side."),
    "list": Command("listing.things:list_things", "Look", "List what can be asked, and of whom; and what is set."),
    "coverage": Command(
        "listing.coverage:print_coverage",
        "Look",
        "Say which public functions are asked, which do the same, and why the others are not.",
    ),
    "compare": Command(
        "compare:compare_runs",
        "Compare",
        "Say whether a run may be taken for the one before it: what changed, and why.",
    ),
    "import": Command("compare:import_runs", "Compare", "Merge runs of other machines, and the shards of one run."),
    "export": Command("results:export_results", "Compare", "Write a run for other tools, other stores, or CI."),
    "prune": Command("prune:prune", "Compare", "Remove runs of a store, and give back their room."),
    "judge": Command(
        "judging.command:judge_file", "Judge", "Judge your own functions as the frameworks' own are judged."
    ),
    "accept": Command(
        "judging.accept:accept", "Judge", "Accept a deviation of judge or of a run: it is a known one from then on."
    ),
    "duel": Command("duel:duel", "Speed", "Decide whether B is slower than A, faster or the same."),
    "tournament": Command("tournament:tournament", "Speed", "Rank all fused functions x modes of an op on one shape."),
    "golden": Command("golden:app", "Reference", "Test vectors for other test suites: write, check and show them."),
}


class Commands(TyperGroup):
    """The commands of the table, in its order; what is listed is not loaded."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - the table is all there is
        """Return the names."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002
        """Return a command that knows its name and its summary, for lists and for a shell to complete."""
        return TyperCommand(cmd_name, help=COMMANDS[cmd_name].summary) if cmd_name in COMMANDS else None

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Load the command that was asked for, with what the project's file says of its options."""
        name = args[0]
        if name not in COMMANDS:
            ctx.fail(f"command is {name!r}, expected one of {', '.join(COMMANDS)}{try_instead(meant(name, COMMANDS))}")
        command = load(name)
        ctx.default_map = {name: _from_file(command, args)}
        return name, command, args[1:]

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002
        """Write the summaries, a group at a time."""
        width = max(map(len, COMMANDS))
        for group in dict.fromkeys(command.group for command in COMMANDS.values()):
            with formatter.section(group):
                formatter.write_dl(
                    [(f"{name:{width}}", each.summary) for name, each in COMMANDS.items() if each.group == group]
                )


def _from_file(command: Any, args: list[str]) -> dict[str, Any]:
    """Return a command's defaults from the project's file; help does without a file that is off."""
    try:
        return settings.read(Path.cwd()).of_command(command.params)
    except ValueError as error:
        if not {"-h", "--help"} & set(args):
            stop(Exit.USAGE, str(error))
        return {}


def load(name: str) -> Any:
    """Import a command."""
    module, _, attribute = COMMANDS[name].home.partition(":")
    found = getattr(importlib.import_module(f"xentbench.{module}"), attribute)
    app_of_one = found if isinstance(found, typer.Typer) else typer.Typer(add_completion=False, rich_markup_mode=None)
    if app_of_one is not found:
        app_of_one.command(name)(found)
    for each in app_of_one.registered_commands:
        each.help, each.epilog = set_out(each.callback.__doc__)
    return typer.main.get_command(app_of_one)


def set_out(docstring: str | None) -> tuple[str, str]:
    """Return what a docstring says before its sections, and the sections, whose lines are kept."""
    text, title, sections = inspect.cleandoc(docstring or "").partition("Examples:\n")
    return text, SECTION.sub("\b\n\\g<0>", title + sections)


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"max_content_width": 100, "help_option_names": ["-h", "--help"]},
)


def _version(*, wanted: bool) -> None:
    if wanted:
        say(f"xentbench {version()}")
        raise typer.Exit


def front_door(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=lambda value: _version(wanted=value), is_eager=True, help="Say which.")
    ] = False,
) -> None:
    """Softmax and cross-entropy of torch, TensorFlow and JAX, held against the exact answers and timed.

    Examples:
      xentbench run --on torch,jax:jit --op softmax
      xentbench status
      xentbench judge my_kernel.py
    """


TEXT, SECTIONS = set_out(front_door.__doc__)
app.callback(help=TEXT, epilog=SECTIONS)(front_door)


def main() -> None:
    """Run the command line."""
    prepare()
    gc.set_threshold(GARBAGE)
    sys.exit(guarded(app))


if __name__ == "__main__":
    main()
