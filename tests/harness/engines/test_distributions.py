"""Distributions of logits as engines, on JAX: what their log_prob and entropy were seen to answer, held as figures."""

import numpy as np
import pytest

from harness import adapters
from harness.adapters import NotInstalled
from harness.model import Failed, Inputs, Op, Target
from harness.ops import OPS

MODULES = {"numpyro": "numpyro.distributions", "distrax": "distrax", "tfp": "tfp.distributions"}
ROW = [[0.0, 1.0, 2.0]]
each_engine = pytest.mark.parametrize("name", MODULES)


def ask(name, op, line, logits, labels=None, mode="eager", quantity="value"):
    """Ask in float32, or skip where the engine is not installed."""
    try:
        adapter = adapters.load(name)
    except NotInstalled as missing:
        pytest.skip(str(missing))
    found = next(one for one in adapter.implementations() if one.name == line.format(MODULES[name]))
    given = np.array(logits, np.float32)
    if labels is not None:
        labels = np.array(labels, np.int64 if OPS[op].labels == "index" else np.float32)
    upstream = np.ones(given.shape[:1] if OPS[op].one_a_row else given.shape, np.float32)
    return adapter.ask(Op.of(op), quantity, Inputs(given, labels, upstream), Target(found, mode), fits=False)


CATEGORICAL = "-{}.Categorical(logits=logits).log_prob(labels)"


@each_engine
def test_loss_and_entropies_are_right(name):
    """Of 0, 1 and 2 the loss of the middle is 1.4076, the entropy 0.8324; a Bernoulli's at a logit of 1 is 0.5822."""
    assert ask(name, "sparse_xent", CATEGORICAL, ROW, [1]) == pytest.approx(1.4076059, rel=1e-6)
    assert ask(name, "entropy", "{}.Categorical(logits=logits).entropy()", ROW) == pytest.approx(0.8323956, rel=1e-6)
    bernoulli = ask(name, "bernoulli_entropy", "{}.Bernoulli(logits=logits).entropy()", ROW)
    assert bernoulli[0, 1] == pytest.approx(0.5822031, rel=1e-6)


@pytest.mark.parametrize(("name", "loss"), [("distrax", np.inf), ("tfp", 0.0)])
def test_a_label_outside_the_support(name, loss):
    """TensorFlow Probability takes a class that is not there for certain: its loss is 0."""
    assert ask(name, "sparse_xent", CATEGORICAL, ROW, [5]) == loss


def test_numpyro_refuses_minus_infinity_where_it_can_see_it():
    """A masked class raises when eager, and is taken under jit, where its arguments are not validated."""
    masked = [[0.0, 1.0, -np.inf]]

    assert isinstance(ask("numpyro", "sparse_xent", CATEGORICAL, masked, [1]), Failed)
    assert ask("numpyro", "sparse_xent", CATEGORICAL, masked, [1], "jit") == pytest.approx(0.31326163, rel=1e-6)


def test_numpyro_has_no_soft_labels():
    """A label of one half lies outside the support of its Bernoulli, so that the loss is inf."""
    line = "-{}.Bernoulli(logits=logits).log_prob(labels)"
    assert np.isinf(ask("numpyro", "sigmoid_xent", line, ROW, [[0.0, 0.5, 1.0]])[0, 1])


@pytest.mark.parametrize(
    ("name", "gradients"), [("tfp", [-1.3132617, -1, 0.3132617]), ("distrax", [-1, -1, -1])], ids=["tfp", "distrax"]
)
def test_gradient_of_a_hard_label(name, gradients):
    """Of a logit of 1 the loss has the slope -1 in its label; TensorFlow Probability loses a term at 0 and at 1."""
    asked = (
        name,
        "sigmoid_xent",
        "-{}.Bernoulli(logits=logits).log_prob(labels)",
        [[1.0, 1.0, 1.0]],
        [[0.0, 0.5, 1.0]],
    )

    assert ask(*asked, quantity="grad_labels")[0] == pytest.approx(gradients, rel=1e-6)
