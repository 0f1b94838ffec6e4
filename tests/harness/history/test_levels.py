"""History: what is one series, where it changed, what changed with it, and the past of one run's answers."""

import dataclasses
import math
import sqlite3
from contextlib import closing
from itertools import product
from pathlib import Path
from typing import get_args

import pytest

from harness.history import change, levels, points
from harness.history.state import state
from harness.model import Crashed, Failed, Judgement, TimedOut, Unsupported
from harness.store import NAMES, Store, StoreError
from tests.made import many_runs
from tests.made.records import ENVIRONMENT, JAX, NAIVE, TORCH, checked, missing, result, run, score, timing

RECORDED = {"judgement": "unjudged", "check": "law.x"}
LEVELS = (*[1e-5] * 6, *[1.3e-5] * 6)  # seconds, one a run


@pytest.fixture
def stored(tmp_path):
    """Return how to store runs, each its results or (results, fields of the run), and what history says of them."""

    def store(*runs, facts=()):
        with Store(tmp_path / "results.sqlite") as opened:
            for day, each in enumerate(runs):
                results, fields = each if isinstance(each, tuple) else (each, {})
                made = run(f"run{day:02}", day + 1, **fields)
                opened.join(made)
                key = opened.add_environment(facts[day] if facts else ENVIRONMENT)
                opened.append(made.uid, [dataclasses.replace(one, environment=key) for one in results])
            return levels.read(opened)

    return store


def turns(series):
    """Return (place of the run, turn) of each change."""
    return [(int(series.runs[change.at]), change.turn) for change in series.changes]


def test_every_difference_of_an_accuracy_is_a_change(stored):
    """An error that grows by a millionth is another one from that run on; twice it, beyond half the bound, is worse."""
    ulps = [1.5, 1.5, 1.500001, 1.500001, 9.0, 1.25, math.inf]

    (one,) = stored(*[[result(score(ulp))] for ulp in ulps]).series

    assert turns(one) == [(2, "different"), (4, "worse"), (5, "better"), (6, "worse")]
    assert [(change.was, change.now) for change in one.changes][:2] == [(1.5, 1.500001), (1.500001, 9.0)]
    assert one.figures.tolist() == ulps
    assert (str(one.case), str(one.target), one.machine) == (str(result().case), str(TORCH), None)


def test_what_the_reference_may_differ_by_is_no_change(stored):
    """Two figures as far apart as two certified references may be are one."""
    ulps = (1.5, 1.5 + 2.0**-41, 1.5)

    (one,) = stored(*[[result(score(ulp))] for ulp in ulps]).series

    assert one.changes == ()


@pytest.mark.parametrize(
    ("before", "after", "turn"),
    [
        (result(score(9.0)), result(score(1.5), judgement="deviates"), "worse"),
        (result(judgement="deviates"), result(judgement="known"), "better"),
        (result(), result(judgement="unjudged"), "different"),
        (result(), result(Failed("raised", "no", "ValueError"), judgement="deviates", content=""), "worse"),
        (result(), result(Unsupported("no"), judgement="unjudged", content=""), "worse"),
        (result(Crashed("SIGSEGV"), content=""), result(), "better"),
        (result(checked(0.5)), result(checked(0.75)), "different"),
        (result(checked(0.5)), result(checked(1.5)), "worse"),
        (result(target=NAIVE), result(score(9.0), target=NAIVE), "different"),
        (result(score(bits="a0")), result(score(9.0, bits="a0")), "different"),  # by another ruler
        (result(score(bits="a0")), result(score(9.0, bits="b1")), "worse"),
        (result(score(9.0, bits="a0")), result(score(bits="b1")), "better"),
        (result(checked(0, "nan"), **RECORDED), result(checked(0, "zero"), **RECORDED), "worse"),
        (result(checked(0, "views refused"), **RECORDED), result(checked(0), check="law.x"), "better"),
        (result(checked(0), check="law.x"), result(checked(0, "bits differ"), **RECORDED), "worse"),
        (result(checked(0, "error A"), **RECORDED), result(checked(0, "error B"), **RECORDED), "different"),
        (result(checked(0, "nan"), **RECORDED), result(checked(0, "nan"), **RECORDED), None),
        (result(score(math.nan)), result(score(math.nan)), None),
        (result(score(math.nan)), result(score(1.0)), "different"),
        (result(score(math.inf)), result(score(math.inf)), None),
    ],
)
def test_which_way(stored, before, after, turn):
    """The judgement decides first, then the figure, then whether there is an answer at all, as in a comparison."""
    (one,) = stored([before], [after]).series

    assert turns(one) == ([(1, turn)] if turn else [])


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (score(), score(9.0)),
        (score(bits="a0"), score(9.0, bits="a0")),
        (score(9.0), score()),
        (checked(0, "nan"), checked(0, "zero")),
        (checked(0, "nan"), checked(0)),
        (checked(0.5), checked(0.75)),
        (score(), Failed("raised", "no", "E")),
    ],
)
def test_turns_are_those_of_a_comparison(stored, before, after):
    """The page over all runs says of two runs what their comparison says."""
    results = [
        result(one, judgement="unjudged" if getattr(one, "policy", "") else "conforms", check="law.x", content="same")
        for one in (before, after)
    ]

    (one,) = stored(*([each] for each in results)).series

    assert [turn for _, turn in turns(one)] == [change.between(*results).turn]


def test_policies_are_read_however_many_there_are(stored, monkeypatch):
    """Checks that are recorded are told apart by their policies, in queries of bounded length."""
    monkeypatch.setattr(points, "AT_ONCE", 2)
    made = [
        [result(checked(0, f"policy {k + day}"), f"f{k}", judgement="unjudged", check="law.x") for k in range(5)]
        for day in range(2)
    ]

    found = stored(*made)

    assert [found.kinds[one.kinds[-1]].policy for one in found.series] == [f"policy {k + 1}" for k in range(5)]
    assert found.kinds[found.series[0].kinds[0]].words == "shown: policy 0"
    assert found.counts == [{"shown": 5}] * 2


def test_runs_that_did_not_ask_are_passed_over(stored):
    """An answer is held against the last one before it, however many runs lie between."""
    found = stored([result(), result(target=JAX)], [result(target=JAX)], [result(score(9.0)), result(target=JAX)])

    assert [turns(one) for one in found.series] == [[(2, "worse")], []]
    assert found.series[0].runs.tolist() == [0, 2]


def test_order_is_that_of_arrival(tmp_path):
    """Runs follow one another as they came into the store, whatever their ids and whatever their clocks said."""
    with Store(tmp_path / "results.sqlite") as store:
        for uid, day, ulp in (("a", 3, 3.0), ("c", 1, 1.0), ("b", 2, 2.0)):
            store.join(run(uid, day))
            store.append(uid, [result(score(ulp))])
        found = levels.read(store)

    assert [each.uid for each in found.runs] == ["a", "c", "b"]
    assert found.series[0].figures.tolist() == [3.0, 1.0, 2.0]


def test_a_renamed_case_goes_on(stored):
    """A case of the same content under another name is the same series, under the newer name."""
    found = stored([result(content="same")], [result(score(9.0), "renamed", content="same")])

    (one,) = found.series
    assert one.case.family == "renamed"
    assert turns(one) == [(1, "worse")]


def test_a_case_drawn_anew_begins_again(stored):
    """A case of the same name and another content is another series, with nothing changed."""
    found = stored([result(content="old")], [result(score(9.0), content="new")])

    assert [(one.runs.tolist(), one.changes) for one in found.series] == [([0], ()), ([1], ())]


def test_two_names_in_one_run_are_two(stored):
    """Two cases of one content that every run asks are two series; two laws on the same inputs are, too."""
    both = [result(family="a", content="same"), result(score(9.0), "b", content="same")]
    laws = [result(checked(0.25 * k), check=f"law.{k}", content="same") for k in (1, 2)]

    found = stored([*both, *laws], [*both, *laws])

    assert [(len(one.runs), len(one.changes)) for one in found.series] == [(2, 0)] * 4


def test_a_death_is_part_of_the_series(stored):
    """A process that died knew no content: its name tells; where the question was answered too, that counts."""
    died = result(Crashed("SIGKILL"), content="")

    (one,) = stored([result()], [died], [died, result(score(9.0))]).series

    assert turns(one) == [(1, "worse"), (2, "better")]
    assert one.figures.tolist()[2] == 9.0


def test_a_step_in_times(stored):
    """A time that grew is a change at the run where it did, with both levels, and its interval."""
    (one,) = stored(*[[result(timing(*[seconds] * 5), "speed")] for seconds in LEVELS]).series

    (change,) = one.changes
    assert (change.at, change.turn, change.was, change.now) == (6, "worse", 1e-5, 1.3e-5)
    assert change.ratio.low < 1.3 < change.ratio.high
    assert one.machine == "cores 2"


def test_times_are_followed_on_one_machine(stored):
    """Machines that take turns make no steps: each is a series of its own; accuracy is one line over both."""
    hosts = [{"processor": name, "cores": "2", "memory": "8 GiB", "python": "3.11"} for name in ("old", "new")]
    both = [
        ([result(score(1.0 + k % 2)), result(timing(*[(1 + k % 2) * 1e-5] * 5), "speed")], {"host": hosts[k % 2]})
        for k in range(20)
    ]

    found = stored(*both)

    assert [(one.machine, len(one.runs), len(one.changes)) for one in found.series] == [
        (None, 20, 19),
        ("old, cores 2, 8 GiB", 10, 0),
        ("new, cores 2, 8 GiB", 10, 0),
    ]
    (difference,) = found.differences(found.series[0], found.series[0].changes[0])
    assert dataclasses.astuple(difference) == ("machine", "processor", "old", "new")


def test_a_gpu_is_another_machine(stored):
    """Times on two devices of one host are apart, by the device's name."""
    target = dataclasses.replace(TORCH, device="cuda:0")
    facts = [{**ENVIRONMENT, "device": name} for name in ("H100", "H200")]

    found = stored(*[[result(timing(1e-5), "speed", target)]] * 2, facts=facts)

    assert [one.machine for one in found.series] == ["cores 2, H100", "cores 2, H200"]


def test_another_python_is_the_same_machine(stored):
    """Libraries, Python and the kernel may change on a machine; that they did stands beside the step."""
    runs = [
        ([result(timing(*[seconds] * 5), "speed")], {"host": {"cores": "2", "python": "3.11" if k < 6 else "3.12"}})
        for k, seconds in enumerate(LEVELS)
    ]

    found = stored(*runs)

    (one,) = found.series
    assert [difference.fact for difference in found.differences(one, one.changes[0])] == ["python"]


def test_what_changed_with_it(stored):
    """The facts of the framework's environment that differ between the two runs are named, older value first."""
    newer = {**ENVIRONMENT, "torch": "2.13.0", "threads": "1"}

    found = stored([result()], [result(score(9.0))], facts=[ENVIRONMENT, newer])

    (one,) = found.series
    assert [dataclasses.astuple(difference) for difference in found.differences(one, one.changes[0])] == [
        ("torch", "torch", "2.11.0", "2.13.0"),
        ("torch", "threads", "-", "1"),
    ]


def test_a_step_is_put_where_a_version_changed(stored):
    """Where a run that is far off leaves the place open, the run at which a fact changed is taken."""
    seconds = [1e-5] * 10 + [9e-5] + [1.3e-5] * 9
    facts = [{**ENVIRONMENT, "torch": "2.11.0" if k < 11 else "2.13.0"} for k in range(20)]

    (one,) = stored(*[[result(timing(*[each] * 5), "speed")] for each in seconds], facts=facts).series
    assert turns(one) == [(11, "worse")]


def test_a_time_that_fails_is_a_change(stored):
    """A call that could be timed and raises now is worse, and no step."""
    failed = result(Failed("raised", "ValueError"), "speed", judgement="deviates", content="")

    (one,) = stored([result(timing(1e-5), "speed")], [failed]).series

    assert turns(one) == [(1, "worse")]
    assert one.changes[0].ratio is None
    assert one.machine == "cores 2"


def test_counts_and_what_was_used(location):
    """Each run has its results by state, what it did not run, and the environment of every framework and device."""
    with Store(location) as store:
        store.join(run("a", 1))
        key = store.add_environment(ENVIRONMENT)
        gpu = dataclasses.replace(TORCH, device="cuda:0")
        told = [result(), result(family="b", judgement="deviates"), result(Unsupported("no"), "c", gpu)]
        store.append("a", [dataclasses.replace(one, environment=key) for one in told])
        store.add_not_run("a", missing())
        store.join(run("b", 2))
        found = levels.read(store)

    assert found.counts == [{"conforms": 1, "deviates": 1, "unsupported": 1}, {}]
    assert found.not_run == {"a": [missing()]}
    assert found.used == [{"torch": 0, "torch on cuda:0": 0}, {}]
    assert found.environments == [ENVIRONMENT]


def test_nothing_stored(tmp_path):
    """A store without runs, or with a run without results, has no series."""
    with Store(tmp_path / "results.sqlite") as store:
        assert levels.read(store).series == []
        store.join(run())
        found = levels.read(store)

    assert (found.series, [each.uid for each in found.runs], found.counts) == ([], [run().uid], [{}])


OUTCOMES = (score(), checked(), timing(1.0), Unsupported("no"), Failed("raised", "E"), Crashed("E"), TimedOut(1.0))


@pytest.mark.parametrize(("outcome", "judgement"), list(product(OUTCOMES, get_args(Judgement))))
def test_states_are_the_house_s(outcome, judgement):
    """What is counted from columns has the word that the whole result has."""
    assert points.AnswerKind(NAMES[type(outcome)], judgement).state == state(result(outcome, judgement=judgement))


def test_planted_changes_are_found(location):
    """Every answer that an upgrade changed is found at its run, with the version, and no other is."""
    asked = many_runs.fill(location, runs=20, series=600)
    with Store(location) as store:
        found = levels.read(store)

    accuracy = [one for one in found.series if one.machine is None]
    planted = sum(len(one.levels) - 1 for one in asked if not one.timed)
    changes = [(one, change) for one in accuracy for change in one.changes]
    assert len(found.series) == 600
    assert len(changes) == planted > 30
    assert {int(one.runs[change.at]) for one, change in changes} == {8, 18}
    assert {found.differences(one, change)[0].fact for one, change in changes} == {"torch"}


def tuples(found):
    """Return the levels as plain tuples."""
    return [[(level.uid, level.runs, level.state, level.figure) for level in each] for each in found]


def test_past_of_a_run_s_answers(location):
    """Each answer has its levels up to its run, alike ones in one; a time and an answer without a past have none."""
    died, anew = result(Crashed("SIGKILL"), content=""), result(family="new")
    timed = result(timing(1e-5), "speed")
    runs = [[result(), timed], [result(), timed], [died], [result(score(9.0)), timed, anew], [result(score(3.0)), anew]]
    with Store(location) as store:
        for day, results in enumerate(runs):
            store.join(run(f"run{day}", day + 1))
            store.append(f"run{day}", results)

        found = levels.past(store, "run3", runs[3])
        first = levels.past(store, "run0", runs[0])
        with pytest.raises(StoreError, match="run is 'none', expected"):
            levels.past(store, "none", [])

    assert tuples(found) == [
        [("run0", 2, "conforms", 1.5), ("run2", 1, "crashed", None), ("run3", 1, "conforms", 9.0)],
        [],
        [],
    ]
    assert found[0][0].started == "2026-01-01T00:00:00+00:00"
    assert first == [[], []]


def test_past_goes_through_renames(location):
    """The past of a renamed case is that of its content; a case of its name with other inputs is none of it."""
    with Store(location) as store:
        for day, each in enumerate(
            [result(content="x"), result(score(9.0)), result(score(9.0), "renamed", content="x")]
        ):
            store.join(run(f"run{day}", day + 1))
            store.append(f"run{day}", [each])
        (found,) = levels.past(store, "latest", [each])

    assert [(level.uid, level.figure) for level in found] == [("run0", 1.5), ("run2", 9.0)]


@pytest.mark.parametrize("version", [1, 2])
def test_older_stores_have_a_history(tmp_path, version):
    """A store written before there were figures has them after it is migrated, median seconds among them."""
    path = tmp_path / "results.sqlite"
    written = (Path(__file__).parents[2] / "made" / "stores" / f"version-{version}.sql").read_text(encoding="utf-8")
    with closing(sqlite3.connect(path)) as db:
        db.executescript(written)

    with Store(path) as store:
        found = levels.read(store)

    assert [(one.machine, one.figures.tolist()) for one in found.series] == [(None, [1.5]), ("", [0.0015])]
