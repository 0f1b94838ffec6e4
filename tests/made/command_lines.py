"""Command lines of `xentbench` as they stand in scripts, read by its own parser; nothing is run."""

import shlex

import typer

import xentbench
from harness.history.news import FAIL_ON
from harness.ops import OPS
from harness.running import arguments
from harness.spelling import choice, choices
from suites.questions import presets
from xentbench import results

# What a command checks itself, by the name of its parameter.
CHECKS = {
    "form": lambda value: choice("--format", value, results.FORMATS),
    "fail_on": lambda value: choice("--fail-on", value, tuple(FAIL_ON)),
    "preset": lambda value: choice("--preset", value, tuple(presets.PRESETS)),
    "op": lambda value: choices("--op", value, tuple(OPS)),
    "on": lambda value: arguments.pairs(",".join(part for part in value.split(",") if "/" not in part)),  # no program
    "shard": arguments.shard,
    "uid": arguments.run_uid,
}


def commands(script):
    """Return the words of every `xentbench` command in a shell script, without what is piped or redirected."""
    found = []
    for line in script.replace("\\\n", " ").splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True  # but for punctuation: a URL is one word
        words = list(lexer)
        if words and words[0] == "xentbench":
            end = next((place for place, word in enumerate(words) if set(word) <= set("|&;<>")), len(words))
            found.append(words[1:end])
    return found


def parse(words):
    """Return a command's name and parameters. Raises click's UsageError, or ValueError for a value that is none."""
    group = typer.main.get_command(xentbench.app)
    name, command, rest = group.resolve_command(typer.Context(group), list(words))
    parameters = command.make_context(name, rest).params
    for parameter, value in parameters.items():
        if value and parameter in CHECKS:
            CHECKS[parameter](value)
    return name, parameters
