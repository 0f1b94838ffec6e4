"""`[tool.xentbench]`: the command line before the environment, the environment before the file."""

import re

import pytest

from harness.model import DTYPES
from harness.store import Store
from tests.made.front_door import invoke
from tests.made.records import result, run
from xentbench import settings
from xentbench.__main__ import COMMANDS, load


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Return how to write a project's file, in the working directory."""
    monkeypatch.chdir(tmp_path)

    def write(text, folder=tmp_path):
        (folder / "pyproject.toml").write_text(f"[tool.xentbench]\n{text}\n", encoding="utf-8")
        return folder

    return write


def store_of(path, uid):
    """Make a store of one run."""
    with Store(path) as opened:
        opened.join(run(uid, 1))
        opened.append(uid, [result()])


def last(*arguments):
    """Return the run that `status` speaks of."""
    ended = invoke("status", *arguments)
    assert ended.exit_code == 0, ended.output
    return ended.stdout.split()[1]


def test_command_line_before_environment_before_file(project, tmp_path, monkeypatch):
    """Each source gives way to the one before it."""
    for name in ("file", "variable", "option"):
        store_of(tmp_path / f"{name}.sqlite", name)
    project('store = "file.sqlite"')

    assert last() == "file"
    monkeypatch.setenv("XENTBENCH_STORE", "variable.sqlite")
    assert last() == "variable"
    assert last("--store", "option.sqlite") == "option"


def test_nearest_file_upwards_holds(project, tmp_path, monkeypatch):
    """A file further up holds below it too, its paths meant from where it lies; a nearer one goes before it."""
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    store_of(tmp_path / "far.sqlite", "far")
    store_of(tmp_path / "a" / "near.sqlite", "near")
    project('store = "far.sqlite"')
    (below / "pyproject.toml").write_text("[tool.other]\nstore = 3\n")  # says nothing to us
    monkeypatch.chdir(below)

    assert last() == "far"
    project('store = "near.sqlite"', tmp_path / "a")
    assert last() == "near"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('stor = "x"', "has 'stor', expected one of store, .*; did you mean store\\?"),
        ("store = 3", "store in .* is 3, expected a string"),
        ('known = "x.toml"', "known in .* is 'x.toml', expected a list of files"),
        ('size = "5%"', "size in .* is '5%', expected a number"),
        ("size = true", "size in .* is True, expected a number"),
        ("op = [1]", "op in .* is \\[1\\], expected a string or a list of strings"),
        ("store = ", "is no TOML"),
    ],
)
def test_file_that_is_off(project, tmp_path, text, message):
    """An unknown key, a wrong type and what is no TOML are usage errors that name the file; help is there yet."""
    project(text)

    ended = invoke("status")

    assert ended.exit_code == 2
    assert re.match(f"error: .*{message}", ended.stderr)
    assert str(tmp_path / "pyproject.toml") in ended.stderr
    assert invoke("status", "--help").exit_code == 0


@pytest.mark.parametrize(
    ("text", "command", "name", "value"),
    [
        ('on = ["torch", "jax:jit"]', "run", "on", "torch,jax:jit"),
        ('on = "torch"', "list", "on", "torch"),
        ('dtype = ["bfloat16"]', "table", "dtype", "bfloat16"),
        ('known = ["a.toml", "/b.toml"]', "run", "known", ["a.toml", "/b.toml"]),
        ('fail-on = "any"', "compare", "fail_on", "any"),
        ("size = 1", "compare", "size", 1),
        ('store = "postgresql://u@h/d"', "import", "store", "postgresql://u@h/d"),
    ],
)
def test_file_speaks_of_options(project, tmp_path, text, command, name, value):
    """A setting holds for every command that has the option, in the form that the option takes."""
    project(text)

    assert settings.read(tmp_path).of_command(load(command).params) == {name: value}


def test_judged_and_timed_stores_are_their_own(project, tmp_path):
    """A project's store is that of results: what judges a file or times has its own, unless it is told another."""
    project('store = "results.sqlite"')

    assert all(not settings.read(tmp_path).of_command(load(name).params) for name in ("judge", "duel", "tournament"))


def test_every_setting_is_an_option_and_every_variable_a_setting():
    """The keys of the file are the options with an environment variable, no more and no less."""
    keys = {settings.key(parameter) for name in COMMANDS for parameter in load(name).params}

    assert keys - {""} == set(settings.KEYS)


def test_list_settings_says_where_a_value_is_from(project, monkeypatch):
    """Each setting is listed with its value and its source."""
    project('store = "mine.sqlite"\ndtype = ["float32"]')
    monkeypatch.setenv("XENTBENCH_PRESET", "full")

    lines = [line.split() for line in invoke("list", "settings").stdout.replace("\n  ", "").splitlines()]

    found = {tuple(words[:3]) for words in lines}
    assert ("preset", "full", "XENTBENCH_PRESET") in found
    assert ("device", "all", "default") in found
    assert any(words[:2] == ("store", "mine.sqlite") for words in found)
    assert any(words[:2] == ("dtype", DTYPES[2]) for words in found)


def test_file_that_is_off_is_told_by_every_command(project):
    """A misspelt value in the file is refused as on the command line."""
    project('dtype = "fp32"')

    ended = invoke("run")

    assert ended.exit_code == 2
    assert ended.stderr.endswith("; did you mean float32?\n")
