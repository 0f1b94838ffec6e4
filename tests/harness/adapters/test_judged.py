"""Functions of a file: marked, found, built; and what is said of a file that is off."""

import numpy as np
import pytest

from harness import adapters
from harness.adapters import NotSupported, implements, judged
from harness.model import Implementation, Inputs, Op, Target

KERNELS = """
import numpy as np
from harness.adapters import implements

@implements("softmax", framework="numpy")
def along(logits, axis):
    return logits * 0 + axis

@implements("softmax", framework="numpy")
def last(logits):
    return logits * 0 + 7

@implements("sparse_xent", framework="numpy")
def losses(logits, labels):
    return logits[:, 0] + labels
"""


@pytest.fixture
def kernels(tmp_path):
    """Return the adapter of a file's functions."""
    path = tmp_path / "kernels.py"
    path.write_text(KERNELS, encoding="utf-8")
    return adapters.load("numpy").offering(judged.catalogues(path)["numpy"])


def asked(adapter, op, name, labels=None):
    """Ask a function of two rows of ones."""
    logits = np.ones((2, 3), np.float32)
    inputs = Inputs(logits, labels, np.ones(2, np.float32))
    target = Target(Implementation("numpy", op.name, name, "fused"), "eager")
    return adapter.prepare(op, "value", inputs, target)()


def test_every_marked_function_is_an_implementation(kernels):
    """Each is a fused implementation under its own name, and the framework's own functions are not there."""
    assert [(of.op, of.name, of.kind) for of in kernels.implementations()] == [
        ("softmax", "along", "fused"),
        ("softmax", "last", "fused"),
        ("sparse_xent", "losses", "fused"),
    ]


def test_adapter_of_the_framework_is_left_alone(kernels):
    """The framework's adapter still offers what it did."""
    assert kernels.implementations() != adapters.load("numpy").implementations()
    assert any(of.op == "logsumexp" for of in adapters.load("numpy").implementations())


def test_calls(kernels):
    """Axis and labels get through; an axis is passed where it is taken."""
    assert asked(kernels, Op.of("softmax"), "along")[0, 0] == -1
    assert asked(kernels, Op.of("softmax", axis=0), "along")[0, 0] == 0
    assert asked(kernels, Op.of("softmax"), "last")[0, 0] == 7
    assert asked(kernels, Op.of("sparse_xent"), "losses", np.array([1, 2])).tolist() == [2, 3]


def test_axis_that_is_not_taken_is_refused(kernels):
    """A function of the logits alone offers no axis."""
    with pytest.raises(NotSupported, match="does not offer"):
        asked(kernels, Op.of("softmax", axis=0), "last")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("x = 1\n", "expected a function marked by @implements", id="no function"),
        pytest.param("x = \n", "does not run: SyntaxError", id="no Python"),
        pytest.param("import no_such_module\n", "No module named 'no_such_module'", id="no module"),
        pytest.param(KERNELS.replace('"softmax"', '"softmaxx"'), "op is 'softmaxx', expected one of softmax", id="op"),
        pytest.param(KERNELS.replace('"numpy"', '"nunpy"'), "framework is 'nunpy', expected one of", id="framework"),
        pytest.param(KERNELS.replace("def last", "def along"), "registered twice", id="twice"),
    ],
)
def test_file_that_is_off(tmp_path, text, said):
    """What is wrong with a file is said, with what was expected."""
    path = tmp_path / "kernels.py"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(ValueError, match=said):
        judged.catalogues(path)


def test_file_that_is_not_there(tmp_path):
    """A path without a file is named."""
    with pytest.raises(ValueError, match=r"file is .*nowhere.py, expected a Python file"):
        judged.catalogues(tmp_path / "nowhere.py")


def test_program_that_may_not_be_run(tmp_path):
    """What is neither Python nor executable is refused with what makes a program of it."""
    (tmp_path / "engine").write_text("#!/bin/sh\n", encoding="utf-8")

    with pytest.raises(ValueError, match=r"or a program; try: chmod \+x .*engine"):
        judged.catalogues(tmp_path / "engine")


def test_only_some(tmp_path):
    """Functions may be picked by name; a name that is not there is answered with those that are."""
    path = tmp_path / "kernels.py"
    path.write_text(KERNELS, encoding="utf-8")

    assert [name for _, name in judged.catalogues(path, ["last"])["numpy"].offers] == ["last"]
    with pytest.raises(ValueError, match=r"--only is first, expected functions of .*: along, last, losses"):
        judged.catalogues(path, ["first"])


def test_file_imports_what_lies_beside_it(tmp_path):
    """A file may be split in two, as when run by Python itself."""
    (tmp_path / "beside_kernels.py").write_text("SEVEN = 7\n", encoding="utf-8")
    (tmp_path / "kernels.py").write_text("from beside_kernels import SEVEN\n" + KERNELS, encoding="utf-8")

    assert judged.catalogues(tmp_path / "kernels.py")


def test_mark_changes_nothing():
    """A marked function is the function itself."""

    def function(logits):
        return logits

    assert implements("sigmoid", framework="numpy")(function) is function
