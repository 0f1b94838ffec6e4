"""Runs from elsewhere: merged whole or not at all, as often as one likes, and nothing that is there is lost."""

import dataclasses
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from harness import store
from harness.files import merge, runfile
from harness.files.merge import Merged
from harness.model import Crashed
from harness.store import Store, StoreError
from tests.made.records import ENVIRONMENT, JAX, contents, missing, recorded, result, run, score

STORES = Path(__file__).parents[2] / "made" / "stores"
PARTS = [result(family=name) for name in "abcd"]


@pytest.fixture
def target(location):
    """Return an open, empty store."""
    with Store(location) as opened:
        yield opened


def written(folder, name, whole):
    """Write a run file."""
    path = folder / f"{name}.jsonl.gz"
    with path.open("wb") as to:
        runfile.write(whole, to)
    return path


def stored(folder, name, *runs):
    """Write a store."""
    path = folder / f"{name}.sqlite"
    with Store(path) as opened:
        for whole in runs:
            opened.join(whole.run)
            opened.append(whole.run.uid, whole.results)
            for facts in whole.environments.values():
                opened.add_environment(facts)
            for entry in whole.not_run:
                opened.add_not_run(whole.run.uid, entry)
    return path


def key(folder):
    """Return the key of an environment."""
    with Store(folder / "key.sqlite") as opened:
        return opened.add_environment(ENVIRONMENT)


@pytest.fixture
def whole(tmp_path, monkeypatch):
    """Return a run with everything in it."""
    monkeypatch.chdir(tmp_path)
    environment = key(tmp_path)
    results = [*PARTS, result(Crashed("SIGKILL"), "e", judgement="deviates", content="", environment=environment)]
    return recorded(*results, environments={environment: ENVIRONMENT}, not_run=[missing()])


@pytest.mark.parametrize("write", [written, stored])
def test_run_is_merged(tmp_path, target, whole, write):
    """A run from a run file or from a store is as it was there."""
    assert merge.merge(target, write(tmp_path, "other", whole)) == [Merged(whole.run.uid, 5, 0, 0)]

    assert target.recorded("latest") == whole


@pytest.mark.parametrize("write", [written, stored])
def test_second_time_adds_nothing(tmp_path, target, whole, write):
    """The same file again leaves the store as it is."""
    file = write(tmp_path, "other", whole)
    merge.merge(target, file)
    before = contents(target)

    assert merge.merge(target, file) == [Merged(whole.run.uid, 0, 5, 0)]
    assert contents(target) == before


def test_shards_become_one_run(tmp_path, target):
    """Shards of one id are one run with all answers, from the first start to the last end, in whichever order."""
    shards = [
        recorded(PARTS[k], run=run(started=f"2026-01-01T0{k}:00:00+00:00", finished=f"2026-01-01T0{k + 1}:00:00+00:00"))
        for k in (2, 0, 1)
    ]
    for k, shard in enumerate(shards):
        merge.merge(target, written(tmp_path, f"shard{k}", shard))

    (merged,) = target.runs()
    assert (merged.started, merged.finished) == ("2026-01-01T00:00:00+00:00", "2026-01-01T03:00:00+00:00")
    assert {found.case.family for found in target.results(merged.uid)} == {"a", "b", "c"}


def test_shards_that_came_are_kept(tmp_path, target):
    """A merged run holds the parts that came, each once; merged with the whole of it, it is whole."""
    for part in ("1/3", "3/3", "1/3"):
        merge.merge(target, written(tmp_path, part[0], recorded(PARTS[0], run=run(shards=("0/3", part)))))
    assert target.runs()[0].shards == ("0/3", "1/3", "3/3")

    merge.merge(target, written(tmp_path, "whole", recorded(PARTS[1])))

    assert target.runs()[0].shards == ()


@pytest.mark.parametrize("write", [written, stored])
def test_notes_of_parts_are_joined(tmp_path, target, write):
    """A merged run says what was said of each of its parts, once."""
    for name, said in (("1", ("torch: 1 of 2", "goldens")), ("2", ("torch: 2 of 2", "goldens")), ("3", ())):
        merge.merge(target, write(tmp_path, name, recorded(PARTS[0], run=run(notes=said))))

    assert target.runs()[0].notes == ("torch: 1 of 2", "goldens", "torch: 2 of 2")


def test_shards_overlap(tmp_path, target):
    """What two machines both answered is there once; only what is new is added."""
    merge.merge(target, written(tmp_path, "one", recorded(*PARTS[:3])))

    (merged,) = merge.merge(target, written(tmp_path, "two", recorded(*PARTS[1:], result(family="a", target=JAX))))

    assert (merged.added, merged.present) == (2, 2)
    assert len(list(target.results(run().uid))) == 5


def test_what_is_there_stays(tmp_path, target):
    """A result that differs from the stored one is counted and left out."""
    merge.merge(target, written(tmp_path, "one", recorded(*PARTS)))
    other = recorded(result(score(9.0), "a"), *PARTS[1:])

    assert merge.merge(target, written(tmp_path, "two", other)) == [Merged(run().uid, 0, 3, 1)]
    assert target.recorded("latest").results == PARTS


def test_runs_of_a_store_keep_apart(tmp_path, target):
    """A store's runs are merged each under its own id, beside those that are there."""
    merge.merge(target, written(tmp_path, "one", recorded(*PARTS, run=run("mine", 3))))
    runs = [recorded(PARTS[0], run=run("first", 1)), recorded(PARTS[1], run=run("second", 2))]

    merged = merge.merge(target, stored(tmp_path, "other", *runs))

    assert [one.uid for one in merged] == ["first", "second"]
    assert [one.uid for one in target.runs()] == ["mine", "first", "second"]


def test_run_of_another_preset_is_refused(tmp_path, target):
    """Two runs that chance, or a pipeline, gave one id are not mixed."""
    merge.merge(target, written(tmp_path, "one", recorded(PARTS[0])))
    before = contents(target)

    with pytest.raises(StoreError, match=r"is of preset 'full', expected 'quick', .*; try: another --run-uid"):
        merge.merge(target, written(tmp_path, "two", recorded(PARTS[1], run=run(preset="full"))))
    assert contents(target) == before


def text_file(path):
    """Make a file that is no database and no gzip."""
    path.write_text("implementation,max_ulp\n" * 100)


def truncated_run_file(path):
    """Cut a run file in half."""
    whole = written(path.parent, "whole", recorded(*PARTS)).read_bytes()
    path.write_bytes(whole[: len(whole) // 2])


def truncated_store(path):
    """Cut a store in half, where the second of its runs lies."""
    runs = [recorded(*(result(family=f"f{i}-{k}") for i in range(200)), run=run(f"r{k}", k + 1)) for k in range(2)]
    whole = stored(path.parent, "whole", *runs).read_bytes()
    path.write_bytes(whole[: len(whole) // 2])


def newer_store(path):
    """Make a store as a later version might."""
    with Store(path) as opened:
        opened._db.execute(f"PRAGMA user_version = {store.VERSION + 1}")


def foreign_database(path):
    """Make another program's database."""
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE cookies (name TEXT)")


def edited_environment(path):
    """Make a run file whose environment is not the one of its key, after a run that is right."""
    written(path.parent, path.name.removesuffix(".jsonl.gz"), recorded(*PARTS, environments={"key": ENVIRONMENT}))


def answered_twice(path):
    """Make a run file with an answer twice."""
    written(path.parent, path.name.removesuffix(".jsonl.gz"), recorded(*PARTS, PARTS[0]))


def environment_that_is_not_there(path):
    """Make a run file one of whose answers names an environment that it does not hold."""
    one = dataclasses.replace(PARTS[1], environment="0123456789abcdef")
    written(path.parent, path.name.removesuffix(".jsonl.gz"), recorded(PARTS[0], one))


def store_with_a_run_that_cannot_be_named(path):
    """Make a store with a run like those of an older program, that took any id."""
    stored(path.parent, path.name.removesuffix(".jsonl.gz"), recorded(*PARTS), recorded(run=run("latest", 2)))
    path.with_name("bad.sqlite").rename(path)


def store_with_a_missing_case(path):
    """Make a store whose cases are gone."""
    stored(path.parent, path.name.removesuffix(".jsonl.gz"), recorded(*PARTS))
    path.with_name("bad.sqlite").rename(path)
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("DELETE FROM cases WHERE family = 'd'")


def mistyped(path):
    """Make a run file with a text for a number."""
    wrong = dataclasses.replace(PARTS[1].case, rows="many")
    written(path.parent, path.name.removesuffix(".jsonl.gz"), recorded(dataclasses.replace(PARTS[1], case=wrong)))


@pytest.mark.parametrize(
    "make",
    [
        text_file,
        truncated_run_file,
        truncated_store,
        newer_store,
        foreign_database,
        edited_environment,
        mistyped,
        answered_twice,
        environment_that_is_not_there,
        store_with_a_run_that_cannot_be_named,
        store_with_a_missing_case,
    ],
)
def test_bad_file_loses_nothing(tmp_path, target, make):
    """A file that is truncated, foreign, newer or edited is refused; the store, and the file, are as they were."""
    merge.merge(target, written(tmp_path, "good", recorded(*PARTS, run=run("good"))))
    path = tmp_path / "bad.jsonl.gz"
    make(path)
    before, content = contents(target), path.read_bytes()

    with pytest.raises(StoreError, match=r"expected "):
        merge.merge(target, path)

    assert contents(target) == before
    assert path.read_bytes() == content


def test_message_names_the_file(tmp_path, target):
    """A refused store is named by its own path, with both versions."""
    newer_store(tmp_path / "newer.sqlite")

    with pytest.raises(
        StoreError, match=rf"store is .*/newer.sqlite \(version {store.VERSION + 1}, this program reads"
    ):
        merge.merge(target, tmp_path / "newer.sqlite")


@pytest.mark.parametrize("version", range(1, store.VERSION))
def test_older_store_is_merged_and_left_as_it_is(tmp_path, target, version):
    """A store of an older version is merged with all it holds; it is not migrated itself."""
    path = tmp_path / "older.sqlite"
    with closing(sqlite3.connect(path)) as db:
        db.executescript((STORES / f"version-{version}.sql").read_text(encoding="utf-8"))
    before = path.read_bytes()

    (merged,) = merge.merge(target, path)

    assert merged.added == 2
    assert path.read_bytes() == before
    assert sorted(tmp_path.glob("older*")) == [path]


def test_store_into_itself(target, tmp_path, whole):
    """A store merged into itself is as it was."""
    merge.merge(target, written(tmp_path, "one", whole))
    before = contents(target)

    assert [one.added for one in merge.merge(target, target.location)] == [0]
    assert contents(target) == before
