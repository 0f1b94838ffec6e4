"""The examples run as their first lines say."""

import os
import shutil
import subprocess
import sys

import pytest

from tests.conftest import ROOT

EXAMPLES = ROOT / "examples"


def test_own_tests_pass(tmp_path):
    """The tests of somebody's own kernel, as the docs show them."""
    pytest.importorskip("torch")
    for name in ("my_kernel.py", "test_my_kernel.py"):
        shutil.copy(EXAMPLES / name, tmp_path)

    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "xentbench.testing.plugin", "-p", "no:cacheprovider"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 0, ended.stdout
    assert "4 passed" in ended.stdout
