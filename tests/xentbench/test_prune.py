"""`xentbench prune`: what is named goes, what another run needs stays, and nothing goes without --yes."""

import dataclasses
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from harness.store import Store, StoreError
from tests.made.front_door import invoke
from tests.made.records import ENVIRONMENT, JAX, WORST, contents, missing, result, run, score


def begun(days):
    """Return the time so many days ago."""
    return (datetime.now(UTC) - timedelta(days=days)).isoformat(timespec="seconds")


@pytest.fixture(params=["sqlite", "postgresql"])
def five(request, tmp_path):
    """Return the location of a store with five runs, the last of them unfinished; each has an answer of its own."""
    location = tmp_path / "r.sqlite" if request.param == "sqlite" else request.getfixturevalue("database")
    with Store(location) as store:
        key = store.add_environment(ENVIRONMENT)
        for place, days in enumerate((400, 40, 30, 20, 10)):
            finished = None if days == 10 else begun(days)
            store.join(run(f"r{place}", started=begun(days), finished=finished))
            worst = dataclasses.replace(WORST, logits=f"0x1.{place}p+0")
            own = result(score(worst=worst), f"own{place}", JAX, environment=key)
            store.append(f"r{place}", [result(score(worst=WORST)), own])
            store.add_not_run(f"r{place}", missing())
    return location


def left(location):
    """Return the ids that a store still has."""
    with Store(location) as store:
        return [one.uid for one in store.runs()]


@pytest.mark.parametrize(
    ("options", "stays"),
    [
        (["r1", "r3"], ["r0", "r2", "r4"]),
        (["latest~1"], ["r0", "r1", "r2", "r4"]),
        (["r4"], ["r0", "r1", "r2", "r3"]),
        (["--keep", 3], ["r2", "r3", "r4"]),
        (["--keep", 0], ["r4"]),
        (["--older-than", "35d"], ["r2", "r3", "r4"]),
        (["--older-than", "1y"], ["r1", "r2", "r3", "r4"]),
        (["--older-than", "1d", "--keep", 4], ["r1", "r2", "r3", "r4"]),
        (["r4", "--older-than", "52w"], ["r1", "r2", "r3"]),
    ],
)
def test_what_is_named_goes(five, options, stays):
    """Runs go by id, by age, and but for the last so many; one that has not finished by its id alone."""
    listed = invoke("prune", *options, "--store", five)
    assert listed.exit_code == 0
    assert left(five) == [f"r{place}" for place in range(5)]
    assert listed.output.splitlines()[-1] == (
        f"{5 - len(stays)} run{'' if len(stays) == 4 else 's'} of 5 would be removed; to remove them, add --yes"
    )

    assert invoke("prune", *options, "--yes", "--store", five).exit_code == 0
    assert left(five) == stays


def test_what_others_name_stays(five):
    """Cases, targets and rows that no run names any more go, and those that one names stay."""
    assert invoke("prune", "r0", "r1", "r2", "r3", "--yes", "--store", five).exit_code == 0

    with Store(five) as store:
        (common, own) = sorted(store.results("r4"), key=lambda one: one.case.family)
        assert (common.case.family, own.case.family) == ("normal", "own4")
        assert own.outcome.worst.logits == "0x1.4p+0"
        assert store.recorded("r4").environments != {}
        assert store.not_run("r4") == [missing()]
        assert {name: len(rows) for name, rows in contents(store).items()} == {
            "runs": 1,
            "environments": 1,
            "cases": 2,
            "targets": 2,
            "results": 2,
            "not_run": 1,
            "texts": len({WORST.logits, WORST.label, "0x1.4p+0"}),
        }


def test_all_may_go(five):
    """A store without runs is one still, with nothing in it."""
    invoke("prune", "r4", "--keep", 0, "--yes", "--store", five)

    with Store(five) as store:
        assert not any(contents(store).values())


def test_room_is_given_back(tmp_path):
    """A file is smaller afterwards, and says so."""
    path = tmp_path / "results.sqlite"
    with Store(path) as store:
        for uid in ("a", "b"):
            store.join(run(uid))
            store.append(uid, [result(family=f"{uid}{k}") for k in range(2000)])
    before = path.stat().st_size

    ended = invoke("prune", "a", "--yes", "--store", path)

    assert path.stat().st_size < 0.6 * before
    assert ended.output.splitlines()[-1].startswith(f"1 run of 2 removed; {path}: ")


def test_run_that_cannot_be_read_is_removed(tmp_path):
    """A run that an older program took and nobody can read is named, and goes; the others are read again."""
    path = tmp_path / "results.sqlite"
    with Store(path) as store:
        for uid in ("good", "bad"):
            store.join(run(uid))
            store.append(uid, [result()])
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE results SET facts = '[]' WHERE run = 'bad'")
        db.execute("UPDATE runs SET host = 'no JSON', started = 'no time' WHERE uid = 'bad'")

    with Store(path) as store, pytest.raises(StoreError, match=r"is no JSON .*; try: xentbench prune --store"):
        store.runs()
    assert invoke("prune", "bad", "--yes", "--store", path).exit_code == 0

    with Store(path) as store:
        assert [one.uid for one in store.runs()] == ["good"]
        assert list(store.results("good")) == [result()]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "no run is named, expected RUN, --keep or --older-than"),
        (["nobody"], "run is 'nobody', expected `latest` or one of the runs in"),
        (["--older-than", "soon"], "--older-than is 'soon', expected a number of days, weeks or years"),
    ],
)
def test_what_is_off_is_said(five, options, message):
    """An option that is off removes nothing."""
    ended = invoke("prune", *options, "--yes", "--store", five)

    assert ended.exit_code == 2
    assert message in ended.stderr
    assert len(left(five)) == 5


def test_nothing_to_remove(five):
    """Where no run is so old, that is no error."""
    ended = invoke("prune", "--keep", 9, "--yes", "--store", five)

    assert (ended.exit_code, ended.output) == (0, "0 runs of 5 would be removed\n")
