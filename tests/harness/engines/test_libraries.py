"""Engines that are libraries: the contract of an adapter, and what each was seen to answer, held as figures.

A figure that a newer release changes fails here on purpose: the lists in suites/expected/ then say something untrue.
"""

import functools
import warnings

import ml_dtypes
import numpy as np
import pytest

from harness import adapters
from harness.adapters import NotInstalled, frameworks
from harness.history.difference import Difference
from harness.model import Case, Failed, Inputs, Op, Target, Unsupported
from harness.ops import OPS
from reference.cache import Cache
from suites.checks import check as checks
from suites.checks.check import Asking
from suites.checks.special import SPECIAL

ENGINES = sorted(name for name, module in frameworks.engines().items() if ".libraries." in module)
ROWS, CLASSES, FEATURES = 3, 5, 4
TAIL = np.concatenate([[0], np.full(100_000, -17)])[None]  # logsumexp 0.0041314
BOTH = ("value", "grad_logits")
WIDER = (np.float64, np.float32)  # than float16: the second since scipy 1.18
MASKED = "special.zero_label_on_masked_class"
NAN_OF_64 = np.concatenate([[0, np.nan], np.zeros(62)])[None]


@functools.cache
def loaded(name):
    """Load an engine once, in whatever process runs this: a test of what crashes is none of these."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what a library says while it is imported is no outcome
        return adapters.load(name)


def load_or_skip(name):
    """Load an engine, or skip the test with the reason why it cannot be."""
    try:
        return loaded(name)
    except NotInstalled as missing:
        pytest.skip(str(missing))


def dtype_of(name):
    """Return numpy's dtype of a name; numpy alone knows no bfloat16."""
    return np.dtype(getattr(ml_dtypes, name, name))


def ask(
    framework, op, name, logits, labels=None, *, quantity="value", dtype="float32", mode="", upstream=None, **options
):
    """Ask one question of a function, as the suites do; the upstream is ones unless given."""
    adapter = load_or_skip(framework)
    found = next(one for one in adapter.implementations() if (one.op, one.name) == (op, name))
    logits = np.asarray(logits).astype(dtype_of(dtype))
    if labels is not None:
        labels = np.asarray(labels)
        labels = labels.astype(dtype_of(dtype)) if labels.ndim == logits.ndim else labels.astype(np.int64)
    if upstream is None:
        upstream = np.ones(logits.shape[:1] if OPS[op].one_a_row else logits.shape, logits.dtype)
    target = Target(found, mode or adapter.plainest)
    got = adapter.ask(Op.of(op, **options), quantity, Inputs(logits, labels, upstream), target, fits=False)
    assert isinstance(got, np.ndarray), got
    return got


each_engine = pytest.mark.parametrize("name", ENGINES)


@each_engine
def test_modes_are_read_without_an_import(name):
    """What `--on engine:mode` is checked against is what the adapter has."""
    assert frameworks.modes(name) == load_or_skip(name).modes


@each_engine
def test_it_is_asked_where_it_is_named(name):
    """It is an engine, of dtypes of its own, and its names hold no sign of a target's id."""
    adapter = load_or_skip(name)

    assert adapter.engine
    assert adapter.dtypes
    assert all(not set("@:") & set(one.name) for one in adapter.implementations())


@each_engine
def test_facts_are_versions_or_decide(name):
    """What answers depend on is a version, or is named by a comparison before what it explains."""
    facts = load_or_skip(name).environment("cpu")
    found = {fact: Difference(name, fact, value, value) for fact, value in facts.items()}

    assert found[name].release
    assert found[name].version
    assert [fact for fact, one in found.items() if not (one.version or one.decides)] == []


@each_engine
def test_every_bit_survives_the_way_there_and_back(name):
    """A round trip keeps dtype and bits: nan payloads, the sign of zero, subnormals."""
    adapter = load_or_skip(name)
    for dtype in map(dtype_of, adapter.dtypes):
        bits = np.dtype(f"u{dtype.itemsize}").type
        infinity = np.array(np.inf, dtype).view(bits)[()]
        array = np.array([0, 1, infinity, infinity + bits(1), infinity - bits(1), ~bits(0)], bits).view(dtype)

        back = adapter.get(adapter.put(array, mode=adapter.plainest, device="cpu"))

        assert (back.dtype, back.tobytes()) == (array.dtype, array.tobytes())


@each_engine
def test_answers_are_near_the_textbooks(name):
    """Every function answers each dtype of plain numbers as numpy's float64 does, gradients beside differences."""
    adapter, textbook = load_or_skip(name), adapters.load("numpy")
    controls = {one.op: Target(one, "eager") for one in textbook.implementations()}
    rng = np.random.default_rng(0)
    for one in adapter.implementations():
        if one.kind == "misuse" or not adapter.offer(one).takes():
            continue
        exact = drawn(rng, one.op)
        control = controls[one.op]
        value = textbook.ask(Op.of(one.op), "value", exact, control)
        for dtype in adapter.dtypes:
            given = Inputs(
                *(narrowed(array, dtype) for array in (exact.logits, exact.labels, exact.upstream)),
                weight=narrowed(exact.weight, dtype),
            )
            tolerance = 16 * float(ml_dtypes.finfo(dtype_of(dtype)).eps) if dtype != "float64" else 1e-5
            for quantity in ("value", *(OPS[one.op].forward_and_backward[1:] if adapter.differentiates else ())):
                got = adapter.ask(Op.of(one.op), quantity, given, Target(one, adapter.plainest))
                if isinstance(got, Unsupported | Failed) and (name, dtype) == ("scipy", "float16"):
                    continue  # its loops answer in float64: a known deviation
                assert isinstance(got, np.ndarray), (one.name, dtype, quantity, got)
                wanted = value if quantity == "value" else slope(textbook, control, exact)
                np.testing.assert_allclose(got.astype(float), wanted, rtol=tolerance, atol=tolerance, err_msg=str(one))


def drawn(rng, op):
    """Draw plain numbers in float64; probabilities and labels sum to one."""
    record = OPS[op]
    logits = rng.uniform(0.5, 3, (ROWS, FEATURES if record.linear else CLASSES))
    if record.takes == "probabilities":
        logits /= logits.sum(axis=-1, keepdims=True)
    if record.takes == "log_probabilities":
        logits = -logits
    labels = None
    if record.labels == "index":
        labels = rng.integers(0, CLASSES, ROWS)
    elif record.labels == "row":
        labels = rng.dirichlet(np.ones(CLASSES), ROWS)
    upstream = rng.uniform(0.5, 2, (ROWS,) if record.one_a_row else (ROWS, CLASSES))
    weight = rng.uniform(-1, 1, (CLASSES, FEATURES)) if record.linear else None
    return Inputs(logits, labels, upstream, weight=weight)


def narrowed(array, dtype):
    """Round an array of floats to a dtype; labels that are indices, and what is not there, stay."""
    return array if array is None or array.dtype.kind == "i" else array.astype(dtype_of(dtype))


def slope(textbook, control, inputs):
    """Return the gradient of the upstream's product with the value, by central differences of the textbook."""
    found = np.zeros_like(inputs.logits)
    for place in np.ndindex(found.shape):
        step = np.zeros_like(found)
        step[place] = 1e-6
        ahead, behind = (
            textbook.ask(
                Op.of(control.implementation.op),
                "value",
                Inputs(inputs.logits + one, inputs.labels, inputs.upstream, weight=inputs.weight),
                control,
            )
            for one in (step, -step)
        )
        found[place] = ((ahead - behind) * inputs.upstream).sum() / 2e-6
    return found


def test_scipy_keeps_a_long_tail_and_hides_no_nan():
    """Its sums are numpy's, in pairs, and nan is handed on; expit of float16 comes back in a wider format."""
    assert ask("scipy", "logsumexp", "scipy.special.logsumexp", TAIL) == pytest.approx(0.0041314, rel=1e-4)
    assert np.isnan(ask("scipy", "softmax", "scipy.special.softmax", NAN_OF_64)).all()
    assert ask("scipy", "log_sigmoid", "scipy.special.log_expit", [[-20.0, 20.0]]).tolist() == [
        [-20.0, pytest.approx(-2.0611536e-9)]
    ]
    assert ask("scipy", "sigmoid", "scipy.special.expit", [[1.0]], dtype="float16").dtype in WIDER


def test_sklearn_clips_probabilities():
    """A probability of 0 costs the logarithm of float32's eps, which is documented."""
    got = ask("sklearn", "sparse_prob_xent", "sklearn.metrics.log_loss", [[0.0, 1.0]], [0])

    assert got == pytest.approx(-np.log(np.finfo(np.float32).eps), rel=1e-6)


def test_mlx_loses_gradients_that_its_values_have():
    """The loss at (-20, 0) is right and its gradient exactly 0; at (20, 1) both are 0."""
    name = "mlx.nn.losses.binary_cross_entropy"
    points = [[-20.0, 20.0]], [[0.0, 1.0]]

    assert ask("mlx", "sigmoid_xent", name, *points).tolist() == [[pytest.approx(2.0611536e-9), 0]]
    assert ask("mlx", "sigmoid_xent", name, *points, quantity="grad_logits").tolist() == [[0, 0]]


def test_mlx_nan_of_a_masked_class_is_found_by_a_question(tmp_path):
    """A label of 0 on a class of -inf makes nan of the row's loss, by 0 * inf, one-hot or not; the suite records it."""
    name = "mlx.nn.losses.cross_entropy"
    adapter = load_or_skip("mlx")
    target = next(one for one in adapter.implementations() if (one.op, one.name) == ("dense_xent", name))
    words = [
        checks.outcome(SPECIAL, Asking(adapter, case, Target(target, "eager"), Cache(tmp_path).golden)).policy
        for case in (Case(Op("dense_xent"), each, "normal", "float32", 4, 6, check=MASKED) for each in BOTH)
    ]

    assert words == ["nan", "limit"]
    assert np.isnan(ask("mlx", "dense_xent", name, [[0.0, -np.inf, 1.0]], [[0.0, 0.0, 1.0]])).all()


def test_mlx_sums_in_16_bits_unless_precise():
    """Of 1024 equal classes bfloat16's probabilities sum to 4; with precise=True to 1."""
    row = np.zeros((1, 1024))
    sums = [
        ask("mlx", "softmax", name, row, dtype="bfloat16").astype(float).sum()
        for name in ("mlx.core.softmax", "mx.softmax(logits, precise=True)")
    ]

    assert sums == [4, 1]


def test_mlx_loses_a_long_tail_and_float64s_digits():
    """Of one 0 and 100 000 times -17 the logsumexp is 0; a float64's exponential has seven digits."""
    assert ask("mlx", "logsumexp", "mlx.core.logsumexp", TAIL) == 0
    error = ask("mlx", "sigmoid", "mlx.core.sigmoid", [[-1.25]], dtype="float64") * (1 + np.exp(1.25)) - 1
    assert 1e-10 < abs(error[0, 0]) < 1e-6


@pytest.mark.parametrize(("framework", "name"), [("ncnn", "ncnn.Softmax"), ("mnn", "MNN.expr.softmax")])
def test_guests_hide_nan_in_long_rows(framework, name):
    """A nan in a row of 64 is no nan in the answer; in a row of 2 it is."""
    assert not np.isnan(ask(framework, "softmax", name, NAN_OF_64)).any()
    assert np.isnan(ask(framework, "softmax", name, [[0, np.nan]])).all()


def test_litert_differs_by_delegate():
    """With XNNPACK a nan is lost; without, infinities become the largest floats, and a long tail is nothing."""
    name, plain, rows = (
        "litert(tf.math.reduce_logsumexp)",
        "builtin_without_default_delegates",
        [[0, np.nan, 1], [-np.inf] * 3],
    )

    assert ask("litert", "logsumexp", name, rows).tolist() == [pytest.approx(1.3132617), -np.inf]
    hidden = ask("litert", "logsumexp", name, rows, mode=plain)
    assert np.isnan(hidden[0])
    assert hidden[1] == np.finfo(np.float32).min
    assert [ask("litert", "logsumexp", name, TAIL, mode=mode)[0] for mode in (plain, "builtin_ref")] == [0, 0]


def test_litert_loses_small_losses():
    """The sigmoid loss at (-20, 0) is 0, log_sigmoid ends where e**x overflows; log of softmax becomes log_softmax."""
    loss, log_sigmoid = "litert(tf.nn.sigmoid_cross_entropy_with_logits)", "litert(tf.math.log_sigmoid)"

    assert ask("litert", "sigmoid_xent", loss, [[-20.0]], [[0.0]]) == 0
    assert ask("litert", "log_sigmoid", log_sigmoid, [[-200.0]]) == -np.inf
    assert ask("litert", "log_sigmoid", log_sigmoid, [[-200.0]], mode="builtin_ref") == pytest.approx(-88.72284)
    fused = ask("litert", "log_softmax", "litert(tf.math.log(tf.nn.softmax(logits)))", [[0.0, -200.0]])
    assert fused.tolist() == [[0, -200]]


def test_paddle_holds_losses_at_64():
    """What lies further than 64 below the largest logit is held there: the loss of 100 is 64."""
    row = [[0.0, 100.0]]
    functions = "paddle.nn.functional"

    assert ask("paddle", "sparse_xent", f"{functions}.cross_entropy", row, [0]) == 64
    assert ask("paddle", "log_softmax", f"{functions}.log_softmax", row).tolist() == [[-64, 0]]
    assert ask("paddle", "softmax", f"{functions}.softmax", row)[0, 0] == pytest.approx(1.6038e-28, rel=1e-4)
    assert not np.isnan(ask("paddle", "softmax", f"{functions}.softmax", NAN_OF_64)).any()


def test_paddle_has_a_wrong_slope_at_zero():
    """The gradient of the sigmoid loss at a logit of exactly 0 is -1/2 - z, where it is 1/2 - z."""
    name = "paddle.nn.functional.binary_cross_entropy_with_logits"

    assert ask("paddle", "sigmoid_xent", name, [[0.0, 0.0]], [[0.0, 1.0]], quantity="grad_logits").tolist() == [
        [-0.5, -1.5]
    ]


def test_paddle_counts_what_it_ignores():
    """A row of the default ignore_index has no loss and counts in the mean; with smoothing no row is ignored."""
    name, row = "paddle.nn.functional.cross_entropy", [[0.0, 0.0], [0.0, 0.0]]
    ignoring = {"reduction": "mean_valid", "upstream": np.float32(1)}

    assert ask("paddle", "sparse_xent", name, row, [0, -100], ignore_index=-100, **ignoring) == pytest.approx(
        np.log(2) / 2
    )
    assert ask("paddle", "sparse_xent", name, row, [0, 1], ignore_index=1, **ignoring) == pytest.approx(np.log(2))
    smoothed = ask("paddle", "sparse_xent", name, row, [0, 1], ignore_index=1, label_smoothing=0.125)
    assert (smoothed > 0.6).all()
