"""The kernels of `my_kernel.py` judged in one's own tests: `pytest test_my_kernel.py`."""

from collections.abc import Callable

import pytest
from my_kernel import my_loss, my_softmax

import xentbench


def test_my_loss() -> None:
    """One line judges a loss; where it deviates, the message says of what input, got and expected."""
    xentbench.assert_conforms(my_loss, "sparse_xent", framework="torch")


def test_what_is_wrong_with_my_softmax() -> None:
    """`check` returns the findings, the most harmful first: this one overflows."""
    findings = xentbench.check(my_softmax, "softmax", framework="torch", dtypes=["float32"])

    assert findings.verdict == "deviates"
    assert findings[0].got == "nan"
    assert findings[0].worst_input is not None


@pytest.mark.xentbench(op="sparse_xent", framework="torch", dtype=["float32", "bfloat16"])
def test_my_loss_in_every_dtype_of_training(conforms: Callable[..., None]) -> None:
    """With the marker a test a dtype is made, which pytest can select: `-k bfloat16`."""
    conforms(my_loss)
