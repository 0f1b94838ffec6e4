"""Compiled loops: taken where they pay and answer as numpy does, and never missed where they cannot be had."""

import ast
import subprocess
import sys
from importlib import import_module, util
from pathlib import Path

import numpy as np
import pytest

from harness import jit

ONES = np.ones(3)


@pytest.fixture(autouse=True)
def as_it_pays(monkeypatch):
    """Let the size of the work decide, whatever the environment says."""
    monkeypatch.setattr(jit, "CHOICE", "")


def loops_of(module="math"):
    """Return loops that are a module of the standard library."""
    return jit.Loops(module, (module,))


@pytest.fixture
def installed(monkeypatch, tmp_path):
    """Let numba be there, with nothing compiled yet, and whatever is imported be it."""
    monkeypatch.setattr(jit, "version", lambda: "0.1")
    monkeypatch.setattr(jit, "home", lambda: tmp_path)
    monkeypatch.setattr(jit, "_within", lambda folder, module: import_module(module))  # noqa: ARG005


def test_small_work_loads_nothing():
    """A process that has little to do does not import numba."""
    code = (
        "import sys\nimport numpy as np\nfrom harness.model import Inputs, Op\nfrom reference.fast import answers\n"
        "logits = np.ones((50, 1000))\n"
        "answers.answer(Op('softmax'), 'value', Inputs(logits, None, logits))\nassert 'numba' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env={"PATH": ""}, cwd=jit.Path.cwd())


@pytest.mark.usefixtures("installed")
def test_loops_are_loaded_once_it_pays(tmp_path):
    """Much work is compiled for; less is enough where code is kept already."""
    cold, warm = loops_of(), loops_of()

    assert cold.get(jit.LOAD) is None
    assert cold.get(jit.COMPILE) is import_module("math")
    (cold.folder() / "any.nbi").touch()
    assert warm.get(jit.LOAD - 1) is None
    assert warm.get(1) is import_module("math")
    assert cold.folder().is_relative_to(tmp_path)


def test_without_numba_numpy_answers(monkeypatch):
    """Where numba is not installed there are no loops, and that is no news."""
    monkeypatch.setattr(jit, "version", lambda: "")
    loops = loops_of()

    assert loops.get(jit.COMPILE) is None
    assert loops.failed == "numba is not installed"


@pytest.mark.usefixtures("installed")
def test_a_broken_numba_is_said_once(caplog):
    """A numba that cannot be imported, as beside a newer numpy, is logged, and numpy answers from then on."""
    loops = loops_of("no_such_module")
    loops.passed = jit.COMPILE

    assert [loops.get(1), loops.get(1)] == [None, None]
    assert [record.message for record in caplog.records] == [
        "numba 0.1 is of no use: No module named 'no_such_module'; numpy does the same"
    ]


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("wrong", [lambda: (ONES, np.nextafter(ONES, 2)), lambda: 1 / 0], ids=["an ulp off", "raises"])
def test_a_loop_is_not_believed(wrong, caplog):
    """A loop whose first answer is not numpy's, or that cannot be compiled, is given up, and numpy's is returned."""
    loops = loops_of()
    loops.passed = jit.COMPILE
    assert loops.get(1) is not None

    assert loops.proved("a", wrong, lambda: (ONES, ONES)) == (ONES, ONES)
    assert loops.get(1) is None
    assert "numba 0.1 is of no use: a" in caplog.text


def test_a_loop_that_answers_alike_is_believed():
    """After a first answer like numpy's, which may hold nan, a loop is asked alone."""
    loops, answer = loops_of(), (np.array([1.0, np.nan]), ONES)
    loops.proved("a", lambda: answer, lambda: (answer[0].copy(), ONES.copy()))

    assert loops.proved("a", lambda: answer, lambda: 1 / 0) is answer


def test_a_folder_that_cannot_be_written_is_not_used(tmp_path):
    """A file in the way of the folder, or a folder of others, keeps nothing and raises nothing."""
    (tmp_path / "file").touch()

    assert not jit._writable(tmp_path / "file" / "below")
    assert jit._writable(tmp_path / "new" / "below")


EVERY = (
    *("harness.scoring.metrics", "harness.scoring.cells", "reference.fast.passes", "reference.fast.float64.single"),
    "suites.judging.sweeps.pair_sums",
)


@pytest.mark.parametrize("owner", EVERY)
def test_kept_code_is_keyed_by_all_that_it_is_made_from(owner):
    """A constant or a formula that a compiled module imports is compiled into it: a change of it compiles anew."""
    loops = import_module(owner).LOOPS
    compiled = [name for name in loops.sources if name == loops.module or ".compiled." in name or "_loops" in name]
    imported = {name for module in compiled for name in imports(module)}

    assert loops.module in compiled
    assert imported <= {*loops.sources, "reference.fast", "reference.fast.float64", "reference.fast.compiled"}


def imports(module):
    """Return the modules of this program that a module's source imports."""
    for node in ast.walk(ast.parse(Path(util.find_spec(module).origin).read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module.split(".")[0] in {"harness", "reference", "suites"}:
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield whole if is_module(whole) else node.module


def is_module(name):
    """Tell whether a dotted name is a module's, and not that of something within one."""
    try:
        return util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False
