"""Releases of a framework, from requirements to one comparison; nothing is installed or asked here."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.made import command_lines
from tools import versions

NEEDS_312 = "Python>=3.12 is needed"


@pytest.fixture(autouse=True)
def apart(tmp_path, monkeypatch):
    """Work in a folder with constraints, with a uv and with every Python at hand but the newest."""
    monkeypatch.chdir(tmp_path)
    Path("constraints.txt").write_text("jax==0.10.2\nnumpy==2.4.6\nmpmath==1.3.0\n", "utf-8")
    monkeypatch.setattr(versions, "resolver", lambda: "uv")
    monkeypatch.setattr(versions, "OWN", "3.11")
    monkeypatch.setattr(versions, "at_hand", lambda _, python: "" if python == "3.14" else f"/python{python}")
    monkeypatch.setattr(versions, "lacking", lambda *_: "")


@pytest.fixture
def commands(monkeypatch):
    """Return a list that takes the commands called; all end well, or as `codes` says by their second word."""
    kept = Commands()
    monkeypatch.setattr(versions, "called", kept.called)
    return kept


class Commands(list):
    """Commands called, their programs by their last name."""

    def __init__(self):
        """Begin with none."""
        super().__init__()
        self.codes = {}

    def called(self, *command):
        """Keep a command and return its exit code."""
        self.append((Path(command[0]).name, *command[1:]))
        return self.codes.get(command[1], 0)

    def of(self, word):
        """Return the commands of a second word."""
        return [command for command in self if command[1] == word]


def test_requirements_become_one_report(commands):
    """Each release is installed into an environment of its own and asked the same; then they are compared."""
    releases = ("jax==0.8.3", "jax==0.9.2", "jax==0.10.2")
    options = ("--op", "softmax", "--fail-on", "any", "--dtype", "float32")

    assert versions.main([*releases, *options]) == 0

    homes = [str(versions.HOMES / f"versions-jax-{version}-3.11") for version in ("0.8.3", "0.9.2", "0.10.2")]
    assert [command[-1] for command in commands.of("venv")] == homes
    assert [command[command.index("--python") + 1] for command in commands.of("pip")] == homes
    assert [command[-3:] for command in commands.of("pip")] == [("-e", ".[jax,fast]", release) for release in releases]
    ours = [command_lines.parse(words[1:]) for words in commands if words[0] == "xentbench"]
    assert [name for name, _ in ours] == ["run", "run", "run", "compare"]
    *runs, compare = (parameters for _, parameters in ours)
    assert [re.sub(r"\d{8}T\d{6}", "", asked["uid"]) for asked in runs] == ["jax-0.8.3-", "jax-0.9.2-", "jax-0.10.2-"]
    assert {(asked["on"], asked["op"], asked["dtype"]) for asked in runs} == {("jax", "softmax", "float32")}
    assert compare["runs"] == [asked["uid"] for asked in runs]
    assert (compare["fail_on"], compare["directory"]) == ("any", runs[-1]["report"])
    assert len({str(parameters["store"]) for _, parameters in ours}) == 1


@pytest.mark.parametrize(
    ("words", "run", "compare"),
    [
        ("--op softmax --fail-on any", "--op softmax", "--fail-on any"),
        ("--fail-on=any --speed", "--speed", "--fail-on=any"),
        ("--known own.toml --rows 3", "--known own.toml", "--known own.toml --rows 3"),
        ("--known=own.toml --op softmax", "--known=own.toml --op softmax", "--known=own.toml"),
        ("", "", ""),
    ],
)
def test_options_go_to_their_command(words, run, compare):
    """The gate's options are of the comparison, a list of one's own is of both, all else of the runs."""
    assert versions.options_apart(words.split()) == (run.split(), compare.split())


def test_times_are_settled_by_duels(commands):
    """Releases that are timed are held against one another by duels between their interpreters; others are not."""
    versions.main(["jax==0.9.2", "jax==0.10.2", "--speed"])
    versions.main(["jax==0.9.2", "jax==0.10.2"])

    timed, untimed = (command_lines.parse(words[1:])[1] for words in commands.of("compare"))
    homes = [versions.HOMES / f"versions-jax-{version}-3.11" for version in ("0.9.2", "0.10.2")]
    assert timed["settling"]
    assert timed["pythons"] == [str(home / versions.SCRIPTS / "python") for home in homes]
    assert not untimed["settling"]


def test_nothing_is_asked_before_all_is_installed(commands):
    """Every environment is made before the first run."""
    versions.main(["jax==0.9.2", "jax==0.10.2"])

    assert [command[1] for command in commands] == ["venv", "pip", "venv", "pip", "run", "run", "compare"]


@pytest.mark.parametrize(
    ("word", "code", "ended", "last"),
    [
        ("pip", 1, 1, "pip"),  # the disk may be full
        ("run", 1, 0, "compare"),  # it deviates, which the comparison tells
        ("run", 4, 0, "compare"),  # a process died, which the comparison tells
        ("run", 2, 2, "run"),  # an option is off
        ("compare", 1, 1, "compare"),
    ],
)
def test_first_failure_ends_it(commands, word, code, ended, last):
    """What cannot be installed, and an option that is off, end it at once; what deviates is compared."""
    commands.codes[word] = code

    assert versions.main(["jax==0.9.2", "jax==0.10.2"]) == ended
    assert commands[-1][1] == last
    assert ended == 0 or last == "compare" or len(commands.of(last)) == 1


def test_versions_choose_their_own_numpy(commands):
    """A version under test is bound by no pin of its own stack; what it stands on otherwise is as CI has it."""
    versions.main(["jax==0.9.2", "jax==0.10.2"])

    install = commands.of("pip")[0]
    assert Path(install[install.index("-c") + 1]).read_text("utf-8") == "mpmath==1.3.0\n"


@pytest.mark.parametrize(
    ("requirement", "extras", "packages"),
    [
        ("torch==2.11.0", "torch,fast", ("torch==2.11.0",)),
        ("torch==2.13.0+cpu", "torch,fast", ("torch==2.13.0+cpu",)),
        ("tensorflow==2.20.0", "fast", ("tensorflow==2.20.0",)),
        ("tensorflow_cpu==2.20.0", "tensorflow,fast", ("tensorflow_cpu==2.20.0",)),
        ("jax[cuda12]==0.9.2", "jax,fast", ("jax[cuda12]==0.9.2",)),
        ("jax==0.9.2 numpy==2.3.5", "jax,fast", ("jax==0.9.2", "numpy==2.3.5")),
        ("torch@file:///wheels/torch-2.14.0a0-cp311-linux_x86_64.whl", "torch,fast", None),
    ],
)
def test_requirement_is_installed_with_what_it_needs(commands, requirement, extras, packages):
    """A requirement is any that pip takes; others may stand beside it."""
    package = requirement.partition("=")[0].partition("@")[0].partition("[")[0]

    versions.main([requirement, package])

    first = commands.of("pip")[0]
    assert first[first.index("-e") + 1 :] == (f".[{extras}]", *(packages or [requirement]))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "requirements are [], expected two or more that differ; try: nox -s versions -- jax==0.9.2 jax==0.10.2"),
        (("jax==0.9.2", "--op", "softmax"), "requirements are ['jax==0.9.2'], expected two or more that differ; try: "),
        (("jax==0.9.2", "jax==0.9.2"), "requirements are ['jax==0.9.2', 'jax==0.9.2'], expected two or more that "),
        (("jax==0.9.2", "jax==0.10.2", "jax==0.9.2"), "requirements are ['jax==0.9.2', 'jax==0.10.2', 'jax==0.9.2'], "),
        (("jax=0.9.2", "jax==0.10.2"), "requirement is 'jax=0.9.2' ("),
        (("jax==0.9.2", "jax == 0.10.2"), "requirement is 'jax == 0.10.2' ("),
        (("numpy==2.3.5", "jax==0.10.2"), "requirement is 'numpy==2.3.5', expected one with one of torch, jax, "),
        (("jax torch", "jax==0.10.2"), "requirement is 'jax torch', expected one with one of torch, jax, "),
        (("torch==2.13.0", "jax==0.10.2"), "versions are of torch and jax, expected of one framework; try: "),
        (("../jax", "jax==0.10.2"), "requirement is '../jax' ("),
    ],
)
def test_what_is_no_line_of_versions_is_refused(commands, capsys, arguments, message):
    """A requirement that is none, and those that cannot be compared, are refused before anything is installed."""
    assert versions.main(arguments) == 2

    assert capsys.readouterr().err.startswith(f"error: {message}")
    assert commands == []


def test_release_that_cannot_be_had_is_said_at_once(commands, capsys, monkeypatch):
    """What no Python has ends it in one line, before anything is installed or asked."""
    monkeypatch.setattr(versions, "lacking", lambda *words: "there is no jax==9.9" if "jax==9.9" in words else "")

    assert versions.main(["jax==0.9.2", "jax==9.9"]) == 2

    assert capsys.readouterr().err == (
        "error: jax==9.9 cannot be had with Python 3.11, 3.12, 3.13, 3.14 (there is no jax==9.9),"
        " expected a release that there is; try: python -m pip index versions jax\n"
    )
    assert commands == []


@pytest.mark.parametrize(
    ("takes", "chosen"),
    [
        pytest.param({"old": ["3.11", "3.12"], "new": ["3.12", "3.13"]}, ["3.12", "3.12"], id="one for all"),
        pytest.param({"old": ["3.11"], "new": ["3.12", "3.13"]}, ["3.11", "3.12"], id="each its own"),
        pytest.param({"old": ["3.11", "3.13"], "new": ["3.11", "3.13"]}, ["3.13", "3.13"], id="the first candidate"),
    ],
)
def test_python_is_one_for_all_where_there_is_one(takes, chosen):
    """All releases have one Python where all support one, else each the first that it supports."""
    candidates = ("3.13", "3.11", "3.12") if chosen == ["3.13", "3.13"] else ("3.11", "3.12", "3.13")

    found = versions.pythons(list(takes), candidates, lambda one, python: "" if python in takes[one] else "no")

    assert found == chosen


def test_python_at_hand_goes_before_one_to_be_fetched(commands, monkeypatch):
    """The session's own Python is tried first, then those that are there, and last those that are not."""
    tried = []
    monkeypatch.setattr(versions, "OWN", "3.13")
    monkeypatch.setattr(versions, "at_hand", lambda _, python: "" if python == "3.11" else f"/python{python}")
    monkeypatch.setattr(versions, "lacking", lambda *words: tried.append(words[-1]) or "no")

    assert versions.main(["jax==0.9.2", "jax==0.10.2"]) == 2

    assert list(dict.fromkeys(tried)) == ["3.13", "3.12", "3.14", "3.11"]
    assert commands == []


def test_pyenv_is_looked_into(tmp_path, monkeypatch):
    """A Python that uv does not find is taken from where pyenv keeps it."""
    monkeypatch.undo()
    python = tmp_path / "versions/3.12.1/bin/python"
    python.parent.mkdir(parents=True)
    python.touch()
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))

    assert versions.at_hand("false", "3.12") == str(python)
    assert versions.at_hand("false", "3.13") == ""
    assert versions.at_hand("echo", "3.12") == "python find --no-project 3.12"


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (
            (
                "error: No solution found\n  cause: Because the requested Python version (>=3.11)"
                " does not satisfy\n         Python>=3.12, we can conclude that it cannot be used.\n\nhint: more"
            ),
            "the requested Python version (>=3.11) does not satisfy Python>=3.12",
        ),
        ("error: Failed to fetch\n  cause: dns error", "dns error"),
        ("error: unexpected", "error: unexpected"),
    ],
)
def test_reason_of_the_resolver_is_one_line(monkeypatch, said, why):
    """Of what uv says, the first cause is told."""
    monkeypatch.undo()
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: subprocess.CompletedProcess((), 1, "", said))

    assert versions.lacking("uv", Path("constraints.txt"), "jax==0.11.0", "3.11") == why


def test_example_of_an_error_works(commands):
    """The command that an error names is one that works."""
    words = versions.EXAMPLE.split()

    assert words[:4] == ["nox", "-s", "versions", "--"]
    assert versions.main(words[4:]) == 0
    assert commands.of("compare")
