"""Published examples: one line an answer, whichever modes gave it."""

from dataclasses import replace

from reports.pages import examples
from tests.made.records import TORCH, result, score


def answers(*figures):
    """Return one answer a mode, so many ulps off."""
    modes = zip(("eager", "jit", "xla"), figures, strict=False)
    return [result(score(ulp), "published/x", target=replace(TORCH, mode=mode)) for mode, ulp in modes]


def test_modes_that_answer_alike_share_a_line():
    """Two modes with one answer are a line, at the first one's sheet; a third with another has its own."""
    both, other = examples.by_modes(answers(1.0, 1.0, 2.0))

    assert (both.modes, other.modes) == (("eager", "jit"), ("xla",))
    assert both.at.endswith("@eager")


def test_another_dtype_is_another_line():
    """Modes are merged, questions are not."""
    first, second = answers(1.0, 1.0)

    assert len(examples.by_modes([first, replace(second, case=replace(second.case, dtype="float64"))])) == 2
