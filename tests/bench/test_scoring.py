"""The benchmark of scoring: every contender does its work, and the usual family is the one that is streamed."""

import numpy as np
import pytest

from harness import jit
from harness.scoring import metrics
from tests.bench import scoring


@pytest.fixture(autouse=True)
def own_choice(monkeypatch):
    """Forget afterwards which tier a contender chose."""
    monkeypatch.setattr(jit, "CHOICE", jit.CHOICE)


@pytest.mark.parametrize("family", ["normal", "wide_spread"])
def test_every_contender_is_timed(family):
    """Each contender of a family gets a time."""
    times = scoring.measure(family, 2, 512, turns=1)

    assert list(times) == ["ruler", "distance", "numpy", *(["numba"] if jit.version() else [])]
    assert min(times.values()) >= 0


def test_contenders_measure_one_answer():
    """By numpy and by loops an answer has the same Distance; without bounds, the same but for their ratios."""
    work = dict(scoring.contenders("wide_spread", 2, 512))
    distance, whole = work["distance"](), work["numpy"]()

    assert repr(work.get("numba", work["numpy"])()) == repr(whole)
    assert (distance.max_ulp, distance.mean_ulp) == (whole.max_ulp, whole.mean_ulp)
    assert whole.over_bound.keys() == {"S", "E", "U"}
    assert "flushed" in whole.verdicts


def test_normal_rows_are_streamed(monkeypatch):
    """Nothing of the usual family is asked about by the definitions, so that the figure is the stream's."""
    work = dict(scoring.contenders("normal", 2, 512))
    monkeypatch.setattr(metrics, "_judge", None)

    assert work["numpy"]().verdicts == {}


def test_answer_is_float32_without_subnormal_numbers():
    """The answer has the dtype of its logits, and what underflows is 0."""
    p = scoring.answer(np.array([[0.0, -100.0, -1.0]], np.float32))

    assert p.dtype == np.float32
    assert p[0, 1] == 0
    assert p[0, 2] > 0
