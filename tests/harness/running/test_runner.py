"""The runner: what dies, hangs or errs in one framework is an outcome of that question, and the rest goes on.

The frameworks are those of tests/third_party, found by entry point: to bring one, no file of ours is touched.
"""

import signal
import sqlite3
from collections import Counter

import pytest

from harness.adapters import deaths
from harness.model import Crashed, Failed, Score, TimedOut, Unsupported
from harness.running import runner
from harness.store import Store
from tests.made.processes import alive, wait_until

ASK = ("--op", "sigmoid", "--dtype", "float32")
GAP = "two_class_gap"
HUNG_SECONDS = 6


def read(path):
    """Return the results of a store's only run."""
    with Store(path) as store:
        (run,) = store.runs()
        return list(store.results(run.uid))


@pytest.fixture(scope="module")
def trouble(shell, folder):
    """Return the command and the store of a run with every kind of trouble."""
    store = folder / "trouble.sqlite"
    ended = shell(
        *("run", "--on", "trouble:plain,absent,broken,careless,numpy", *ASK),
        *("--store", store, "--report", folder / "trouble", "--timeout", HUNG_SECONDS),
    )
    return ended, store


@pytest.fixture(scope="module")
def answers(trouble):
    """Return the outcomes of the troubled framework's values by (family, what it does)."""
    return {
        (result.case.family, result.target.implementation.name.removeprefix("trouble.")): result
        for result in read(trouble[1])
        if result.target.implementation.framework == "trouble" and result.case.quantity == "value"
    }


def test_crash_is_the_machinery_failing(trouble):
    """A run in which a process died ends with code 4, whatever the other answers are."""
    ended, _ = trouble

    assert ended.returncode == 4, ended.stderr
    assert "Traceback" not in ended.stderr + ended.stdout


@pytest.mark.parametrize(
    ("what", "outcome"),
    [
        pytest.param("dies", Crashed("SIGKILL, perhaps out of memory"), id="killed"),
        pytest.param("raises", Failed("raised", "no kernel for this shape", "RuntimeError"), id="raised"),
        pytest.param("widens", Failed("dtype", "dtype is float64, expected float32, as the logits'"), id="wrong-dtype"),
        pytest.param("flattens", Failed("shape", "shape is (512,), expected (256, 2)"), id="wrong-shape"),
    ],
)
def test_trouble_is_an_outcome(answers, what, outcome):
    """What goes wrong is stored as the outcome of its question, and deviates."""
    result = answers[GAP, what]

    assert result.outcome == outcome
    assert result.judgement == "deviates"


def test_hang_ends_within_the_timeout(answers):
    """A question without an answer is stopped when its time is up, not long after."""
    outcome = answers[GAP, "hangs"].outcome

    assert isinstance(outcome, TimedOut)
    assert HUNG_SECONDS <= outcome.seconds <= HUNG_SECONDS + 5


def test_wrong_answer_deviates(answers):
    """A wrong answer of a third party's function is scored and deviates, a right one conforms."""
    wrong, right = answers[GAP, "errs"], answers[GAP, "right"]

    assert isinstance(wrong.outcome, Score)
    assert (wrong.judgement, right.judgement) == ("deviates", "conforms")
    assert wrong.outcome.max_ulp > 1000
    assert right.outcome.max_ulp < 2


def test_the_rest_is_answered(answers):
    """Every function has an outcome for every family, and all but one family's are right."""
    families = {family for family, _ in answers}
    names = {name for _, name in answers}

    assert len(answers) == len(families) * len(names) == len(families) * 7
    assert {r.judgement for (family, _), r in answers.items() if family != GAP} == {"conforms"}


def test_refused_quantity_is_unsupported(trouble):
    """Gradients, which the troubled framework does not give, are stored as unsupported, none missing."""
    results = [r for r in read(trouble[1]) if r.target.implementation.framework == "trouble"]
    plain = [r for r in results if not r.case.check and not r.case.op.params]
    quantities = Counter(result.case.quantity for result in plain)

    assert quantities["grad_logits"] == quantities["value"] > 0
    assert {type(r.outcome) for r in results if r.case.quantity == "grad_logits"} == {Unsupported}


def test_named_mode_alone_is_asked(trouble):
    """Of a third party's modes the one named is asked."""
    modes = {r.target.mode for r in read(trouble[1]) if r.target.implementation.framework == "trouble"}

    assert modes == {"plain"}


def test_other_framework_is_untouched(trouble):
    """A framework asked beside the troubled one has all its answers."""
    results = [r for r in read(trouble[1]) if r.target.implementation.framework == "numpy"]

    assert Counter(type(r.outcome) for r in results)[Score] == len(results) / 2 > 0


def test_missing_framework_is_not_run(trouble):
    """A framework that cannot be imported is stored and shown as not run, with the reason and what to try."""
    ended, path = trouble
    with Store(path) as store:
        reasons = {entry.framework: entry.reason for entry in store.not_run(store.run().uid)}

    assert "No module named 'no_such_framework'" in reasons["absent"]
    assert "try: pip install" in reasons["absent"]
    assert f"not run: absent  cpu: {reasons['absent']}" in ended.stdout


@pytest.mark.parametrize(
    ("framework", "reason", "logged"),
    [
        ("broken", "RuntimeError: broken while it is imported", "third_party/broken.py"),
        (
            "careless",
            "43 of 80 questions answered",
            "AttributeError: 'list' object has no attribute 'dtype'",
        ),
    ],
)
def test_broken_adapter_is_no_success(trouble, framework, reason, logged):
    """An adapter that raises while it is imported, or breaks the scoring, has failed, and its log says how."""
    ended, path = trouble
    log = path.parent / "logs" / f"{framework}.log"
    with Store(path) as store:
        reasons = {entry.framework: entry.reason for entry in store.not_run(store.run().uid)}

    assert f"failed: {framework}: " in ended.stdout
    assert reason in reasons[framework]
    assert reasons[framework].endswith(f"; see {log}")
    assert logged in log.read_text()


def slow_shell(shell, path):
    """Return a shell in which the slow framework says where it runs."""
    return type(shell)(shell.folder, {"SLOW_LOG": str(path)})


def slow_run(store):
    """Return the arguments of a run of the slow framework."""
    return ("run", "--on", "slow", *ASK, "--store", store, "--report", store.with_suffix(""))


def stored(path):
    """Count the results in a store that another process is writing to."""
    if not path.exists():
        return 0
    db = sqlite3.connect(path)
    try:
        return db.execute("SELECT count(*) FROM results").fetchone()[0]
    except sqlite3.OperationalError:  # not made yet
        return 0
    finally:
        db.close()


@pytest.fixture(scope="module")
def killed(shell, folder):
    """Kill a run midway, then take it up again; return what was stored before and after, and the pids asked."""
    store, log = folder / "killed.sqlite", folder / "killed.pids"
    command = slow_shell(shell, log)
    process = command.start(*slow_run(store))
    wait_until(lambda: stored(store) >= 2)
    process.kill()
    process.communicate()
    pids = {int(line) for line in log.read_text().splitlines()}
    wait_until(lambda: not any(map(alive, pids)))
    before = read(store)
    asked = len(log.read_text().splitlines())
    resumed = command(*slow_run(store), "--resume")
    return before, read(store), len(log.read_text().splitlines()) - asked, resumed, store


def test_killed_run_leaves_no_process(killed):
    """When a run is killed, its framework's process notices and ends, before it has asked everything."""
    before, after, *_ = killed

    assert 2 <= len(before) < len(after)


def test_resume_completes(killed):
    """A run that was killed and taken up again is complete, once each, and finished."""
    _, after, _, resumed, path = killed
    with Store(path) as store:
        (run,) = store.runs()

    assert resumed.returncode == 3, resumed.stderr  # of functions that promise nothing
    assert run.finished
    assert len({(str(r.case), str(r.target)) for r in after}) == len(after)
    assert not any(isinstance(r.outcome, Crashed | TimedOut) for r in after)


def test_resume_keeps_what_was_stored(killed):
    """What was stored before the kill is there afterwards, the same, and was not asked again."""
    before, after, asked_again, *_ = killed
    values = [result for result in after if result.case.quantity == "value"]

    assert [result for result in after if result in before] == before
    assert asked_again == len(values) - sum(result.case.quantity == "value" for result in before)


def test_interrupt_leaves_nothing_behind(shell, folder):
    """Ctrl-C ends a run with a short message and 130, as shells have it, and its processes with it; it can go on."""
    store, log = folder / "interrupted.sqlite", folder / "interrupted.pids"
    process = slow_shell(shell, log).start(*slow_run(store))
    wait_until(lambda: stored(store) >= 1)

    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)

    assert process.returncode == 130
    assert "interrupted; what was answered is stored; to go on, add --resume" in err
    assert "Traceback" not in out + err
    assert not any(map(alive, {int(line) for line in log.read_text().splitlines()}))
    with Store(store) as opened:
        assert opened.run().finished is None
        assert opened.done(opened.run().uid)


@pytest.mark.parametrize(
    ("code", "name"),
    [
        (1, "exit code 1"),
        (-signal.SIGSEGV, "SIGSEGV"),
        (-signal.SIGKILL, "SIGKILL, perhaps out of memory"),
        (-250, "signal 250"),
    ],
)
def test_death_has_a_name(code, name):
    """A return code is told as the signal's name where there is one."""
    assert deaths.how_it_died(code) == name


def test_threads_are_limited(monkeypatch):
    """A limit reaches every pool, and XLA's flags that a user set are kept."""
    monkeypatch.setenv("XLA_FLAGS", "--xla_dump_to=d")

    assert runner.thread_limits(1)["XLA_FLAGS"] == "--xla_dump_to=d --xla_cpu_multi_thread_eigen=false"
    assert runner.thread_limits(4) == {
        **dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NPROC"), "4"),
        "XLA_FLAGS": "--xla_dump_to=d",
    }
