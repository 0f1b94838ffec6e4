"""Two runs beside one another: every question once, paired by what it asks, and what a gate makes of it."""

import pytest

from harness.history.compare import compare
from harness.history.difference import Difference
from harness.history.news import COUNTED, Accepted
from harness.model import Crashed, Failed, NotRun
from tests.made.records import (
    ENVIRONMENT,
    JAX,
    NAIVE,
    TORCH,
    checked,
    missing,
    recorded,
    result,
    run,
    score,
    settled,
    timing,
)

SLOW, FAST = [1.2e-5] * 9, [1e-5] * 9
OTHER = run("20260102T000000-bbb", 2)


def found(before, after, **fields):
    """Compare two lists of results."""
    return compare(recorded(*before), recorded(*after, run=OTHER, **fields))


def counts(**fields):
    """Return the number of questions under each word, the others 0."""
    return dict.fromkeys(COUNTED, 0) | fields


def lines(comparison):
    """Return what is said of each question."""
    return [(one.status, one.turn, one.result.case.family, one.reason) for one in comparison.changes]


def test_same_run_is_unchanged():
    """A run beside itself has every question unchanged, no difference in its environment, and fails no gate."""
    same = recorded(result(), result(timing(*FAST), "speed"), result(checked(), "law"), run=OTHER)

    comparison = compare(same, same)

    assert comparison.counts == counts(unchanged=3)
    assert comparison.environments == ()
    assert comparison.failing("any") == []


def test_every_status():
    """What is new was added, what is gone was removed, what moved was changed, the rest is as it was; worst first."""
    comparison = found(
        [result(family="same"), result(family="gone"), result(family="moved"), result(score(9.0), "mended")],
        [result(family="come"), result(score(4.5), "moved"), result(family="mended"), result(family="same")],
    )

    assert lines(comparison) == [
        ("removed", "worse", "gone", "not asked any more"),
        ("changed", "worse", "moved", "error is 1.5 of its bound, was 0.5; max 4.5 ulp, was 1.5"),
        ("changed", "better", "mended", "error is 0.5 of its bound, was 3; max 1.5 ulp, was 9"),
        ("added", "none", "come", "not asked before; max 1.5 ulp"),
        ("unchanged", "none", "same", ""),
    ]


def test_worst_comes_first():
    """Of what got worse, what moved furthest is listed first."""
    comparison = found(
        [result(family=name) for name in "abc"],
        [result(score(9.0), "a"), result(score(1e6), "b"), result(Failed("raised", "x", "E"), "c")],
    )

    assert [one.result.case.family for one in comparison.changes] == ["c", "b", "a"]


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(result(score(9.0), target=JAX), id="target"),
        pytest.param(result(score(9.0), check="law.shift"), id="check"),
        pytest.param(result(score(9.0), seed=1, content="another"), id="seed"),
        pytest.param(result(score(9.0), dtype="float16", content="another"), id="dtype"),
    ],
)
def test_another_question_is_no_change(other):
    """Another target, check, seed or dtype is another question."""
    comparison = found([result()], [result(), other])

    assert comparison.counts == counts(added=1, unchanged=1)


def test_renamed_case_is_found_by_its_content():
    """A family under another name is compared with what it was, and says so."""
    comparison = found(
        [result(family="old", content="c0ffee"), result(family="same")],
        [result(score(9.0), "new", content="c0ffee"), result(family="same")],
    )

    assert comparison.counts == counts(worse=1, unchanged=1)
    assert comparison.changes[0].reason == (
        "error is 3 of its bound, was 0.5; max 9 ulp, was 1.5; renamed, was softmax-value-old-float32-4x8"
    )


def test_renamed_and_else_unchanged():
    """A new name alone changes nothing."""
    (only,) = found([result(family="old", content="c")], [result(family="new", content="c")]).changes

    assert (only.status, only.reason) == ("unchanged", "renamed, was softmax-value-old-float32-4x8")


@pytest.mark.parametrize("content", ["content of normal", ""])
def test_death_knows_no_content(content):
    """A process that died in the one run and answered in the other was asked the same question."""
    dead = result(Crashed("SIGKILL"), judgement="deviates", content="")
    comparison = found([result(content=content)], [dead])

    assert comparison.counts == counts(worse=1)
    assert comparison.broken
    assert found([dead], [result(content=content)]).turned("better")


def test_one_content_under_two_names_is_paired_once():
    """Two cases with the same inputs, both renamed, are two pairs; a third has no other side."""
    comparison = found(
        [result(family="a", content="c"), result(family="b", content="c")],
        [result(family=name, content="c") for name in "xyz"],
    )

    assert comparison.counts == counts(added=1, unchanged=2)


def test_inputs_drawn_anew_are_another_question():
    """A case of the same name with other inputs is not compared; both sides say why."""
    comparison = found([result(content="before")], [result(score(9.0), content="after")])

    assert lines(comparison) == [
        ("added", "none", "normal", "its inputs were drawn anew; max 9 ulp"),
        ("removed", "none", "normal", "its inputs were drawn anew"),
    ]
    assert not comparison.shared


@pytest.mark.parametrize(
    ("added", "turn"),
    [
        (result(score(9.0, budget=None), judgement="deviates", reason="why"), "worse"),
        (result(Crashed("SIGKILL"), judgement="unjudged"), "worse"),
        (result(Crashed("SIGKILL"), judgement="known"), "none"),
        (result(score(9.0, budget=None), judgement="known"), "none"),
        (result(), "none"),
    ],
)
def test_added_deviation_is_news(added, turn):
    """A question that was not asked before and deviates at once is worse than before."""
    comparison = found([], [added])

    assert comparison.changes[0].turn == turn
    assert comparison.broken == (turn == "worse" and isinstance(added.outcome, Crashed))


@pytest.mark.parametrize(
    ("entry", "lost"),
    [
        pytest.param(missing("torch"), True, id="framework"),
        pytest.param(NotRun("torch", "", "", "died 25 times"), True, id="gave-up"),
        pytest.param(missing("torch", mode="eager"), True, id="mode"),
        pytest.param(missing("torch", mode="compile"), False, id="other-mode"),
        pytest.param(missing("torch", device="cuda"), False, id="other-device"),
        pytest.param(missing("jax"), False, id="other-framework"),
        pytest.param(missing("torch-speed"), False, id="speed"),
    ],
)
def test_what_was_not_run_is_lost(entry, lost):
    """An answer that is gone is lost, and where its framework, mode or device was not there, that is why."""
    comparison = found([result()], [result(target=JAX)], not_run=[entry])

    (removed,) = (one for one in comparison.changes if one.status == "removed")
    assert (removed.turn, removed.news) == ("worse", "lost")
    assert (f"not run: {entry.reason}" == removed.reason) is lost
    assert comparison.not_run == (entry,)


def test_timing_that_was_not_run_is_lost():
    """The job that times a framework goes by a name of its own."""
    comparison = found([result(timing(*FAST))], [result(target=JAX)], not_run=[missing("torch-speed")])

    assert [one.turn for one in comparison.changes if one.status == "removed"] == ["worse"]


def test_accuracy_is_apart_from_speed():
    """What got slower is not among what got less accurate."""
    comparison = found([result(), result(timing(*FAST), "speed")], [result(score(9.0)), result(timing(*SLOW), "speed")])

    assert [one.result.case.family for one in comparison.turned("worse")] == ["normal", "speed"]
    assert [one.result.case.family for one in comparison.turned("worse", "speed")] == ["speed"]


def test_bits_are_counted():
    """Answers whose bits both runs kept are counted: the same, or other ones."""
    kept = [score(bits="a0"), score(bits="b1"), score(), score(2.0, bits="d3")]
    before = [result(one, family) for one, family in zip(kept, "abcd", strict=True)]
    after = [result(score(bits=bits), family) for bits, family in zip(("a0", "c2", "d3", "e4"), "abcd", strict=True)]

    assert found(before, after).bits == {"same": 1, "other": 2}


def test_every_change_is_in_one_section():
    """What is not unchanged stands under one title each, and what is unchanged under none."""
    fast, slow = timing(*FAST), timing(*SLOW)
    before = dict.fromkeys(("same", "worse", "mean", "gone"), score())
    before |= {"better": score(9.0), "bits": score(bits="a0"), "slower": fast, "faster": slow}
    after = dict.fromkeys(("same", "better", "come"), score()) | {"slower": slow, "faster": fast}
    after |= {"worse": score(9.0), "mean": score(mean_ulp=0.5), "bits": score(bits="b1")}
    before |= {"few": timing(1e-5), "shown": score()}
    after |= {"few": timing(1e-5), "shown": score(9.0)}
    broken = result(family="broken", judgement="deviates")

    def target(family):
        return NAIVE if family == "shown" else TORCH

    comparison = found(
        [*(result(outcome, family, target(family)) for family, outcome in before.items()), result(target=JAX)],
        [*(result(outcome, family, target(family)) for family, outcome in after.items()), broken],
        not_run=[missing("jax")],
    )

    told = {title: [one.result.case.family for one in changes] for title, changes in comparison.sections.items()}
    assert told == {
        "Worse: judged otherwise, or another policy": ["broken"],
        "Worse: answers lost": ["gone", "normal"],
        "Worse: larger errors": ["worse"],
        "Worse: slower": ["slower"],
        "Worse, and accepted": [],
        "Better": ["better", "faster"],
        "Times that cannot be told": ["few"],
        "Times that a duel found the same": [],
        "Other bits, as accurate as before": ["bits"],
        "Other figures, below what counts": ["mean"],
        "Not judged, and not counted": ["shown"],
        "Added": ["come"],
        "Removed": [],
    }


def test_suspicious_times_are_for_a_duel():
    """A time that changed by its samples, or cannot be told, is for a duel to settle, unless one has."""
    few, fast, slow = timing(1e-5, 1e-5), timing(*FAST), timing(*SLOW)
    before = {"same": fast, "slower": fast, "faster": slow, "few": few, "accuracy": score(), "lost": fast}
    after = {
        "same": fast,
        "slower": slow,
        "faster": fast,
        "few": few,
        "accuracy": score(9.0),
        "lost": Failed("raised", "E"),
    }
    before |= dict.fromkeys(("settled slower", "settled the same", "left open"), fast)
    after |= {"settled slower": settled(slow, 1.2), "settled the same": settled(slow, 1.0)}
    after |= {"left open": settled(slow, 1.04, 0.05)}

    comparison = found(*([result(outcome, family) for family, outcome in side.items()] for side in (before, after)))

    assert sorted(now.case.family for _, now in comparison.suspicious) == ["faster", "few", "left open", "slower"]
    assert all(was.case == now.case for was, now in comparison.suspicious)


def test_accepted_news_fails_no_gate():
    """What a list accepts of what turned for the worse is news of its own; what it accepts with others is as it was."""
    worse = {"a": score(9.0), "b": score(9.0), "c": score(9.0), "d": timing(*SLOW)}
    judgements = dict.fromkeys(worse, "conforms") | {"b": "deviates"}
    before = [result(timing(*FAST) if family == "d" else score(), family) for family in worse]
    after = [result(made, family, judgement=judgements[family]) for family, made in worse.items()]
    said = dict.fromkeys(worse, Accepted("why")) | {"c": Accepted("why", "torch 2.9.1")}

    comparison = compare(recorded(*before), recorded(*after, run=OTHER), accepts=lambda one, _: said[one.case.family])

    assert {one.result.case.family: (one.news, one.turn, one.after.judgement) for one in comparison.changes} == {
        "a": ("accepted", "different", "conforms"),
        "b": ("accepted", "different", "known"),
        "c": ("error", "worse", "conforms"),
        "d": ("slower", "worse", "conforms"),
    }
    assert {one.result.case.family for one in comparison.failing("any")} == {"c", "d"}


def test_size_is_handed_on():
    """A size that is asked for decides on times."""
    runs = recorded(result(timing(*FAST))), recorded(result(timing(*SLOW)))

    assert compare(*runs, size=0.5).counts["worse"] == 0
    assert compare(*runs, size=0.1).counts["worse"] == 1


@pytest.mark.parametrize(
    ("before", "after", "failing"),
    [
        pytest.param([result()], [result()], (0, 0, 0, 0), id="same"),
        pytest.param([result()], [result(judgement="deviates")], (0, 1, 1, 1), id="deviates"),
        pytest.param([result()], [result(score(9.0))], (0, 0, 1, 1), id="worse"),
        pytest.param([result()], [result(score(1.0))], (0, 0, 0, 1), id="different"),
        pytest.param([result()], [result(score(mean_ulp=0.5))], (0, 0, 0, 1), id="mean"),
        pytest.param([result()], [result(), result(target=JAX)], (0, 0, 0, 1), id="added"),
        pytest.param([result(), result(target=JAX)], [result()], (0, 0, 1, 1), id="removed"),
        pytest.param([result(timing(*FAST))], [result(timing(*SLOW))], (0, 0, 1, 1), id="slower"),
        pytest.param([result(timing(*FAST))], [result(timing(1e-5))], (0, 0, 0, 0), id="untold"),
    ],
)
def test_gate(before, after, failing):
    """`never` lets all pass, `deviation` all but judgements, `new` what got no worse, `any` what is as it was."""
    comparison = found(before, after)

    assert tuple(len(comparison.failing(gate)) for gate in ("never", "deviation", "new", "any")) == failing


def test_environment_differences_are_told_by_framework():
    """A version that changed is named with its framework and device; what is the same is left out."""
    newer = {"framework": "torch", "torch": "2.13.0", "isa": "avx512"}
    before = recorded(result(environment="a"), environments={"a": ENVIRONMENT})
    after = recorded(
        result(environment="b"), run=run(host={"cores": "64"}), environments={"b": newer, "unused": {"torch": "0"}}
    )

    assert compare(before, after).environments == (
        Difference("torch on cpu", "torch", "2.11.0", "2.13.0"),
        Difference("torch on cpu", "isa", "-", "avx512"),
        Difference("machine", "cores", "2", "64"),
    )


def test_two_versions_in_one_run_are_both_named():
    """A run that was gone on with after an upgrade holds two environments of one framework."""
    facts = {"a": {"torch": "2.11.0"}, "b": {"torch": "2.13.0"}}
    before = recorded(result(environment="a"), environments=facts)
    after = recorded(result(environment="a"), result(family="f", environment="b"), environments=facts)

    assert compare(before, after).environments == (Difference("torch on cpu", "torch", "2.11.0", "2.11.0, 2.13.0"),)


def test_framework_of_one_run_alone_is_no_difference():
    """The environment of a framework that one run did not ask is compared with nothing."""
    before = recorded(result(environment="a"), environments={"a": ENVIRONMENT})
    after = recorded(result(target=JAX, environment="b"), environments={"b": {"jax": "0.10"}})

    assert compare(before, after).environments == ()


def test_kind_is_no_part_of_the_question():
    """An implementation that the catalogue now calls composed is still the same function."""
    composed = result(
        target=type(TORCH)(type(TORCH.implementation)("torch", "softmax", "torch.softmax", "naive"), "eager")
    )

    assert found([result()], [composed]).counts["unchanged"] == 1


def test_many_questions_take_no_time():
    """Twenty thousand questions, all renamed, are paired without looking at each pair."""
    before = [result(family=f"a{k}", content=str(k)) for k in range(20_000)]
    after = [result(family=f"b{k}", content=str(k)) for k in range(20_000)]

    assert found(before, after).counts["unchanged"] == 20_000
