"""The kept sample: its files are read, its account is what `compare` says, and no pair of releases fails wrongly."""

from itertools import pairwise

import pytest

from harness.files.merge import merge
from harness.history.course import follow
from harness.history.news import FACTOR, LEVEL, WORSE
from harness.model import Checked, Score
from harness.store import Location, Store
from tests import samples

PAIRS = {f"{a} {b}": (a, b) for package in samples.RELEASES for a, b in pairwise(samples.uids(package))}


@pytest.fixture(scope="module")
def runs():
    """Return the runs by their ids."""
    return {one.run.uid: one for package in samples.RELEASES for one in samples.recorded(package)}


def test_account_is_what_compare_says():
    """The account holds the tables of today's program; `python -m tests.samples` writes it again."""
    assert samples.ACCOUNT.read_text("utf-8") == samples.account()


def test_files_are_few_hundred_kilobytes():
    """The sample stays small."""
    assert sum(path.stat().st_size for path in samples.HERE.iterdir()) < 600_000


def test_files_are_imported(tmp_path, runs):
    """A store takes each run once."""
    with Store(tmp_path / "results.sqlite") as store:
        for _ in range(2):
            for uid in samples.uids("tensorflow-cpu"):
                merge(store, Location.of(samples.file(uid)))
        stored = {run.uid: len(list(store.results(run.uid))) for run in store.runs()}

    assert stored == {uid: len(runs[uid].results) for uid in samples.uids("tensorflow-cpu")}


@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS)
def test_no_pair_fails_on_what_does_not_count(runs, pair):
    """What fails the default gate is of a function that is judged, and an error that does is above its level."""
    whole = follow([runs[uid] for uid in pair]).whole
    failing = whole.failing("new")

    assert len(whole.changes) > 500
    assert {one.news for one in failing} <= set(WORSE)
    for one in failing:
        assert one.result.target.implementation.kind == "fused"
        match one.news, one.before.outcome, one.after.outcome:
            case "error", Score() as old, Score() as new:
                assert new.over_bound["S"] > LEVEL
                assert new.over_bound["S"] >= FACTOR * old.over_bound["S"]
            case "error", Checked() as old, Checked() as new:
                assert new.over > LEVEL
                assert new.over >= FACTOR * old.over
