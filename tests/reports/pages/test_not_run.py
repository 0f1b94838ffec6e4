"""What gave no answer: gathered by framework and reason."""

import pytest

from harness.model import Failed, Implementation, Target, Unsupported
from reports.pages import not_run
from tests.made.records import result


def refused(name, reason, outcome=None):
    """Return what came of a function that gave no answer."""
    return result(
        outcome or Unsupported(reason), target=Target(Implementation("torch", "softmax", name, "fused"), "eager")
    )


def test_functions_that_refuse_alike_are_one_reason():
    """Who refused stands beside the reason, so that a name in it makes no reason of its own, an alias's least."""
    one = refused("torch.softmax", "torch.softmax does not offer softmax(mask=1 0): no mask")
    alias = refused("torch.special.softmax", "torch.softmax does not offer softmax(mask=1 0): no mask")
    (reason,) = not_run.reasons([one, alias])

    assert (reason.text, reason.count) == ("does not offer softmax(mask=1 0): no mask", 2)
    assert reason.targets == ("torch.softmax@eager", "torch.special.softmax@eager")


@pytest.mark.parametrize("reason", ["the labels gradient is stopped", "ValueError: rank 6"])
def test_other_reasons_stay_as_they_are(reason):
    """What a framework says itself is not cut."""
    (found,) = not_run.reasons([refused("torch.softmax", reason, Failed("raised", reason))])

    assert found.text == reason
