"""Engines that are kernels: the contract of an adapter, and what each was seen to answer, held as figures.

A figure that a newer release changes fails here on purpose: the lists in suites/expected/ then say something untrue.
"""

import functools
import warnings

import numpy as np
import pytest

from harness import adapters
from harness.adapters import NotInstalled, frameworks
from harness.model import Inputs, Op, Target

ENGINES = sorted(name for name, module in frameworks.engines().items() if ".kernels." in module)
ROWS, FEATURES, CLASSES = 4, 3, 5
LINEAR = Op.of("linear_xent")


@functools.cache
def loaded(name):
    """Load an engine once, or skip the test with the reason why it cannot be."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what a library says while it is imported is no outcome
            return adapters.load(name)
    except NotInstalled as missing:
        pytest.skip(str(missing))


def asked(classes=CLASSES, dtype="float32"):
    """Return hidden states and a weight, small dyadic numbers."""
    rng = np.random.default_rng(3)
    hidden, weight = (rng.integers(-8, 9, (n, FEATURES)) / 8 for n in (ROWS, classes))
    labels, upstream = np.arange(ROWS) % classes, np.array([1, -0.5, 2, 0.25])
    return Inputs(hidden.astype(dtype), labels, upstream.astype(dtype), weight=weight.astype(dtype))


def truth(inputs):
    """Return losses, and the gradients of hidden states and weight, in float64."""
    hidden, weight = inputs.logits.astype(np.float64), inputs.weight.astype(np.float64)
    logits = hidden @ weight.T
    p = np.exp(logits)
    total = p.sum(axis=1, keepdims=True)
    rows = np.arange(ROWS)
    of = p / total
    of[rows, inputs.labels] -= 1
    of *= inputs.upstream.astype(np.float64)[:, None]
    return np.log(total[:, 0]) - logits[rows, inputs.labels], of @ weight, of.T @ hidden


def test_every_kernel_is_listed():
    """The engines are found by their folders, whether they are installed or not."""
    assert ENGINES == ["cut_cross_entropy", "liger", "tokamax"]
    assert [frameworks.modes(name) for name in ENGINES] == [("eager",), ("eager",), ("eager", "jit")]


@pytest.mark.parametrize("name", ENGINES)
def test_a_missing_engine_says_what_to_install(name, monkeypatch):
    """What cannot be imported is not run, with the extra that brings it."""
    monkeypatch.setitem(__import__("sys").modules, frameworks.engines()[name], None)
    with pytest.raises(NotInstalled, match=rf"xentbench\[{name}\]"):
        adapters.load(name)


@pytest.mark.parametrize("name", ENGINES)
def test_names_are_the_engine_s_own(name):
    """What a report shows is what its users search for, and promises a stable answer."""
    for implementation in loaded(name).implementations():
        assert implementation.framework == name
        assert implementation.name.startswith(name if name != "liger" else "liger_kernel")
        assert implementation.kind == "fused"


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("place", [0, 1, 2], ids=["value", "grad_hidden", "grad_weight"])
def test_ordinary_rows_are_answered(name, place):
    """A gradient of rows with incoming gradients of their own is nearly the textbook's, where an engine gives one."""
    adapter, inputs = loaded(name), asked()
    quantity = ("value", "grad_hidden", "grad_weight")[place]
    for implementation in adapter.implementations():
        if implementation.op == "linear_xent":
            got = adapter.ask(LINEAR, quantity, inputs, Target(implementation, adapter.plainest))
            np.testing.assert_allclose(got, truth(inputs)[place], rtol=1e-4, atol=1e-5)
