"""The parts of all that is asked: pytest's modules and a check in one's own process ask the same."""

from harness.adapters import judged
from harness.adapters.numpy import Adapter
from suites import parts
from suites.questions import jobs, plan


def adapter(op, function):
    """Return numpy's adapter with one function."""
    return Adapter().judging(judged.by_framework([("numpy", op, function)])["numpy"], every_mode=True)


def test_every_part_is_a_module_of_the_suites():
    """A part that is added is asked by pytest too, and in the same order."""
    assert tuple(f"test_{part.name}.py" for part in parts.PARTS) == jobs.ACCURACY


def test_parts_share_all_questions():
    """No question is of two parts, and the list for one's own process holds each once."""
    wanted = plan.Wanted.of(preset="smoke", op="softmax")
    asking = [adapter("softmax", lambda logits, _axis: logits)]
    every = [(str(case), str(target)) for part in parts.PARTS for _, case, target in part.questions(asking, wanted)]
    listed = [(str(case), str(target)) for (_, case, target), _ in parts.questions(asking, wanted)]

    assert len(set(every)) == len(every)
    assert len(listed) > 50
    assert set(listed) == {one for one in every if "bfloat16" not in one[0]}  # which is not numpy's own


def test_float32_and_short_rows_come_first():
    """A finding comes soon: long rows are asked at the end, other dtypes behind float32."""
    wanted = plan.Wanted.of(preset="quick", op="logsumexp")
    cases = [case for (_, case, _), _ in parts.questions([adapter("logsumexp", lambda logits, _axis: logits)], wanted)]
    order = [(case.classes >= parts.WIDE, case.dtype != "float32") for case in cases]

    assert order == sorted(order)
    assert {True, False} == {is_long for is_long, _ in order}
