"""The dashboard: what changed lately comes first, every series is in the block, and what is bad ends well."""

import dataclasses
import math
import re

import pytest
from typer.testing import CliRunner

import xentbench
from harness.history import levels
from harness.history.compare import compare
from harness.history.verdict import of_comparison
from harness.model import Crashed
from harness.store import Store
from reports import dashboard
from reports.dashboard import data, page, runs, versions
from reports.dashboard.events import events
from tests.made import many_runs
from tests.made.front_door import carried
from tests.made.records import ENVIRONMENT, HOSTILE, JAX, TORCH, checked, missing, result, run, score, timing

NEWER = {**ENVIRONMENT, "torch": "2.13.0"}
HOST = {"processor": "Xeon", "cores": "2"}


@pytest.fixture
def history(tmp_path):
    """Return how to store runs, each (results, environment), and what their history is."""

    def store(*stored, **fields):
        with Store(tmp_path / "results.sqlite") as opened:
            for day, (results, facts) in enumerate(stored):
                made = run(f"run{day:02}", day + 1, **{"host": HOST, **fields})
                opened.join(made)
                key = opened.add_environment(facts)
                opened.append(made.uid, [dataclasses.replace(one, environment=key) for one in results])
            return levels.read(opened)

    return store


def steady(count=6, *, worse_at=3):
    """Return runs of two answers and a time, of which the first gets worse with a new version."""
    return [
        (
            [result(score(1.5 if k < worse_at else 4.5)), result(target=JAX), result(timing(*[1e-5] * 5), "speed")],
            ENVIRONMENT if k < worse_at else NEWER,
        )
        for k in range(count)
    ]


def text(html):
    """Return what stands on a page, tags taken out and blanks made one."""
    body = re.sub(r"<(style|script)\b.*?</\1>", "", html, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]*>", " ", body).split())


def test_first_screen_answers(history):
    """What changed lately, at which run and with which version stands first, accuracy apart from speed."""
    said = text(page.render(history(*steady())))

    assert said.index("In the last 5 runs: 1 answer worse") < said.index("What changed, the latest first")
    assert (
        "Accuracy last changed 2 runs ago, in run run03 : ▲ 1 worse torch 2.11.0 → 2.13.0 Speed never changed" in said
    )
    assert "run03 2026-01-04 00:00 , 2 runs ago torch 2.11.0 → 2.13.0 ▲ 1 0 0 0" in said


@pytest.mark.parametrize(
    ("stored", "word", "sentence"),
    [
        ([], "unknown", "No run is stored yet"),
        (steady(1), "unknown", "One run so far, and none to hold it against"),
        (steady(3), "good", "Nothing changed in all 3 runs"),
        (steady(9, worse_at=2), "good", "Nothing changed in the last 5 runs"),
        (steady(9, worse_at=4), "bad", "In the last 5 runs: 1 answer worse"),
        ([([result(score(9.0))], ENVIRONMENT), ([result()], NEWER)], "good", "In all 2 runs: 1 answer better"),
        (
            [([result()], ENVIRONMENT), ([result(judgement="unjudged")], NEWER)],
            "unknown",
            "In all 2 runs: 1 answer of another largest error",
        ),
    ],
)
def test_headline(history, stored, word, sentence):
    """The sentence and its colour say what the last runs changed, and claim nothing where there is nothing to say."""
    found = history(*stored)

    assert page.headline(found, events(found)) == (word, sentence)
    assert sentence in page.render(found)


@pytest.mark.parametrize(
    ("before", "after", "look"),
    [
        ([result(), result(family="gone")], [result()], "bad"),  # of which no series tells
        ([result()], [result(score(1.0))], "good"),
        ([result()], [result()], "good"),
    ],
)
def test_last_run_has_the_verdict_of_status(history, tmp_path, before, after, look):
    """The sentence that status ends with stands on the page, and the page is not green where that is not."""
    history((before, ENVIRONMENT), (after, NEWER))
    with Store(tmp_path / "results.sqlite") as store:
        pair = [store.recorded(run.uid) for run in store.runs()]
        html = dashboard.write(store, tmp_path).read_text("utf-8")

    said = CliRunner().invoke(xentbench.app, ["status", "--store", str(tmp_path / "results.sqlite")]).stdout
    sentence = of_comparison(compare(*pair)).sentence
    assert f"<h1>Latest run: {sentence}</h1>" in html.replace("&gt;", ">")
    assert sentence in text(html).replace("&gt;", ">")
    assert f"{sentence} (exit" in said
    assert f'<div class="verdict {look}">' in html


def test_policy_that_changed_is_told(history):
    """A check that is recorded otherwise is an event, with both policies."""
    recorded = [result(checked(0, policy), judgement="unjudged", check="law.x") for policy in ("nan", "zero")]
    found = history(*(([one], ENVIRONMENT) for one in recorded))

    (series,) = found.series
    assert page.before_and_since(series, series.changes[0], found) == (
        "0 of what is allowed, shown: nan",
        "0 of what is allowed, shown: zero",
    )
    assert page.headline(found, events(found)) == ("bad", "In all 2 runs: 1 answer worse")


def test_events_say_what_changed_with_what(history):
    """A run at which series changed has their number by aspect and way, and the facts with the number of series."""
    slower = [([result(timing(*[s] * 5), "speed")], ENVIRONMENT) for s in [1e-5] * 5]
    found = history(*slower, *[([result(timing(*[2e-5] * 5), "speed")], NEWER)] * 5)

    (event,) = events(found)

    assert (event.run, event.counts) == (5, {("speed", "worse"): 1})
    assert [(one.before, one.after, count) for one, count in page.differences(event)] == [("2.11.0", "2.13.0", 1)]
    assert not event.slight
    assert page.headline(found, [event]) == ("bad", "In the last 5 runs: 1 call slower")


def test_largest_changes_come_first(history):
    """Of what changed at a run another verdict stands first, then what got worse, then what moved most."""
    ulps = {"a": 1.6, "b": 90.0, "c": 0.1, "d": math.inf, "e": 1.7}
    found = history(
        ([result(family=name) for name in ulps], ENVIRONMENT),
        (
            [
                result(score(ulp), name, judgement="deviates" if name == "e" else "conforms")
                for name, ulp in ulps.items()
            ],
            NEWER,
        ),
    )

    (event,) = events(found)

    assert [series.case.family for series, _ in event.changes] == ["e", "d", "b", "c", "a"]
    assert event.judged == 1


def test_changes_without_a_script(history):
    """Without JavaScript the latest changes are told in full: who, what, which run, was and is."""
    said = text(page.render(history(*steady())))

    assert "torch. softmax@eager softmax-value-normal-float32-4x8 run03 1.5 ulp ▲ 4.5 ulp (worse)" in said


@pytest.mark.parametrize(
    ("before", "after", "texts"),
    [
        (result(), result(score(1.5000001)), ("1.5 ulp", "1.5000001 ulp")),
        (result(), result(judgement="deviates"), ("1.5 ulp, conforms", "1.5 ulp, deviates")),
        (result(), result(Crashed("SIGSEGV"), content=""), ("1.5 ulp, conforms", "crashed")),
        (result(), result(score(math.inf)), ("1.5 ulp", "∞ ulp")),
        (result(checked(0.5)), result(checked(2.0)), ("0.5 ulp", "2 ulp")),
        (
            result(checked(0.5), check="law.shift"),
            result(checked(2.0), check="law.shift"),
            ("0.5 of what is allowed", "2 of what is allowed"),
        ),
    ],
)
def test_was_and_is(history, before, after, texts):
    """Figures have as many digits as tell them apart, and states where those changed or there is no figure."""
    found = history(([before], ENVIRONMENT), ([after], NEWER))

    (series,) = found.series
    assert page.before_and_since(series, series.changes[0], found) == texts


def test_equal_runs_are_one_group(history):
    """Neighbouring runs that say the same are folded; one at which something changed stands alone."""
    found = history(*steady(9, worse_at=4))

    grouped = runs.groups(found, events(found))

    assert [[row.run.uid for row in group] for group in grouped] == [
        ["run08", "run07", "run06", "run05"],
        ["run04"],
        ["run03", "run02", "run01", "run00"],
    ]
    assert grouped[0][0].versions == ("jax 2.13.0", "torch 2.13.0")


@pytest.mark.parametrize(
    ("finished", "wall"),
    [
        (None, ""),
        ("2026-01-01T00:00:45+00:00", "45 s"),
        ("2026-01-01T00:21:00+00:00", "21 min"),
        ("2026-01-01T03:30:00+00:00", "3.5 h"),
        ("yesterday", "unknown"),
        ("2026-01-01T03:30:00", "unknown"),
    ],
)
def test_wall(history, finished, wall):
    """The time from start to end is told in the unit that fits; so is that a run did not end, or when is no date."""
    found = history(([result()], ENVIRONMENT), finished=finished)

    ((row,),) = runs.groups(found, [])
    assert row.wall == wall
    assert ("did not finish" in page.render(found)) is (finished is None)


def test_versions_over_the_runs(history):
    """A fact that changed has its values with the runs they held for; one that never did is told apart."""
    facts = versions.facts(history(*steady(6, worse_at=4)))

    spans = {(fact.where, fact.name): [dataclasses.astuple(span) for span in fact.spans] for fact in facts}
    assert spans["torch", "torch"] == [("2.11.0", 0, 3, 4), ("2.13.0", 4, 5, 2)]
    assert spans["machine", "cores"] == [("2", 0, 5, 6)]
    assert facts[0].changed
    assert not facts[-1].changed


def test_block_holds_every_series(history):
    """The block has each series with its changes, exact, and each time of a call to a quarter of a percent."""
    seconds = [1e-5, 1.01e-5, 9.9e-6, 1.5e-5]
    block = data.facts(
        history(
            *[
                ([result(score(1.5 + k // 3)), result(timing(*[s] * 5), "speed")], ENVIRONMENT)
                for k, s in enumerate(seconds)
            ]
        )
    )

    assert block["series"]["figure"] == [2.5, 1.01e-5]
    assert block["series"]["changes"] == [1, 0]
    change = {"at": 3, "before": 2, "turn": 2, "was": 1.5, "now": 2.5, "low": None, "high": None}
    change |= {"state_was": 0, "state_now": 0, "differences": 0}
    assert {name: column for name, (column,) in block["changes"].items()} == change
    steps, read = [int(step) for step in block["times"][0].split(",")], []
    for step in steps:
        read.append((read[-1] if read else 0) + step)
    assert [math.exp(step / data.STEPS) for step in read] == pytest.approx(seconds, rel=0.00125)


def test_block_knows_who_was_not_asked(history):
    """A run that did not time a call leaves its place empty; other machines' runs have none."""
    timed = result(timing(1e-5), "speed")
    block = data.facts(
        history(([timed], ENVIRONMENT), ([result(timing(1e-5), "speed", JAX)], ENVIRONMENT), ([timed], ENVIRONMENT))
    )

    first = str(round(data.STEPS * math.log(1e-5)))
    assert block["times"] == [f"{first},,0", f",{first},"]


def test_names_are_text(history):
    """Names, facts and ids full of markup are escaped wherever they stand, and no script is added."""
    target = dataclasses.replace(
        TORCH, mode=HOSTILE, implementation=dataclasses.replace(TORCH.implementation, name=HOSTILE)
    )
    hostile = [
        ([result(score(ulp), HOSTILE, target, reason=HOSTILE)], {**ENVIRONMENT, HOSTILE: HOSTILE * k})
        for k, ulp in ((1, 1.0), (2, 2.0))
    ]
    html = page.render(history(*hostile, preset=HOSTILE, host={HOSTILE: HOSTILE}))

    assert "<script>alert" not in html
    assert html.count("<script") == 3
    assert "&lt;script&gt;" in html
    assert carried(html)["words"]["family"] == [HOSTILE]


def test_asks_for_nothing(history):
    """The page names nothing to fetch, and its policy would refuse it."""
    html = page.render(history(*steady()), report="index.html")

    assert "default-src 'none'" in html
    assert not re.search(
        r"https?://(?!www\.w3\.org/2000/svg)|\ssrc=|@import|url\(|\bfetch\(|XMLHttpRequest|<iframe", html
    )
    assert '<a href="index.html">' in html


def test_links_to_the_report_only_where_it_lies(history, tmp_path):
    """The page links to a run's report where there is one beside it, and to nothing where there is none."""
    history(*steady())
    with Store(tmp_path / "results.sqlite") as store:
        alone = dashboard.write(store, tmp_path / "new").read_text("utf-8")
        (tmp_path / "new" / "index.html").write_text("")
        beside = dashboard.write(store, tmp_path / "new").read_text("utf-8")

    assert ("index.html" in alone, "index.html" in beside) == (False, True)


def test_an_older_page_survives_a_failure(history, tmp_path, monkeypatch):
    """Where making the page fails, the page that was there stays whole, and no part of a new one is left."""
    history(*steady())
    (tmp_path / "history.html").write_text("older")
    monkeypatch.setattr(type(tmp_path), "replace", broken)

    with Store(tmp_path / "results.sqlite") as store, pytest.raises(OSError, match="no space"):
        dashboard.write(store, tmp_path)

    assert (tmp_path / "history.html").read_text() == "older"
    assert list(tmp_path.glob(".history*")) == []


def broken(*_):
    """Fail as a full disk does."""
    raise OSError("no space")


def invoke(*arguments):
    """Run the command in this process."""
    return CliRunner().invoke(xentbench.app, ["dashboard", *map(str, arguments)])


def test_command(history, tmp_path):
    """The command writes the page and prints where it is."""
    history(*steady())

    ended = invoke("--store", tmp_path / "results.sqlite", "--report", tmp_path / "out")

    assert ended.exit_code == 0
    assert ended.stdout.replace("\n", "") == str(tmp_path / "out" / "history.html")
    assert "In the last 5 runs" in (tmp_path / "out" / "history.html").read_text("utf-8")


def test_command_on_an_empty_store(tmp_path):
    """A store without runs has a page that says so, and what to try."""
    with Store(tmp_path / "results.sqlite"):
        pass

    ended = invoke("--store", tmp_path / "results.sqlite", "--report", tmp_path)

    assert ended.exit_code == 0
    assert "holds no run; try: xentbench run" in text((tmp_path / "history.html").read_text("utf-8"))


def test_command_without_a_store(tmp_path):
    """A store that is not there, or is none, is a usage error with what to try, and no page is made."""
    (tmp_path / "text").write_text("no database")

    for name in ("none.sqlite", "text"):
        ended = invoke("--store", tmp_path / name, "--report", tmp_path / "out")
        assert ended.exit_code == 2
        assert ended.stderr.startswith("error: store ")
        assert ("try: " if name == "none.sqlite" else "--store") in ended.stderr
    assert not (tmp_path / "out").exists()


def test_what_did_not_run_is_counted(history, tmp_path):
    """The list of runs has a column for each state that occurs, and for what was not run."""
    history(([result(), result(Crashed("SIGKILL"), "b", judgement="deviates")], ENVIRONMENT))
    with Store(tmp_path / "results.sqlite") as store:
        store.add_not_run("run00", missing())
        said = text(page.render(levels.read(store)))

    assert (
        "Versions conforms crashed not run Wall Changes run00 2026-01-01 00:00 quick torch 2.11.0 1 1 1 0 s none"
        in said
    )


def test_a_page_of_many_runs(tmp_path):
    """30 runs of 600 series make a page of less than 200 kB, every series of it in the block."""
    many_runs.fill(tmp_path / "results.sqlite", runs=30, series=600)
    with Store(tmp_path / "results.sqlite") as store:
        path = dashboard.write(store, tmp_path)

    block = carried(path.read_text("utf-8"))
    assert path.stat().st_size < 200_000
    assert len(block["series"]["target"]) == 600
    assert len(block["times"]) == 300
    assert sum(block["series"]["changes"]) == len(block["changes"]["at"]) > 40
