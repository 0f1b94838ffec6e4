"""`xentbench run`: what a user types, what comes back, and that nothing is lost on the way."""

import json
import re
import signal
import sqlite3
import sys
from collections import Counter
from dataclasses import replace

import pytest

from harness import adapters
from harness.model import (
    DTYPES,
    Checked,
    Crashed,
    Failed,
    Implementation,
    Result,
    Score,
    Target,
    TimedOut,
    Timing,
    Unsupported,
)
from harness.ops import OPS
from harness.store import Store
from suites.questions import cases, plan, presets
from tests.made.front_door import NUMPY, TINY, invoke
from tests.made.processes import wait_until
from tests.made.records import recorded
from xentbench import run, summary
from xentbench.screen import Exit

CASE = next(cases.cases(presets.PRESETS["quick"]))


FUSED = Target(Implementation("torch", "softmax", "torch.softmax", "fused"), "eager")


SCORE = Score(1, 0.5, 0.5, 0.5, {"S": 0.5}, "S")


@pytest.mark.parametrize(
    ("strict", "judgement", "options"), [(False, "unjudged", []), (True, "deviates", ["--strict-answers"])]
)
def test_strict_runs_judge_what_depends_on_the_batch(strict, judgement, options, tmp_path):
    """Bits that depend on the batch deviate where one is strict, in the processes and in the front door alike."""
    case = replace(CASE, check="invariance.batch")
    found = Checked(1, 0.0, policy="bits differ", detail="in a batch of 1, 1 of 1 rows differ")
    wanted = plan.Wanted(presets.PRESETS["quick"])
    request = run.Request(wanted, tmp_path, "run", True, "fast", (), strict, None, 1.0, 1, 1, {})

    assert run.judged(case, FUSED, found, (), strict=strict).judgement == judgement
    assert request.arguments == ["--reference", "fast", *options]


def test_framework_is_asked_in_an_interpreter_of_its_own(tmp_path):
    """What `--python` names asks its framework, in the same run; timings are refused beside it."""
    own, seen = tmp_path / "python", tmp_path / "seen"
    own.write_text(f'#!/bin/sh\necho "$@" > {seen}\nexec {sys.executable} "$@"\n')
    own.chmod(0o755)
    words = (*NUMPY, "--family", "normal", "--store", tmp_path / "store", "--report", tmp_path, "--python")

    ended = invoke(*words, f"numpy={own}")

    assert "--on numpy" in seen.read_text()
    with Store(tmp_path / "store") as store:
        assert {result.target.implementation.framework for result in store.recorded(store.runs()[-1].uid).results} == {
            "numpy"
        }
    assert ended.exit_code == Exit.NOTHING_RAN  # a control is judged by nothing
    assert invoke(*words, f"numpy={own}", "--speed").exit_code == Exit.USAGE


def dump(path):
    """Return all that a store holds, as SQL."""
    with sqlite3.connect(path) as db:
        text = list(db.iterdump())
    db.close()
    return text


@pytest.mark.parametrize(
    ("option", "value", "choices"),
    [
        pytest.param("--on", "tourch", adapters.names(), id="framework"),
        pytest.param("--on", "numpy,tourch", adapters.names(), id="second-framework"),
        pytest.param("--preset", "x", presets.PRESETS, id="preset"),
        pytest.param("--preset", "", presets.PRESETS, id="no-preset"),
        pytest.param("--op", "x", tuple(OPS), id="op"),
        pytest.param("--op", "softmax,x", tuple(OPS), id="second-op"),
        pytest.param("--dtype", "x", DTYPES, id="dtype"),
        pytest.param("--device", "cdua", ("cpu", "cuda", "cuda:N"), id="device"),
    ],
)
def test_option_that_is_off_lists_the_choices(tiny, option, value, choices):
    """A word that is off is a usage error, code 2, whose message lists the choices; the store is as it was."""
    before = dump(tiny[1])

    ended = invoke("run", option, value, "--store", tiny[1])

    assert ended.exit_code == 2
    assert ended.stderr.startswith(f"error: {option} is '{value.rpartition(',')[2]}', expected one of ")
    assert all(choice in ended.stderr for choice in choices)
    assert dump(tiny[1]) == before


@pytest.mark.parametrize("on", ["torch:jit", "numpy,jax:compiled", "trouble:nope"])
def test_mode_that_is_off_is_refused_at_once(shell, tmp_path, on):
    """A mode that an adapter's source does not list is refused before goldens are made, and before any import."""
    ended = shell("run", "--on", on, "--store", tmp_path / "r.sqlite", "--report", tmp_path / "none")

    assert ended.returncode == 2
    assert ended.stderr.startswith(f"error: --on is '{on.rpartition(',')[2]}', expected one of the modes ")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("known", "code"), [(False, 1), (True, 0)])
def test_own_known_deviations(shell, tmp_path, known, code):
    """A deviation that a project's own list names, on the command line or in its pyproject.toml, is no news."""
    ask = ("run", "--on", "rounded", "--op", "sigmoid", "--dtype", "float32", "--store", shell.folder / "r.sqlite")
    own = tmp_path / "ours.toml"
    own.write_text('[[known]]\ncase = "*"\ntarget = "rounded.*"\nreason = "ours"\n')
    if known:
        (tmp_path / "pyproject.toml").write_text('[tool.xentbench]\nknown = ["ours.toml"]\n')

    ended = shell(*ask, "--report", tmp_path / "report", cwd=tmp_path)

    assert ended.returncode == code, ended.stdout + ended.stderr
    assert ("new: " in ended.stdout) is not known


@pytest.mark.parametrize(
    ("on", "modes"), [("numpy:nope", "eager"), ("trouble:nope", "plain, other"), ("slow,numpy:nope", "eager")]
)
def test_mode_that_is_off_lists_the_choices(shell, tiny, on, modes):
    """A mode that a framework has not, as only its own process knows, ends all, code 2; the runs are as they were."""
    with Store(tiny[1]) as store:
        before = store.runs()
    quiet = type(shell)(shell.folder, {"SLOW_LOG": str(shell.folder / "slow.log")})

    ended = quiet(
        *("run", "--on", on, "--op", "logsumexp,sigmoid", "--dtype", "float32"),
        *("--store", tiny[1], "--report", shell.folder / "nope"),
    )

    assert ended.returncode == 2
    assert ended.stderr == f"error: --on is '{on.rpartition(',')[2]}', expected one of the modes {modes}\n"
    assert not (shell.folder / "nope").exists()
    with Store(tiny[1]) as store:
        assert store.runs() == before


@pytest.mark.parametrize(
    ("options", "said", "hint"),
    [
        pytest.param(
            ("--on", "numpy", "--device", "cuda"), "numpy sees cpu, expected cuda", "--device cpu", id="device"
        ),
        pytest.param(
            *(("--on", "absent"), "absent cannot be imported (No module named", "pip install 'xentbench[absent]'"),
            id="framework",
        ),
    ],
)
def test_what_is_not_there_is_not_run(shell, folder, options, said, hint):
    """A device or framework that is not there is reported as not run, with what to try, and is code 3."""
    store = folder / "nothing.sqlite"

    ended = shell("run", *options, "--op", "sigmoid", "--dtype", "float32", "--store", store, "--report", folder / "no")

    assert ended.returncode == 3, ended.stderr
    assert re.search(rf"^not run: .*{re.escape(said)}.*; try: {re.escape(hint)}$", ended.stdout, re.MULTILINE)


def scored(judgement, outcome=SCORE):
    """Make a result."""
    return Result(CASE, FUSED, outcome, judgement)


@pytest.mark.parametrize(
    ("results", "code"),
    [
        pytest.param([], Exit.NOTHING_RAN, id="nothing"),
        pytest.param([scored("unjudged", Unsupported("no"))], Exit.NOTHING_RAN, id="unsupported"),
        pytest.param([scored("conforms")], Exit.CONFORMS, id="conforms"),
        pytest.param([scored("conforms"), scored("known")], Exit.CONFORMS, id="known"),
        pytest.param([scored("unjudged", Timing((1.0,), 1, 1.0))], Exit.NOTHING_RAN, id="timed"),
        pytest.param([scored("unjudged")], Exit.NOTHING_RAN, id="shown"),
        pytest.param([scored("conforms"), scored("deviates")], Exit.DEVIATES, id="deviates"),
        pytest.param([scored("deviates", Failed("raised", "why"))], Exit.DEVIATES, id="failed"),
        pytest.param([scored("deviates"), scored("deviates", Crashed("why"))], Exit.MACHINERY, id="crashed"),
        pytest.param([scored("conforms"), scored("deviates", TimedOut(1.0))], Exit.MACHINERY, id="timed-out"),
        pytest.param([scored("conforms"), scored("known", Crashed("why"))], Exit.CONFORMS, id="known-crash"),
    ],
)
def test_exit_code(results, code):
    """Machinery that failed comes before anything else, then news, then nothing that was judged."""
    assert summary.exit_code(recorded(*results), [], broken=False) == code


def test_failed_worker_is_the_machinery_failing():
    """A framework's process that gave up makes code 4, however well others did."""
    assert summary.exit_code(recorded(scored("conforms")), [], broken=True) == 4


@pytest.mark.parametrize(("on", "absent"), [("torch", []), ("torch,jax:jit", ["jax"]), ("all", [])])
def test_named_framework_that_is_missing_is_no_pass(on, absent):
    """A framework that --on names, and of which nothing was asked, makes code 3 of a run that is well otherwise."""
    made = recorded(scored("conforms"))
    found = summary.missing(plan.Wanted.of(on=on), made)

    assert found == absent
    assert summary.exit_code(made, found, broken=False) == (Exit.NOTHING_RAN if absent else Exit.CONFORMS)


def test_tiny_run_conforms(tiny):
    """A run over three frameworks ends well, and says where its results and its report are."""
    ended, store = tiny

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert f"results: {store}\nreport:  {store.with_suffix('')}/index.html\n" in ended.stdout


def test_tiny_run_has_every_answer(stored):
    """Every plain case is answered by every implementation, once, and nothing but gradients of numpy is refused."""
    asked = Counter((str(result.case), str(result.target)) for result in stored)
    plain = [r for r in stored if not r.case.check and not r.case.op.params]
    sweep = [r for r in plain if r.case.family.startswith("magnitude/")]  # not asked of what promises nothing
    few = {"jnp.logaddexp", "torch.logaddexp"}  # of two classes alone
    by_target = Counter(
        str(result.target) for result in plain if result not in sweep and result.target.implementation.name not in few
    )
    others = [r for r in plain if not isinstance(r.outcome, Score)]

    assert set(asked.values()) == {1}
    assert len(set(by_target.values())) == 1
    assert {r.target.implementation.kind for r in sweep} == {"fused", "control"}
    assert {r.target.implementation.framework for r in stored} == {"numpy", "jax", "torch"}
    assert {r.case.check.partition(".")[0] for r in stored} == {"", "special", "law", "invariance"}
    assert {(r.target.implementation.framework, r.case.quantity) for r in others} == {("numpy", "grad_logits")}


def test_second_run_makes_no_golden(shell, tiny, stored):
    """A second run finds every golden, is as green, and gives the same answers under a name of its own."""
    goldens = {path: path.stat().st_mtime_ns for path in (shell.folder / "goldens").rglob("*")}

    again = tiny[1].with_name("again.sqlite")
    ended = shell(*TINY, "--store", again, "--report", shell.folder / "again")

    assert ended.returncode == 0, ended.stdout
    assert {path: path.stat().st_mtime_ns for path in (shell.folder / "goldens").rglob("*")} == goldens
    with Store(again) as store:
        noted = store.run().notes
        found = {(r.case, r.target): repr(r.outcome) for r in store.results(store.run().uid)}  # nan equals no nan
    kept = re.fullmatch(r"(\d+) of (\d+) goldens are those that earlier runs have made", noted[0])
    assert kept
    assert kept[1] == kept[2]
    assert any(re.match(r"numpy: \d+ of \d+ measurements are those of earlier answers", note) for note in noted)
    assert set(ended.stdout.splitlines()) >= {f"note: {note}" for note in noted}
    assert found == {(r.case, r.target): repr(r.outcome) for r in stored}


def test_interrupt_stops_the_goldens(shell, tmp_path):
    """Ctrl-C while goldens are computed waits for none of them; what is made is kept."""
    process = shell.start("run", "--on", "numpy", "--op", "softmax", "--store", tmp_path / "r.sqlite")
    wait_until(lambda: any(path.is_file() for path in tmp_path.glob("goldens/**/*")))

    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)

    assert process.returncode == 130
    assert said.endswith("error: interrupted; what was answered is stored; to go on, add --resume\n")
    assert "Traceback" not in said


def test_shards_make_one_run(shell, shards, folder, tmp_path):
    """The run files of two shards merge into one run, which holds what an undivided run holds, each answer once."""
    merged, whole = tmp_path / "merged.sqlite", folder / "whole.sqlite"
    files = []
    for store in shards[0]:
        files.append(tmp_path / f"{store.stem}.jsonl.gz")
        with files[-1].open("wb") as to:
            process = shell.start("export", "--format", "run", "--store", store, stdout=to)
            assert (process.communicate()[1], process.returncode) == ("", 0)
    assert shell(*NUMPY, "--store", whole, "--report", folder / "whole").returncode == 3  # a control: not judged

    assert invoke("import", *files, *shards[0], "--store", merged).exit_code == 0

    counts = json.loads(invoke("compare", f"{whole}@latest", merged, "--json").stdout)["counts"]
    assert counts.pop("unchanged") > 0
    assert set(counts.values()) == {0}
    with Store(merged) as store:
        (run,) = store.runs()
        assert (run.uid, run.shards) == ("ci-7", ("0/2", "1/2", "2/2"))
        assert run.finished
        assert len(list(store.results(run.uid))) > len(store.environments()) == 1


def test_shard_of_a_run_that_is_there_adds_to_it(shell, shards, folder):
    """A second shard of one id in the same store goes on with the run."""
    store = shards[0][0]
    with Store(store) as opened:
        before = len(opened.done("ci-7"))
    args = ("--run-uid", "ci-7", "--store", store, "--report", folder / "shard")

    assert shell(*NUMPY, "--shard", "2/2", *args).returncode == 3  # of a control

    with Store(store) as opened:
        (run,) = opened.runs()
        assert len(opened.done(run.uid)) > before
    assert invoke(*NUMPY, "--preset", "full", *args).stderr.startswith("error: run ci-7 is of preset 'quick', expected")


def test_files_for_ci(shards):
    """A run writes what CI asks for."""
    junit, summary, badge = shards[1]

    assert "logsumexp" in junit.read_text(encoding="utf-8")
    assert summary.read_text(encoding="utf-8").startswith("## ⚪ xentbench: nothing was judged")
    assert json.loads(badge.read_text(encoding="utf-8"))["schemaVersion"] == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--shard", "3/2"), "--shard is '3/2', expected i/n"),
        (("--run-uid", "latest"), "--run-uid is 'latest', expected up to 80"),
        (("--junit", "."), "--junit is . (Is a directory), expected a file"),
    ],
)
def test_option_for_ci_that_is_off(tmp_path, options, message):
    """A part of no whole, an id that would be mistaken and a file that none can write are code 2, at once."""
    ended = invoke(*NUMPY, *options, "--store", tmp_path / "r.sqlite")

    assert ended.exit_code == 2
    assert ended.stderr.startswith(f"error: {message}")
    assert not (tmp_path / "r.sqlite").exists()
