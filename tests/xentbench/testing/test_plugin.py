"""The plugin for pytest: light, and a test a name that its marker lists."""

import os
import subprocess
import sys

import pytest

from tests.conftest import ROOT
from xentbench.testing import plugin

TEST = """
import numpy as np
import pytest

def half(logits):
    return logits / 2

def right(logits):
    powers = np.exp(-np.abs(logits))
    return np.where(logits >= 0, 1, powers) / (1 + powers)

@pytest.mark.xentbench(op="sigmoid", framework="numpy", dtype=["float32", "float64"], families=["normal"])
def test_right(conforms):
    conforms(right)

@pytest.mark.xentbench(op=["sigmoid", "log_sigmoid"], framework="numpy", families=["normal"])
def test_half(conforms):
    conforms(half, dtypes=["float64"])

def test_unmarked(conforms):
    conforms(half)
"""


def run(folder, *arguments):
    """Run pytest with the plugin on a file of tests."""
    (folder / "test_own.py").write_text(TEST, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-p", "xentbench.testing.plugin", "--strict-markers", *arguments]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_a_marker_makes_a_test_of_each_name(tmp_path):
    """Ops and dtypes of a marker are tests of their own, whose names say so."""
    listed = run(tmp_path, "--collect-only", "-q").stdout.splitlines()

    assert [line for line in listed if "::" in line] == [
        "test_own.py::test_right[sigmoid-numpy-float32]",
        "test_own.py::test_right[sigmoid-numpy-float64]",
        "test_own.py::test_half[sigmoid-numpy]",
        "test_own.py::test_half[log_sigmoid-numpy]",
        "test_own.py::test_unmarked",
    ]


def test_fixture_judges(tmp_path):
    """A right function passes; a wrong one fails with its findings and no traceback of ours; a marker is needed."""
    ended = run(tmp_path, "-q")

    assert "2 passed, 2 failed, 1 error" in ended.stdout.replace("2 failed, 2 passed", "2 passed, 2 failed")
    assert "half (log_sigmoid, numpy): deviates" in ended.stdout
    assert "xentbench/testing/check.py" not in ended.stdout
    assert "test_unmarked uses the fixture conforms without its marker; try: @pytest.mark.xentbench" in ended.stdout


def test_plugin_is_light():
    """Where it is not used, it loads nothing but pytest, whose start it must not slow."""
    code = (
        "import pytest, sys; before = set(sys.modules); import xentbench.testing.plugin; "
        "print(*sorted(set(sys.modules) - before))"
    )

    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)

    assert {name for name in ended.stdout.split() if not name.startswith("xentbench")} <= {"__future__"}


def test_marker_needs_a_function_s_kind():
    """Op and framework are what a function cannot be judged without."""
    with pytest.raises(pytest.UsageError, match="marker xentbench lacks op or framework"):
        list(plugin.asked(op="softmax"))
    assert [str(one) for one in plugin.asked("softmax", ["torch", "jax"])] == ["softmax-torch", "softmax-jax"]
