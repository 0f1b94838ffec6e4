"""The brake: ten answers alike are enough, of one cause and in the dtypes that showed it."""

import pytest

from harness.model import Failed
from suites.judging import brake
from tests.made import verdicts


def asked(held, outcomes, **case):
    """Ask so many questions of a family each; return how many were asked."""
    count = 0
    for number, outcome in enumerate(outcomes):
        question = verdicts.result(outcome, family=f"f{number}", **case)
        if not held.spares(question.case, question.target):
            held.learn(question)
            count += 1
    return count


@pytest.fixture
def held():
    """Return a brake of a function that has answered something."""
    made = brake.Brake()
    made.learn(verdicts.result(verdicts.score(0.5), "conforms"))
    return made


def test_ten_alike_are_enough(held):
    """The eleventh answer of one cause is not asked for."""
    assert asked(held, [verdicts.score()] * 25) == brake.ALIKE


def test_another_cause_is_asked_on(held):
    """What is nan is another cause than what is off, and neither ends the asking before it is seen ten times."""
    assert asked(held, [verdicts.score(), verdicts.score(nan=1)] * 9) == 18


def test_a_dtype_that_has_not_shown_it_is_asked_on(held):
    """A fault of float16 alone ends the asking in float16 alone."""
    assert asked(held, [verdicts.score()] * 25, dtype="float16") == brake.ALIKE
    assert not held.spares(verdicts.result(None, dtype="float32").case, verdicts.target())


def test_other_questions_are_asked_on(held):
    """Gradients, other modes and checks are asked though the value has shown enough."""
    asked(held, [verdicts.score()] * 25)

    assert held.spares(verdicts.result(None).case, verdicts.target())
    assert not held.spares(verdicts.result(None, quantity="grad_logits").case, verdicts.target())
    assert not held.spares(verdicts.result(None, check="law.shift").case, verdicts.target())
    assert not held.spares(verdicts.result(None).case, verdicts.target(mode="compile"))


def test_accepted_answers_are_not_counted(held):
    """What is known ends nothing."""
    for _ in range(20):
        held.learn(verdicts.result(verdicts.score(), "known"))

    assert not held.spares(verdicts.result(None).case, verdicts.target())


def test_who_never_answers_is_not_asked_on():
    """Ten failures alike, whatever was asked, and no answer: nothing more is asked."""
    held = brake.Brake()
    for number in range(brake.ALIKE):
        check = f"law.law{number}" if number % 2 else ""
        held.learn(verdicts.result(Failed("raised", f"no row {number}", "RuntimeError"), check=check))

    assert held.spares(verdicts.result(None, quantity="grad_logits").case, verdicts.target())


def test_first():
    """The first deviation ends all asking where that is wanted."""
    held = brake.Brake(first=True)
    held.learn(verdicts.result(verdicts.score(0.5), "conforms"))
    assert not held.spares(verdicts.result(None).case, verdicts.target())
    held.learn(verdicts.result(verdicts.score()))
    assert held.spares(verdicts.result(None, quantity="grad_logits").case, verdicts.target("other"))
