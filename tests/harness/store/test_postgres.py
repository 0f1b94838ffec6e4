"""What only PostgreSQL has: servers that refuse, roles and passwords, schemas of others, and a package of its own."""

import subprocess
import sys
import traceback

import pytest

from harness import store as stores
from harness.files import recall
from harness.model import Failed
from harness.store import Location, Store, StoreError
from tests.made import server
from tests.made.records import EVERY, result, run

HIDDEN = "h0rse"


@pytest.fixture
def guest(database):
    """Return the URL of a store for a role that needs a password and may only read."""
    with Store(database) as store:
        store.begin(run())
        store.append(run().uid, EVERY)
    return server.newcomer(database, HIDDEN, "USAGE ON SCHEMA {}", "SELECT ON ALL TABLES IN SCHEMA {}")


def test_who_may_only_read_reads(guest):
    """A role without the right to write reads everything, and is told why where it writes."""
    with Store(guest) as store:
        assert len(list(store.results(run().uid))) == len(EVERY)
        with pytest.raises(StoreError, match="permission denied for table runs"):
            store.finish(run().uid)


def test_password_may_come_from_the_environment(guest, monkeypatch):
    """The URL without the password, and the environment that goes with it, open the same store."""
    location = Location.of(guest)
    monkeypatch.setenv("PGPASSWORD", location.environment["PGPASSWORD"])

    with Store(str(location)) as store:
        assert store.run().uid == run().uid


@pytest.mark.parametrize(
    ("was", "now", "why"),
    [
        (f":{HIDDEN}", f":{HIDDEN}s", "password authentication failed"),
        ("//test", "//nobody", "password authentication failed"),
        ("@/postgres", "@/nodata", 'database "nodata" does not exist'),
        ("host=/", "host=/nowhere/", "No such file or directory"),
        ("@/postgres?host=", "@127.0.0.1:1/postgres?a=", "invalid"),
        ("@/postgres?host=/tmp", "@127.0.0.1:1/postgres?application_name=/tmp", "onnection refused"),
        ("?host=", "?port=many&host=", "many"),
    ],
)
def test_server_that_refuses(guest, was, now, why):
    """A wrong password, a database or a server that is not there: an error with the reason, without the password."""
    with pytest.raises(StoreError, match=r"store is postgresql://.* \(.*\), expected a results store") as caught:
        Store(guest.replace(was, now))

    assert why in str(caught.value)
    assert "\n" not in str(caught.value)
    assert HIDDEN not in "".join(traceback.format_exception(caught.value))


def test_foreign_schema_is_refused(database):
    """Another program's tables are left alone, with what to try."""
    server.execute(database, "CREATE TABLE cookies (name TEXT)")

    for make in (True, False):
        with pytest.raises(StoreError, match="another program's tables; a schema of its own is named by"):
            Store(database, make=make)
    assert server.execute(database, "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()") == [
        ("cookies",)
    ]


def test_newer_store_is_refused(database):
    """A store of a later version is named with both versions."""
    with Store(database) as store:
        store._db.set_version(stores.VERSION + 1)

    with pytest.raises(StoreError, match=f"version {stores.VERSION + 1}, this program reads 1 to {stores.VERSION}"):
        Store(database)


def test_schema_that_is_not_there(database):
    """A search path that leads nowhere is an error."""
    with pytest.raises(StoreError, match="no schema has been selected"):
        Store(database + "_nowhere")


def test_other_encoding_is_refused(postgres):
    """A database that cannot hold every character is refused with what makes another."""
    server.execute(postgres, "CREATE DATABASE latin ENCODING LATIN1 TEMPLATE template0")

    with pytest.raises(StoreError, match="encoding LATIN1, not UTF8; createdb --encoding UTF8"):
        Store(postgres.replace("/postgres?", "/latin?"))


def test_lost_connection_is_said(postgres, database):
    """A server that goes away is an error of the store, and what was committed is there."""
    with Store(database) as store:
        store.begin(run())
        store.append(run().uid, [result()])
        server.execute(
            postgres,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'xentbench'",
        )
        with pytest.raises(StoreError, match="expected one that can be read and written; what was committed is kept"):
            store.append(run().uid, [result(seed=1)])

    with Store(database) as store:
        assert list(store.results(run().uid)) == [result()]


def test_nul_becomes_its_picture(database):
    """The one character that no text of PostgreSQL holds is replaced, where SQLite keeps it."""
    with Store(database) as store:
        store.begin(run())
        store.append(run().uid, [result(Failed("raised", "a\0b"), "c\0d", reason="e\0f")])

        (found,) = store.results(run().uid)
    assert (found.outcome.reason, found.case.family, found.reason) == ("a\0b", "c\u2400d", "e\u2400f")


def test_run_of_a_database_by_its_url(database, tmp_path):
    """A run is recalled by a URL, the latest or the one that is named behind it."""
    with Store(database) as store:
        for day in (1, 2):
            store.join(run(f"2026010{day}T", day))

    assert recall.recall(database, tmp_path / "none").run.uid == "20260102T"
    assert recall.recall(f"{database}@latest~1", tmp_path / "none").run.uid == "20260101T"
    with pytest.raises(StoreError, match="run is '1999', expected"):
        recall.recall(f"{database}@1999", tmp_path / "none")


def test_missing_package_is_named(monkeypatch):
    """Without psycopg, a URL says which extra brings it; a file is opened without it."""
    monkeypatch.delitem(sys.modules, "harness.store.postgres", raising=False)
    monkeypatch.setitem(sys.modules, "psycopg", None)

    with pytest.raises(StoreError, match=r"psycopg.*; try: pip install 'xentbench\[postgres\]'"):
        Store("postgresql://u@host/db")


def test_files_need_no_package(tmp_path):
    """Where only files are used, neither psycopg nor pyarrow is imported."""
    code = (
        "import sys, xentbench, harness.store as s; s.Store(sys.argv[1]).close();"
        "print({'psycopg', 'pyarrow'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "r.sqlite"], capture_output=True, text=True, check=True
    )

    assert done.stdout == "set()\n"
