"""jax's waiting, its 64-bit switch and its compiler, as the adapter uses them."""

import functools
from types import SimpleNamespace

import ml_dtypes
import numpy as np
import pytest

from harness import adapters
from harness.adapters import NotSupported, fenced, state

jax = pytest.importorskip("jax", reason="jax is not installed")


@pytest.fixture(scope="module")
def adapter():
    """Return one adapter for the file."""
    return adapters.load("jax")


def test_switch_that_a_call_leaves_on_is_off_again(adapter):  # noqa: ARG001 - which watches it
    """A call that turns 64 bits on for all that comes after it is told of, and they are off."""
    state.changed()

    fenced(lambda: jax.config.update("jax_enable_x64", True))

    assert state.changed() == ("jax's 64-bit switch",)
    assert not jax.config.jax_enable_x64


def test_jax_waits_for_every_array(adapter):
    """Both arrays of a gradient's answer are waited for, wherever they are computed."""
    waited = []
    arrays = tuple(SimpleNamespace(block_until_ready=functools.partial(waited.append, index)) for index in range(2))

    adapter.wait(arrays[0])
    assert waited == [0]
    adapter.wait(arrays)
    assert waited == [0, 0, 1]


@pytest.mark.parametrize("mode", ["eager", "jit"])
def test_jax_computes_in_64_bits_for_float64_only(adapter, mode):
    """The 64-bit switch is on while a float64 question is answered, and off for all others."""
    seen = []
    function = adapter.forward(lambda logits: seen.append(jax.config.jax_enable_x64) or logits, mode)

    for dtype in ("float64", "float32", "bfloat16"):
        function(adapter.put(np.ones(2, np.dtype(getattr(ml_dtypes, dtype, dtype))), mode=mode, device="cpu"))

    assert seen == [True, False, False]


def test_jax_without_jit_is_no_mode_jit(adapter):
    """Where jit is switched off, mode jit is refused and not answered eagerly."""
    with jax.disable_jit(), pytest.raises(NotSupported, match="switched off"):
        adapter.forward(jax.nn.relu, "jit")
