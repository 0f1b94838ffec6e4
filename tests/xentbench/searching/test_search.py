"""`xentbench search` from the outside: a row found, kept, exported, asked again; what is off is one line."""

import json

import pytest

from tests.made.places import NARROW

ASKED = ("--judge", NARROW, "--on", "torch:eager", "--quantity", "value", "--restarts", "1", "--rounds", "40")


def test_found_row_is_asked_again_by_judge(shell, tmp_path):
    """What a search has found is kept beside the store, and deviates when the file is judged from there."""
    store, vectors = tmp_path / "store.sqlite", tmp_path / "v.jsonl"

    ended = shell("search", "softmax", *ASKED, "--classes", "4", "--jobs", "1", "--store", store, "--export", vectors)
    judged = shell("judge", NARROW, "--family", "corpus", "--on", "torch:eager", "--store", store, "--json")
    without = shell(
        "judge", NARROW, "--family", "corpus", "--on", "torch:eager", "--store", tmp_path / "b" / "s.sqlite"
    )

    assert ended.returncode == 1, ended.stdout + ended.stderr
    (line,) = (tmp_path / "corpus.jsonl").read_text().splitlines()
    assert float.fromhex(json.loads(line)["over_bound"]) > 100
    assert judged.returncode == 1
    assert f"corpus/{json.loads(line)['id']}" in judged.stdout
    assert without.returncode == 3
    verified = shell("golden", "verify", vectors)
    assert "ok, 1 tests" in verified.stdout


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("linear_xent",), "op is 'linear_xent', expected one of softmax,"),
        (("softmax", "--classes", "1"), "--classes is 1, expected 2 to 1000"),
        (("softmax", "--rounds", "-1"), "--rounds is -1, expected 0 to"),
        (("softmax", "--dtype", "float8_e5m2"), "--dtype is 'float8_e5m2', expected"),
        (("softmax", "--executor", "here"), "--executor is 'here', expected a Dask scheduler's address"),
        (("softmax", "--judge", "absent.py"), "absent.py"),
    ],
)
def test_what_is_off_is_one_line(shell, tmp_path, words, expected):
    """An option that is off ends the command with its name and what was expected."""
    ended = shell("search", *words, "--store", tmp_path / "store.sqlite")

    assert (ended.returncode, ended.stdout) == (2, "")
    assert expected in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


def test_corpus_that_is_none_is_one_line(shell, tmp_path):
    """A run beside a file that is no corpus says its line."""
    (tmp_path / "corpus.jsonl").write_text("{}\n")

    ended = shell("run", "--on", "numpy", "--store", tmp_path / "store.sqlite", "--report", tmp_path / "report")

    assert ended.returncode == 2
    assert "line 1 of" in ended.stderr
