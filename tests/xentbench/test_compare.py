"""`xentbench compare`, `status` and `import`, from the command line to the exit code."""

import dataclasses
import json
import re

import pytest

from harness.files import runfile
from harness.history.news import COUNTED
from harness.model import Checked, Crashed
from harness.store import Store
from tests.made.front_door import invoke
from tests.made.records import ENVIRONMENT, HOSTILE, JAX, NAIVE, missing, recorded, result, run, score, timing

FAST, SLOW = [1e-5] * 9, [1.2e-5] * 9
BEFORE, AFTER = run("20260101T", 1), run("20260102T", 2)
NEWER = ENVIRONMENT | {"torch": "2.13.0"}


@pytest.fixture
def store(tmp_path):
    """Return how to make a store of two runs from the results of each."""

    def make(before, after, not_run=()):
        path = tmp_path / "results.sqlite"
        with Store(path) as opened:
            keys = [opened.add_environment(facts) for facts in (ENVIRONMENT, NEWER)]
            for made, results, key in ((BEFORE, before, keys[0]), (AFTER, after, keys[1])):
                opened.join(made)
                opened.append(made.uid, [dataclasses.replace(r, environment=key) for r in results])
            for entry in not_run:
                opened.add_not_run(AFTER.uid, entry)
        return path

    return make


@pytest.fixture
def written(tmp_path):
    """Return how to write a run file."""

    def write(name, whole):
        path = tmp_path / name
        with path.open("wb") as to:
            runfile.write(whole, to)
        return path

    return write


def test_compare_says_what_and_why(store):
    """The latest run beside the one before: versions first, then what got worse, each with its reason."""
    path = store(
        [result(), result(timing(*FAST), "speed"), result(family="gone")],
        [result(score(9.0)), result(timing(*SLOW), "speed"), result(family="come")],
    )

    ended = invoke("compare", "--store", path)

    assert ended.exit_code == 1
    assert [line for line in ended.stdout.splitlines() if line] == [
        "# 20260101T → 20260102T",
        "**torch 2.11.0 -&gt; 2.13.0: not safe to take: 1 answer lost, 1 larger error, 1 call slower**",
        "- lost: softmax-value-gone-float32-4x8 torch.softmax@eager: not asked any more",
        (
            "- larger error: softmax-value-normal-float32-4x8 torch.softmax@eager:"
            " error is 3 of its bound, was 0.5; max 9 ulp, was 1.5"
        ),
        (
            "- slower: softmax-value-speed-float32-4x8 torch.softmax@eager:"
            " 1.2 times as long (1.18 to 1.22): 12 µs, was 10 µs"
        ),
        ("3 worse, 1 added; a time counts as changed from 5% on, beyond its interval."),
        "Bit by bit: no answer's bits were kept in both runs.",
        "In the later run: 2 answers: 2 conform; 1 time.",
        "## Environment",
        "| where | fact | before | after |",
        "| --- | --- | --- | --- |",
        "| torch on cpu | torch | `2.11.0` | `2.13.0` |",
        "## Worse: answers lost (1)",
        "|  | case | target | framework | why |",
        "| --- | --- | --- | --- | --- |",
        "| removed | `softmax-value-gone-float32-4x8` | `torch.softmax@eager` | torch | not asked any more |",
        "## Worse: larger errors (1)",
        "|  | case | target | framework | why |",
        "| --- | --- | --- | --- | --- |",
        (
            "| changed | `softmax-value-normal-float32-4x8` | `torch.softmax@eager` | torch"
            " | error is 3 of its bound, was 0.5; max 9 ulp, was 1.5 |"
        ),
        "## Worse: slower (1)",
        "|  | case | target | framework | why |",
        "| --- | --- | --- | --- | --- |",
        (
            "| changed | `softmax-value-speed-float32-4x8` | `torch.softmax@eager` | torch"
            " | 1.2 times as long (1.18 to 1.22): 12 µs, was 10 µs |"
        ),
        "## Added (1)",
        "|  | case | target | framework | why |",
        "| --- | --- | --- | --- | --- |",
        "| added | `softmax-value-come-float32-4x8` | `torch.softmax@eager` | torch | not asked before; max 1.5 ulp |",
        (
            "torch 2.11.0 -> 2.13.0: not safe to take: 1 answer lost, 1 larger error, 1 call slower"
            " (exit 1: fails --fail-on new)"
        ),
    ]


@pytest.mark.parametrize(
    ("before", "after", "codes"),
    [
        pytest.param([result()], [result()], (0, 0, 0), id="same"),
        pytest.param([result()], [result(score(9.0))], (0, 1, 1), id="worse"),
        pytest.param([result()], [result(judgement="deviates")], (0, 1, 1), id="deviates"),
        pytest.param([result()], [result(score(1.0))], (0, 0, 1), id="better"),
        pytest.param(
            [result(judgement="unjudged", target=NAIVE)],
            [result(score(9.0), judgement="unjudged", target=NAIVE)],
            (3, 3, 3),
            id="unjudged",
        ),
        pytest.param([result()], [result(target=JAX)], (3, 3, 3), id="nothing-in-common"),
        pytest.param([], [], (3, 3, 3), id="nothing"),
        pytest.param([result()], [result(Crashed("SIGKILL"), judgement="deviates")], (0, 4, 4), id="crashed"),
    ],
)
def test_exit_codes(store, before, after, codes):
    """0 where nothing fails the gate, 1 where something does, 3 where nothing was compared, 4 where a process died."""
    path = store(before, after)

    assert (
        tuple(invoke("compare", "--store", path, "--fail-on", gate).exit_code for gate in ("never", "new", "any"))
        == codes
    )


def test_json_has_every_change(store):
    """The JSON holds runs, environments and every change with the figures of both sides, however few rows are shown."""
    path = store(
        [result(family=f"f{k}") for k in range(9)],
        [result(score(9.0 + k), f"f{k}") for k in range(8)] + [result(family="f8")],
        [missing()],
    )

    ended = invoke("compare", "--store", path, "--json", "--rows", "1")

    found = json.loads(ended.stdout)
    assert ended.exit_code == 1
    assert (found["before"]["uid"], found["after"]["uid"]) == (BEFORE.uid, AFTER.uid)
    assert found["counts"] == dict.fromkeys(COUNTED, 0) | {"worse": 8, "unchanged": 1}
    assert found["environments"] == [{"where": "torch on cpu", "fact": "torch", "before": "2.11.0", "after": "2.13.0"}]
    assert [entry["framework"] for entry in found["not_run"]] == ["jax"]
    assert [change["after"]["max_ulp"] for change in found["changes"]] == [16.0 - k for k in range(8)]
    assert {change["before"]["max_ulp"] for change in found["changes"]} == {1.5}
    assert {(change["status"], change["turn"], change["aspect"]) for change in found["changes"]} == {
        ("changed", "worse", "accuracy")
    }


def test_rows_are_limited(store):
    """A table ends after so many rows, and says how many more there are."""
    path = store([result(family=f"f{k}") for k in range(9)], [result(score(9.0), f"f{k}") for k in range(9)])

    assert "and 6 more; --json has them all" in invoke("compare", "--store", path, "--rows", "3").stdout


@pytest.mark.parametrize(("gate", "code"), [("new", 0), ("any", 1)])
def test_other_bits_are_told(store, gate, code):
    """An answer that is as accurate as it was and yet another one has a table of its own, and is no worse."""
    path = store(
        [result(score(bits="a0")), result(score(bits="c2"), "same")],
        [result(score(bits="b1")), result(score(bits="c2"), "same")],
    )

    ended = invoke("compare", "--store", path, "--fail-on", gate)

    lines = ended.stdout.splitlines()
    assert ended.exit_code == code
    assert "Bit by bit: 1 of 2 answers are the same." in lines
    assert lines[lines.index("## Other bits, as accurate as before (1)") + 4] == (
        "| changed | `softmax-value-normal-float32-4x8` | `torch.softmax@eager` | torch"
        " | answers differ in bits, largest error 1.5 ulp in both |"
    )
    assert "bits:   1 of 2 answers are the same" in invoke("status", "--store", path).stdout.splitlines()


def test_json_tells_bits_and_ratios(store):
    """A program finds in the JSON what the words say: the bits of both sides, and the ratio with its interval."""
    path = store(
        [result(score(bits="a0")), result(timing(*FAST), "speed"), result(family="gone")],
        [result(score(bits="b1")), result(timing(*SLOW), "speed")],
    )

    told = json.loads(invoke("compare", "--store", path, "--json").stdout)

    by_family = {change["family"]: change for change in told["changes"]}
    bits, speed, gone = (by_family[family] for family in ("normal", "speed", "gone"))
    assert told["bits"] == {"same": 0, "other": 1}
    assert (bits["same_bits"], bits["before"]["bits"], bits["after"]["bits"]) == (False, "a0", "b1")
    assert speed["times_as_long"]["times"] == pytest.approx(1.2)
    assert speed["times_as_long"]["low"] > 1.15
    assert (gone["after"], gone["same_bits"], gone["times_as_long"]) == (None, None, None)
    assert (gone["op"], gone["quantity"], gone["dtype"], gone["shape"]) == ("softmax", "value", "float32", [4, 8])


def test_json_says_what_a_check_found(store):
    """The detail of a check, which no page of a comparison shows, is in the JSON of both sides."""
    path = store(*([result(Checked(3, over, detail=said))] for over, said in ((0.5, "one law"), (0.25, "another"))))

    told = json.loads(invoke("compare", "--store", path, "--json").stdout)

    (only,) = told["changes"]
    assert [only[side]["outcome_reason"] for side in ("before", "after")] == ["one law", "another"]


@pytest.mark.parametrize(("size", "code"), [("0.5", 0), ("0.1", 1)])
def test_size_decides(store, size, code):
    """A time that is 20 % longer counts or not, as asked for."""
    path = store([result(timing(*FAST))], [result(timing(*SLOW))])

    assert invoke("compare", "--store", path, "--size", size).exit_code == code


def test_compare_files(store, written, tmp_path):
    """Two run files are compared without any store; a run file with a run of the store, too."""
    one, two = written("1.jsonl.gz", recorded(result())), written("2.jsonl.gz", recorded(result(score(9.0)), run=AFTER))
    path = store([result()], [result()])

    assert invoke("compare", one, two, "--store", tmp_path / "none.sqlite").exit_code == 1
    assert invoke("compare", two, "latest~1", "--store", path).exit_code == 0
    assert not (tmp_path / "none.sqlite").exists()


def test_what_makes_it_worth_less_is_said(store):
    """A run that did not end, and what was not run, are named before any figure."""
    path = store([result(), result(target=JAX)], [result()], [missing()])
    with Store(path) as opened:
        opened.begin(AFTER)

    said = invoke("compare", "--store", path).stdout

    assert "**run 20260102T is not finished**" in said
    assert said.index("no jax; try: pip install jax") < said.index("## Worse")
    assert "| removed | `softmax-value-normal-float32-4x8` | `jax.nn.softmax@jit` | jax | not run: no jax;" in said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("1999", "latest"), "run is '1999', expected `latest` or one of the runs in "),
        (("latest~7",), "run is 'latest~7', expected"),
        (("none.jsonl.gz", "latest"), "file none.jsonl.gz is not there, expected"),
        (("latest", "latest"), f"run {AFTER.uid} is named twice, expected another to hold it against; try: latest~1"),
        (("latest",), f"run {AFTER.uid} is named twice, expected another to hold it against; try: latest~1"),
        (("--fail-on", "old"), "--fail-on is 'old', expected one of deviation, new, any, never"),
        (("--size", "-1"), "--size is -1.0, expected"),
        (("--size", "nan"), "--size is nan, expected"),
    ],
)
def test_bad_input_is_a_usage_error(store, arguments, message):
    """What does not exist or makes no sense is code 2, with a message that says what would."""
    ended = invoke("compare", *arguments, "--store", store([result()], [result()]))

    assert ended.exit_code == 2
    assert ended.stderr.startswith(f"error: {message}")


@pytest.mark.parametrize("command", ["compare", "status"])
def test_hostile_names_do_nothing(store, command):
    """A name full of markup and escape sequences is shown on its line, and never as markup or as a colour."""
    target = type(JAX)(type(JAX.implementation)(HOSTILE, "softmax", HOSTILE, "fused"), HOSTILE)
    made = [result(score(ulp), HOSTILE, target, reason=HOSTILE) for ulp in (1.5, 9.0)]
    path = store([made[0]], [made[1]], [missing(HOSTILE)])

    ended = invoke(command, "--store", path)

    assert "max 9 ulp, was 1.5" in ended.stdout
    assert all(line.isprintable() for line in ended.stdout.splitlines())
    assert ("<script>" in ended.stdout) is (command == "status")  # which is no markup


def test_status_is_one_screen(store):
    """The last run, what it differs in from the one before, and the worst of it fit a terminal."""
    path = store(
        [result(family=f"f{k}") for k in range(30)] + [result(timing(*FAST), "speed")],
        [result(score(9.0 + k), f"f{k}", judgement="deviates", reason="why") for k in range(30)]
        + [result(timing(*SLOW), "speed", judgement="unjudged")],
        [missing()],
    )

    ended = invoke("status", "--store", path)

    lines = ended.stdout.splitlines()
    assert ended.exit_code == 1
    assert len(lines) <= 24
    assert lines[0] == "last:   20260102T (quick, 2026-01-02 00:00:00 UTC): 30 answers: 30 new deviations; 1 time"
    assert lines[1] == "before: 20260101T (quick, 2026-01-01 00:00:00 UTC)"
    assert lines[2] == "environment: torch on cpu: torch 2.11.0 -> 2.13.0"
    assert "accuracy: 30 worse" in lines
    assert "speed: 1 worse" in lines
    assert lines[-2:] == [
        f"all of it: xentbench compare --store {path}",
        ("torch 2.11.0 -> 2.13.0: not safe to take: 30 judged otherwise, 1 call slower (exit 1: fails --fail-on new)"),
    ]


@pytest.mark.parametrize("several", [True, False])
def test_status_tells_what_was_taken(tmp_path, several):
    """What the last run took from a cache is told, and makes no environment another."""
    path = tmp_path / "results.sqlite"
    with Store(path) as opened:
        for one in [BEFORE, AFTER] if several else [AFTER]:
            opened.join(one)
            opened.append(one.uid, [result()])
            opened.add_notes(one.uid, [f"torch: {one.uid[:8]} of 99999999 measurements"])

    told = invoke("status", "--store", path).stdout

    assert told.splitlines()[1] == "note:   torch: 20260102 of 99999999 measurements"
    assert "note:   torch: 20260101" not in told
    if several:
        assert "The environments are the same." in invoke("compare", "--store", path).stdout


def test_status_of_a_first_run(tmp_path):
    """A single run is told of by itself."""
    path = tmp_path / "results.sqlite"
    with Store(path) as opened:
        opened.join(BEFORE)
        opened.append(BEFORE.uid, [result()])

    ended = invoke("status", "--store", path)

    assert ended.exit_code == 0
    assert ended.stdout == (
        "last:   20260101T (quick, 2026-01-01 00:00:00 UTC): 1 answer: 1 conforms\n"
        f"no run before it of its preset and functions; try: xentbench run --store {path}\n"
    )


def test_status_says_that_a_run_is_not_finished(tmp_path):
    """A single run that was interrupted is not taken for a whole one."""
    path = tmp_path / "results.sqlite"
    with Store(path) as opened:
        opened.join(dataclasses.replace(BEFORE, finished=None))
        opened.append(BEFORE.uid, [result()])

    assert "warning: run 20260101T is not finished" in invoke("status", "--store", path).stdout.splitlines()


@pytest.mark.parametrize("command", ["compare", "status"])
def test_nothing_stored(tmp_path, command):
    """Without a store, or without a run in it, there is nothing to compare: code 2, and no file is made."""
    path = tmp_path / "results.sqlite"
    assert re.match("error: store .* is not there", invoke(command, "--store", path).stderr)
    assert not path.exists()

    with Store(path):
        pass
    ended = invoke(command, "--store", path)

    assert ended.exit_code == 2
    assert "none yet; try: xentbench run" in ended.stderr


def test_import_takes_what_is_good(written, tmp_path):
    """Good files are merged, a bad one is named and refused, code 2; a second time adds nothing."""
    shards = [written(f"{k}.jsonl.gz", recorded(result(family=str(k)))) for k in range(3)]
    shards[1].write_bytes(shards[1].read_bytes()[:-20])
    path = tmp_path / "new" / "results.sqlite"

    first, second = (invoke("import", *shards, "--store", path) for _ in range(2))

    assert (first.exit_code, second.exit_code) == (2, 2)
    assert first.stderr.startswith(f"error: run file is {shards[1]} (truncated or damaged: ")
    assert first.stdout.count("1 results added, 0 were there") == 2
    assert second.stdout.count("0 results added, 1 were there") == 2
    with Store(path) as opened:
        assert {found.case.family for found in opened.results("20260101T000000-aaa")} == {"0", "2"}


def test_import_counts_what_differs(written, tmp_path):
    """A result that contradicts the stored one is left out and said."""
    path = tmp_path / "results.sqlite"
    invoke("import", written("1.jsonl.gz", recorded(result())), "--store", path)

    ended = invoke("import", written("2.jsonl.gz", recorded(result(score(9.0)))), "--store", path)

    assert ended.exit_code == 0
    assert "0 results added, 0 were there, 1 differ from what is stored and were left out" in ended.stdout


def test_report_is_held_against_any_run(store, written, tmp_path):
    """The report compares with the run that is named, of the store or of a file; one that is not there is code 2."""
    path = store([result()], [result(score(9.0))])
    mended = written("other.jsonl.gz", recorded(result(score(99.0)), run=run("other", 3)))

    pages = {}
    for against in ("20260101T", mended):
        ended = invoke("report", "--store", path, "--report", tmp_path / "report", "--against", against)
        assert ended.exit_code == 0
        pages[against] = (tmp_path / "report" / "index.html").read_text("utf-8")
    ended = invoke("report", "--store", path, "--report", tmp_path / "report", "--against", "1999")

    assert "torch 2.11.0 -&gt; 2.13.0: not safe to take: 1 larger error" in pages["20260101T"]
    assert "other -&gt; 20260102T: safe to take by this 1 answer" in pages[mended]
    assert ended.exit_code == 2
    assert ended.stderr.startswith("error: run is '1999', expected `latest` or one of the runs in ")


def three(written, *many):
    """Write runs of three releases, a list of results each, and return their files."""
    versions = ("2.11.0", "2.12.0", "2.13.0")
    return [
        written(
            f"{version}.run.jsonl.gz",
            recorded(*results, run=run(f"torch-{version}", day), environments={"": ENVIRONMENT | {"torch": version}}),
        )
        for day, (version, results) in enumerate(zip(versions, many, strict=True), 1)
    ]


def test_several_runs_are_compared_step_by_step(written):
    """Of three runs each step has its verdict, and a table says what changed where; the worst step decides."""
    worse = result(score(9.0), judgement="known", reason="its sum overflows")
    files = three(written, [result()], [worse], [result()])

    ended = invoke("compare", *files)

    assert ended.exit_code == 1
    assert [line for line in ended.stdout.splitlines() if line] == [
        "# torch 2.11.0 → torch 2.12.0 → torch 2.13.0",
        (
            "**1 of 2 steps not safe to take (torch 2.11.0 -&gt; torch 2.12.0);"
            " from first to last, torch 2.11.0 -&gt; 2.13.0: safe to take by this 1 answer**"
        ),
        "- torch 2.11.0 -&gt; 2.12.0: not safe to take: 1 judged otherwise",
        (
            "  - judged otherwise: softmax-value-normal-float32-4x8 torch.softmax@eager:"
            " known, was conforms: its sum overflows; error is 3 of its bound, was 0.5; max 9 ulp, was 1.5"
        ),
        "- torch 2.12.0 -&gt; 2.13.0: safe to take by this 1 answer; 1 better",
        "## Deviations that were seen, and how many answers each has",
        "| deviation | functions | torch 2.11.0 | torch 2.12.0 | torch 2.13.0 |",
        "| --- | --- | --- | --- | --- |",
        "| its sum overflows | `torch.softmax` | 0 | 1 | 0 |",
        "## What changed at which step",
        "| op | function | → torch 2.12.0 | → torch 2.13.0 |",
        "| --- | --- | --- | --- |",
        "| softmax | `torch.softmax@eager` | 1 judged otherwise, 1 deviate now | 1 better, 1 deviated before |",
        (
            "1 of 2 steps not safe to take (torch 2.11.0 -> torch 2.12.0);"
            " from first to last, torch 2.11.0 -> 2.13.0: safe to take by this 1 answer (exit 1: fails --fail-on new)"
        ),
    ]


@pytest.mark.parametrize(
    ("outcomes", "code"),
    [
        pytest.param([(), (), ()], 0, id="same"),
        pytest.param([(), (score(9.0),), (score(9.0),)], 1, id="worse at the first"),
        pytest.param([(), (Crashed("SIGKILL"),), ()], 4, id="died in between"),
        pytest.param([(), (score(9.0),), (Crashed("SIGKILL"),)], 4, id="worse, then died"),
        pytest.param([(score(2.0),), (score(2.8),), (score(4.0),)], 1, id="creeping"),
    ],
)
def test_exit_code_is_that_of_the_worst_step(written, outcomes, code):
    """The worst step decides, and the ends beside one another, because what creeps passes each step."""
    files = three(written, *([result(*outcome)] for outcome in outcomes))

    assert invoke("compare", *files).exit_code == code
    assert invoke("compare", *files, "--fail-on", "never").exit_code == 0


def test_json_of_several_runs_has_every_step(written):
    """The JSON holds each step as the JSON of two runs does, and the ends."""
    files = three(written, [result()], [result(score(9.0))], [result(score(9.0))])

    plain = json.loads(invoke("compare", *files, "--json").stdout)

    assert plain["names"] == ["torch 2.11.0", "torch 2.12.0", "torch 2.13.0"]
    assert [step["counts"]["worse"] for step in plain["steps"]] == [1, 0]
    assert plain["whole"]["counts"]["worse"] == 1
    assert plain["steps"][0] == json.loads(invoke("compare", *files[:2], "--json").stdout)


def test_one_run_is_held_against_the_latest(store):
    """A run named alone is compared with the latest."""
    path = store([result()], [result(score(9.0))])

    assert invoke("compare", "latest~1", "--store", path).exit_code == 1
