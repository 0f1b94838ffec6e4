"""A program of a user's own: asked beside the frameworks, judged, and no worse for others where it dies or hangs."""

import shlex
import shutil
import subprocess
import sys

import pytest

from harness.adapters import frameworks
from harness.model import Crashed, Score, TimedOut
from harness.running import arguments
from harness.store import Store
from tests.conftest import ROOT

GAP = "two_class_gap"  # whose shape the troubled programs know
ASKED = ("--preset", "smoke", "--op", "sigmoid", "--dtype", "float64", "--family", f"normal,{GAP}")
ENGINE = ROOT / "examples" / "my_engine.cpp"


def program(folder, behaviour):
    """Write a script of two lines that starts the program with an argument, as a user would."""
    path = folder / f"{behaviour}.sh"
    command = shlex.join((sys.executable, str(ROOT / "tests" / "made" / "program.py"), behaviour))
    path.write_text(f"#!/bin/sh\nexec {command}\n")
    path.chmod(0o755)
    return path


@pytest.fixture(scope="module")
def asked(shell, folder):
    """Run programs with every kind of trouble beside one without; return how it ended, and its store."""
    store, names = folder / "programs.sqlite", ("right", "dies", "hangs", "newer")
    on = ",".join(f"{program(folder, name)}:plain" for name in names)
    where = ("--store", store, "--report", folder / "programs")
    ended = shell("run", "--on", on, *ASKED, "--timeout", "6", "--jobs", "2", *where)
    return ended, store


def answers(store):
    """Return the plain answers by framework, family and quantity."""
    with Store(store) as opened:
        results = [one for one in opened.results(opened.run().uid) if not one.case.check and not one.case.op.params]
    return {(one.target.implementation.framework, one.case.family, one.case.quantity): one for one in results}


def test_program_is_judged_by_its_name(asked):
    """Values and gradients of a program are scored, under the name of its file without an ending."""
    found = answers(asked[1])

    for quantity in ("value", "grad_logits"):
        for family in ("normal", GAP):
            result = found["right", family, quantity]
            assert isinstance(result.outcome, Score)
            assert result.judgement == "conforms"
            assert (result.target.mode, result.target.implementation.name) == ("plain", "my.sigmoid")


def test_death_and_hang_are_states_of_their_question(asked):
    """What a program dies of, or has no answer to, is told; the rest is answered, by it and by others."""
    found = answers(asked[1])

    assert found["dies", GAP, "value"].outcome == Crashed("the program ended (SIGSEGV)")
    assert isinstance(found["hangs", GAP, "value"].outcome, TimedOut)
    for name in ("dies", "hangs"):
        assert isinstance(found[name, "normal", "value"].outcome, Score)
        assert isinstance(found[name, "normal", "grad_logits"].outcome, Score)


def test_program_of_another_version_is_not_run(asked):
    """A program that speaks another version is not asked, with its reason."""
    with Store(asked[1]) as store:
        reasons = {entry.framework: entry.reason for entry in store.not_run(store.run().uid)}

    assert "it speaks version 2 of the protocol, expected 1" in reasons["newer"]
    assert "not run: newer" in asked[0].stdout


@pytest.fixture
def forgotten(monkeypatch):
    """Forget the programs that a test names."""
    monkeypatch.setenv(frameworks.PROGRAMS, "")


@pytest.mark.usefixtures("forgotten")
def test_path_is_a_name_from_then_on(tmp_path):
    """What is named by its path is known by its file's name, in this process and those that it starts."""
    path = program(tmp_path, "right")

    assert arguments.pairs(f"numpy,{path}:other") == (("numpy", ""), ("right", "other"))
    assert frameworks.every()[-1] == "right"
    assert frameworks.load("right").modes == ("plain", "other")


@pytest.mark.usefixtures("forgotten")
@pytest.mark.parametrize(
    ("name", "mode", "says"),
    [
        ("absent", None, "leads to no file; expected one that speaks docs/protocol.md"),
        ("plain", 0o644, "is a file that may not be run; .*try: chmod"),
        ("torch", 0o755, "expected a name of its own"),
        ("an engine", 0o755, "expected a name of its own"),
    ],
)
def test_path_that_is_off_says_why(tmp_path, name, mode, says):
    """A path without a program is refused before anything runs, and so is a name that is none, or something else's."""
    if mode is not None:
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(mode)

    with pytest.raises(ValueError, match=says):
        arguments.pairs(str(tmp_path / name))


def test_program_in_cpp_is_built_and_judged(shell, tmp_path):
    """The example builds with a compiler alone, without a warning, and what it answers conforms."""
    compiler = shutil.which("g++") or shutil.which("c++")
    if compiler is None:
        pytest.skip("no C++ compiler is installed, so the example was not built; try: apt-get install g++")
    built = tmp_path / "my_engine"
    options = ("-O2", "-std=c++17", "-Wall", "-Wextra", "-Werror", "-o", str(built))
    subprocess.run([compiler, *options, str(ENGINE)], check=True)

    ended = shell(
        *("judge", built, "--preset", "smoke", "--dtype", "float32", "--family", "normal,confident,offset"),
        *("--store", tmp_path / "judged.sqlite"),
    )

    assert ended.returncode == 0, ended.stdout + ended.stderr
    for name in ("my_softmax", "my_logsumexp", "my_sparse_xent"):
        assert name in ended.stdout


def test_what_judge_is_given_may_be_a_program_in_part(shell, folder):
    """`--only` names functions of a program; a program that cannot be asked is a usage error with its reason."""
    path = program(folder, "right")

    other = shell("judge", path, "--only", "my_sigmoid", "--store", folder / "other.sqlite")
    silent = shell("judge", program(folder, "leaves"), "--store", folder / "other.sqlite")

    assert (other.returncode, silent.returncode) == (2, 2)
    assert "--only is my_sigmoid, expected functions of" in other.stderr
    assert "did you mean my.sigmoid?" in other.stderr
    assert "the program ended (exit code 7)" in silent.stderr
