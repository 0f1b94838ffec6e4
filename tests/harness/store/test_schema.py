"""How a store comes to be: made, migrated, or refused and left as it was; in a file and in PostgreSQL."""

import math
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from harness import store as stores
from harness.model import Failed
from harness.store import Store, StoreError, schema
from tests.made import server
from tests.made.records import WORST, checked, result, run, score, timing

STORES = Path(__file__).parents[2] / "made" / "stores"


def text_file(path):
    """Make a file that is no database."""
    path.write_text("implementation,max_ulp\n" * 100)


def foreign_database(path):
    """Make another program's database."""
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE cookies (name TEXT)")
    db.close()


def negative_store(path):
    """Give a store a version that none has."""
    with Store(path) as store:
        store._db.execute("PRAGMA user_version = -1")


def newer_store(path):
    """Make a store as a later version might."""
    with Store(path) as store:
        store._db.execute(f"PRAGMA user_version = {stores.VERSION + 1}")


def truncated_store(path):
    """Cut a store in half, as a full disk or a broken copy does."""
    with Store(path) as store:
        store.begin(run())
        store.append(run().uid, [result(score(worst=WORST), seed=seed) for seed in range(50)])
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])


def directory(path):
    """Make a folder where a file is expected."""
    path.mkdir()


@pytest.mark.parametrize("make", [text_file, foreign_database, newer_store, negative_store, truncated_store, directory])
def test_no_store_is_refused(tmp_path, make):
    """What is no store of this version is refused with its name and what to try, and is left as it was."""
    path = tmp_path / "results.sqlite"
    make(path)
    before = path.read_bytes() if path.is_file() else None

    with pytest.raises(StoreError, match=r"store is .*results.sqlite \(.+\), expected a results store; name another"):
        Store(path)

    assert (path.read_bytes() if path.is_file() else None) == before


def test_memory_is_no_store():
    """What each process of a run would have to itself is refused, and is no file of that name."""
    with pytest.raises(StoreError, match=r"store is :memory: \(memory, which the processes of a run do not share\)"):
        Store(":memory:")


def test_newer_version_is_named(tmp_path):
    """The message about a newer store names both versions."""
    newer_store(tmp_path / "results.sqlite")

    with pytest.raises(StoreError, match=f"version {stores.VERSION + 1}, this program reads 1 to {stores.VERSION}"):
        Store(tmp_path / "results.sqlite")


@pytest.mark.parametrize("version", range(1, stores.VERSION))
def test_older_store_is_migrated_and_backed_up(tmp_path, version):
    """A store as an older version wrote it opens with all it held, takes new results, and is kept as it was beside."""
    path = tmp_path / "results.sqlite"
    written = (STORES / f"version-{version}.sql").read_text(encoding="utf-8")
    with closing(sqlite3.connect(path)) as db:
        db.executescript(written)
    new = result(checked(), check="law.shift")

    for _ in range(2):  # the second time there is nothing to migrate
        with Store(path) as store:
            store.append("20260101T000000-abc", [new])
            kept = list(store.results("20260101T000000-abc"))
            absent = store.not_run("20260101T000000-abc")

    assert [str(result.case) for result in kept] == [
        "softmax-value-normal-float32-32x64",
        "softmax-value-speed-float32-64x1000",
        str(new.case),
    ]
    assert kept[0].outcome.worst.logits == "0x1p+0 0x1.8p+0"
    assert [entry.framework for entry in absent] == ["jax"]
    with closing(sqlite3.connect(tmp_path / f"results.sqlite.version-{version}")) as backup:
        assert backup.execute("PRAGMA user_version").fetchone() == (version,)
        assert backup.execute("SELECT count(*) FROM results").fetchone() == (2,)


# What the versions since have added, taken away again.
OLDER = {
    5: ["ALTER TABLE runs DROP COLUMN notes"],
    4: ["ALTER TABLE runs DROP COLUMN place"],
    3: [
        "DROP INDEX history",
        "ALTER TABLE results DROP COLUMN share",
        "ALTER TABLE runs DROP COLUMN shards",
        "CREATE INDEX history ON results (target, figure)",
    ],
    2: ["DROP INDEX history", "ALTER TABLE results DROP COLUMN figure", "CREATE INDEX history ON results (target)"],
    1: ['ALTER TABLE cases DROP COLUMN "check"'],
}


def turn_back(store, version):
    """Make an open store one of an older version."""
    with store.transaction():
        for statement in (step for newer in range(stores.VERSION - 1, version - 1, -1) for step in OLDER[newer]):
            store._db.execute(statement)
        store._db.set_version(version)


@pytest.mark.parametrize("version", range(1, stores.VERSION))
def test_migration_adds_what_is_new(location, version):
    """A store that is turned back to an older version becomes one like any other, figures and all."""
    outcomes = [
        score(1.5, worst=WORST),
        score(math.inf),
        score(math.nan),
        checked(0.5),
        timing(1e-3, 3e-3),
        Failed("raised", ""),
    ]
    given = [result(outcome, seed=seed) for seed, outcome in enumerate(outcomes)]
    with Store(location) as store:
        store.begin(run())
        store.append(run().uid, given)
        turn_back(store, version)

    with Store(location) as store:
        figures = list(
            store.rows('SELECT r.figure, r.share FROM results r JOIN cases c ON r."case" = c.key ORDER BY c.seed')
        )
        assert repr(list(store.results(run().uid))) == repr(given)  # which a nan equals, too
        assert store._db.version() == stores.VERSION
    assert figures == [(1.5, 0.5), (math.inf, math.inf), (None, None), (0.5, 0.5), (2e-3, None), (None, None)]


def test_failing_migration_changes_nothing(location, monkeypatch):
    """A migration that fails half-way leaves the older store as it was, and the next attempt does it."""
    with Store(location) as store:
        store.join(run())
        turn_back(store, 2)
    broken = {**schema.MIGRATIONS, 3: [*schema.MIGRATIONS[3], "CREATE TABLE runs (again {text})"]}
    with monkeypatch.context() as patched:
        patched.setattr(schema, "MIGRATIONS", broken)
        for _ in range(2):
            with pytest.raises(StoreError, match="runs"):
                Store(location)

    with Store(location) as store:
        assert store.runs() == [run()]
        assert list(store.rows("SELECT figure FROM results")) == []


def left(folder):
    """Return what lies in a folder, by name."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("version", range(1, stores.VERSION))
def test_reading_migrates_in_a_copy(tmp_path, version):
    """An older store that is read gives all it holds, in today's form, and lies there as it did."""
    path = tmp_path / "results.sqlite"
    with closing(sqlite3.connect(path)) as db:
        db.executescript((STORES / f"version-{version}.sql").read_text(encoding="utf-8"))
    before = left(tmp_path)

    with Store(path, make=False) as store:
        assert len(store.recorded("latest").results) == 2
        with pytest.raises(StoreError, match="readonly"):
            store.finish("20260101T000000-abc")

    assert left(tmp_path) == before


def test_reading_a_server_migrates_in_a_copy(database):
    """The same of a server: what others see of an older store stays as it was, and nobody waits."""
    with Store(database) as store:
        store.join(run())
        store.append(run().uid, [result(seed=seed) for seed in range(3)])
        turn_back(store, 2)

    with Store(database, make=False) as reading:
        assert len(reading.recorded("latest").results) == 3
        assert server.execute(database, "SELECT version FROM xentbench_store") == [(2,)]
        assert "share" not in str(server.execute(database, "SELECT row_to_json(r) FROM results r"))


def test_a_store_is_read_without_a_word_written(location):
    """Who opens a store to read cannot write to it."""
    with Store(location) as store:
        store.begin(run())

    with Store(location, make=False) as reading:
        assert reading.runs() == [run(finished=None)]
        with pytest.raises(StoreError, match=r"readonly|read-only"):
            reading.finish(run().uid)


@pytest.mark.parametrize(
    ("statements", "why"),
    [
        (["CREATE TABLE cookies (name TEXT)", "PRAGMA user_version = 1"], "another program's tables"),
        (["CREATE TABLE runs (uid TEXT)", "PRAGMA user_version = 3"], "another program's tables"),
        (["PRAGMA user_version = 2"], "no tables"),
        (["CREATE TABLE cookies (name TEXT)", "PRAGMA user_version = -1"], "another program's tables"),
    ],
)
@pytest.mark.parametrize("make", [True, False])
def test_another_programs_file_is_left_alone(tmp_path, statements, why, make):
    """A file that only has a number in common with a store is refused: neither its journal nor its folder changes."""
    path = tmp_path / "cookies.sqlite"
    with closing(sqlite3.connect(path)) as db:
        db.executescript(";".join(statements))
    before = left(tmp_path)

    with pytest.raises(StoreError, match=rf"store is .*cookies.sqlite \({why}.*\), expected a results store"):
        Store(path, make=make)

    assert left(tmp_path) == before


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE VIEW more AS SELECT 1",
        "CREATE TRIGGER on_insert AFTER INSERT ON runs BEGIN DELETE FROM results; END",
    ],
)
def test_a_store_with_more_than_tables_is_refused(tmp_path, statement):
    """What would run by itself when a store is read or written is none of ours."""
    path = tmp_path / "results.sqlite"
    Store(path).close()
    with closing(sqlite3.connect(path)) as db:
        db.execute(statement)

    with pytest.raises(StoreError, match="which no store has"):
        Store(path)


def test_reading_makes_no_store(location):
    """A store that is only to be read and is not there is an error, and still not there afterwards."""
    for _ in range(2):
        with pytest.raises(StoreError, match=r"store .* is not there, expected the results of a run; try: xentbench"):
            Store(location, make=False)


def test_folder_that_cannot_be_made_is_named(tmp_path):
    """A store below a file is refused like any other path that holds no store."""
    (tmp_path / "file").write_text("")

    with pytest.raises(StoreError, match="expected a results store"):
        Store(tmp_path / "file" / "results.sqlite")


def test_processes_make_one_store(location):
    """Processes that open a store at once while there is none make one of it."""
    command = [
        sys.executable,
        "-c",
        "import sys; from harness.store import Store; Store(sys.argv[1]).close()",
        location,
    ]
    openers = [subprocess.Popen(command) for _ in range(4)]

    assert [process.wait() for process in openers] == [0] * 4
    with Store(location) as store:
        assert store.runs() == []
