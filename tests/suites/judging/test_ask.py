"""Asking one question: what is kept of the answer beside its distance from the truth."""

import numpy as np
import pytest

from harness import adapters
from harness.model import Case, Failed, Op, Score
from harness.scoring import bits
from reference.cache import Cache
from suites.judging import ask
from suites.questions import cases, plan, presets

CASE = Case(Op.of("softmax"), "value", "normal", "float32", 3, 5)


@pytest.fixture
def question(tmp_path):
    """Return a question with a golden of its own."""
    return ask.Asked(CASE, Cache(tmp_path, "mpmath").golden)


@pytest.fixture
def control():
    """Return numpy's adapter and a target of it."""
    adapter = adapters.load("numpy")
    wanted = plan.Wanted(presets.PRESETS["quick"])
    return adapter, next(one for one in plan.targets(adapter, wanted) if one.implementation.op == "softmax")


def test_bits_are_those_of_the_answer(question, control):
    """A score keeps the digest of what came back."""
    adapter, target = control
    native = adapter.prepare(CASE.op, "value", cases.inputs(CASE), target)()

    outcome = ask.score(adapter, target, question)

    assert isinstance(outcome, Score)
    assert outcome.bits == bits.digest(adapter.answer(native, "value"))


def test_an_answer_of_another_dtype_is_no_score(question, control, monkeypatch):
    """What comes back in a wider type than was asked for has no bits to keep."""
    adapter, target = control
    monkeypatch.setattr(adapter, "answer", lambda native, _: np.asarray(native, np.float64))

    assert ask.score(adapter, target, question) == Failed("dtype", "dtype is float64, expected float32, as the logits'")
