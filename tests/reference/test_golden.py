"""Goldens: certified, kept by content, and read back bit for bit."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor

import ml_dtypes
import mpmath
import numpy as np
import pytest
from mpmath import libmp

from harness.model import DTYPES, FORMATS, Case, Golden, Inputs, Op
from reference import golden, rounding
from reference.arbiter.ball import Ball
from reference.cache import Cache
from suites.questions import cases, goldens
from tests.made.exactly import fraction

SOFTMAX = Op.of("softmax")


def rows(dtype=np.float32):
    """Return plain inputs of two rows."""
    logits = np.array([[0.5, 1.5, -0.25], [2.0, 0.0, 1.0]], dtype)
    return Inputs(logits, None, np.ones_like(logits))


def same(one, other):
    """Tell whether two goldens are one, bit for bit."""
    exponents = (one.exponent is None) == (other.exponent is None) and np.array_equal(one.exponent, other.exponent)
    return one.hi.tobytes() == other.hi.tobytes() and one.lo.tobytes() == other.lo.tobytes() and exponents


@pytest.mark.parametrize("wide", [False, True], ids=["inside float64", "with exponents"])
def test_cache_reads_back_what_it_wrote(tmp_path, wide):
    """The second asking computes nothing and gives the same bits, radius and exponents."""
    logits = np.array([[0.0, -1e30, 1.0]]) if wide else rows().logits
    inputs = Inputs(logits, None, np.ones_like(logits))
    first, second = Cache(tmp_path), Cache(tmp_path)
    made = first.golden(SOFTMAX, "value", inputs)
    read = second.golden(SOFTMAX, "value", inputs)

    assert (made.exponent is not None) == wide
    assert same(made, read)
    assert made.radius == read.radius
    assert (first.computed, second.computed) == (1, 0)


def test_mean_reads_back_as_a_scalar(tmp_path):
    """The golden of a mean has no axis, before and after the cache."""
    labels = np.array([[0.5, 0.5, 0.0], [0.0, 0.0, 1.0]], np.float32)
    inputs = Inputs(rows().logits, labels, np.ones((), np.float32))
    op = Op.of("dense_xent", reduction="mean")
    made, read = (Cache(tmp_path).golden(op, "value", inputs) for _ in range(2))

    assert made.hi.shape == read.hi.shape == ()
    assert same(made, read)


BASE = golden.content(SOFTMAX, "grad_logits", rows())


def with_logits(logits, upstream=None):
    """Hash a softmax gradient of given arrays."""
    up = np.ones(logits.shape, logits.dtype) if upstream is None else upstream
    return golden.content(SOFTMAX, "grad_logits", Inputs(logits, None, up))


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(with_logits(rows(np.float64).logits), id="dtype"),
        pytest.param(with_logits(rows().logits.reshape(3, 2)), id="shape"),
        pytest.param(with_logits(rows().logits + np.float32(2.0**-22)), id="a bit"),
        pytest.param(with_logits(-rows().logits * -1, 2 * rows().upstream), id="upstream"),
        pytest.param(golden.content(SOFTMAX, "value", rows()), id="quantity"),
        pytest.param(golden.content(Op.of("softmax", axis=0), "grad_logits", rows()), id="options"),
        pytest.param(golden.content(Op.of("log_softmax"), "grad_logits", rows()), id="op"),
    ],
)
def test_content_changes_with_the_question(other):
    """Another dtype, shape, bit, upstream, quantity, option or op is another question."""
    assert other != BASE


def test_content_knows_16_bit_formats_apart():
    """float16 and bfloat16 arrays of the same bytes are different questions."""
    pattern = np.array([[0x3C00, 0x3C01]], np.uint16)

    assert with_logits(pattern.view(np.float16)) != with_logits(pattern.view(ml_dtypes.bfloat16))


def test_content_does_not_know_names_or_layout(monkeypatch):
    """A renamed family finds its goldens again, and so does the same array in another memory order."""
    before = Case(SOFTMAX, "grad_logits", "normal", "float32", 2, 3)
    drawn = cases.inputs(before)
    monkeypatch.setattr(cases.families, "draw", lambda *_: drawn.logits)
    monkeypatch.setattr(cases, "_upstream", lambda *_: drawn.upstream)
    after = cases.inputs(Case(SOFTMAX, "grad_logits", "renamed", "float32", 2, 3))

    assert golden.content(SOFTMAX, "grad_logits", after) == golden.content(SOFTMAX, "grad_logits", drawn)
    assert with_logits(np.asfortranarray(rows().logits)) == BASE


def test_value_does_not_depend_on_upstream():
    """Values of one op share a golden, whatever gradient comes in."""
    doubled = Inputs(rows().logits, None, 2 * rows().upstream)

    assert golden.content(SOFTMAX, "value", doubled) == golden.content(SOFTMAX, "value", rows())


def test_interrupted_write_leaves_the_cache_usable(tmp_path):
    """What a killed process left half written is not taken for a golden."""
    cache = Cache(tmp_path)
    path = cache.path(golden.content(SOFTMAX, "value", rows()))
    path.parent.mkdir(parents=True)
    (path.parent / "abc.tmp").write_bytes(b"PK\x03\x04 half a")
    made = cache.golden(SOFTMAX, "value", rows())

    assert cache.computed == 1
    assert same(golden.read(path), made)


def test_failed_rename_leaves_no_golden(tmp_path, monkeypatch):
    """A write that dies before its last step leaves nothing under the golden's name."""
    cache = Cache(tmp_path)

    def die(*_):
        raise OSError("disk is full")

    monkeypatch.setattr(golden.Path, "replace", die)

    with pytest.raises(OSError, match="disk is full"):
        cache.golden(SOFTMAX, "value", rows())
    assert not cache.path(golden.content(SOFTMAX, "value", rows())).exists()


def test_two_processes_may_write_one_golden(tmp_path):
    """Processes that make the same goldens at once leave one good file each, and nothing temporary."""
    group = [Case(SOFTMAX, "value", "normal", "float32", 2, classes) for classes in range(2, 12)]
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        made = [
            future.result()
            for future in [pool.submit(goldens.make_group, group, Cache(tmp_path, "mpmath")) for _ in range(2)]
        ]
    cache = Cache(tmp_path, "mpmath")
    read = [cache.golden(case.op, case.quantity, cases.inputs(case)) for case in group]

    assert made == [10, 10]
    assert cache.computed == 0
    assert all(same(one, golden.certify(c.op, c.quantity, cases.inputs(c))) for one, c in zip(read, group, strict=True))
    assert list(tmp_path.rglob("*.tmp")) == []


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")], ids=str)
def test_logits_that_are_not_finite_are_refused(bad):
    """Special values have no distance in ulps, and the error says so."""
    inputs = Inputs(np.array([[1.0, bad]]), None, np.ones((1, 2)))

    with pytest.raises(ValueError, match="logits hold inf or nan, expected finite numbers"):
        golden.certify(SOFTMAX, "value", inputs)


def test_undecided_row_is_an_error_that_shows_it(monkeypatch):
    """A row that cancels more bits than may be spent raises, with its logits; with more bits it is certified."""
    logits = np.array([[-np.log(2)] * 2])
    inputs = Inputs(logits, None, np.ones(1))
    certified = golden.certify(Op.of("logsumexp"), "value", inputs)
    monkeypatch.setattr(golden, "MOST_BITS", golden.START_BITS)

    assert 0 < abs(certified.hi[0]) < 2.0**-52
    with pytest.raises(ArithmeticError, match=r"a row is undecided at 144 bits.*-0x1\.62e42fefa39efp-1"):
        golden.certify(Op.of("logsumexp"), "value", inputs)


@pytest.mark.parametrize("dtype", DTYPES)
def test_mean_hands_each_row_its_share(dtype):
    """The gradient of a mean is that of the sum over the number of rows, certified as one division."""
    kind = getattr(ml_dtypes, dtype, dtype)
    logits = np.array([[0.5, 1.0], [2.0, 0.0], [1.0, 1.0]]).astype(kind)
    labels = np.array([[1, 0], [0, 1], [1, 0]]).astype(kind)
    mean = golden.certify(
        Op.of("dense_xent", reduction="mean"), "grad_logits", Inputs(logits, labels, np.ones((), kind))
    )
    each = golden.certify(Op.of("dense_xent"), "grad_logits", Inputs(logits, labels, np.ones(3, kind)))

    assert np.allclose(mean.hi, each.hi / 3, rtol=2.0**-51, atol=0)
    assert mean.hi[2, 1] == 1 / 6


@pytest.mark.parametrize("seed", range(3), ids=lambda seed: f"seed {seed}")
def test_splitting_keeps_a_ball_within_the_radius(seed):
    """hi is the nearest float64 to hi + lo, and hi + lo lies within the radius of the ball's middle."""
    rng = np.random.default_rng(seed)
    for _ in range(300):
        digits = int(rng.integers(1, 2**62)) << 100 | int(rng.integers(0, 2**62)) << 40 | 1
        exponent = int(rng.integers(-400, 200))
        mid = libmp.from_man_exp(-digits if rng.random() < 0.5 else digits, exponent)
        hi, lo, power, radius = golden._split([Ball(mid)])
        split = Golden(hi, lo, power, 0.0)
        exact = (-1 if mid[0] else 1) * fraction(Golden(np.ones(1), np.zeros(1), np.array([mid[2]]), 0.0)) * int(mid[1])
        found = fraction(split)
        assert abs(found - exact) <= abs(exact) * fraction(Golden(radius, np.zeros(1), None, 0.0))
        assert hi[0] + lo[0] == hi[0]
        assert 1 <= abs(hi[0]) <= 2


@pytest.mark.parametrize(
    ("op", "quantity", "row", "truth"),
    [
        pytest.param("logsumexp", "value", [0.0, 0.0], lambda: mpmath.log(2), id="log 2"),
        pytest.param("sigmoid", "value", [1.0], lambda: 1 / (1 + mpmath.exp(-1)), id="sigmoid of 1"),
        pytest.param("softmax", "value", [0.0, -800.0], lambda: 1 / (1 + mpmath.exp(-800)), id="nearly 1"),
        pytest.param("log_softmax", "value", [0.0, -800.0], lambda: -mpmath.log1p(mpmath.exp(-800)), id="tiny"),
    ],
)
def test_digits(op, quantity, row, truth):
    """30 significant digits are those of mpmath."""
    upstream = np.ones(1) if op == "logsumexp" else np.ones((1, len(row)))
    certified = golden.certify(Op.of(op), quantity, Inputs(np.array([row]), None, upstream))
    index = (0,) if op == "logsumexp" else (0, 0)
    with mpmath.workdps(500):
        expected = mpmath.nstr(truth(), 30)

    assert golden.digits(certified, index) == expected


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_goldens_round_as_mpmath_does(dtype):
    """The certified softmax of random rows rounds to each format as its value at 400 bits does."""
    rng = np.random.default_rng(11)
    logits = rng.standard_normal((20, 5))
    certified = golden.certify(SOFTMAX, "value", Inputs(logits, None, np.ones_like(logits)))
    form = FORMATS[dtype]
    expected = []
    with mpmath.workprec(400):
        for row in logits.tolist():
            e = [mpmath.exp(x) for x in row]
            for term in e:
                value = term / mpmath.fsum(e)
                expected.append(float(mpmath.mpf(value, prec=form.precision)))

    assert rounding.nearest(certified, form).ravel().tolist() == expected


def test_mean_over_extreme_rows_is_decided():
    """Losses that are a float16 number plus something far below every precision keep their side through the mean."""
    case = Case(Op.of("dense_xent", reduction="mean"), "value", "extremes", "float16", 8, 12)

    certified = golden.certify(case.op, case.quantity, cases.inputs(case))

    assert certified.hi.shape == ()
    assert certified.radius <= 2.0**-golden.RADIUS_BITS


def test_backend_is_named():
    """The environment says what mpmath counted with."""
    assert golden.backend().startswith(f"mpmath {mpmath.__version__} (")
