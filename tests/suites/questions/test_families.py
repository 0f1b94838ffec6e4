"""Input families: finite, repeatable, and drawn again by the text that a report prints."""

import ml_dtypes
import numpy as np
import pytest

from harness.model import DTYPES, FORMATS, Case, Op, Source
from harness.scoring import line
from suites.questions import cases, families, published, recipes
from suites.questions.families import FAMILIES
from suites.questions.swept import lines

each_family = pytest.mark.parametrize("name", FAMILIES)
each_dtype = pytest.mark.parametrize("dtype", DTYPES)
SHAPES = {
    **cases.POINT_FAMILIES,
    **cases.ROW_FAMILIES,
    "long_row": (1, 4000),
    "vocabulary": (2, 4000),
    "swamp": (2, 400),
    "magnitude": cases.SQUARE,
    "coarse": (8, 16),
    **{name: shape for of_what in cases.APART_FAMILIES.values() for name, shape in of_what.items()},
    cases.EVERY_FLOAT16: cases.FINITE_FLOAT16,
    **dict.fromkeys(lines.LINES, (62, 1024)),
}


def asked(name, dtype, shape, seed=0):
    """Return a case of a family."""
    return Case(Op.of("softmax"), "value", name, dtype, *shape, seed)


def drawn(name, dtype, seed=0):
    """Draw a family at the suites' own shape, long rows shortened."""
    return families.draw(asked(name, dtype, SHAPES[name], seed))


@each_family
@each_dtype
def test_logits_are_finite_numbers_of_the_dtype(name, dtype):
    """Every family gives finite logits of the asked shape and dtype, in every dtype."""
    logits = drawn(name, dtype)

    assert logits.shape == SHAPES[name]
    assert logits.dtype.name == dtype
    assert np.isfinite(logits.astype(np.float64)).all()


@each_family
@each_dtype
def test_seed_decides_every_bit(name, dtype):
    """The same seed draws the same bits."""
    assert drawn(name, dtype, 3).tobytes() == drawn(name, dtype, 3).tobytes()


@pytest.mark.parametrize(
    "name", sorted(set(FAMILIES) - {"all_equal", "two_class_gap", cases.EVERY_FLOAT16, *lines.LINES})
)
def test_another_seed_draws_other_logits(name):
    """Another seed draws other logits, but for the families that leave nothing to chance."""
    seeds = [drawn(name, "float64", seed).tobytes() for seed in range(4)]

    assert len(set(seeds)) > 1


@each_family
@each_dtype
def test_recipe_draws_the_row_again(name, dtype):
    """The printed recipe runs with numpy alone and gives the row bit for bit."""
    case = Case(Op.of("softmax"), "value", name, dtype, *SHAPES[name], 1)
    row = case.rows - 1
    namespace = {}
    exec(compile(recipes.recipe(case, row), "recipe", "exec"), namespace)  # noqa: S102 - the text under test

    assert namespace["row"].tobytes() == drawn(name, dtype, 1)[row].astype(np.float64).tobytes()


@each_family
def test_recipe_imports_numpy_alone(name):
    """A recipe needs numpy and the standard library, and none of our own modules."""
    text = recipes.recipe(Case(Op.of("softmax"), "value", name, "bfloat16", *SHAPES[name]), 0)
    imports = [line for line in text.splitlines() if line.startswith(("import", "from"))]

    assert imports == ["from types import SimpleNamespace", "import numpy as np"]
    assert "ml_dtypes" not in text
    assert "@" not in text


@each_dtype
@pytest.mark.parametrize("size", [0.001, 1.0, 30.0, 10_000.0])
def test_size_multiplies_what_is_drawn(size, dtype):
    """All sizes of a family draw the same rows, before they are multiplied and rounded."""
    rng = np.random.default_rng(families.generator(asked("magnitude", dtype, (4, 9), 2)))
    drawn_once = FAMILIES["magnitude"](rng, 4, 9, FORMATS[dtype])
    sized = families.draw(asked(f"magnitude/{size:g}", dtype, (4, 9), 2))

    assert sized.tobytes() == families.to_dtype(drawn_once * size, dtype).tobytes()
    assert np.abs(sized.astype(np.float64)).max() <= size * (1 + 2.0 ** -FORMATS[dtype].precision)


@each_dtype
def test_recipe_draws_a_size_again(dtype):
    """The recipe of a sized family gives the row of that size bit for bit."""
    case = asked("magnitude/30", dtype, cases.SQUARE, 1)
    namespace = {}
    exec(compile(recipes.recipe(case, 3), "recipe", "exec"), namespace)  # noqa: S102 - the text under test
    row = families.draw(case)[3]

    assert namespace["row"].tobytes() == row.astype(np.float64).tobytes()


def test_sizes_are_sampled_as_their_family():
    """A size changes nothing about how often the arbiter recomputes a row."""
    assert families.audit(Source.of("magnitude/30")) == families.audit(Source.of("magnitude")) == 1 / 64


CHANCE = {"normal_small", "normal", "normal_large", "magnitude", "offset", "long_row", "vocabulary"}

WHOLE = {cases.EVERY_FLOAT16, *lines.LINES}  # all there are


@each_family
def test_only_rows_of_chance_are_sampled(name):
    """Every row built to provoke goes to the arbiter; of rows that chance drew, or of all there are, one in 64 does."""
    assert families.audit(Source.of(name)) == (1 / 64 if name in {*CHANCE, *WHOLE} else 1)


def test_published_examples_are_curated():
    """Every row of an example that people published goes to the arbiter."""
    assert all(families.audit(Source.of(f"published/{name}")) == 1 for name in published.EXAMPLES)


def test_options_are_curated_and_timings_sampled():
    """Every row of a case of options goes to the arbiter, whatever family it is of; of what is timed a sample."""
    assert families.audit(Source.of("options/normal_large")) == 1
    assert families.audit(Source.of("speed")) == 1 / 64


@each_family
def test_docstring_is_fit_for_a_page(name):
    """Reports print a family's docstring: one sentence, with an end."""
    text = cases.descriptions()[name]

    assert text.endswith(".")
    assert len(text) < 160


@each_dtype
@pytest.mark.parametrize(
    ("name", "holds"),
    [
        pytest.param("all_equal", lambda x, _: (x == x[:, :1]).all(), id="all_equal"),
        pytest.param("subnormals", lambda x, form: (np.abs(x) < 2.0**form.emin).all(), id="subnormals"),
        pytest.param("extremes", lambda x, form: np.abs(x).max() >= 2.0**form.emax, id="extremes"),
        pytest.param("confident", lambda x, _: (np.diff(np.sort(x, 1)[:, -2:], axis=1) > 1).all(), id="confident"),
        pytest.param("swamp", lambda x, _: ((x == 0).sum(1) == 1).all(), id="swamp"),
        pytest.param("two_class_gap", lambda x, _: (x.max(1) == 0).all(), id="two_class_gap"),
        pytest.param("offset", lambda x, _: (x.min(1) > 90).all(), id="offset"),
        pytest.param("wide_spread", lambda x, form: x.min() < form.emin * np.log(2), id="wide_spread"),
    ],
)
def test_family_is_what_it_says(name, holds, dtype):
    """Each structured family has the structure that its docstring claims, in every dtype."""
    assert holds(drawn(name, dtype).astype(np.float64), FORMATS[dtype])


@each_dtype
def test_swamp_is_lost_in_a_plain_sum(dtype):
    """Some row of swamp adds terms one by one to 1 and stays at 1."""
    kind = getattr(ml_dtypes, dtype, dtype)
    logits = np.concatenate([drawn("swamp", dtype, seed) for seed in range(6)]).astype(np.float64)
    terms = np.exp(logits.min(axis=1)).astype(kind)

    assert (np.ones(1, kind) + terms == 1).any()
    assert (np.exp(logits.min(axis=1)) * logits.shape[1] > 2.0 ** -FORMATS[dtype].precision).all()


def test_every_float16_is_there_once():
    """The exhaustive family holds each finite number of float16 once, both zeros among them, beside a 0."""
    logits = drawn(cases.EVERY_FLOAT16, "float16")

    assert len(np.unique(logits[:, 0].view(np.uint16))) == len(logits) == 2 * (30 * 1024 + 1024)
    assert not logits[:, 1].any()


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_line_holds_every_finite_number_in_order(dtype):
    """Each finite number of a 16-bit format is there once, in order, a binade and sign a row."""
    kind = np.dtype(getattr(ml_dtypes, dtype, dtype))
    form = FORMATS[dtype]
    numbers = families.draw(asked("every", dtype, line.shape(form)))
    every = np.arange(1 << 16, dtype=np.uint16).view(kind)
    with np.errstate(invalid="ignore"):  # signalling nans
        finite = every[np.isfinite(every.astype(np.float64))]

    flat = numbers.ravel().astype(np.float64)

    assert np.unique(numbers.view(np.uint16)).tolist() == sorted(finite.view(np.uint16).tolist())
    assert flat.size == finite.size
    assert (np.diff(flat) >= 0).all()
    assert np.signbit(flat).sum() == flat.size // 2
    for row, some in enumerate(numbers.astype(np.float64)):
        sign, exponent = line.binade(form, row)
        low = 0.0 if exponent < form.emin else 2.0**exponent
        assert ((np.abs(some) >= low) & (np.abs(some) < 2.0 ** max(exponent + 1, form.emin))).all()
        assert (np.copysign(1, some) == sign).all()


def test_line_of_float64_is_of_equal_parts():
    """Of float64 each binade has one number in each equal part of it."""
    form = FORMATS["float64"]
    numbers = families.draw(asked("every", "float64", line.shape(form)))
    mantissas, exponents = np.frexp(numbers[2047 + 1 :])

    assert (np.floor((2 * mantissas - 1) * line.DENSITY) == np.arange(line.DENSITY)).all()
    assert (np.diff(exponents[:, 0]) == 1).all()
    assert (np.diff(numbers.ravel()) > 0).all()


def test_line_of_a_loss_has_one_label_and_gradients_of_1():
    """Labels are all those that the name says; what comes in is 1."""
    for name, label in lines.LABELS.items():
        given = cases.inputs(Case(Op.of("sigmoid_xent"), "grad_logits", name, "bfloat16", 510, 128))

        assert (given.labels.astype(np.float64) == label).all()
        assert (given.upstream.astype(np.float64) == 1).all()
