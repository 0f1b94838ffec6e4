"""A run by its name: an id, the latest and those before it, a file."""

import math

import pytest

from harness.files import runfile
from harness.files.recall import recall, recalled
from harness.history.compare import compare
from harness.store import Store, StoreError
from tests.made.records import recorded, result, run, score


@pytest.fixture
def store(tmp_path):
    """Return the path of a store with three runs, that of the first day the last to come."""
    path = tmp_path / "results.sqlite"
    with Store(path) as opened:
        for day in (2, 3, 1):
            opened.join(run(f"2026010{day}T", day))
            opened.append(f"2026010{day}T", [result(seed=day)])
    return path


@pytest.mark.parametrize(
    ("reference", "day"),
    [("latest", 1), ("latest~0", 1), ("latest~1", 3), ("latest~2", 2), ("20260102T", 2), ("20260101", 1)],
)
def test_run_of_the_store(store, reference, day):
    """A run is found as the latest, as one so many before, by its id or by its beginning, with its results."""
    found = recall(reference, store)

    assert found.run.uid == f"2026010{day}T"
    assert found.results == [result(seed=day)]


def test_run_file_and_other_store(store, tmp_path):
    """A run file is its one run; a store is its latest, or the one that is named."""
    file, elsewhere = tmp_path / "a@b.jsonl.gz", tmp_path / "none.sqlite"
    with file.open("wb") as to:
        runfile.write(recorded(result(), run=run("on-file")), to)

    assert recall(str(file), elsewhere).run.uid == "on-file"
    assert recall(str(store), elsewhere).run.uid == "20260101T"
    assert recall(f"{store}@latest~1", elsewhere).run.uid == "20260103T"
    assert not elsewhere.exists()


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("latest~3", "run is 'latest~3', expected `latest` or one of the runs in"),
        ("latest~99999", "run is 'latest~99999'"),
        ("latest~x", "run is 'latest~x'"),
        ("1999", "run is '1999', expected .*20260102T, 20260103T, 20260101T"),
        ("2026", "run is '2026'"),
        ("none.jsonl.gz", "file none.jsonl.gz is not there, expected a run file, a store, or a run of"),
        ("no/such/store", "file no/such/store is not there"),
        ("other.sqlite@latest", "run is 'other.sqlite@latest'"),
    ],
)
def test_run_that_is_not_there(store, reference, message):
    """A name that fits no run, several, or no file is an error that says what there is."""
    with pytest.raises(StoreError, match=message):
        recall(reference, store)


def test_id_that_begins_another_is_still_found(tmp_path):
    """A whole id is that run's, though another one's begins with it."""
    path = tmp_path / "results.sqlite"
    with Store(path) as opened:
        opened.join(run("ci-1"))
        opened.join(run("ci-11"))

    assert recall("ci-1", path).run.uid == "ci-1"


def test_what_two_runs_share_is_held_once(tmp_path):
    """A result that the run before has too is that run's own; another figure or judgement, and a nan, are not."""
    path, shared, lost = tmp_path / "results.sqlite", result(seed=1), result(seed=4, outcome=score(math.nan))
    with Store(path) as opened:
        for day, others in (
            (1, [result(seed=2, outcome=score(1.5)), result(seed=3), lost]),
            (2, [result(seed=2, outcome=score(2.5)), result(seed=3, judgement="known"), lost]),
        ):
            opened.join(run(f"2026010{day}T", day))
            opened.append(f"2026010{day}T", [shared, *others])

    before, after = recalled(["latest~1", "latest"], path)

    alone = [recall(name, path).results for name in ("latest~1", "latest")]
    assert repr([before.results, after.results]) == repr(alone)
    assert [other is one for one, other in zip(before.results, after.results, strict=True)] == [True, *[False] * 3]
    assert [one.status for one in compare(before, after).changes].count("unchanged") == 2
