"""The store: what goes in comes out, whole batches or nothing, whoever writes and whatever kills the writer."""

import dataclasses
import math
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from harness import store as stores
from harness.model import (
    Case,
    Checked,
    Crashed,
    Failed,
    Implementation,
    NotRun,
    Op,
    Result,
    Run,
    Score,
    Target,
    TimedOut,
    Timing,
    Unsupported,
    Worst,
)
from harness.store import Store, StoreError

FUSED = Target(Implementation("torch", "softmax", "torch.softmax", "fused"), "eager")
ROW = " ".join(["0x1.8p+0"] * 200)
WORST = Worst((3, 7), ROW, "2", "0x1.0p-1", "0.333333333333333333333333333333", "0x1.555556p-2", "inf", math.inf)
PLAIN = Score(10, 1.5, 0.25, -0.125, {"S": 0.5, "U": 0.25}, "S", {}, None)
NOWHERE = Score(10, math.inf, math.inf, -math.inf, {"S": math.inf}, None, {"nan": 3, "flushed": 1}, WORST)

# Writes batches of ten results for ever, and says which it has committed.
ENDLESS_WRITER = """
import dataclasses, itertools, pathlib, sys
from harness.model import Case, Failed, Implementation, Op, Result, Target
from harness.store import Store

path, uid, framework = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]
batches = int(sys.argv[4]) if len(sys.argv) > 4 else None
target = Target(Implementation(framework, "softmax", "softmax", "fused"), "eager")
with Store(path) as store:
    for batch in itertools.count() if batches is None else range(batches):
        cases = [Case(Op("softmax"), "value", "normal", "float32", 4, 8, 10 * batch + i) for i in range(10)]
        store.append(uid, [Result(case, target, Failed("why"), "unjudged") for case in cases])
        print(batch, flush=True)
"""


def case(seed=0):
    """Make a case with an option of every type."""
    return Case(
        Op.of("softmax", axis=-1, pos_weight=3.0, reduction="mean", keep=True), "value", "f", "float32", 4, 8, seed
    )


def run(uid="20260101T000000-abc", started="2026-01-01T00:00:00+00:00"):
    """Make a run."""
    return Run(uid, started, None, "xentbench run", "quick", {"cores": "2"})


def result(outcome=PLAIN, seed=0, target=FUSED):
    """Make a result."""
    return Result(case(seed), target, outcome, "conforms", "a reason", "key", f"content{seed}")


def count(path):
    """Count a store's results, integrity checked, as any SQLite program sees them."""
    with sqlite3.connect(path) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        (found,) = db.execute("SELECT count(*) FROM results").fetchone()
    db.close()
    return found


@pytest.fixture
def path(tmp_path):
    """Return where a store is to be made, in a folder that is not there yet."""
    return tmp_path / "new" / "results.sqlite"


@pytest.fixture
def store(path):
    """Return an open store with one run begun."""
    with Store(path) as opened:
        opened.begin(run())
        yield opened


@pytest.mark.parametrize(
    "outcome",
    [
        pytest.param(PLAIN, id="score"),
        pytest.param(NOWHERE, id="score-infinite"),
        pytest.param(dataclasses.replace(NOWHERE, worst=dataclasses.replace(WORST, index=())), id="score-of-a-mean"),
        pytest.param(Checked(64, 0.25, detail="law"), id="checked"),
        pytest.param(Checked(64, math.inf, "error IndexError", "eager: nan", WORST), id="checked-infinite"),
        pytest.param(Timing((1e-6, 2.5e-6), 100, 0.75), id="timing"),
        pytest.param(Unsupported("no float16 on 'cpu'"), id="unsupported"),
        pytest.param(Failed('RuntimeError: "exp" \u221e'), id="failed"),
        pytest.param(Crashed("SIGSEGV"), id="crashed"),
        pytest.param(TimedOut(300.0), id="timed-out"),
    ],
)
def test_round_trip(store, outcome):
    """Every kind of outcome comes back equal, infinities and all, with its case, target and judgement."""
    given = result(outcome)

    store.append(run().uid, [given])

    assert list(store.results(run().uid)) == [given]


def test_nan_comes_back_as_nan(store):
    """A nan, which equals nothing, comes back as a nan."""
    store.append(run().uid, [result(dataclasses.replace(PLAIN, mean_ulp=math.nan, over_bound={"S": math.nan}))])

    (found,) = store.results(run().uid)
    assert math.isnan(found.outcome.mean_ulp)
    assert math.isnan(found.outcome.over_bound["S"])


def test_long_texts_are_stored_once(store, path):
    """A row of logits that a hundred results name as their worst is in the file once, and packed."""
    store.append(run().uid, [result(NOWHERE, seed) for seed in range(100)])

    with sqlite3.connect(path) as db:
        texts = db.execute("SELECT length(text) FROM texts").fetchall()
    db.close()
    assert len(texts) == len({WORST.logits, WORST.label, WORST.upstream})
    assert max(texts)[0] < len(ROW) / 4
    assert {found.outcome.worst.logits for found in store.results(run().uid)} == {ROW}


def test_failing_batch_leaves_nothing(store):
    """Of a batch whose last result cannot be stored, none is stored, and the next batch is."""
    with pytest.raises(KeyError):
        store.append(run().uid, [result(seed=1), result(seed=2), result(outcome=WORST, seed=3)])

    store.append(run().uid, [result(seed=4)])

    assert [found.case.seed for found in store.results(run().uid)] == [4]


def test_unknown_run_takes_no_results(store):
    """Results of a run that never began are refused."""
    with pytest.raises(sqlite3.IntegrityError):
        store.append("nobody", [result()])

    assert list(store.results("nobody")) == []


def test_rerun_replaces(store):
    """A question that is asked again in a run has one result, the last."""
    store.append(run().uid, [result(Crashed("SIGKILL"))])
    store.append(run().uid, [result(PLAIN)])

    assert list(store.results(run().uid)) == [result(PLAIN)]


def test_done_names_every_result(store):
    """What is done is named as the runner names a question: case id, framework, target."""
    on_gpu = dataclasses.replace(FUSED, device="cuda:0")
    store.append(run().uid, [result(), result(seed=5, target=on_gpu)])

    assert store.done(run().uid) == {
        (str(case()), "torch", "torch.softmax@eager"),
        (str(case(5)), "torch", "torch.softmax@eager:cuda:0"),
    }
    assert store.done("another run") == set()


def test_begin_again_keeps_results(store):
    """A run that is taken up again is unfinished once more, and keeps what it holds."""
    store.append(run().uid, [result()])
    store.finish(run().uid)
    assert store.run().finished

    store.begin(dataclasses.replace(run(), command="another"))

    assert store.run() == run()
    assert len(store.done(run().uid)) == 1


def test_discard_removes_one_run_alone(store):
    """A discarded run is gone with its results and what it did not run; another run is as it was."""
    other = run("20260102T000000-abc", "2026-01-02T00:00:00+00:00")
    store.append(run().uid, [result()])
    store.begin(other)
    store.append(other.uid, [result()])
    store.add_not_run(other.uid, NotRun("jax", "", "cpu", "no jax; try: pip install jax"))

    store.discard(other.uid)

    assert store.runs() == [run()]
    assert list(store.results(run().uid)) == [result()]
    assert store.not_run(other.uid) == []


def test_environment_is_stored_once(store):
    """The same facts in any order are one environment."""
    first = store.add_environment({"torch": "2.13", "threads": "1"})
    second = store.add_environment({"threads": "1", "torch": "2.13"})
    third = store.add_environment({"threads": "2", "torch": "2.13"})

    assert first == second != third
    assert store.environments()[third] == {"threads": "2", "torch": "2.13"}


def test_not_run_comes_back(store):
    """What was not run comes back with its reason, once."""
    entry = NotRun("jax", "jit", "cuda:0", "jax sees cpu; try: pip install 'jax[cuda12]'")
    store.add_not_run(run().uid, entry)
    store.add_not_run(run().uid, entry)

    assert store.not_run(run().uid) == [entry]


@pytest.mark.parametrize(
    ("asked", "found"), [("latest", "20260103T"), ("20260102", "20260102T"), ("20260101T", "20260101T")]
)
def test_run_lookup(path, asked, found):
    """A run is found as the latest, by its uid, or by a beginning that no other run has."""
    with Store(path) as store:
        for day in (2, 3, 1):
            store.begin(run(f"2026010{day}T", f"2026-01-0{day}T00:00:00+00:00"))

        assert store.run(asked).uid == found


@pytest.mark.parametrize("asked", ["2027", "2026", "", "Latest"])
def test_missing_run_lists_the_choices(path, asked):
    """A uid that fits no run, or several, is an error that lists the runs there are."""
    with Store(path) as store:
        store.begin(run("20260101T"))
        store.begin(run("20260102T"))

        with pytest.raises(StoreError, match=rf"run is '{asked}', expected `latest` or .*20260101T, 20260102T"):
            store.run(asked)


def test_empty_store_says_what_to_try(path):
    """A store without runs says how to make one."""
    with Store(path) as store, pytest.raises(StoreError, match="none yet; try: xentbench run"):
        store.run()


def text_file(path):
    """Make a file that is no database."""
    path.write_text("implementation,max_ulp\n" * 100)


def foreign_database(path):
    """Make another program's database."""
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE cookies (name TEXT)")
    db.close()


def newer_store(path):
    """Make a store as a later version might."""
    with Store(path) as store:
        store._db.execute(f"PRAGMA user_version = {stores.VERSION + 1}")


def truncated_store(path):
    """Cut a store in half, as a full disk or a broken copy does."""
    with Store(path) as store:
        store.begin(run())
        store.append(run().uid, [result(NOWHERE, seed) for seed in range(50)])
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])


def directory(path):
    """Make a folder where a file is expected."""
    path.mkdir()


@pytest.mark.parametrize("make", [text_file, foreign_database, newer_store, truncated_store, directory])
def test_no_store_is_refused(tmp_path, make):
    """What is no store of this version is refused with its name and what to try, and is left as it was."""
    path = tmp_path / "results.sqlite"
    make(path)
    before = path.read_bytes() if path.is_file() else None

    with pytest.raises(StoreError, match=r"store is .*results.sqlite \(.+\), expected a results store; name another"):
        Store(path)

    assert (path.read_bytes() if path.is_file() else None) == before


def test_newer_version_is_named(tmp_path):
    """The message about a newer store names both versions."""
    newer_store(tmp_path / "results.sqlite")

    with pytest.raises(StoreError, match=f"version {stores.VERSION + 1}, this program reads 1 to {stores.VERSION}"):
        Store(tmp_path / "results.sqlite")


@pytest.mark.parametrize("version", range(1, stores.VERSION))
def test_older_store_is_migrated_and_backed_up(tmp_path, version):
    """A store as an older version wrote it opens with all it held, takes new results, and is kept as it was beside."""
    path = tmp_path / "results.sqlite"
    written = (Path(__file__).parent / "stores" / f"version-{version}.sql").read_text(encoding="utf-8")
    with closing(sqlite3.connect(path)) as db:
        db.executescript(written)
    checked = Result(dataclasses.replace(case(), check="law.shift"), FUSED, Checked(8, 0.5), "conforms")

    for _ in range(2):  # the second time there is nothing to migrate
        with Store(path) as store:
            store.append("20260101T000000-abc", [checked])
            kept = list(store.results("20260101T000000-abc"))
            absent = store.not_run("20260101T000000-abc")

    assert [str(result.case) for result in kept] == [
        "softmax-value-normal-float32-32x64",
        "softmax-value-speed-float32-64x1000",
        str(checked.case),
    ]
    assert kept[0].outcome.worst.logits == "0x1p+0 0x1.8p+0"
    assert [entry.framework for entry in absent] == ["jax"]
    with closing(sqlite3.connect(tmp_path / f"results.sqlite.version-{version}")) as backup:
        assert backup.execute("PRAGMA user_version").fetchone() == (version,)
        assert backup.execute("SELECT count(*) FROM results").fetchone() == (2,)


def test_folder_that_cannot_be_made_is_named(tmp_path):
    """A store below a file is refused like any other path that holds no store."""
    (tmp_path / "file").write_text("")

    with pytest.raises(StoreError, match="expected a results store"):
        Store(tmp_path / "file" / "results.sqlite")


def writer(path, *arguments):
    """Start a process that writes to a store."""
    command = [sys.executable, "-c", ENDLESS_WRITER, str(path), *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_two_processes_write_one_new_file(path):
    """Two processes that open a file which is not there yet, and write at the same time, lose nothing."""
    with Store(path.with_name("runs.sqlite")):  # makes the folder, not the file
        pass
    with Store(path) as store:
        store.begin(run())
    writers = [writer(path, run().uid, framework, "40") for framework in ("torch", "jax", "torch")]

    assert [process.communicate() and process.returncode for process in writers] == [0, 0, 0]
    assert count(path) == 2 * 40 * 10  # the third wrote the first one's results once more


def test_two_processes_make_one_new_file(path):
    """Processes that open a file at once while there is none make one store of it."""
    openers = [
        subprocess.Popen(
            [
                sys.executable,
                "-c",
                "import pathlib, sys; from harness.store import Store; Store(pathlib.Path(sys.argv[1]))",
                path,
            ]
        )
        for _ in range(4)
    ]

    assert [process.wait() for process in openers] == [0] * 4
    with Store(path) as store:
        assert store.runs() == []


def test_killed_writer_loses_no_committed_batch(path):
    """After kill -9 in the middle of writing, every batch that was committed is there, whole, and can be added to."""
    with Store(path) as store:
        store.begin(run())
    process = writer(path, run().uid, "torch")
    for line in process.stdout:
        if int(line) == 30:
            break
    process.kill()
    committed = 30 + 1 + len(process.stdout.read().splitlines())
    process.wait()
    process.stdout.close()

    assert count(path) in {10 * committed, 10 * (committed + 1)}  # the last may have been committed and not yet said
    with Store(path) as store:
        store.append(run().uid, [result()])
        assert len(store.done(run().uid)) == count(path)
