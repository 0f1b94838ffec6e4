"""`--store` of every command: a database by its URL does what a file does, and says the same."""

import dataclasses

import pytest

from harness.files import runfile
from harness.store import Location, Store
from tests.made import server
from tests.made.front_door import BLOCK, carried, invoke
from tests.made.records import ENVIRONMENT, EVERY, missing, recorded, result, run, timing

HIDDEN = "h0rse"
ASK = ("run", "--on", "numpy", "--op", "sigmoid", "--dtype", "float32")
EXPLAINED = "softmax-value-normal-float32-4x8@torch.softmax@eager"


@pytest.fixture
def files(tmp_path):
    """Return two runs as files, one of each form."""
    before = recorded(result(), result(timing(*[1e-5] * 9), "speed"), EVERY[2], run=run("20260101T", 1))
    after = recorded(*EVERY, run=run("20260102T", 2))
    with Store(tmp_path / "first.sqlite") as store:
        key = store.add_environment(ENVIRONMENT)
        for whole in (before, after):
            store.join(whole.run)
            store.append(whole.run.uid, [dataclasses.replace(one, environment=key) for one in whole.results])
        store.add_not_run("20260102T", missing())
        whole = store.recorded("20260101T")
    path = tmp_path / "before.jsonl.gz"
    with path.open("wb") as to:
        runfile.write(whole, to)
    return path, tmp_path / "first.sqlite"


@pytest.fixture
def both(files, tmp_path, database):
    """Return a file and a database with the same runs, imported."""
    for store in (tmp_path / "results.sqlite", database):
        ended = [invoke("import", *files, "--store", store) for _ in range(2)]
        assert [one.exit_code for one in ended] == [0, 0], ended[0].output
        assert "20260102T: 8 results added" in ended[0].stdout
        assert "20260102T: 0 results added, 8 were there" in ended[1].stdout
    return tmp_path / "results.sqlite", database


@pytest.mark.parametrize(
    "command",
    [
        ("status",),
        ("compare",),
        ("compare", "--json", "latest~1", "20260102T"),
        ("table", "--op", "softmax", "--run", "20260102T"),
        ("explain", EXPLAINED),
        *(("export", "--format", form) for form in ("jsonl", "csv", "run", "parquet", "junit", "summary", "badge")),
    ],
    ids=" ".join,
)
def test_commands_say_the_same(both, command):
    """What reads a run prints the same, to the byte, from a file and from a database."""
    if "parquet" in command:
        pytest.importorskip("pyarrow")

    ended = [invoke(*command, "--store", store) for store in both]

    named = [Location.of(str(store)).option.encode() for store in both]  # as printed commands carry it
    said = [one.stdout_bytes.replace(name, b"") for one, name in zip(ended, named, strict=True)]
    assert said[0] == said[1] != b""
    assert ended[0].exit_code == ended[1].exit_code != 2


def test_reports_are_the_same(both, tmp_path):
    """The report of a database's run is the file's, but for the store that its commands name."""
    pages = []
    for store in both:
        ended = invoke("report", "--store", store, "--report", tmp_path / "report")
        assert ended.exit_code == 0, ended.output
        page = (tmp_path / "report" / "index.html").read_text(encoding="utf-8")
        data = carried(page)
        assert data.pop("store") == str(store)
        pages.append((BLOCK.sub("", page), data))

    assert pages[0] == pages[1]


def test_database_is_a_source_like_a_file(both, tmp_path):
    """Runs are imported from a database, and compared between a database and a file."""
    file, database = both
    copy = tmp_path / "copy.sqlite"

    assert invoke("import", database, "--store", copy).exit_code == 0
    across, within = (invoke("compare", one, "latest", "--store", copy) for one in (f"{database}@latest~1", "latest~1"))
    assert (across.exit_code, across.stdout) == (within.exit_code, within.stdout)
    assert "20260102T" in across.stdout
    with Store(copy) as store, Store(file) as first:
        assert repr(store.recorded("latest")) == repr(first.recorded("latest"))


@pytest.mark.parametrize("command", ["status", "compare", "table", "export", "report"])
def test_database_without_a_store(database, command):
    """A database in which nothing was stored yet is a usage error with what to try, and nothing is made in it."""
    ended = invoke(command, "--store", database)

    assert ended.exit_code == 2
    assert "is not there, expected the results of a run; try: xentbench run" in ended.stderr
    assert server.execute(database, "SELECT 1 FROM pg_tables WHERE schemaname = current_schema()") == []


@pytest.mark.parametrize("command", [(*ASK, "--report", "none"), ("status",), ("import", "none"), ("judge", __file__)])
def test_server_that_is_not_there(command, tmp_path, monkeypatch):
    """A server that refuses is a usage error that names it without the password; no file is made."""
    monkeypatch.chdir(tmp_path)

    ended = invoke(*command, "--store", f"postgresql://u:{HIDDEN}@127.0.0.1:1/results")

    assert ended.exit_code == 2
    assert "error: store is postgresql://u@127.0.0.1:1/results (" in ended.stderr
    assert HIDDEN not in ended.output
    assert list(tmp_path.iterdir()) == []


def test_run_into_a_database(shell, database):
    """A run's processes write to a database that asks for a password, and `--resume` goes on; nobody prints it.

    What lies beside a file goes to `build`.
    """
    url = server.newcomer(database, HIDDEN, "ALL ON SCHEMA {}")
    report = shell.folder / "of-database"

    ended = [
        shell(*ASK, "--store", url, "--report", report, "--run-uid", "mine", *more) for more in ((), ("--resume",))
    ]

    assert [one.returncode for one in ended] == [3, 3], ended[0].stderr  # numpy alone is judged by nothing
    assert f"results: {url.replace(f':{HIDDEN}', '')}\n" in ended[0].stdout
    with Store(url) as store:
        (found,) = store.runs()
        assert found.finished
        assert len(list(store.results(found.uid))) > 20
    for folder in ("goldens", "logs"):
        assert any((shell.folder / "build" / folder).iterdir())
    told = [one.stdout + one.stderr for one in ended] + [repr(found)]
    told += [path.read_text("utf-8") for path in (report / "index.html", *(shell.folder / "build/logs").iterdir())]
    assert not any(HIDDEN in text for text in told)


@pytest.mark.parametrize("option", ["--jobs=-1", "--threads=0", "--timeout=0", "--timeout=-1"])
def test_numbers_that_cannot_be_are_refused(option, tmp_path):
    """Fewer processes than none, no thread and no time are errors of usage that name the option; nothing is stored."""
    ended = invoke(*ASK, "--store", tmp_path / "r.sqlite", option)

    assert ended.exit_code == 2
    assert f"'{option.partition('=')[0]}'" in ended.output
    assert not (tmp_path / "r.sqlite").exists()
