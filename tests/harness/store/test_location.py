"""Where a store is: files and URLs told apart, no password shown, and what lies beside."""

import sys
from pathlib import Path

import pytest

from harness.files import recall
from harness.running import host, runner
from harness.running.process import Job, Process
from harness.running.runner import Runner
from harness.store import Location, Store, StoreError
from harness.store.location import without_passwords

HIDDEN = "h0rse"


@pytest.mark.parametrize("path", ["results.sqlite", "build/a b.db", "/data/x@y:z", "postgresql", "a:b/c"])
def test_path_is_a_file(path):
    """What is no URL is a path, as text or as one; what lies beside it goes to its folder."""
    for given in (path, Path(path)):
        location = Location.of(given)

        assert (str(location), location.is_url, location.folder) == (path, False, Path(path).parent)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://", "postgresql://"),
        ("postgres://host/db", "postgres://host/db"),
        ("postgresql://[::1]:5432/db", "postgresql://[::1]:5432/db"),
        ("postgresql://u@/db?host=/run/pg&options=-csearch_path%3Dx", None),
        (f"postgresql://u:{HIDDEN}@host:5432/db", "postgresql://u@host:5432/db"),
        (f"postgresql://u:{HIDDEN}@a,b:1/db", "postgresql://u@a,b:1/db"),
        (f"POSTGRESQL://u:{HIDDEN}@host", "POSTGRESQL://..."),
    ],
)
def test_url_is_shown_without_its_password(url, shown):
    """A URL is one of a database, without its password, which only another process's environment is given."""
    location = Location.of(url)

    assert location.is_url
    assert str(location) == (shown or url)
    assert HIDDEN not in f"{location!r}{location}"
    assert location.environment == ({"PGPASSWORD": HIDDEN} if HIDDEN in url and not location.unreadable else {})
    assert location.folder == Path("build")


def test_password_is_decoded():
    """Special characters come percent-encoded in a URL, and as they are in the environment."""
    assert Location.of("postgresql://u:p%40%2Fs%25@host/db").environment == {"PGPASSWORD": "p@/s%"}


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://u:{HIDDEN}/x@host/db",  # in which libpq would take the password for a port and a database
        f"postgresql://u:{HIDDEN}@x@host/db",
        f"postgresql://u:{HIDDEN} x@host/db",
        f"postgresql://host/db?user=u&password={HIDDEN}",
        f"postgresql:/u:{HIDDEN}@host/db",
        f"postgresql+psycopg://u:{HIDDEN}@host/db",
        f"mysql://u:{HIDDEN}@host/db",
        f"postgresql://u:{HIDDEN}%zz@host/db%zz",  # which libpq reads
        f"postgresql://host/db?PASSWORD={HIDDEN}",
        f"postgresql://host/db?pass%77ord={HIDDEN}",
        f"postgresql://host/db?sslpassword={HIDDEN}",
        f" postgresql://u:{HIDDEN}@host/db",
        f"x postgresql://u:{HIDDEN}@host/db",
        f"host=db.example user=u password={HIDDEN}",
        f"host=db.example Password = '{HIDDEN} and more'",
    ],
)
def test_url_that_cannot_be_read_is_refused(url, tmp_path, monkeypatch):
    """What is no PostgreSQL URL is an error that says what one is, nothing of the password, and makes no file."""
    if not Location.of(url).unreadable:
        pytest.importorskip(
            "psycopg", reason="psycopg, which reads this URL, is not installed; try: the extra postgres"
        )
    monkeypatch.chdir(tmp_path)
    for opening in (lambda: Store(url), lambda: recall.recall(url, tmp_path / "none")):
        with pytest.raises(StoreError, match=r"store is .*, expected ") as caught:
            opening()
        assert HIDDEN not in str(caught.value)

    assert list(tmp_path.iterdir()) == []


def test_command_line_is_stored_without_passwords(tmp_path, monkeypatch):
    """A run's command, which reports show, has no password in it, however the option was written."""
    url = f"postgresql://u:{HIDDEN}@host/db"
    monkeypatch.setattr(sys, "argv", ["xentbench", "run", "--store", url, f"--store={url}", "--op", "softmax"])

    with Store(tmp_path / "results.sqlite") as store:
        store.begin(host.new_run("quick"))
        command = store.run().command

    assert command == "xentbench run --store postgresql://u@host/db --store=postgresql://u@host/db --op softmax"
    assert without_passwords("--store=build/a:b@c.sqlite") == "--store=build/a:b@c.sqlite"


@pytest.mark.parametrize(
    "word",
    [
        f"postgresql://host/db?pass%77ord={HIDDEN}",
        f" postgresql://u:{HIDDEN}@host/db",
        f"host=h password={HIDDEN} dbname=d",
        f"host=h password='{HIDDEN} {HIDDEN}' dbname=d",
        f"mysql://u:{HIDDEN}@host/db",
        f"--index-url=https://u:{HIDDEN}@host/simple",
        f"POSTGRES://u:{HIDDEN}@host",
    ],
)
def test_no_password_is_stored(word):
    """Whatever is written on a command line, what is stored of it holds no password, and the rest stays."""
    shown = without_passwords(f"xentbench run --store {word} --op softmax")

    assert HIDDEN not in shown
    assert shown.startswith("xentbench run --store")
    assert shown.endswith("--op softmax")


def test_processes_get_the_password_apart(tmp_path, monkeypatch):
    """A process gets the password in its environment, not in its command line, which anybody may list."""
    started = []
    monkeypatch.setattr(runner.subprocess, "Popen", lambda command, **options: started.append((command, options)))
    location = Location.of(f"postgresql://u:{HIDDEN}@host/db")
    manager = Runner(location, "uid", tmp_path, None, 1.0, 1, None)
    process = Process(Job("torch", ("suites",)), tmp_path)

    manager._start(process)
    process.log.close()

    ((command, options),) = started
    assert "postgresql://u@host/db" in command
    assert HIDDEN not in " ".join(command)
    assert options["env"]["PGPASSWORD"] == HIDDEN
