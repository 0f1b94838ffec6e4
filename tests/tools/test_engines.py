"""Engines, from names to one run; nothing is installed or asked here."""

from pathlib import Path

import pytest

from harness.adapters import frameworks
from tests.made import command_lines
from tools import engines, versions


@pytest.fixture
def commands(tmp_path, monkeypatch):
    """Work in a folder with constraints; return a list of commands, which end as `codes` says of a word in them."""
    monkeypatch.chdir(tmp_path)
    Path("constraints.txt").write_text("jax==0.10.2\nonnx==1.23.2\n", "utf-8")
    monkeypatch.setattr(engines, "HOMES", tmp_path)
    monkeypatch.setattr(engines, "OWN", "3.11")
    monkeypatch.setattr(engines, "resolver", lambda: "uv")
    monkeypatch.setattr(engines, "at_hand", lambda _, python: f"/python{python}")
    monkeypatch.setattr(frameworks, "engines", lambda: dict.fromkeys(("mini", "maxi"), "harness.adapters.numpy"))
    monkeypatch.setattr(engines, "NEEDS", {"maxi": engines.Needs(python="3.12", heavy="it is heavy", unbound=True)})
    kept = Commands()
    monkeypatch.setattr(engines, "called", kept.called)
    return kept


class Commands(list):
    """Commands called; an environment is made with its interpreter."""

    def __init__(self):
        """Begin with none."""
        super().__init__()
        self.codes = {}

    def called(self, *command):
        """Keep a command and return its exit code."""
        self.append(command)
        if command[1] == "venv":
            python = Path(command[-1], versions.SCRIPTS, "python")
            python.parent.mkdir(parents=True, exist_ok=True)
            python.touch()
        return next((code for word, code in self.codes.items() if word in command), 0)

    @property
    def run(self):
        """The options of the run, read by its own parser; it is the last command, and the only one of its kind."""
        assert [command[1] for command in self].count("run") == 1
        return command_lines.parse(self[-1][1:])[1]


def test_light_engines_are_one_run(commands, tmp_path):
    """Each has an environment of its own with its extra, and all are one run, with torch beside them."""
    assert engines.main(["--op", "softmax"]) == 0

    assert commands.run["on"] == "mini,torch:eager"
    assert commands.run["python"] == [f"{name}={tmp_path}/engines-{name}-3.11/bin/python" for name in ("mini", "torch")]
    assert commands.run["op"] == "softmax"
    assert [command[-1] for command in commands if command[1] == "pip"] == [".[mini,fast]", ".[torch,fast]"]


def test_heavy_ones_are_asked_for(commands):
    """What is heavy comes with all, or by its name, which may have a mode; it has its own Python and versions."""
    engines.main(["--all"])
    assert commands.run["on"] == "mini,maxi,torch:eager"
    made = next(command for command in commands if command[1] == "venv" and "maxi" in command[-1])
    installed = next(command for command in commands if command[-1] == ".[maxi,fast]")
    assert made[4] == "/python3.12"
    assert Path(installed[installed.index("-c") + 1]).read_text("utf-8") == "onnx==1.23.2\n"
    commands.clear()

    engines.main(["maxi:eager", "--preset", "smoke"])

    assert (commands.run["on"], commands.run["preset"]) == ("maxi:eager", "smoke")


def test_what_cannot_be_installed_takes_no_other_along(commands, capsys, tmp_path):
    """An engine without an environment is asked for in this one, where it is missing; the run's exit code is told."""
    commands.codes = {".[mini,fast]": 1, "run": 3}

    assert engines.main([]) == 3

    assert capsys.readouterr().err == "not installed: mini\n"
    assert commands.run["on"] == "mini,torch:eager"
    assert commands.run["python"] == [f"torch={tmp_path}/engines-torch-3.11/bin/python"]


def test_environment_is_made_once(commands):
    """What is there is taken as it is; where the wanted versions change, or it was not finished, it is made."""
    commands.codes = {".[maxi,fast]": 1}
    engines.main(["mini", "maxi"])
    commands.clear()
    commands.codes = {}

    engines.main(["mini", "maxi"])
    assert [command[-1] for command in commands if command[1] == "pip"] == [".[maxi,fast]"]
    commands.clear()
    Path("constraints.txt").write_text("jax==0.10.3\n", "utf-8")
    engines.main(["mini"])

    assert [command[-1] for command in commands if command[1] == "pip"] == [".[mini,fast]"]
    assert commands.run["python"] != []


def test_packages_of_node_come_by_their_lock_file(commands, monkeypatch):
    """An engine that runs under Node has its packages put there; where npm is missing it has no environment."""
    monkeypatch.setattr(engines, "NEEDS", {"mini": engines.Needs(npm="somewhere/mini")})
    monkeypatch.setattr(engines.shutil, "which", lambda _: "/bin/npm")

    for _ in range(2):  # as its packages are not there still
        engines.main(["mini"])
        assert commands[2][:2] == ("/bin/npm", "ci")
        assert commands[2][-2:] == ("--prefix", "somewhere/mini")
        commands.clear()
    monkeypatch.setattr(engines.shutil, "which", lambda _: None)
    engines.main(["mini"])

    assert commands.run["python"] == []


def test_unknown_engine_is_refused(commands, capsys):
    """A name that no engine has is an error before anything is installed."""
    assert engines.main(["minni"]) == 2

    assert capsys.readouterr().err.startswith("error: --on is 'minni', expected one of ")
    assert commands == []


def test_needs_are_of_engines_that_there_are():
    """What is said of an engine is of one that is there."""
    assert set(engines.NEEDS) <= set(frameworks.engines())
