"""The fast tier against the arbiter: no element further off than its radius, no rounding other than the arbiter's."""

import tracemalloc

import mpmath
import numpy as np
import pytest

from harness.model import DTYPES, FORMATS, Case, Golden, Inputs, Op
from harness.ops import ASKED, OPS
from harness.scoring import ulp
from reference import rounding
from reference.arbiter import column, settle
from reference.arbiter import rows as exact
from reference.fast import answers, doubledouble, sums, values, words
from suites.questions import cases

ROW_OPS = [(Op(name), quantity) for name, quantity in exact.BY_ROW]
POINT_OPS = [(Op(name), quantity) for name, quantity in exact.BY_POINT]
WEIGHTED = [(Op.of("sigmoid_xent", pos_weight=3.1), q) for q in ("value", "grad_logits", "grad_labels")]
AVERAGED = [
    (Op.of(name, reduction="mean"), q)
    for name in ("dense_xent", "sparse_xent", "logsumexp")
    for q in ("value", "grad_logits")
]
EVERY = ROW_OPS + POINT_OPS + WEIGHTED + AVERAGED


def deviations(answer, truth):
    """Return the flat indices of finite radii that do not hold, or whose values round unlike the arbiter's."""
    known = np.isfinite(answer.radius)
    exponents = np.zeros(truth.hi.shape, np.int64) if truth.exponent is None else truth.exponent
    wrong = []
    with mpmath.workprec(2400):
        for i in np.flatnonzero(known & (exponents > column.DEEPEST)).tolist():
            got = mpmath.ldexp(mpmath.mpf(answer.hi.flat[i]) + answer.lo.flat[i], int(answer.exponent.flat[i]))
            true = mpmath.ldexp(mpmath.mpf(truth.hi.flat[i]) + truth.lo.flat[i], int(exponents.flat[i]))
            if abs(got - true) > answer.radius.flat[i] * abs(got) + truth.radius * abs(true):
                wrong.append(i)
    mine = Golden(np.where(known, answer.hi, 1.0), np.where(known, answer.lo, 0.0), answer.exponent * known, 0.0)
    for form in (FORMATS[name] for name in DTYPES):
        decided = known & ~rounding.undecided(mine, [form], np.where(known, answer.radius, 0.0))[0]
        own, other = rounding.nearest(mine, form), rounding.nearest(truth, form)
        differs = (own != other) & ~(np.isnan(own) & np.isnan(other))  # a format without infinities has no number there
        wrong += np.flatnonzero(decided & differs).tolist()
    wrong += np.flatnonzero(known & (np.abs(answer.lo) > 2.0**-53 * np.abs(answer.hi))).tolist()
    binades = ulp.binade(mine) != ulp.binade(truth)
    wrong += np.flatnonzero(known & binades & (exponents > column.DEEPEST)).tolist()
    return wrong


def inputs(op, logits, rng, labels=None, upstream=None):
    """Make the inputs of a question from logits, with random float64 labels and gradients."""
    rows, classes = logits.shape
    per_row = OPS[op.name].one_a_row
    mean = op.options.get("reduction") == "mean"
    shape = () if mean else (rows,) if per_row else (rows, classes)
    if labels is None and op.name == "sparse_xent":
        labels = np.where(np.arange(rows) % 2, logits.argmax(1), rng.integers(0, classes, rows))
    elif labels is None and op.name in {"dense_xent", "sigmoid_xent"}:
        labels = rng.random((rows, classes))
    elif op.name not in {"sparse_xent", "dense_xent", "sigmoid_xent"}:
        labels = None
    given = np.asarray(rng.standard_normal(shape)) if upstream is None else np.broadcast_to(upstream, shape)
    return Inputs(logits, labels, given)


def check(op, quantity, given, most_unknown=1.0):
    """Assert that no radius fails, and that at most a share of the elements has none."""
    answer = answers.answer(op, quantity, given)
    truth = settle.certify(op, quantity, given)

    assert answer.hi.shape == answer.radius.shape == truth.hi.shape
    assert deviations(answer, truth) == []
    assert np.isinf(answer.radius).mean() <= most_unknown
    return answer


each = pytest.mark.parametrize(("op", "quantity"), EVERY, ids=[f"{op}-{q}" for op, q in EVERY])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("family", {**cases.ROW_FAMILIES, **cases.POINT_FAMILIES})
def test_every_family_is_answered_within_its_radius(family, dtype):
    """Every op and quantity of every family and dtype agrees with the arbiter; only adversarial rows are left to it."""
    adversarial = family in {"extremes", "subnormals", "all_equal", "ones"}
    for op, quantities in ASKED.items():
        if op.options.get("reduction") == "mean" and family not in {"normal", "offset", "confident"}:
            continue
        for quantity in quantities:
            for shape in ((2, 130),) if family == "swamp" else ((6, 7), (2, 140)):
                given = cases.inputs(Case(op, quantity, family, dtype, *shape))
                check(op, quantity, given, 1.0 if adversarial else 0.05)


def sigma(size):
    """Draw normal rows."""
    return lambda rng: size * rng.standard_normal((6, 9))


def gaps(rng):
    """One logit leads by 2 to 700, or the others tie."""
    x = rng.standard_normal((12, 5))
    x[np.arange(12), rng.integers(0, 5, 12)] = x.max(1) + np.linspace(2, 700, 12)
    return np.vstack([x, [[500.0, 0, 0, 0, 0], [-1, -1, -601, -601, -900], [0, 0, 0, -480, -480.5]]])


def depths(rng):
    """Draw gaps of all sizes, up to what no exponent of the fast tier reaches."""
    return np.concatenate([-(10.0 ** rng.uniform(0, 9.5, (12, 4))), rng.choice([0.0, -3.0, 40.0], (12, 1))], axis=1)


def powers(rng):
    """Draw differences that are powers of two, beside which logs and probabilities are mere tails."""
    return np.concatenate([-(2.0 ** rng.integers(3, 12, (12, 4))), np.zeros((12, 2))], axis=1)[:, rng.permutation(6)]


ROWS = {
    "sigma 0.1": sigma(0.1),
    "sigma 1": sigma(1.0),
    "sigma 10": sigma(10.0),
    "sigma 50": sigma(50.0),
    "sigma 1000": sigma(1000.0),
    "offset 1e6": lambda rng: 1e6 + rng.standard_normal((6, 9)),
    "gaps": gaps,
    "two classes": lambda rng: -np.linspace(0, 780, 40)[:, None] * rng.permutation([0, 1]),
    "lse near 0": lambda rng: -np.log(9) + 2.0 ** -rng.integers(5, 50, (8, 1)) * rng.standard_normal((8, 9)),
    "swamp": lambda rng: np.where(np.arange(150) == 3, 0.0, -37.2) + 0 * rng.random((2, 150)),
    "depths": depths,
    "powers of two": powers,
    "ties": lambda rng: rng.choice([-3.0, 0.5, 0.5, 0.5], (10, 4)),
    "one class": lambda rng: rng.standard_normal((4, 1)),
    "one row": lambda rng: rng.standard_normal((1, 3)),
}


@each
@pytest.mark.parametrize("rows", ROWS)
def test_rows_are_answered_within_their_radius(rows, op, quantity):
    """Rows of every kind, with labels and gradients that no short number is, agree with the arbiter."""
    rng = np.random.default_rng(len(rows))
    logits = ROWS[rows](rng)

    check(op, quantity, inputs(op, logits, rng))


SUBNORMAL = [[5e-324, 0.0, -5e-324, 1.0], [2e-308, -2e-308, 1e-310, 1e-310], [1e-160, -1e-160, 0.0, 1e-200]]
HUGE = [[1.7e308, -1.7e308, 0.0, 1e300], [1e308, 1e308, 1e308, 1e308], [1e160, 1.0, -1e160, 0.0]]


@each
@pytest.mark.parametrize("logits", [SUBNORMAL, HUGE], ids=["subnormal", "huge"])
def test_what_is_out_of_range_is_never_wrong(logits, op, quantity):
    """Subnormal and huge float64 logits, and gradients as far out, are right or left to the arbiter."""
    rng = np.random.default_rng(0)
    for upstream in (1.0, 3e-320, 3e-120):
        check(op, quantity, inputs(op, np.array(logits), rng, upstream=upstream))
    for upstream in (3e-320, 3e-120, 7e120, 1e300):
        check(op, quantity, inputs(op, rng.standard_normal((2, 3)), rng, upstream=upstream))


LABELS = {
    "one hot": lambda rng: np.eye(6)[rng.integers(0, 6, 8)],
    "counts": lambda rng: rng.multinomial(256, np.full(6, 1 / 6), 8) / 256,
    "zero": lambda rng: 0.0 * rng.random((8, 6)),
    "sum zero": lambda rng: rng.permuted(np.tile([1.0, -1.0, 0.5, -0.5, 0.1, -0.1], (8, 1)), axis=1),
    "nearly sum zero": lambda rng: rng.permuted(np.tile([0.1, 0.2, -0.3, 1e-30, 0.0, 0.0], (8, 1)), axis=1),
    "both signs": lambda rng: rng.standard_normal((8, 6)),
    "small": lambda rng: rng.random((8, 6)) * 2.0**-140,
}


@pytest.mark.parametrize("labels", LABELS)
@pytest.mark.parametrize("rows", ["sigma 1", "sigma 1000", "ties"])
def test_any_labels_and_gradients_are_answered_within_their_radius(labels, rows):
    """Labels, and gradients of whole rows, that sum to 1, 0 or nearly 0 agree with the arbiter."""
    rng = np.random.default_rng(len(labels))
    size = {"sigma 1": 1.0, "sigma 1000": 1000.0, "ties": 0.0}[rows]
    logits = size * rng.standard_normal((8, 6)) if size else rng.choice([0.0, -1.0, -800.0], (8, 6))
    z = LABELS[labels](rng)
    for op, quantity in EVERY:
        if op.name in {"dense_xent", "sigmoid_xent"}:
            check(op, quantity, inputs(op, logits, rng, labels=z))
        elif op.name in {"softmax", "log_softmax"}:
            check(op, quantity, inputs(op, logits, rng, upstream=z))


def test_what_underflows_in_a_gradient_is_no_zero():
    """A gradient made only of terms far below the row's largest is not taken for an exact 0."""
    logits = np.array([[0.0, -1500.0, -2700.0, -2700.0]])
    upstream = np.array([[1.0, 1.0, 1.5, 1.0]])

    check(Op("softmax"), "grad_logits", Inputs(logits, None, upstream))


@pytest.mark.parametrize(("chunk", "turn"), [(16, 1), (64, 1000), (64, 1), (1000, 1)])
@each
def test_tiles_and_turns_change_nothing_but_radii(monkeypatch, chunk, turn, op, quantity):
    """Rows cut into tiles, in either orientation, agree with the arbiter."""
    monkeypatch.setattr(values, "BLOCK", chunk)
    monkeypatch.setattr(sums, "TURN", turn)
    rng = np.random.default_rng(chunk)
    logits = np.vstack([rng.standard_normal((2, 40)), 300 * rng.standard_normal((2, 40)), np.zeros((1, 40))])
    logits[2, 7] = logits[2, 33] = logits[2].max()

    check(op, quantity, inputs(op, logits, rng), 0.1)


EXACT = [
    ("softmax", "value", [[0.3] * 4], None, 1.0, 0.25),
    ("log_softmax", "value", [[0.3]], None, 1.0, 0.0),
    ("logsumexp", "value", [[0.3]], None, 1.0, 0.3),
    ("sparse_xent", "value", [[0.3]], [0], 1.0, 0.0),
    ("sparse_xent", "grad_logits", [[0.3] * 4], [1], 0.5, 0.125),
    ("dense_xent", "value", [[0.3, 4.0]], [[0.0, 0.0]], 1.0, 0.0),
    ("dense_xent", "grad_logits", [[0.3] * 4], [[1.0, 0, 0, 0]], 0.3, 0.3 / 4),
    ("softmax", "grad_logits", [[1.0, 2.0, 3.0]], None, 0.7, 0.0),
    ("sigmoid", "value", [[0.0]], None, 1.0, 0.5),
    ("sigmoid", "grad_logits", [[0.0]], None, 0.3, 0.3 / 4),
    ("sigmoid_xent", "grad_labels", [[0.3, -7.0]], [[0.5, 1.0]], 1.0, 7.0),
]


@pytest.mark.parametrize(("name", "quantity", "logits", "labels", "upstream", "last"), EXACT)
def test_exact_values_are_known_to_be(name, quantity, logits, labels, upstream, last):
    """Ties of 2**k classes, losses and gradients of 0 and products come out with a radius of 0."""
    op, given = Op(name), np.array(logits)
    z = None if labels is None else np.array(labels)
    answer = check(op, quantity, inputs(op, given, np.random.default_rng(0), z, upstream), 0.0)

    assert not answer.radius.any()
    assert answer.hi.flat[-1] == last


def test_usual_values_are_known_well():
    """No element of softmax, log-softmax and logsumexp of normal rows is known less well than 2**-90."""
    logits = np.random.default_rng(3).standard_normal((50, 1000))
    for name in ("softmax", "log_softmax", "logsumexp"):
        upstream = np.ones(50) if name == "logsumexp" else np.ones_like(logits)

        assert answers.answer(Op(name), "value", Inputs(logits, None, upstream)).radius.max() < 2.0**-90


@pytest.mark.parametrize("size", [2.0**-88, -(2.0**-88)])
def test_a_wrong_exponential_is_caught(monkeypatch, size):
    """An exp that is off by 2**-88 shows in every op: the comparison is able to fail."""
    right, near = doubledouble.exp_minus, doubledouble.exp_near

    def wrong(d):
        pair, q = right(d)
        return off(pair, d), q

    def off(pair, d):
        return words.fast_two_sum(pair[0], pair[1] + size * pair[0] * (d[0] > 0))

    monkeypatch.setattr(doubledouble, "exp_minus", wrong)
    monkeypatch.setattr(doubledouble, "exp_near", lambda d: off(near(d), d))
    rng = np.random.default_rng(5)
    for op, quantity in EVERY:
        if (op.name, quantity) == ("sigmoid_xent", "grad_labels") and not op.params:
            continue  # -g x needs none
        given = inputs(op, rng.standard_normal((4, 5)), rng)
        assert deviations(answers.answer(op, quantity, given), settle.certify(op, quantity, given)), (op, quantity)


def test_blocks_are_the_answer_in_parts():
    """What is handed out block by block is what is handed out at once."""
    logits = np.random.default_rng(4).standard_normal((3 * values.BLOCK // 1000, 1000))
    question = answers.Request(Op("softmax"), "value", Inputs(logits, None, np.ones_like(logits)))
    parts = [(rows, part[0]) for rows, part in answers.blocks([question])]
    whole = answers.answer(question.op, question.quantity, question.inputs)

    assert len(parts) > 1
    for rows, part in parts:
        assert (part.hi == whole.hi[rows]).all()
        assert (part.radius == whole.radius[rows]).all()


def test_unknown_questions_are_refused():
    """A question without a formula, or questions of different logits, say what was expected."""
    given = Inputs(np.zeros((1, 2)), None, np.ones((1, 2)))
    other = Inputs(np.zeros((1, 2)), None, np.ones((1, 2)))

    with pytest.raises(ValueError, match=r"expected one of dense_xent/grad_labels"):
        answers.answer(Op("softmin"), "value", given)
    with pytest.raises(ValueError, match=r"expected one array for all"):
        answers.answers(
            [answers.Request(Op("softmax"), "value", given), answers.Request(Op("softmax"), "value", other)]
        )


@pytest.mark.parametrize("classes", [1000, 1_000_000])
def test_memory_is_bounded(classes):
    """Answering takes little beside its answer: tiles, and for one long row its terms."""
    logits = np.random.default_rng(0).standard_normal((1_000_000 // classes, classes)).astype(np.float32)
    given = Inputs(logits, None, np.ones_like(logits))
    answers.answer(Op("softmax"), "value", Inputs(logits[:1, :8], None, given.upstream[:1, :8]))
    tracemalloc.start()
    answer = answers.answer(Op("softmax"), "value", given)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    beside = most - 4 * answer.hi.nbytes

    assert beside < (25 * 8 * values.BLOCK if classes < values.BLOCK else 6 * answer.hi.nbytes)
