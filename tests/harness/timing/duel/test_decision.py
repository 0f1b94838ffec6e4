"""The statistics of a duel: hand-worked values, made-up processes with known effects, and how often the rule errs."""

import math

import numpy as np
import pytest

from harness.timing.duel import decision
from harness.timing.duel.decision import Estimate, Rule, Wave

RULE = Rule()
PROCESSES = {  # what processes differ by: draw(rng, workers) in log seconds
    "alike": lambda rng, workers: rng.normal(0, 0.002, workers),
    "normal": lambda rng, workers: rng.normal(0, 0.01, workers),
    "wide": lambda rng, workers: rng.normal(0, 0.02, workers),
    "heavy tails": lambda rng, workers: 0.01 * rng.standard_t(3, workers) / math.sqrt(3),
    "skewed": lambda rng, workers: 0.01 * rng.exponential(1, workers),
    "two classes": lambda rng, workers: np.where(rng.random(workers) < 0.25, 0.03, 0) + rng.normal(0, 0.003, workers),
    "two far classes": lambda rng, workers: np.where(rng.random(workers) < 0.3, 0.2, 0) + rng.normal(0, 0.003, workers),
    "one held up": lambda rng, workers: np.where(rng.random(workers) < 0.04, 0.5, 0) + rng.normal(0, 0.006, workers),
}
DUELS = 600
# 3 sigma above 0.5 % of so many duels: what is higher is no chance
ALARMS_AT_MOST = round(DUELS * 0.005 + 3 * math.sqrt(DUELS * 0.005))


def wave(rng, draw, effect, workers=5, rounds=10, noise=0.01, drift=0.0):
    """Make up a wave: B is slower by `effect`; rounds drift, and each has a disturbance of its own."""
    of_rounds = drift * np.arange(rounds) + rng.exponential(0.05, rounds)
    a, b = (
        draw(rng, workers)[:, None] + of_rounds + rng.normal(0, noise, (workers, rounds)) + shift
        for shift in (0, math.log1p(effect))
    )
    return Wave(a, b)


def settled(rng, draw, effect, **how):
    """Play made-up waves to the end, and overtime where they leave it open."""
    whole = [wave(rng, draw, effect, rounds=RULE.rounds + RULE.overtime, **how) for _ in RULE.waves]
    begun = [Wave(one.a[:, : RULE.rounds], one.b[:, : RULE.rounds]) for one in whole]
    for look in range(len(whole)):
        if verdict := decision.decide(begun[: look + 1], RULE):
            return verdict
    return decision.decide(whole, RULE)


def answers(draw, effect, duels=DUELS, **how):
    """Return the answers of many duels."""
    rng = np.random.default_rng(11)
    return [settled(rng, draw, effect, **how).answer for _ in range(duels)]


@pytest.mark.parametrize("kind", PROCESSES)
def test_equals_raise_no_alarm(kind):
    """At most one decision in 200 between equals is an alarm, whatever processes differ by."""
    found = answers(PROCESSES[kind], 0)

    assert found.count("slower") + found.count("faster") <= ALARMS_AT_MOST


def test_drift_and_disturbed_rounds_raise_no_alarm():
    """What slows whole rounds drops out: equals on a machine that gets 20 % slower in a wave are the same."""
    found = answers(PROCESSES["normal"], 0, drift=0.02)

    assert found.count("slower") + found.count("faster") <= ALARMS_AT_MOST
    assert found.count("same") > 0.9 * DUELS


@pytest.mark.parametrize("kind", ["alike", "normal", "heavy tails", "skewed", "one held up"])
@pytest.mark.parametrize(("effect", "answer"), [(0.05, "slower"), (1 / 1.05 - 1, "faster")])
def test_five_per_cent_is_found(kind, effect, answer):
    """A change of 5 % is found in 99 of 100 duels, in either direction."""
    assert answers(PROCESSES[kind], effect, 300).count(answer) >= 297


def test_wide_processes_leave_it_untold():
    """Where processes differ by far more than the effect, the answer is that it cannot be told."""
    rng = np.random.default_rng(3)
    verdict = settled(rng, lambda rng, workers: rng.normal(0, 0.3, workers), 0.05)

    assert verdict.answer == "cannot tell"
    assert verdict.looks == len(RULE.waves) + 1
    assert verdict.detectable > 0.3


def test_overtime_finds_it_on_a_busy_machine():
    """Where blocks differ by 8 %, more rounds find what waves leave open, and equals still raise no alarm."""
    slower, equal = (answers(PROCESSES["normal"], effect, 300, noise=0.08) for effect in (0.05, 0))

    assert slower.count("slower") >= 297
    assert equal.count("slower") + equal.count("faster") <= ALARMS_AT_MOST


def test_one_wave_raises_no_alarm():
    """However clear a first wave is, fresh workers must say the same."""
    rng = np.random.default_rng(4)
    clear = wave(rng, PROCESSES["alike"], 0.5)

    assert decision.decide([clear], RULE) is None
    assert decision.decide([clear, wave(rng, PROCESSES["alike"], 0.5)], RULE).answer == "slower"


def test_newest_wave_must_agree():
    """A first wave that fresh workers do not confirm is no alarm, even where all together show one."""
    rng = np.random.default_rng(5)
    loud, quiet = wave(rng, PROCESSES["alike"], 0.2), wave(rng, PROCESSES["alike"], -0.001)
    rule = Rule(alarm=(0.0, 0.4, 0.4, 0.4))

    assert decision.decide([loud, quiet], rule) is None
    assert decision.decide([quiet, loud], rule).answer == "slower"


def test_same_is_said_at_once():
    """Equals that barely differ are the same after one wave."""
    verdict = decision.decide([wave(np.random.default_rng(6), PROCESSES["alike"], 0)], RULE)

    assert (verdict.answer, verdict.looks, verdict.workers) == ("same", 1, 5)
    assert 1 / 1.03 < verdict.low < verdict.ratio < verdict.high < 1.03


def test_verdict_holds_the_planted_ratio():
    """The interval of the verdict holds the effect, and the ratio is B's time over A's."""
    rng = np.random.default_rng(7)
    inside = 0
    for _ in range(100):
        verdict = settled(rng, PROCESSES["normal"], 0.25)
        inside += verdict.low <= 1.25 <= verdict.high

    assert inside >= 96


def test_typical_leaves_out_the_rare_worker():
    """One worker in five that stands apart from its side and from the other is left out."""
    other = np.array([0.05, 0.051, 0.049, 0.052, 0.05])

    assert decision.typical(np.array([0.0, 0.001, 0.4, 0.002, 0.001]), other).tolist() == [0.0, 0.001, 0.002, 0.001]


def test_typical_keeps_what_may_be_a_class():
    """Two in five are kept, and so is one that stands among the other side's workers."""
    other = np.full(5, 0.2)
    two = np.array([0.0, 0.001, 0.4, 0.41, 0.001])
    among_the_other = np.array([0.0, 0.001, 0.2, 0.002, 0.001])

    assert decision.typical(two, other) is two
    assert decision.typical(among_the_other, other) is among_the_other


def test_effects_by_hand():
    """A worker's effect is its median over rounds, less the centre between the sides' medians."""
    a = np.array([[1.0, 11.0], [2.0, 12.0], [3.0, 13.0]])
    effects = decision.effects(Wave(a, a + 4))

    assert effects[0].tolist() == [-3.0, -2.0, -1.0]
    assert effects[1].tolist() == [1.0, 2.0, 3.0]


def test_estimate_by_hand():
    """Welch's test on 1, 2, 3 against 2, 4, 6: variances 1 and 4, error sqrt(5 / 3), 2.94 degrees of freedom."""
    found = decision.estimate(np.array([1.0, 2.0, 3.0]), np.array([2.0, 4.0, 6.0]))

    assert found.theta == 2
    assert found.error == pytest.approx(math.sqrt(5 / 3))
    assert found.freedom == pytest.approx(50 / 17)


def test_estimate_without_spread():
    """Numbers that agree to the last bit have no error."""
    assert decision.estimate(np.ones(3), np.full(3, 2.0)) == Estimate(1.0, 0.0, 4)


def test_estimate_wants_three_workers():
    """Two workers a side are refused with what is expected."""
    with pytest.raises(ValueError, match="expected at least 3 a side"):
        decision.estimate(np.ones(2), np.ones(5))


# Fisher and Yates, Statistical Tables, table III, and R's qt() for fractions of a degree.
def test_margin_of_level_zero_is_infinite():
    """A look that raises no alarm has an interval that excludes nothing."""
    assert Estimate(0.5, 0.01, 8).margin(0) == math.inf
