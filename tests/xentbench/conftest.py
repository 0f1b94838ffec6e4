"""A small run over three frameworks, and one in two shards, made once for all tests of the front door."""

import re

import pytest

from harness.store import Store
from reports import export
from tests.made.front_door import NUMPY, TINY


@pytest.fixture(scope="session")
def tiny(shell, folder):
    """Return the tiny run's command as it ended, and its store."""
    store = folder / "tiny.sqlite"
    ended = shell(*TINY, "--store", store, "--report", folder / "tiny")
    if missing := re.search(r"not run: (torch|jax) .*", ended.stdout):
        pytest.skip(missing[0])
    return ended, store


@pytest.fixture(scope="session")
def stored(tiny):
    """Return the tiny run's results, as stored."""
    with Store(tiny[1]) as store:
        return list(store.results(store.runs()[0].uid))


@pytest.fixture(scope="session")
def exported(shell, tiny):
    """Return the tiny run as exported."""
    ended = shell("export", "--format", "jsonl", "--store", tiny[1])
    assert (ended.returncode, ended.stderr) == (0, "")
    return list(export.read(ended.stdout.splitlines()))


@pytest.fixture(scope="session")
def shards(shell, folder):
    """Return the stores of two shards of one run, each made as on a machine of its own, and the files for CI."""
    stores = [folder / f"shard{part}.sqlite" for part in (1, 2)]
    files = [folder / name for name in ("junit.xml", "summary.md", "badge.json")]
    listening = type(shell)(shell.folder, {"GITHUB_ACTIONS": "true"})
    for part, store in enumerate(stores, 1):
        ended = listening(
            *(*NUMPY, "--shard", f"{part}/2", "--run-uid", "ci-7", "--store", store, "--report", folder / "shard"),
            *("--junit", files[0], "--summary", files[1], "--badge", files[2]),
        )
        assert ended.returncode == 3, ended.stdout + ended.stderr
    return stores, files
