"""One store has one set of counts, under the same words, wherever they are shown."""

import html
import re

import pytest

from harness.history import counting, levels
from harness.history.state import STATES
from harness.model import Crashed, Failed, TimedOut, Unsupported
from harness.store import Store
from reports import dashboard
from reports.pages import explorer, overview
from tests.made.front_door import invoke
from tests.made.records import JAX, NAIVE, checked, missing, result, run, score, timing
from xentbench.report import write_report
from xentbench.summary import summarise

BEFORE, AFTER = run("20260101T", 1), run("20260102T", 2)
ANSWERS = [  # how many of each state: 7, 2, 3, 5, 2, 1, 1, 1, and 4 times
    *(result(family=f"f{k}") for k in range(6)),
    result(checked(), check="law.shift"),
    result(score(9.0), "known", judgement="known", reason="listed"),
    result(Failed("raised", "no"), "refused", judgement="known", reason="listed"),
    result(score(9.0, budget=None), "new", judgement="deviates", reason="why"),
    result(checked(9.0), check="law.sum", judgement="deviates", reason="why"),
    result(Failed("raised", "no"), "raised", judgement="deviates", reason="why"),
    *(result(score(), f"s{k}", NAIVE, judgement="unjudged") for k in range(4)),
    result(checked(0.0, "nan"), check="special.label", judgement="unjudged"),
    *(result(Unsupported("no"), f"u{k}", JAX, judgement="unjudged") for k in range(2)),
    result(Failed("raised", "no"), "failed", NAIVE, judgement="unjudged"),
    result(Crashed("SIGKILL"), "crashed", judgement="deviates", reason="why"),
    result(TimedOut(3.0), "late", NAIVE, judgement="deviates", reason="why"),
    *(result(timing(1.0, 1.1), f"speed/{k}", judgement="unjudged") for k in range(4)),
]
SAID = (
    "22 answers: 7 conform, 2 known deviations, 3 new deviations, 5 shown, not judged, 2 unsupported, 1 failed,"
    " 1 crashed, 1 timed out; 4 times"
)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """Return a store of two runs, the later of which has answers of every state."""
    path = tmp_path_factory.mktemp("counts") / "results.sqlite"
    with Store(path) as store:
        for one, results in ((BEFORE, ANSWERS[:9]), (AFTER, ANSWERS)):
            store.join(one)
            store.append(one.uid, results)
        store.add_not_run(AFTER.uid, missing())
    return path


def terminal(store, _, capsys):
    """Return what a run ends by."""
    summarise(store.recorded("latest"), {})
    return capsys.readouterr().out


def report(store, folder, _):
    """Return the report's text."""
    return write_report(store, "latest", folder).read_text("utf-8")


def page(text, name):
    """Return a page of a report."""
    return text.partition(f'<section id="{name}"')[2].partition("</section>")[0]


PLACES = {
    "terminal": terminal,
    "status": lambda store, *_: invoke("status", "--store", store.location).stdout,
    "compare": lambda store, *_: invoke("compare", "--store", store.location).stdout,
    "overview": lambda *given: page(report(*given), "overview"),
    "explorer": lambda *given: page(report(*given), "explorer"),
    "dashboard": lambda store, folder, _: dashboard.write(store, folder).read_text("utf-8"),
}


@pytest.mark.parametrize("name", PLACES)
def test_every_place_says_the_same(path, tmp_path, capsys, name):
    """The counts of the last run are in each place, word by word."""
    with Store(path) as store:
        shown = PLACES[name](store, tmp_path, capsys)

    assert SAID in re.sub(r"[\s\u202f]+", " ", html.unescape(shown))


def test_tables_sum_to_the_counts(path):
    """What tables count, by target or from the store's columns, sums to the same."""
    every = counting.count(ANSWERS)
    with Store(path) as store:
        history, kinds = levels.read(store), store.kinds(AFTER.uid)

    assert sum(counting.by_target(ANSWERS).values(), start=type(every)()) == every
    assert counting.of_kinds(kinds) == every == history.counts[-1]
    assert counting.answers(every) == len(ANSWERS) - every["timed"]
    assert {*every} == {*STATES} == {*counting.WORDS, "timed"}


def test_tiles_are_the_counts():
    """The figures under the headline are the counts, and what was not run is none of them."""
    every = counting.count(ANSWERS)
    page = overview.Material(AFTER, ANSWERS, {}, [missing()])
    tiles = {name: number for name, _, number, _ in overview.tiles(every, page)}

    assert tiles.pop("absent") == 1
    assert tiles == {name: every[name] for name in counting.WORDS}
    assert explorer.render(page)


def test_nothing_is_said_as_such():
    """Without an answer that is said; a single one is one answer."""
    assert counting.in_words({}) == "no answers"
    assert counting.in_words({"timed": 1}) == "no answers; 1 time"
    assert counting.in_words({"conforms": 1, "known": 1}) == "2 answers: 1 conforms, 1 known deviation"
