"""One answer in two runs: better, worse, different or as it was, and why."""

import dataclasses
import math

import pytest

from harness.history import change
from harness.model import Crashed, Failed, Score, TimedOut, Unsupported
from tests.made.records import JAX, TORCH, checked, result, score, settled, timing

SLOW, FAST = [1.2e-5] * 9, [1e-5] * 9
KINDS = (
    score(),
    checked(),
    timing(*FAST),
    Unsupported("no"),
    Failed("raised", "x", "E"),
    Crashed("SIGSEGV"),
    TimedOut(3.0),
)


def between(old, new, was="conforms", now="conforms", **fields):
    """Compare two outcomes with their judgements."""
    return change.between(result(old, judgement=was, **fields), result(new, judgement=now, reason="why", **fields))


@pytest.mark.parametrize("outcome", [*KINDS, score(math.inf, math.nan), checked(math.inf)], ids=str)
def test_same_answer_is_unchanged(outcome):
    """An answer that is as it was is unchanged, infinities and nans included."""
    found = between(outcome, outcome)

    assert (found.status, found.turn, found.reason) == ("unchanged", "none", "")


@pytest.mark.parametrize(
    ("old", "new", "turn", "reason"),
    [
        pytest.param(
            score(1.5), score(4.5), "worse", "error is 1.5 of its bound, was 0.5; max 4.5 ulp, was 1.5", id="error"
        ),
        pytest.param(
            score(4.5),
            score(1.5),
            "better",
            "error is 0.5 of its bound, was 1.5; max 1.5 ulp, was 4.5",
            id="less-error",
        ),
        pytest.param(
            score(1.5), score(3.0), "worse", "error is 1 of its bound, was 0.5; max 3 ulp, was 1.5", id="twice"
        ),
        pytest.param(score(1.5), score(2.9), "different", "max 2.9 ulp, was 1.5", id="less-than-twice"),
        pytest.param(score(0.5), score(1.5), "different", "max 1.5 ulp, was 0.5", id="half-the-bound"),
        pytest.param(score(1.5), score(1.5001), "different", "max 1.5001 ulp, was 1.5", id="just-more"),
        pytest.param(
            *(score(1.5), score(math.inf), "worse", "error is inf of its bound, was 0.5; max inf ulp, was 1.5"),
            id="infinite",
        ),
        pytest.param(
            *(score(math.inf), score(1.5), "better", "error is 0.5 of its bound, was inf; max 1.5 ulp, was inf"),
            id="finite",
        ),
        pytest.param(score(), score(mean_ulp=0.5), "different", "mean 0.5 ulp, was 0.25", id="mean"),
        pytest.param(
            *(score(bits="a0"), score(bits="b1"), "different", "answers differ in bits, largest error 1.5 ulp in both"),
            id="bits",
        ),
        pytest.param(score(bits="a0"), score(2.0, bits="b1"), "different", "max 2 ulp, was 1.5", id="bits-and-error"),
        pytest.param(
            score(bits="a0"),
            score(9.0, bits="a0"),
            "different",
            "max 9 ulp, was 1.5; the answer itself is the same bit by bit",
            id="error-alone",
        ),
        pytest.param(
            *(score(3.0), score(2.0, budget="N"), "different", "meets class N, was class S; max 2 ulp, was 3"),
            id="class",
        ),
        pytest.param(score(budget="N"), score(), "different", "meets class S, was class N", id="better-class"),
        pytest.param(score(), score(verdicts={"nan": 2}), "different", "nan: 2, was 0", id="nan"),
        pytest.param(score(verdicts={"wrong_sign": 2}), score(), "different", "wrong sign: 0, was 2", id="sign"),
        pytest.param(score(), score(verdicts={"flushed": 2}), "different", "flushed: 2, was 0", id="flushed"),
        pytest.param(checked(0.5), checked(0.75), "different", "0.75 of what is allowed, was 0.5", id="law"),
        pytest.param(checked(0.5), checked(1.5), "worse", "1.5 of what is allowed, was 0.5", id="law-broken"),
        pytest.param(checked(0.0), checked(math.inf), "worse", "inf of what is allowed, was 0", id="rule"),
        pytest.param(checked(0, "nan"), checked(0, "zero"), "worse", "policy is zero, was nan", id="policy"),
        pytest.param(
            *(checked(0), checked(0, "views refused"), "worse", "policy is views refused, was none"), id="refused"
        ),
        pytest.param(
            *(checked(0, "views refused"), checked(0), "better", "policy is none, was views refused"), id="taken"
        ),
        pytest.param(
            checked(0, "error A"), checked(0, "error B"), "different", "policy is error B, was error A", id="error-type"
        ),
        pytest.param(
            *(timing(*FAST), timing(*SLOW), "worse", "1.2 times as long (1.18 to 1.22): 12 µs, was 10 µs"), id="slower"
        ),
        pytest.param(
            *(timing(*SLOW), timing(*FAST), "better", "0.833 times as long (0.817 to 0.85): 10 µs, was 12 µs"),
            id="faster",
        ),
        pytest.param(
            score(), Unsupported("no bf16"), "worse", "unsupported (no bf16), was max 1.5 ulp", id="unsupported"
        ),
        pytest.param(Unsupported("no"), score(), "better", "max 1.5 ulp, was unsupported (no)", id="supported"),
        pytest.param(score(), Failed("raised", "x", "E"), "worse", "failed (E: x), was max 1.5 ulp", id="failed"),
        pytest.param(
            Failed("raised", "x", "E"),
            Crashed("SIGKILL"),
            "worse",
            "crashed (SIGKILL), was failed (E: x)",
            id="crashed",
        ),
        pytest.param(
            *(Crashed("SIGKILL"), TimedOut(3.0), "different", "timed out after 3 s, was crashed (SIGKILL)"), id="hung"
        ),
        pytest.param(
            Failed("raised", "x", "A"), Failed("raised", "x", "B"), "different", "raised B, was A", id="exception"
        ),
    ],
)
def test_other_answer_is_changed(old, new, turn, reason):
    """An answer that differs is changed for better or worse, or is merely different, and the reason holds both."""
    found = between(old, new)

    assert (found.status, found.turn, found.reason) == ("changed", turn, reason)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param(timing(*FAST), timing(*([1.04e-5] * 9)), id="4%"),
        pytest.param(Failed("raised", "at 0x7f", "E"), Failed("raised", "at 0x8a", "E"), id="address"),
        pytest.param(Unsupported("no"), Unsupported("not at all"), id="wording"),
        pytest.param(score(1e6), score(1e6 * (1 + 1e-14)), id="arithmetic"),
        pytest.param(score(), score(bits="b1"), id="bits-not-kept-then"),
        pytest.param(score(bits="a0"), score(), id="bits-not-kept-now"),
    ],
)
def test_noise_is_no_change(old, new):
    """What a sample, a message or a sum's rounding can do by itself is no change."""
    assert between(old, new).status == "unchanged"


@pytest.mark.parametrize(
    ("old", "new", "lack"),
    [
        pytest.param(timing(*FAST), timing(1e-5, 1e-5), "2 samples", id="few-samples"),
        pytest.param(timing(*FAST), timing(3.9e-5), "1 sample", id="one-sample"),
        pytest.param(timing(), timing(), "0 samples", id="no-samples"),
        pytest.param(
            *(timing(*FAST), timing(*[1.5e-5] * 4), "4 samples of 4 processes, expected 5 processes"), id="processes"
        ),
        pytest.param(timing(*FAST), timing(*[0.0] * 9), "a time of 0", id="clock"),
    ],
)
def test_too_few_samples_cannot_tell(old, new, lack):
    """Times of fewer samples or processes than a decision needs are not said to be unchanged."""
    found = between(old, new)

    assert (found.status, found.turn, found.news) == ("cannot tell", "none", "untold")
    assert found.reason == f"cannot tell: {lack}"


@pytest.mark.parametrize(
    ("times", "spread", "expected"),
    [
        (1.01, 0.01, ("unchanged", "none", "settled", "the same in a duel: 1.01 times as long (1 to 1.02)")),
        (1.3, 0.1, ("changed", "worse", "slower", "1.3 times as long (1.18 to 1.43) in a duel")),
        (0.5, 0.1, ("changed", "better", "better", "0.5 times as long (0.455 to 0.55) in a duel")),
        (
            *(1.04, 0.02),
            (
                "cannot tell",
                "none",
                "untold",
                "cannot tell: a duel could not either; 1.04 times as long (1.02 to 1.06)",
            ),
        ),
    ],
    ids=["same", "slower", "faster", "cannot-tell"],
)
@pytest.mark.parametrize("samples", [FAST[:2], SLOW])
def test_duel_settles(times, spread, expected, samples):
    """What a duel between two runs found replaces what their samples say, whether that was little or wrong."""
    old, new = result(timing(*FAST)), result(settled(timing(*samples), times, spread, "earlier"))

    found = change.between(old, new, runs=("earlier", "later"))

    assert (found.status, found.turn, found.news, found.reason) == expected
    assert "duel" not in change.between(old, new, runs=("another", "later")).reason


@pytest.mark.parametrize("count", [1, 2, 9])
def test_far_slower_needs_no_samples(count):
    """A time a thousand times as long is slower however few samples there are: no class of processes explains it."""
    found = between(timing(*FAST[:count]), timing(*[1e-2] * count))

    assert (found.status, found.turn, found.news) == ("changed", "worse", "slower")


@pytest.mark.parametrize("kind", ["composed", "naive", "misuse", "control"])
def test_what_is_not_judged_is_never_worse(kind):
    """Whatever becomes of an answer that promises nothing, it is different at most."""
    target = dataclasses.replace(TORCH, implementation=dataclasses.replace(TORCH.implementation, kind=kind))
    for old, new in [(score(), score(math.inf)), (score(), Unsupported("no")), (timing(*FAST), timing(*SLOW))]:
        found = between(old, new, "unjudged", "unjudged", target=target)
        assert (found.turn, found.news) == ("different", "unjudged")


@pytest.mark.parametrize(
    ("was", "now", "same"),
    [
        (score(bits="a0"), score(2.0, bits="a0"), True),
        (score(bits="a0"), score(bits="b1"), False),
        (score(), score(bits="b1"), None),
        (score(bits="a0"), Failed("raised", "E"), None),
        (checked(), checked(), None),
    ],
)
def test_bits_say_something_where_both_are_kept(was, now, same):
    """Two answers are the same bit by bit, or not, or nothing is known of one of them; of no answer nothing is."""
    assert change.same_bits(result(was), result(now)) is same
    assert change.same_bits(None, result(now)) is None


@pytest.mark.parametrize(
    ("was", "now", "judgement", "alone"),
    [
        (score(bits="a0"), score(bits="b1"), "conforms", True),
        (score(bits="a0"), score(mean_ulp=0.5, bits="b1"), "conforms", False),
        (score(bits="a0"), score(bits="b1"), "unjudged", False),
        (score(bits="a0"), score(bits="a0"), "conforms", False),
        (score(), score(), "conforms", False),
        (timing(*FAST), timing(*SLOW), "conforms", False),
    ],
)
def test_bits_alone(was, now, judgement, alone):
    """An answer differs in bits alone where no figure and no judgement moved."""
    assert (between(was, now, now=judgement).news == "bits") is alone


def test_size_is_asked_for():
    """The size from which a difference of times counts can be named."""
    old, new = result(timing(*FAST)), result(timing(*([1.04e-5] * 9)))

    assert change.between(old, new, 0.03).turn == "worse"


@pytest.mark.parametrize(
    ("dtype", "status"), [("float64", "unchanged"), ("float32", "changed"), ("bfloat16", "changed")]
)
def test_figure_is_as_exact_as_its_reference(dtype, status):
    """Two goldens of a float64, each certified to 2**-64, may move an error by 2**-10 ulp; of a float32, by nothing."""
    assert between(score(1.5), score(1.5 + 2.0**-11), dtype=dtype).status == status


@pytest.mark.parametrize(
    ("was", "now", "turn"),
    [
        ("conforms", "deviates", "worse"),
        ("conforms", "known", "worse"),
        ("known", "deviates", "worse"),
        ("deviates", "known", "better"),
        ("deviates", "conforms", "better"),
        ("unjudged", "conforms", "different"),
    ],
)
def test_judgement_decides_first(was, now, turn):
    """A judgement that changed decides, whichever way the figures went; why it deviates is quoted."""
    found = between(score(3.0), score(2.0), was, now)

    assert found.turn == turn
    assert found.reason.startswith(f"{now}, was {was}" + (": why" if now in {"deviates", "known"} else ""))


@pytest.mark.parametrize(
    ("old", "new", "now", "broke"),
    [
        (score(), Crashed("SIGKILL"), "deviates", True),
        (Failed("raised", "E"), TimedOut(3.0), "unjudged", True),
        (score(), Crashed("SIGKILL"), "known", False),
        (Crashed("SIGKILL"), Crashed("SIGKILL"), "deviates", False),
        (score(), Failed("raised", "E"), "deviates", False),
    ],
)
def test_death_is_the_machinery(old, new, now, broke):
    """A process that died or hung where it did not before, unless it is known to, is no score."""
    was = now if type(old) is type(new) else "conforms"

    assert change.broke(between(old, new, was, now)) is broke


@pytest.mark.parametrize(
    ("pair", "aspect"),
    [
        ((score(), score(2.0)), "accuracy"),
        ((timing(*FAST), timing(*SLOW)), "speed"),
        ((timing(*FAST), Failed("raised", "x", "E")), "speed"),
        ((checked(), checked()), "accuracy"),
    ],
)
def test_accuracy_and_speed_are_apart(pair, aspect):
    """A question of speed stays one where it got no answer."""
    assert between(*pair).aspect == aspect


def test_severity_orders():
    """What moved further is more severe; what has no figure on one side most of all."""
    found = [
        between(score(1.5), score(1.6)),
        between(score(1.5), score(200.0)),
        between(score(1.5), score(math.inf)),
        between(score(1.5), Failed("raised", "E")),
    ]

    severities = [change.severity(one) for one in found]
    assert severities == sorted(severities)
    assert severities[1] < severities[2] == severities[3] == math.inf
    assert change.severity(between(score(math.inf), score(math.inf, 0.5))) == 0
    assert change.severity(between(timing(), timing())) == math.inf


@pytest.mark.parametrize(
    ("value", "text"), [(2.5, "2.5 s"), (0.0123456, "12.3 ms"), (1e-6, "1 µs"), (3.25e-8, "32.5 ns")]
)
def test_seconds_take_the_unit_that_fits(value, text):
    """A time is printed with three digits."""
    assert change.seconds(value) == text


def test_told_is_the_later_result():
    """A change is listed under the later of its two results, with whoever answered."""
    old, new = result(target=JAX), result(score(3.0), target=JAX)

    assert change.between(old, new).result is new
    assert isinstance(change.Change("removed", "none", "removed", "", old, None).result.outcome, Score)
