"""The command line: what a user types, what comes back, and that nothing is lost on the way."""

import csv
import io
import json
import math
import re
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from html.parser import HTMLParser

import pytest
from typer.testing import CliRunner

import xentbench
from harness import adapters
from harness.model import DTYPES, Crashed, Failed, Implementation, Result, Score, Target, TimedOut, Timing, Unsupported
from harness.ops import ASKED, OPS
from harness.store import Store
from suites.questions import cases
from tests.conftest import ROOT
from tests.made.processes import wait_until
from xentbench import Exit, program

TINY = ("run", "--on", "numpy,jax:jit,torch:eager", "--op", "logsumexp", "--dtype", "float32")
FEW = ("--on", "numpy", "--dtype", "float32", "--op", "softmax,log_softmax", "-q", "-p", "no:cacheprovider")
FRAMEWORKS = {"torch", "jax", "jaxlib", "optax", "tensorflow", "keras"}
FIELDS = {  # of an exported result, as the README promises them
    *("case", "op", "options", "quantity", "family", "dtype", "shape", "implementation", "framework", "mode", "device"),
    *("outcome", "max_ulp", "mean_ulp", "error_over_bound", "budget_class", "worst_input", "expected", "got"),
    "environment",
}
CASE = next(cases.cases(cases.PRESETS["quick"]))
FUSED = Target(Implementation("torch", "softmax", "torch.softmax", "fused"), "eager")
SCORE = Score(1, 0.5, 0.5, 0.5, {"S": 0.5}, "S")


@pytest.fixture(scope="module")
def tiny(shell, folder):
    """Return the tiny run's command as it ended, and its store."""
    store = folder / "tiny.sqlite"
    ended = shell(*TINY, "--store", store, "--report", folder / "tiny")
    if missing := re.search(r"not run: (torch|jax) .*", ended.stdout):
        pytest.skip(missing[0])
    return ended, store


@pytest.fixture(scope="module")
def stored(tiny):
    """Return the tiny run's results, as stored."""
    with Store(tiny[1]) as store:
        return list(store.results(store.runs()[0].uid))


@pytest.fixture(scope="module")
def exported(shell, tiny):
    """Return the tiny run as exported."""
    ended = shell("export", "--format", "jsonl", "--store", tiny[1])
    assert (ended.returncode, ended.stderr) == (0, "")
    return [json.loads(line) for line in ended.stdout.splitlines()]


def invoke(*arguments):
    """Run a command in this process."""
    return CliRunner().invoke(xentbench.app, [str(argument) for argument in arguments])


def dump(path):
    """Return all that a store holds, as SQL."""
    with sqlite3.connect(path) as db:
        text = list(db.iterdump())
    db.close()
    return text


# -- usage ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("option", "value", "choices"),
    [
        pytest.param("--on", "tourch", adapters.names(), id="framework"),
        pytest.param("--on", "numpy,tourch", adapters.names(), id="second-framework"),
        pytest.param("--preset", "x", cases.PRESETS, id="preset"),
        pytest.param("--preset", "", cases.PRESETS, id="no-preset"),
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


@pytest.mark.parametrize("arguments", [("export",), ("report",), ("table",), ("run", "--resume")], ids=lambda a: a[0])
def test_store_that_is_not_there(tmp_path, arguments):
    """Without a store there is nothing to read or to go on with: code 2, what to try, and no file is made."""
    store = tmp_path / "none" / "results.sqlite"

    ended = invoke(*arguments, "--store", store)

    assert ended.exit_code == 2
    assert ended.stderr == f"error: store {store} is not there, expected the results of a run; try: xentbench run\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["export", "report", "table"])
def test_run_that_is_not_there(tiny, tmp_path, monkeypatch, command):
    """A run that no store holds is an error, code 2, that lists those it holds."""
    monkeypatch.chdir(tmp_path)
    with Store(tiny[1]) as store:
        (uid, *_) = (run.uid for run in store.runs())

    ended = invoke(command, "--run", "1999", "--store", tiny[1])

    assert ended.exit_code == 2
    assert ended.stderr.startswith("error: run is '1999', expected `latest` or one of the runs in ")
    assert uid in ended.stderr


@pytest.mark.parametrize("command", ["run", "export", "report"])
def test_file_that_is_no_store(tmp_path, command):
    """Another program's file is refused, code 2, and stays as it is."""
    file = tmp_path / "thesis.txt"
    file.write_text("all that I wrote\n" * 100)

    ended = invoke(command, "--store", file, *(("--on", "numpy") if command == "run" else ()))

    assert ended.exit_code == 2
    assert "expected a results store; name another with --store" in ended.stderr
    assert file.read_text() == "all that I wrote\n" * 100


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("list", "x"), "what is 'x', expected one of ops, options, implementations, families, targets"),
        (("list", "ops,families"), "what is 'ops,families', expected one of"),
        (("list", "targets", "--on", "tourch"), "--on is 'tourch', expected one of"),
        (("export", "--format", "xml"), "--format is 'xml', expected one of jsonl, csv"),
        (("export", "--format", "jsonl,csv"), "--format is 'jsonl,csv', expected one of jsonl, csv"),
    ],
)
def test_wrong_word_lists_the_choices(arguments, message):
    """What is misspelt elsewhere is a usage error that lists the choices, too."""
    ended = invoke(*arguments)

    assert ended.exit_code == 2
    assert ended.stderr.startswith(f"error: {message}")


# -- nothing to ask ---------------------------------------------------------------------------------------------------


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
        pytest.param([scored("unjudged", Timing((1.0,), 1, 1.0))], Exit.CONFORMS, id="timed"),
        pytest.param([scored("conforms"), scored("deviates")], Exit.DEVIATES, id="deviates"),
        pytest.param([scored("deviates", Failed("why"))], Exit.DEVIATES, id="failed"),
        pytest.param([scored("deviates"), scored("deviates", Crashed("why"))], Exit.MACHINERY, id="crashed"),
        pytest.param([scored("conforms"), scored("deviates", TimedOut(1.0))], Exit.MACHINERY, id="timed-out"),
        pytest.param([scored("conforms"), scored("known", Crashed("why"))], Exit.CONFORMS, id="known-crash"),
    ],
)
def test_exit_code(results, code):
    """Machinery that failed comes before anything else, then nothing asked, then news."""
    assert program.verdict(results, broken=False) == code


def test_failed_worker_is_the_machinery_failing():
    """A framework's process that gave up makes code 4, however well others did."""
    assert program.verdict([scored("conforms")], broken=True) == 4


# -- help and lists ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", ["--help", "list ops"])
def test_help_imports_no_framework(arguments):
    """Help and lists of our own things are there at once, because no framework is imported for them."""
    code = "import sys, xentbench\ntry: xentbench.main()\nfinally: print(*sorted(sys.modules), file=sys.stderr)"

    ended = subprocess.run(
        [sys.executable, "-c", code, *arguments.split()], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert ended.stdout
    assert "xentbench" in ended.stderr
    assert FRAMEWORKS.isdisjoint(ended.stderr.split())


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("ops",), [*map(str, ASKED), "value, grad_logits"]),
        (("options",), ["label_smoothing", "reduction=mean_valid", "their sum over the number of those"]),
        (("families",), list(cases.ROW_FAMILIES)),
        (("implementations", "--on", "numpy"), ["-(the textbook log_softmax)[labels]", "control", "eager", "softmax"]),
        (("targets", "--on", "numpy"), ["np.exp(logits - max) / sum", "cpu", "device"]),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_lists(arguments, named):
    """A list names everything as it is written, square brackets included."""
    ended = invoke("list", *arguments)

    assert ended.exit_code == 0
    assert all(name in ended.stdout for name in named)


def test_list_leaves_out_what_is_not_installed(shell):
    """A framework that cannot be imported is named with the reason beside the list, which is made all the same."""
    ended = shell("list", "targets", "--on", "numpy,absent,trouble")

    assert ended.returncode == 0
    assert "trouble.right" in ended.stdout
    assert ended.stderr.startswith("not listed: absent cannot be imported (No module named 'no_such_framework'); try: ")
    assert ended.stderr.endswith("[absent]'\n")


# -- end to end -------------------------------------------------------------------------------------------------------


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
    by_target = Counter(str(result.target) for result in plain if result not in sweep)
    others = [r for r in plain if not isinstance(r.outcome, Score)]

    assert set(asked.values()) == {1}
    assert len(set(by_target.values())) == 1
    assert {r.target.implementation.kind for r in sweep} == {"fused", "control"}
    assert {r.target.implementation.framework for r in stored} == {"numpy", "jax", "torch"}
    assert {r.case.check.partition(".")[0] for r in stored} == {"", "special", "law", "invariance"}
    assert {(r.target.implementation.framework, r.case.quantity) for r in others} == {("numpy", "grad_logits")}


def test_export_is_the_store(stored, exported):
    """Every stored result is one exported object with all fields and the very numbers."""
    scores = {
        (str(r.case), str(r.target)): (r.outcome.max_ulp, r.outcome.mean_ulp, r.outcome.over_bound["S"], r.judgement)
        for r in stored
        if isinstance(r.outcome, Score)
    }

    assert len(exported) == len(stored)
    assert all(fields.keys() >= FIELDS for fields in exported)
    assert scores == {
        (fields["case"], f"{fields['implementation']}@{fields['mode']}"): (
            *(float(fields[name]) for name in ("max_ulp", "mean_ulp", "error_over_bound")),
            fields["judgement"],
        )
        for fields in exported
        if fields["outcome"] == "score"
    }


def test_worst_input_gives_the_answer_again(exported):
    """From an exported row of hex floats, its expected value follows by arithmetic: the inputs are those asked."""
    rows = [f for f in exported if f["outcome"] == "score" and (f["family"], f["quantity"]) == ("normal", "value")]

    assert rows
    for fields in rows:
        logits = [float.fromhex(text) for text in fields["worst_input"].split()]
        exact = math.log(math.fsum(map(math.exp, logits)))
        assert len(logits) == fields["shape"][1]
        assert math.isclose(float.fromhex(fields["expected"]), exact, rel_tol=2**-23)
        assert math.isclose(float(fields["exact"]), exact, rel_tol=1e-14)


def test_export_says_what_was_asked_where(exported):
    """An exported result carries the environment its framework ran in."""
    versions = {fields["framework"]: fields["environment"] for fields in exported}

    assert all(versions[name][name] for name in ("numpy", "jax", "torch"))


def test_csv_parses(shell, tiny, exported):
    """The CSV of a run has the rows of its JSON Lines, and a header."""
    ended = shell("export", "--format", "csv", "--store", tiny[1])

    rows = list(csv.DictReader(io.StringIO(ended.stdout)))
    assert ended.returncode == 0
    assert rows[0].keys() == exported[0].keys()
    assert [row["case"] for row in rows] == [fields["case"] for fields in exported]


@pytest.mark.parametrize(("form", "lines"), [("jsonl", 1), ("csv", 0)])
def test_reader_that_leaves_is_no_error(shell, tiny, form, lines):
    """`xentbench export | head` ends without a word, however little was read."""
    process = shell.start("export", "--format", form, "--store", tiny[1])
    for _ in range(lines):
        process.stdout.readline()
    process.stdout.close()

    assert process.stderr.read() == ""
    assert process.wait() == 0
    process.stderr.close()


class Tables(HTMLParser):
    """Collects the tables of a page as {(caption, region): rows of cell texts}."""

    def __init__(self):
        super().__init__()
        self.tables, self._rows, self._cell = {}, None, False

    def handle_starttag(self, tag, attrs):
        """Begin a table, a row or a cell."""
        label = dict(attrs).get("aria-label")
        if tag == "div" and label:
            self._rows = self.tables.setdefault(label, [])
        elif tag == "tr" and self._rows is not None:
            self._rows.append([])
        elif tag in {"td", "th"} and self._rows:
            self._rows[-1].append("")
            self._cell = True

    def handle_endtag(self, tag):
        """End a cell."""
        if tag in {"td", "th"}:
            self._cell = False

    def handle_data(self, data):
        """Add to a cell."""
        if self._cell and self._rows and self._rows[-1]:
            self._rows[-1][-1] += data


def test_report_shows_the_exported_numbers(tiny, exported):
    """Each number of the page's matrix is the exported one to three digits, none missing."""
    parser = Tables()
    parser.feed((tiny[1].with_suffix("") / "index.html").read_text(encoding="utf-8"))
    head, *rows = parser.tables["logsumexp by family"]

    shown = {
        (re.sub(r"\s", "", row[0]), family): cell.split()[0].replace("∞", "inf")
        for row in rows
        if len(row) == len(head)
        for family, cell in zip(head[2:], row[2:], strict=True)
        if family != "magnitude"  # one column for all sizes of the sweep
    }

    assert {at: float(text) for at, text in shown.items()} == {
        (re.sub(r"\s", "", f"{f['implementation']}@{f['mode']}"), f["family"]): float(f"{float(f['max_ulp']):.3g}")
        for f in exported
        if f["quantity"] == "value" and not f["check"] and "/" not in f["family"]
    }


def test_report_again_is_the_same(tiny, tmp_path):
    """`xentbench report` writes the page that the run wrote."""
    page = tiny[1].with_suffix("") / "index.html"

    ended = invoke("report", "--store", tiny[1], "--report", tmp_path / "[again]")

    assert ended.exit_code == 0
    assert ended.stdout == f"{tmp_path}/[again]/index.html\n"
    assert (tmp_path / "[again]" / "index.html").read_bytes() == page.read_bytes()


def test_second_run_makes_no_golden(shell, tiny, stored):
    """A second run finds every golden, is as green, and gives the same answers under a name of its own."""
    goldens = {path: path.stat().st_mtime_ns for path in (shell.folder / "goldens").rglob("*")}

    again = tiny[1].with_name("again.sqlite")
    ended = shell(*TINY, "--store", again, "--report", shell.folder / "again")

    assert ended.returncode == 0, ended.stdout
    assert {path: path.stat().st_mtime_ns for path in (shell.folder / "goldens").rglob("*")} == goldens
    with Store(again) as store:
        found = {(r.case, r.target): repr(r.outcome) for r in store.results(store.run().uid)}  # nan equals no nan
    assert found == {(r.case, r.target): repr(r.outcome) for r in stored}


def test_interrupt_stops_the_goldens(shell, tmp_path):
    """Ctrl-C while goldens are computed waits for none of them; what is made is kept."""
    process = shell.start("run", "--on", "numpy", "--op", "softmax", "--store", tmp_path / "r.sqlite")
    wait_until(lambda: any(path.is_file() for path in tmp_path.glob("goldens/**/*")))

    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)

    assert process.returncode == 130
    assert said == "error: interrupted; what was answered is stored; to go on, add --resume\n"


# -- pytest suites ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_pytest_runs_the_suites(shell, folder, workers):
    """`pytest suites` takes -k and -n as pytest users expect, and what it asks lands in the store named."""
    store = folder / f"pytest{len(workers)}.sqlite"

    ended = shell("suites", *FEW, "-k", "softmax and near_ties", *workers, "--store", store, module="pytest", cwd=ROOT)

    assert ended.returncode == 0, ended.stdout + ended.stderr
    with Store(store) as opened:
        (run,) = opened.runs()
        found = list(opened.results(run.uid))
    assert run.finished
    assert f"{sum(isinstance(r.outcome, Score) for r in found)} passed" in ended.stdout
    assert Counter((r.case.op.name, r.case.quantity) for r in found) == {
        (op, quantity): 1 for op in ("softmax", "log_softmax") for quantity in ("value", "grad_logits")
    }


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        pytest.param(("--on", "tourch"), 4, id="framework"),
        pytest.param(("--on", "numpy:nope"), 4, id="mode"),
        pytest.param(("--on", "numpy", "--preset", "x"), 4, id="preset"),
        pytest.param(("--on", "numpy", "--collect-only"), 0, id="collect-only"),
        pytest.param(("--help",), 0, id="help"),
    ],
)
def test_pytest_that_asks_nothing_leaves_no_run(shell, folder, arguments, code):
    """A usage error or a mere listing leaves no empty run behind, which would be the latest."""
    store = folder / "unasked.sqlite"

    ended = shell("suites", *arguments, "-p", "no:cacheprovider", "-q", "--store", store, module="pytest", cwd=ROOT)

    assert ended.returncode == code
    assert "expected one of" in ended.stderr or code == 0
    if store.exists():
        with Store(store) as opened:
            assert opened.runs() == []


# -- shards, run files and CI -----------------------------------------------------------------------------------------


NUMPY = ("run", "--on", "numpy", "--op", "logsumexp", "--dtype", "float32")


@pytest.fixture(scope="module")
def shards(shell, folder):
    """Return the stores of two shards of one run, each made as on a machine of its own, and the files for CI."""
    stores = [folder / f"shard{part}.sqlite" for part in (1, 2)]
    files = [folder / name for name in ("junit.xml", "summary.md", "badge.json")]
    listening = type(shell)(shell.folder, {"GITHUB_ACTIONS": "true"})
    for part, store in enumerate(stores, 1):
        ended = listening(
            *(*NUMPY, "--shard", f"{part}/2", "--run-uid", "ci-7", "--store", store, "--report", folder / "shard"),
            *("--junit", files[0], "--summary", files[1], "--badge", files[2]),
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr
    return stores, files


def test_shards_make_one_run(shell, shards, folder, tmp_path):
    """The run files of two shards merge into one run, which holds what an undivided run holds, each answer once."""
    merged, whole = tmp_path / "merged.sqlite", folder / "whole.sqlite"
    files = []
    for store in shards[0]:
        files.append(tmp_path / f"{store.stem}.jsonl.gz")
        with files[-1].open("wb") as to:
            process = shell.start("export", "--format", "run", "--store", store, stdout=to)
            assert (process.communicate()[1], process.returncode) == ("", 0)
    assert shell(*NUMPY, "--store", whole, "--report", folder / "whole").returncode == 0

    assert invoke("import", *files, *shards[0], "--store", merged).exit_code == 0

    ended = invoke("compare", f"{whole}@latest", merged, "--fail-on", "any")
    assert ended.exit_code == 0, ended.stdout
    with Store(merged) as store:
        (run,) = store.runs()
        assert run.uid == "ci-7"
        assert run.finished
        assert len(list(store.results(run.uid))) > len(store.environments()) == 1


def test_shard_of_a_run_that_is_there_adds_to_it(shell, shards, folder):
    """A second shard of one id in the same store goes on with the run."""
    store = shards[0][0]
    with Store(store) as opened:
        before = len(opened.done("ci-7"))
    args = ("--run-uid", "ci-7", "--store", store, "--report", folder / "shard")

    assert shell(*NUMPY, "--shard", "2/2", *args).returncode == 0

    with Store(store) as opened:
        (run,) = opened.runs()
        assert len(opened.done(run.uid)) > before
    assert invoke(*NUMPY, "--preset", "full", *args).stderr.startswith("error: run ci-7 is of preset 'quick', expected")


def test_files_for_ci(shards):
    """A run writes what CI asks for."""
    junit, summary, badge = shards[1]

    assert "logsumexp" in junit.read_text(encoding="utf-8")
    assert summary.read_text(encoding="utf-8").startswith("## ⚪ xentbench: nothing judged")
    assert json.loads(badge.read_text(encoding="utf-8"))["schemaVersion"] == 1


@pytest.mark.parametrize("form", ["junit", "summary", "badge"])
def test_export_writes_what_the_run_wrote(shell, shards, form):
    """The same file comes of the stored run again."""
    stores, files = shards
    written = next(path for path in files if path.stem == form).read_text(encoding="utf-8")

    ended = shell("export", "--format", form, "--store", stores[1])

    assert (ended.stdout, ended.stderr, ended.returncode) == (written, "", 0)


def test_pytest_begins_the_run_that_is_named(shell, folder):
    """`pytest suites --run-uid` begins a run of that id, or adds a shard to it, and ends it."""
    store = folder / "named.sqlite"
    args = (*FEW, "-k", "softmax and near_ties", "--run-uid", "ci-8", "--store", store)

    for shard in ("1/2", "2/2"):
        ended = shell("suites", *args, "--shard", shard, module="pytest", cwd=ROOT)
        assert ended.returncode in {0, 5}, ended.stdout + ended.stderr

    with Store(store) as opened:
        (run,) = opened.runs()
        assert run.uid == "ci-8"
        assert run.finished
        assert len(opened.done("ci-8")) == 4


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
