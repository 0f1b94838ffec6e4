"""Where a run's work is done: what cannot be there is said in a line, and nothing is begun."""

import pytest

from harness.running.spread import executors
from tests.made.clusters import needs_dask
from tests.made.front_door import NUMPY, invoke


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--executor", "here"), "error: --executor is 'here', expected a Dask scheduler's address such as tcp://"),
        (
            ("--executor", "tcp://a:1", "--speed"),
            "error: --speed is given with --executor, expected one of them; try: ",
        ),
        (
            ("--executor", "tcp://a:1", "--python", "numpy=/bin/sh"),
            "error: --python is given with --executor, expected",
        ),
        pytest.param(
            ("--executor", "tcp://127.0.0.1:9"),
            "error: --executor is tcp://127.0.0.1:9, where no Dask scheduler answers within 0.5 s; try: ",
            marks=needs_dask,
        ),
    ],
)
def test_executor_that_is_off_is_one_line(tmp_path, monkeypatch, words, expected):
    """The command ends with code 2 before there is a run."""
    monkeypatch.setattr(executors, "CONNECT_SECONDS", 0.5)

    ended = invoke(*NUMPY, *words, "--store", tmp_path / "r.sqlite", "--report", tmp_path / "report")

    assert ended.exit_code == 2
    assert ended.stderr.startswith(expected)
    assert len(ended.stderr.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []
