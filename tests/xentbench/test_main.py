"""The table of commands: what it says of each is what the command says of itself, and none is loaded in vain."""

import inspect
import os
import re
import shlex
import subprocess
import sys

import pytest
import typer

import xentbench
from tests.conftest import ROOT
from tests.made import command_lines
from tests.made.front_door import invoke
from xentbench.__main__ import COMMANDS, load

FRAMEWORKS = {"torch", "jax", "jaxlib", "optax", "tensorflow", "keras"}
HEAVY = {"numpy", "rich", "jinja2", "pytest", "harness.model", "reports", "reference", "suites"}
EXITS = {
    "run",
    "search",
    "sweep",
    "compare",
    "coverage",
    "status",
    "judge",
    "duel",
    "golden verify",
}  # whose code 1 says what was found


def loaded_after(*arguments):
    """Return the modules that a command has imported when it ends."""
    code = "import sys, xentbench\ntry: xentbench.main()\nfinally: print(*sorted(sys.modules), file=sys.stderr)"
    ended = subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert ended.stdout
    assert "xentbench" in ended.stderr
    return set(ended.stderr.split())


@pytest.mark.parametrize("arguments", ["--help", "list ops"])
def test_help_imports_no_framework(arguments):
    """Help and lists of our own things are there at once, because no framework is imported for them."""
    assert FRAMEWORKS.isdisjoint(loaded_after(*arguments.split()))


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_front_door_loads_no_command(option):
    """Help and version need neither numpy, nor rich, nor any of the four packages."""
    assert HEAVY.isdisjoint(loaded_after(option))


def every():
    """Return every command by its words, those of a group one by one."""
    found = {}
    for name in COMMANDS:
        command = load(name)
        found |= {f"{name} {sub}": each for sub, each in getattr(command, "commands", {name: command}).items()}
    return {words if words.startswith("golden") else words.split()[0]: command for words, command in found.items()}


@pytest.mark.parametrize("name", COMMANDS)
def test_summary_is_the_command_s_own(name):
    """The line of the table is the first line of the command's help."""
    assert inspect.cleandoc(load(name).help).splitlines()[0] == COMMANDS[name].summary


def test_help_lists_the_commands_in_groups():
    """Commands stand in groups, `run` first, each with its line."""
    lines = invoke("--help").stdout.splitlines()
    groups = [line.removesuffix(":") for line in lines if line.endswith(":") and not line.startswith(" ")]

    assert groups == ["Options", "Run", "Look", "Compare", "Judge", "Speed", "Reference"]
    assert [line.split()[0] for line in lines[lines.index("Run:") :] if re.match(r"  [a-z]+  ", line)] == list(COMMANDS)


@pytest.mark.parametrize(("words", "command"), every().items(), ids=every())
def test_help_has_examples_that_are_understood(words, command):
    """Every help ends with examples, which the parser takes; and with exit codes, where they say what was found."""
    title, *examples = command.epilog.partition("\b\nExit codes:")[0].strip("\b\n").splitlines()

    assert title == "Examples:"
    for line in filter(None, map(str.strip, examples)):
        called, *rest = shlex.split(line.partition(" | ")[0])
        assert (called, rest[: len(words.split())]) == ("xentbench", words.split())
        command_lines.parse(rest)
    assert "\nExit codes:\n  " in command.epilog
    assert (words in EXITS) is bool(re.search(r"^  1  ", command.epilog, re.MULTILINE))
    assert "    xentbench " in invoke(*words.split(), "--help").stdout


@pytest.mark.parametrize("words", every())
def test_no_default_contradicts_itself(words):
    """What a help text says of a default is not said twice."""
    assert "default: all [default" not in " ".join(invoke(*words.split(), "--help").stdout.split())


def test_version():
    """`--version` says the version that was installed."""
    assert invoke("--version").stdout == f"xentbench {xentbench.__version__}\n"
    assert re.fullmatch(r"\d+\.\d+\.\d+.*", xentbench.__version__)


@pytest.mark.parametrize(("name", "likely"), [("tabel", "table"), ("comparison", "compare"), ("stauts", "status")])
def test_command_that_was_meant(name, likely):
    """A command that there is not is code 2, with those that there are and the one that was meant."""
    ended = invoke(name)

    assert ended.exit_code == 2
    assert f"command is '{name}', expected one of run, " in " ".join(ended.stderr.split())
    assert " ".join(ended.stderr.split()).endswith(f"; did you mean {likely}?")


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("xentbench sta", ["status"]),
        ("xentbench run --op softmax,log_s", ["softmax,log_softmax", "softmax,log_sigmoid"]),
        ("xentbench run --dtype bf", ["bfloat16"]),
        ("xentbench run --on numpy,torch:", ["numpy,torch:eager", "numpy,torch:compile"]),
        ("xentbench run --preset s", ["smoke", "standard"]),
        ("xentbench table --family two", ["two_class_gap"]),
        ("xentbench list t", ["targets"]),
    ],
)
def test_shell_completes(line, offered):
    """Commands, and values of options, the last of a list, are completed."""
    code = "import typer, xentbench; typer.main.get_command(xentbench.app)(prog_name='xentbench')"
    asked = {"_XENTBENCH_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(line.count(" "))}

    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=os.environ | asked, capture_output=True, text=True, check=True
    )

    assert ended.stdout.split() == offered


def test_public_names_are_one():
    """What `xentbench` offers is the very thing that its home holds, and no other name is there."""
    from harness.adapters import implements  # noqa: PLC0415 - beside the name it is compared with

    assert xentbench.implements is implements
    assert isinstance(xentbench.app, typer.Typer)
    assert set(dir(xentbench)) == set(xentbench.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'implement'"):
        _ = xentbench.implement
