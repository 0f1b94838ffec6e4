"""Every way to a value and a gradient gives what the plain one does, and reaches the function as it says."""

import numpy as np
import pytest

from harness import adapters
from harness.adapters import Catalogue, NotInstalled, NotSupported, frameworks
from harness.model import Inputs, Op, Target

FRAMEWORKS = ("torch", "jax", "tensorflow")
ROWS, CLASSES = 16, 5
OP = Op.of("dense_xent")


def loaded(name):
    """Load an adapter, or skip where its framework is not installed."""
    try:
        return adapters.load(name)
    except NotInstalled as missing:
        pytest.skip(str(missing))


def arrays():
    """Return the arrays of a question; incoming gradients are 1, so that a sum asks for the same."""
    rng = np.random.default_rng(3)
    logits = rng.standard_normal((ROWS, CLASSES)).astype(np.float32)
    labels = np.eye(CLASSES, dtype=np.float32)[rng.integers(0, CLASSES, ROWS)]
    return Inputs(logits, labels, np.ones(ROWS, np.float32))


def own(adapter, function):
    """Return an adapter that has one function of somebody's own."""
    catalogue = Catalogue(adapter.catalogue.framework)
    catalogue.form(OP.name, "own", "fused")(lambda: function)
    return adapter.offering(catalogue)


def ask(adapter, mode, way, quantity="grad_logits"):
    """Return the value and the gradient that a way gives."""
    target = Target(adapter.implementations()[0], mode)
    native = adapter.run(adapter.prepare(OP, quantity, arrays(), target, way=way))
    return adapter.get(native[0]), adapter.get(native[1])


PAIRS = [(name, mode) for name in FRAMEWORKS for mode in frameworks.modes(name)]


@pytest.mark.parametrize(("name", "mode"), PAIRS)
@pytest.mark.parametrize("quantity", ["grad_logits", "grad_labels"])
def test_a_way_gives_what_the_plain_call_gives(name, mode, quantity):
    """Value and gradient are those of the plain call, but for the last bits; what compiles slowly the suites ask."""
    framework = loaded(name)
    ways = framework.ways.get(mode, ())
    if not ways or framework.compiles(mode) == "slowly":
        pytest.skip(f"no way to ask {name} in mode {mode}")
    offer = next(one for (op, _), one in framework.catalogue.offers.items() if op == OP.name)
    adapter = own(framework, offer.build())
    plain = ask(adapter, mode, "plain", quantity)

    for way in ways:
        for got, expected in zip(ask(adapter, mode, way, quantity), plain, strict=True):
            assert got.shape == expected.shape, way
            np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-6, err_msg=way)


@pytest.mark.parametrize("name", [*FRAMEWORKS, "numpy"])
def test_a_way_that_a_mode_has_not_is_refused(name):
    """Who asks for it is told which framework and mode have no such way."""
    adapter = own(loaded(name), lambda logits, labels: -(labels * logits).sum(-1))

    with pytest.raises(NotSupported, match=f"{name}"):
        adapter.prepare(OP, "grad_logits", arrays(), Target(adapter.implementations()[0], "eager"), way="donated")


@pytest.mark.parametrize(("name", "mode"), PAIRS)
def test_mixed_derivative_is_that_of_the_gradients(name, mode):
    """Of a label times its logit squared, the gradient's product with v has the derivative 2 g x v by the label."""
    adapter = own(loaded(name), lambda logits, labels: (labels * logits * logits)[..., 0])
    if adapter.compiles(mode) == "slowly":
        pytest.skip("it has no double backward")
    inputs = arrays()
    inputs = Inputs(inputs.logits, inputs.labels, 2 * inputs.upstream, np.full_like(inputs.logits, 0.5))

    got = adapter.ask(OP, "mixed", inputs, Target(adapter.implementations()[0], mode))

    expected = np.where(np.arange(CLASSES) == 0, 2 * inputs.logits, 0)
    np.testing.assert_allclose(got, expected, rtol=1e-5)


def seen_by(way):
    """Return the shapes of the logits that a function of torch is called with in a way."""
    torch = pytest.importorskip("torch")
    shapes = []

    def look(logits, labels):
        shapes.append((tuple(logits.shape), torch.is_autocast_enabled("cpu")))
        return torch.nn.functional.cross_entropy(logits, labels, reduction="none")

    ask(own(loaded("torch"), look), "eager", way)
    return shapes


def test_ways_reach_the_function():
    """Two calls where another is between, one more where it is computed anew, batches in a map, autocast on."""
    whole = (ROWS, CLASSES)

    assert seen_by("plain") == [(whole, False)]
    assert seen_by("retained") == [(whole, False)]
    assert seen_by("interleaved") == [(whole, False)] * 2
    assert seen_by("checkpointed") == [(whole, False)] * 2
    assert seen_by("mapped") == [((1, CLASSES), False)]
    assert seen_by("batched") == [((8, CLASSES), False)]
    assert seen_by("autocast") == [(whole, True)]


def test_autocast_is_not_judged_where_it_narrows_by_itself():
    """A product is taken in bfloat16, as torch documents, unless autocast is off around it."""
    torch = pytest.importorskip("torch")

    def product(logits, labels):
        return -torch.einsum("nc,nc->n", labels, torch.log_softmax(logits, -1))

    def out_of_autocast(logits, labels):
        with torch.autocast("cpu", enabled=False):
            return product(logits, labels)

    with pytest.raises(NotSupported, match="einsum"):
        ask(own(loaded("torch"), product), "eager", "autocast")
    assert ask(own(loaded("torch"), out_of_autocast), "eager", "autocast")[0].shape == (ROWS,)


def test_an_open_number_of_rows_is_traced_once():
    """A tf.function of any length is traced once for all numbers of rows, and does not know how many they are."""
    tf = pytest.importorskip("tensorflow")
    traced = []

    def look(logits, labels):
        traced.append(logits.shape[0])
        return -tf.reduce_sum(labels * tf.nn.log_softmax(logits), -1)

    adapter = own(loaded("tensorflow"), look)
    target = Target(adapter.implementations()[0], "function")
    whole = arrays()
    for rows in (3, ROWS):
        some = Inputs(whole.logits[:rows], whole.labels[:rows], whole.upstream[:rows])
        native = adapter.run(adapter.prepare(OP, "grad_logits", some, target, way="dynamic"))
        assert adapter.get(native[1]).shape == (rows, CLASSES)

    assert traced == [None]
