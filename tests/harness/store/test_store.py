"""The store: what goes in comes out, whole batches or nothing, whoever writes and whatever kills the writer.

All of it in a SQLite file and in PostgreSQL, but for what concerns files.
"""

import dataclasses
import math
import sqlite3
import subprocess
import sys
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
from harness.store import Store, StoreError, Unfit
from tests.made import server
from tests.made.records import ENVIRONMENT, EVERY, contents, missing, recorded

FUSED = Target(Implementation("torch", "softmax", "torch.softmax", "fused"), "eager")
ROW = " ".join(["0x1.8p+0"] * 200)
WORST = Worst((3, 7), ROW, "2", "0x1.0p-1", "0.333333333333333333333333333333", "0x1.555556p-2", "inf", math.inf)
PLAIN = Score(10, 1.5, 0.25, -0.125, {"S": 0.5, "U": 0.25}, "S", {}, None)
NOWHERE = Score(10, math.inf, math.inf, -math.inf, {"S": math.inf}, None, {"nan": 3, "flushed": 1}, WORST)

# Writes batches of ten results for ever, and says which it has committed.
ENDLESS_WRITER = """
import dataclasses, itertools, sys
from harness.model import Case, Failed, Implementation, Op, Result, Target
from harness.store import Store

location, uid, framework = sys.argv[1], sys.argv[2], sys.argv[3]
batches = int(sys.argv[4]) if len(sys.argv) > 4 else None
target = Target(Implementation(framework, "softmax", "softmax", "fused"), "eager")
with Store(location) as store:
    for batch in itertools.count() if batches is None else range(batches):
        cases = [Case(Op("softmax"), "value", "normal", "float32", 4, 8, 10 * batch + i) for i in range(10)]
        store.append(uid, [Result(case, target, Failed("raised", "why"), "unjudged") for case in cases])
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


def count(location):
    """Count a store's results, integrity checked where it is a file, as any other program sees them."""
    if not isinstance(location, Path):
        return server.execute(location, "SELECT count(*) FROM results")[0][0]
    with sqlite3.connect(location) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        (found,) = db.execute("SELECT count(*) FROM results").fetchone()
    db.close()
    return found


@pytest.fixture
def store(location):
    """Return an open store with one run begun."""
    with Store(location) as opened:
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
        pytest.param(Failed("raised", '"exp" \u221e', "RuntimeError"), id="failed"),
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


def test_long_texts_are_stored_once(store):
    """A row of logits that a hundred results name as their worst is in the store once, and packed."""
    store.append(run().uid, [result(NOWHERE, seed) for seed in range(100)])

    texts = list(store.rows('SELECT length("text") FROM texts'))
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
    with pytest.raises(Unfit, match=r"a value for .* is not as expected"):
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


def test_parts_are_noted(store):
    """A part that was begun or is done is kept with its run, once; a run asked as a whole stays whole."""
    store.begin(run("whole"))
    store.begin(dataclasses.replace(run("parts"), shards=("0/2",)))
    for uid in ("whole", "parts", "parts"):
        store.add_shard(uid, "1/2")

    assert {one.uid: one.shards for one in store.runs()}["parts"] == ("0/2", "1/2")
    assert store.run("whole").shards == ()


def test_notes_are_kept_once(store):
    """What is said of how a run was asked stays with it, a line each, however often it is said or the run taken up."""
    store.begin(run())
    store.begin(run("other"))
    store.add_notes(run().uid, ["torch: 2 of 3", "jax: two\nlines"])
    store.add_notes(run().uid, ["torch: 2 of 3", "goldens"])
    store.begin(run())

    assert store.run(run().uid).notes == ("torch: 2 of 3", "jax: two lines", "goldens")
    assert store.run("other").notes == ()


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
    ("asked", "found"), [("latest", "20260101T"), ("20260102", "20260102T"), ("20260101T", "20260101T")]
)
def test_run_lookup(location, asked, found):
    """A run is found as the latest, by its uid, or by a beginning that no other run has."""
    with Store(location) as store:
        for day in (2, 3, 1):
            store.begin(run(f"2026010{day}T", f"2026-01-0{day}T00:00:00+00:00"))

        assert store.run(asked).uid == found


@pytest.mark.parametrize("asked", ["2027", "2026", "", "Latest"])
def test_missing_run_lists_the_choices(location, asked):
    """A uid that fits no run, or several, is an error that lists the runs there are."""
    with Store(location) as store:
        store.begin(run("20260101T"))
        store.begin(run("20260102T"))

        with pytest.raises(StoreError, match=rf"run is '{asked}', expected `latest` or .*20260101T, 20260102T"):
            store.run(asked)


def test_empty_store_says_what_to_try(location):
    """A store without runs says how to make one."""
    with Store(location) as store, pytest.raises(StoreError, match="none yet; try: xentbench run"):
        store.run()


def test_reading_waits_for_no_writer(location):
    """A store opens, and reads what is committed, while somebody writes to it."""
    with Store(location) as writing, writing.transaction():
        writing.begin(run())
        with Store(location) as reading:
            assert reading.runs() == []
    with Store(location) as reading:
        assert reading.runs() == [run()]


def test_rows_of_a_query(store):
    """A query takes parameters by question marks, but for those in quotes, and returns numbers alike everywhere."""
    store.append(run().uid, [result(seed=seed) for seed in (1, 2, 4)])

    sql = (
        "SELECT '50 % ?', \"check\", count(*), sum(seed), avg(seed) FROM cases"
        ' WHERE seed > ? AND id <> ? GROUP BY "check"'
    )
    (row,) = store.rows(sql, (0, "what's this?"))

    assert row == ("50 % ?", "", 3, 7, 7 / 3)
    assert [type(value) for value in row[2:]] == [int, int, float]


def test_texts_are_ordered_by_code_points(location):
    """Texts come in the order of their code points, capitals first, whatever the server's language."""
    with Store(location) as store:
        for uid in ("b", "B", "a", "_", "ä"):
            store.begin(run(uid))

        assert [uid for (uid,) in store.rows("SELECT uid FROM runs ORDER BY uid")] == ["B", "_", "a", "b", "ä"]


def test_runs_are_in_the_order_in_which_they_came(location):
    """A clock that is set back, or a file that says it is of the year 9999, is not the latest run for ever."""
    with Store(location) as store:
        store.begin(run("first", "2026-01-02T00:00:00+00:00"))
        store.join(run("foreign", "9999-12-31T00:00:00+00:00"))
        assert store.run("latest").uid == "foreign"
        store.begin(run("third", "2026-01-01T00:00:00+00:00"))
        store.begin(run("first", "2026-01-03T00:00:00+00:00"))  # taken up again, it stays where it is

        assert [one.uid for one in store.runs()] == ["first", "foreign", "third"]
        assert store.run("latest").uid == "third"
        assert store.earlier("third") == ""
        store.finish("foreign")
        assert store.earlier("third") == "foreign"


def test_a_run_is_held_against_one_of_the_same_functions(location):
    """Of runs of one preset the last before it that asked a target of its own, and is finished."""
    other = dataclasses.replace(result().target, mode="compile")
    with Store(location) as store:
        for uid, target in (("mine", None), ("theirs", other), ("mine again", None)):
            store.begin(run(uid))
            store.append(uid, [dataclasses.replace(result(), target=target or result().target)])
            store.finish(uid)
        store.begin(dataclasses.replace(run("full"), preset="full"))
        store.append("full", [result()])

        assert store.earlier("mine again") == "mine"
        assert store.earlier("theirs") == ""
        assert store.earlier("full") == ""


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"rows": "many"}, id="text-for-a-number"),
        pytest.param({"rows": 1 << 70}, id="too-large"),
        pytest.param({"family": "\ud800"}, id="half-a-character"),
        pytest.param({"family": None}, id="nothing"),
    ],
)
def test_value_that_does_not_fit_is_refused(store, wrong):
    """A value of another type than its column's is refused with its batch, and the store goes on."""
    given = dataclasses.replace(result(), case=dataclasses.replace(case(), **wrong))

    with pytest.raises(Unfit, match=r"a value for .* is not as expected"):
        store.append(run().uid, [result(), given])

    assert list(store.results(run().uid)) == []
    store.append(run().uid, [result()])
    assert len(store.done(run().uid)) == 1


def test_absent_fields_take_their_defaults():
    """What an older program wrote lacks the fields that a noun has gained since."""
    facts, texts = stores.pack(dataclasses.replace(PLAIN, bits="digest"))
    del facts["bits"], facts["verdicts"], facts["worst"]

    assert stores.unpack("score", facts, texts) == PLAIN


def test_same_results_from_both(path, database):
    """A run with every outcome, copied from a file to a server and back, is the same to the last bit in each."""
    given = recorded(*EVERY, environments={"key": ENVIRONMENT}, not_run=[missing()])
    read = []
    for location in (path, database):
        with Store(location) as store:
            store.join(given.run)
            store.append(given.run.uid, given.results)
            key = store.add_environment(ENVIRONMENT)
            store.add_not_run(given.run.uid, missing())
            whole = store.recorded("latest")
            dumped = contents(store)
            read.append((whole, sorted(store.done(given.run.uid)), key, dumped))
            assert list(map(repr, whole.results)) == list(map(repr, EVERY))

    assert repr(read[0]) == repr(read[1])  # which a nan equals, too


def writer(location, *arguments):
    """Start a process that writes to a store."""
    command = [sys.executable, "-c", ENDLESS_WRITER, str(location), *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_processes_write_at_once(location):
    """Processes that write at the same time, the same questions among them, lose nothing and do not lock up."""
    with Store(location) as store:
        store.begin(run())
    writers = [writer(location, run().uid, framework, "40") for framework in ("torch", "jax", "torch")]

    assert [process.communicate() and process.returncode for process in writers] == [0, 0, 0]
    assert count(location) == 2 * 40 * 10  # the third wrote the first one's results once more


def test_killed_writer_loses_no_committed_batch(location):
    """After kill -9 in the middle of writing, every batch that was committed is there, whole, and can be added to."""
    with Store(location) as store:
        store.begin(run())
    process = writer(location, run().uid, "torch")
    for line in process.stdout:
        if int(line) == 30:
            break
    process.kill()
    committed = 30 + 1 + len(process.stdout.read().splitlines())
    process.wait()
    process.stdout.close()

    with Store(location) as store:
        store.append(run().uid, [result()])  # which waits for what the dead writer's server has still in hand
        assert len(store.done(run().uid)) == count(location)
    assert count(location) - 1 in {10 * committed, 10 * (committed + 1)}  # the last was perhaps committed, not yet said


@pytest.mark.parametrize(
    ("reason", "failed"),
    [
        ("ValueError: no: kernel", Failed("raised", "no: kernel", "ValueError")),
        ("dtype is float64, expected float32", Failed("dtype", "dtype is float64, expected float32")),
        ("shape is (2,), expected ()", Failed("shape", "shape is (2,), expected ()")),
        ("no kernel", Failed("raised", "no kernel")),
    ],
)
def test_failure_of_an_older_program(reason, failed):
    """What was one text is told apart when it is read, and reads as it did."""
    assert stores.unpack("failed", {"reason": reason}, {}) == failed
    assert failed.reason == reason


def test_kinds_of_a_run_are_counted(location):
    """How many results have which outcome and judgement is counted without reading them; another run's do not count."""
    known = dataclasses.replace(result(seed=1), judgement="known")
    with Store(location) as store:
        store.begin(run())
        store.append(run().uid, [result(), known])

        assert store.kinds(run().uid) == {("score", result().judgement): 1, ("score", "known"): 1}
        assert store.kinds("another") == {}


def test_reading_may_be_left_half_way(location, recwarn):
    """Results that nobody reads to their end are let go without a word, also after the store is closed."""
    with Store(location) as store:
        store.begin(run())
        store.append(run().uid, [result(seed=seed) for seed in range(3)])
        rest = store.rows("SELECT run FROM results")
        next(rest)
    del rest

    assert not recwarn.list
