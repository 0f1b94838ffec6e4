"""The contract that every adapter keeps in every mode, on every device found; frameworks not installed are skipped."""

import ast
import functools
import importlib.util
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import get_args

import ml_dtypes
import numpy as np
import pytest

from harness import adapters
from harness.adapters import Catalogue, Layout, NotInstalled, NotSupported
from harness.history.difference import Difference
from harness.model import DTYPES, Compiles, Failed, Inputs, Op, Target, Unsupported
from harness.ops import OPS
from tests.conftest import ROOT

ROWS, CLASSES, FEATURES = 3, 5, 4
WITH_LABEL_GRADIENT = tuple(name for name, record in OPS.items() if record.labels == "row")
CASTS = "tf.compat.v1.losses.log_loss"  # answers in float32, whatever it is given: a known deviation
# A first call compiles (torch.compile: seconds each), so modes after the plainest are asked these only.
FEW = (("softmax", "value"), ("sparse_xent", "grad_logits"), ("dense_xent", "grad_labels"))


def modes(name):
    """Read an adapter's modes from its source: loading it would import every framework whenever pytest collects."""
    module = importlib.util.find_spec(f"harness.adapters.{name}")
    if module is None or module.origin is None:  # a third party's: its package tests it
        return ()
    for node in ast.walk(ast.parse(Path(module.origin).read_text(encoding="utf-8"))):
        match node:
            case ast.Assign(targets=[ast.Name("modes")], value=value) | ast.AnnAssign(ast.Name("modes"), _, value):
                return ast.literal_eval(value)
    raise AssertionError(f"adapter {name!r} has no literal `modes`, expected a tuple of strings")


@functools.cache
def loaded(name):
    """Load an adapter once."""
    return adapters.load(name)


def load_or_skip(name):
    """Load an adapter, or skip the test with the reason why it cannot be."""
    try:
        return loaded(name)
    except NotInstalled as missing:
        pytest.skip(str(missing))


@pytest.fixture
def adapter(name):
    """An adapter, one for the whole session: what it compiled once is used again."""
    return load_or_skip(name)


each_adapter = pytest.mark.parametrize("name", adapters.names())

each_mode = pytest.mark.parametrize(
    ("name", "mode"),
    [pytest.param(name, mode, id=f"{name}-{mode}") for name in adapters.names() for mode in modes(name)],
)


def dtype_of(name):
    """Return numpy's dtype of a name; numpy alone knows no bfloat16."""
    return np.dtype(getattr(ml_dtypes, name, name))


def value_shape(op):
    """Return the shape of an op's value."""
    if op.options.get("reduction") == "mean":
        return ()
    return (ROWS, CLASSES) if not OPS[op.name].one_a_row else (ROWS,)


def questions(op, dtype):
    """Draw plain inputs, the same on each call; dense labels are distributions, so that all agree on the gradient."""
    rng = np.random.default_rng(0)
    # Positive: the logarithm of a logit, one of the misuses, is then a number.
    record = OPS[op.name]
    logits = rng.uniform(0.5, 3, (ROWS, FEATURES if record.linear else CLASSES))
    if record.takes == "probabilities":
        logits /= logits.sum(axis=-1, keepdims=True)
    if record.takes == "log_probabilities":
        logits = -logits
    labels = None
    if record.labels == "index":
        labels = rng.integers(0, CLASSES, ROWS)
    elif op.name in WITH_LABEL_GRADIENT:
        labels = rng.uniform(0.1, 0.9, (ROWS, CLASSES))
        labels = (labels / labels.sum(axis=-1, keepdims=True)).astype(dtype_of(dtype))
    upstream = np.asarray(rng.uniform(0.5, 2, value_shape(op))).astype(dtype_of(dtype))
    weight = rng.uniform(-1, 1, (CLASSES, FEATURES)).astype(dtype_of(dtype)) if record.linear else None
    return Inputs(logits.astype(dtype_of(dtype)), labels, upstream, weight=weight)


def varied(quantity):
    """Return the name of the array that a gradient is with respect to, as inputs name it."""
    return {"grad_labels": "labels", "grad_weight": "weight"}.get(quantity, "logits")


def whole(adapter):
    """Return the implementations that are asked in everything: others take what their few questions have."""
    return [each for each in adapter.implementations() if adapter.offer(each).takes()]


def asked(adapter, mode):
    """Return (implementation, quantity) to ask in a mode: all in the plainest, the first of a FEW in the others."""
    if mode == adapter.modes[0]:
        return [(each, quantity) for each in whole(adapter) for quantity in OPS[each.op].quantities]
    first = {}
    for each in whole(adapter):
        first.setdefault(each.op, each)
    return [(first[op], quantity) for op, quantity in FEW if op in first]


def answer(adapter, mode, implementation, quantity, inputs, *, op=None):
    """Ask, as the suites do; raise NotSupported where that is the answer."""
    got = adapter.ask(op or Op.of(implementation.op), quantity, inputs, Target(implementation, mode))
    if isinstance(got, Unsupported):
        raise NotSupported(got.reason)
    assert isinstance(got, np.ndarray), got
    return got


def offers_gradients(adapter, mode):
    """Tell whether the framework differentiates at all."""
    try:
        adapter.backward(lambda logits: logits, mode, 0)
    except NotSupported:
        return False
    return True


def special_bits(dtype):
    """Every pattern of 16 bits; of wider formats the special ones, nan payloads and subnormals among them."""
    bits = np.dtype(f"u{dtype.itemsize}")
    if dtype.itemsize == 2:
        return np.arange(2**16, dtype=bits)
    special = np.array([0, -0.0, np.inf, -np.inf, np.nan, -np.nan, np.finfo(dtype).max, np.finfo(dtype).tiny], dtype)
    infinity, sign = special[2].view(bits), special[1].view(bits)
    payloads = [infinity | bits.type(payload) | flip for payload in (1, 12345) for flip in (bits.type(0), sign)]
    subnormals = [bits.type(fraction) | flip for fraction in (1, 2, 12345) for flip in (bits.type(0), sign)]
    return np.concatenate([special.view(bits), np.array(payloads + subnormals, bits)])


@each_adapter
def test_the_modes_read_from_the_source_are_the_adapters_own(adapter, name):
    """What these tests are spread over is what the adapter declares."""
    if importlib.util.find_spec(f"harness.adapters.{name}") is None:
        pytest.skip(f"{name} comes from another package")

    assert adapter.modes == modes(name)


@each_adapter
def test_what_a_mode_compiles_is_told_of_its_own_modes(adapter):
    """A mode has one of the costs that presets know, none of them where none is told; the plainest stands first."""
    assert {*adapter.compiling, *adapter.by_name} <= {*adapter.modes}
    assert {adapter.compiles(mode) for mode in adapter.modes} <= {*get_args(Compiles)}
    assert adapter.compiles("a mode of nobody's") == "nothing"
    assert adapter.plainest == adapter.modes[0]


@each_adapter
def test_own_functions_are_judged_in_some_modes_by_name_alone(adapter):
    """A mode that compiles for long is left out unless modes are named; the framework's own adapter keeps all."""
    every, usual = (
        adapter.judging(Catalogue(adapter.catalogue.framework), every_mode=named) for named in (True, False)
    )

    assert every.modes == adapter.modes
    assert usual.modes == tuple(mode for mode in adapter.modes if mode not in adapter.by_name)
    assert adapter.plainest in usual.modes


@each_adapter
def test_named_extra_exists(adapter):
    """What a user is told to install for GPUs is in pyproject.toml."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    assert adapter.with_cuda in {"", *(f"xentbench[{extra}]" for extra in project["optional-dependencies"])}


@each_adapter
def test_names_can_be_parts_of_a_targets_id(adapter):
    """A target prints as name@mode:device, so a name holds neither of the signs between."""
    for implementation in adapter.implementations():
        assert not set("@:") & set(implementation.name), implementation.name


@each_adapter
def test_facts_are_versions_or_decide(adapter, name):
    """What answers depend on is a version, or is named by a comparison before what it explains; threads are."""
    found = {fact: Difference(name, fact, value, value) for fact, value in adapter.environment("cpu").items()}

    assert [fact for fact, one in found.items() if not (one.version or one.decides)] == []
    assert any("threads" in fact for fact in found) or name in {"numpy", "slow"}


@each_adapter
def test_each_device_has_an_environment_of_short_strings(adapter):
    """The environment is a key of the store: text without line breaks, the framework's version in it."""
    assert adapter.devices()[0] == "cpu"
    for device in adapter.devices():
        environment = adapter.environment(device)

        assert environment
        for key, value in environment.items():
            assert isinstance(key, str)
            assert isinstance(value, str)
            assert len(value) < 200
            assert "\n" not in value


@pytest.mark.parametrize("dtype", DTYPES)
@each_mode
def test_every_bit_survives_the_way_there_and_back(adapter, mode, dtype):
    """A round trip keeps dtype and bits: nan payloads, the sign of zero, subnormals."""
    array = special_bits(dtype_of(dtype)).view(dtype_of(dtype))

    for device in adapter.devices():
        back = adapter.get(adapter.put(array, mode=mode, device=device))

        assert back.dtype == array.dtype
        assert back.tobytes() == array.tobytes()


@pytest.mark.parametrize("dtype", DTYPES)
@each_mode
def test_layout_and_shape_survive_the_way_there(adapter, mode, dtype):
    """Scalars stay scalars; a transposed or reversed view arrives with its elements where they belong."""
    matrix = np.arange(6).reshape(2, 3).astype(dtype_of(dtype))

    for array in (matrix[0, 1:2].reshape(()), matrix.T, matrix[::-1, ::-1]):
        back = adapter.get(adapter.put(array, mode=mode, device="cpu"))

        assert back.shape == array.shape
        assert back.tobytes() == array.tobytes()


@pytest.mark.parametrize("dtype", [*DTYPES, "int64"])
@each_mode
def test_put_and_get_copy(adapter, mode, dtype):
    """Whatever happens to the array given or the array returned, the framework's own stays as it was."""
    array = np.ones(1024, dtype_of(dtype))  # large enough for a framework to take over the memory

    native = adapter.put(array, mode=mode, device="cpu")
    array[:] = 2
    back = adapter.get(native)
    assert (back == 1).all()
    back[:] = 3

    assert (adapter.get(native) == 1).all()


@pytest.mark.parametrize("dtype", DTYPES)
@each_mode
def test_answers_have_the_cases_shape_and_dtype(adapter, mode, dtype):
    """Every implementation answers each dtype in that dtype, a gradient in the shape of its argument."""
    plainest = mode == adapter.modes[0]
    if not plainest and dtype not in {"float32", "bfloat16"}:
        pytest.skip("compiled modes are asked two dtypes, for time")

    unlike = []
    for implementation, quantity in asked(adapter, mode):
        if quantity != "value" and plainest and dtype != "float32":
            continue
        if implementation.name == CASTS and dtype != "float32":
            continue
        inputs = questions(Op.of(implementation.op), dtype)
        try:
            got = answer(adapter, mode, implementation, quantity, inputs)
        except NotSupported:
            continue
        shape = inputs.like(quantity).shape
        if got.shape != shape or got.dtype != dtype_of(dtype) or not np.isfinite(got.astype(float)).all():
            unlike.append((implementation.name, quantity, got))

    assert not unlike


@each_mode
def test_options_change_the_question(adapter, mode):
    """The mean is the mean of the losses, and pos_weight weighs the positive term; who lacks an option says so."""
    if mode != adapter.modes[0]:
        pytest.skip("compiled modes build the same functions")

    for implementation in whole(adapter):
        if implementation.op in {"sparse_xent", "dense_xent"}:
            plain, other = Op.of(implementation.op), Op.of(implementation.op, reduction="mean")
            expect = np.mean
        elif implementation.op == "sigmoid_xent":
            plain, other = Op.of("sigmoid_xent", pos_weight=1.0), Op.of("sigmoid_xent", pos_weight=3.0)
            logits, labels = (getattr(questions(plain, "float64"), field) for field in ("logits", "labels"))
            expect = lambda losses: losses + 2 * labels * np.log1p(np.exp(-logits))  # noqa: B023, E731
        else:
            continue
        try:
            losses = answer(adapter, mode, implementation, "value", questions(plain, "float64"), op=plain)
            got = answer(adapter, mode, implementation, "value", questions(other, "float64"), op=other)
        except NotSupported:
            continue
        if implementation.kind != "misuse":
            np.testing.assert_allclose(got, expect(losses), rtol=1e-5, err_msg=implementation.name)


@each_mode
def test_gradients_agree_with_central_differences(adapter, mode):
    """A gradient is that of the value, along one direction; a check of plumbing, 1e-3 wide, not of accuracy."""
    if not offers_gradients(adapter, mode):
        pytest.skip("no automatic differentiation")
    # Truncation is near step**2 = 1e-4; rounding, of those that compute float64 in float32, near 1e-7 / step = 1e-5.
    for implementation, quantity in asked(adapter, mode):
        if quantity == "value" or implementation.kind not in {"fused", "composed"} or implementation.name == CASTS:
            continue
        step = 1e-2 if OPS[implementation.op].takes == "logits" else 1e-3  # a probability may be small
        inputs = questions(Op.of(implementation.op), "float64")
        where = varied(quantity)
        towards = np.random.default_rng(1).uniform(-1, 1, getattr(inputs, where).shape)
        try:
            gradient = answer(adapter, mode, implementation, quantity, inputs)
        except NotSupported:
            continue
        ahead, behind = (
            answer(
                adapter,
                mode,
                implementation,
                "value",
                replace(inputs, **{where: getattr(inputs, where) + sign * step * towards}),
            )
            for sign in (1, -1)
        )
        slope = (inputs.upstream * (ahead - behind)).sum() / (2 * step)
        assert (gradient * towards).sum() == pytest.approx(slope, rel=1e-3, abs=1e-3), (implementation.name, quantity)


@each_mode
def test_the_upstream_gradient_is_used(adapter, mode):
    """Twice the upstream is twice the gradient, bit for bit; and a call leaves nothing behind for the next."""
    if not offers_gradients(adapter, mode):
        pytest.skip("no automatic differentiation")

    for implementation, quantity in asked(adapter, mode):
        if quantity == "value" or implementation.kind != "fused":
            continue
        inputs = questions(Op.of(implementation.op), "float32")
        twice = replace(inputs, upstream=2 * inputs.upstream)
        try:
            call = adapter.prepare(Op.of(implementation.op), quantity, inputs, Target(implementation, mode))
        except NotSupported:
            continue
        once, again = adapter.answer(call(), quantity), adapter.answer(call(), quantity)
        doubled = answer(adapter, mode, implementation, quantity, twice)
        assert once.any()
        assert (again == once).all(), implementation.name
        assert (doubled == 2 * once).all(), implementation.name


@each_mode
def test_a_function_is_built_once(adapter, mode, monkeypatch):
    """What is compiled is kept: for the same question, for another dtype or shape, for another spelling."""
    built = []
    monkeypatch.setattr(adapter, "_functions", {})
    monkeypatch.setattr(adapter, "forward", lambda function, mode: built.append(mode) or function)
    offers = list(adapter.catalogue.offers.values())

    asked = set()
    for offer in offers:
        for dtype in ("float32", "float16", "float32"):
            op = Op.of(offer.implementation.op)
            try:
                adapter.prepare(op, "value", questions(op, dtype), Target(offer.implementation, mode))
            except NotSupported:  # such as a loss that gives a mean alone
                continue
            asked.add((offer.implementation.op, offer.identity))

    assert len(asked) > len(offers) // 2
    assert len(built) == len(asked)


@each_adapter
def test_an_unknown_option_is_refused(adapter):
    """An option that a function lacks is an answer, given before anything is traced."""
    for implementation in whole(adapter):
        op = Op.of(implementation.op, temperature=2.0)
        for mode in adapter.modes:
            with pytest.raises(NotSupported, match="temperature"):
                adapter.prepare(op, "value", questions(op, "float32"), Target(implementation, mode))


def test_what_inputs_show_is_told_to_those_who_ask():
    """The rank and the sum of labels are seen from the inputs: a builder without the parameter is built as well."""
    catalogue = Catalogue("numpy")
    told = []
    catalogue.form("dense_xent", "deaf", "fused")(lambda *, axis=-1: told.append(axis) or (lambda *_: None))
    catalogue.form("dense_xent", "curious", "fused")(lambda *, axis, rank: told.append((axis, rank)))
    adapter = load_or_skip("numpy").offering(catalogue)
    op = Op.of("dense_xent", axis=0, rank=3, label_sum="1 2")

    for implementation in adapter.implementations():
        adapter.prepare(op, "value", questions(Op.of("dense_xent"), "float32"), Target(implementation, "eager"))
        assert adapter.takes(implementation, op)
        assert not adapter.takes(implementation, Op.of("dense_xent", axis=0, mask="1 0"))

    assert told == [0, (0, 3)]


def test_numpy_refuses_gradients_while_building():
    """The control has no automatic differentiation, and says so before it is called."""
    adapter = load_or_skip("numpy")
    for implementation in adapter.implementations():
        op = Op.of(implementation.op)

        with pytest.raises(NotSupported, match="differentiation"):
            adapter.prepare(op, "grad_logits", questions(op, "float32"), Target(implementation, "eager"))


def asked_of(function, op="sigmoid", **how):
    """Ask numpy's adapter a function of its own, about a float32 question."""
    catalogue = Catalogue("numpy")
    catalogue.form(op, "own", "fused", grad_logits="stopped")(lambda: function)
    adapter = load_or_skip("numpy").offering(catalogue)
    quantity = how.pop("quantity", "value")
    return adapter.ask(
        Op.of(op), quantity, questions(Op.of(op), "float32"), Target(*adapter.implementations(), "eager"), **how
    )


def test_an_answer_is_an_array_or_what_became_of_it():
    """A refusal, a raise, another dtype and another shape each come back as an outcome of their own kind."""

    def raises(_):
        raise ValueError("no kernel")

    assert (asked_of(lambda logits: logits) == questions(Op.of("sigmoid"), "float32").logits).all()
    assert asked_of(raises) == Failed("raised", "no kernel", "ValueError")
    assert asked_of(raises, quantity="grad_logits") == Unsupported("stopped")
    assert asked_of(lambda logits: logits.astype(np.float64)) == Failed(
        "dtype", "dtype is float64, expected float32, as the logits'"
    )
    assert asked_of(np.ravel) == Failed("shape", f"shape is ({ROWS * CLASSES},), expected ({ROWS}, {CLASSES})")


def test_an_answer_of_any_dtype_and_shape_may_be_wanted():
    """Who looks at what nothing fixes takes any array."""
    assert asked_of(np.ravel, fits=False).shape == (ROWS * CLASSES,)
    assert asked_of(lambda logits: logits.astype(np.float64), fits=False).dtype == np.float64


def test_a_layout_reaches_the_function():
    """The numbers are the same, in the memory that the layout says; arrays that are not named are contiguous."""
    seen = []

    def look(*arrays):
        seen.extend(array.strides for array in arrays)
        return arrays[0][:, 0]

    asked_of(look, "sparse_xent", layouts={"logits": "transposed"})
    asked_of(look, "sparse_xent", layouts={"labels": "strided"})

    assert seen == [(4, 4 * ROWS), (8,), (4 * CLASSES, 4), (16,)]


STEPS = {  # of 3 rows of 5, in elements
    "transposed": (1, 3),
    "strided": (10, 2),
    "offset": (5, 1),
    "wider": (10, 1),
    "reversed": (-5, 1),
    "repeated": (0, 1),
    "expanded": (0, 0),
}


@pytest.mark.parametrize("name", ["numpy", "torch"])
@pytest.mark.parametrize("layout", get_args(Layout))
def test_a_view_has_the_same_numbers_elsewhere(adapter, layout):
    """A view is equal to its array, bit for bit, and lies in memory as its name says."""
    if layout not in adapter.layouts:
        pytest.skip(f"{adapter.catalogue.framework} has no array that is {layout}")
    columns = {"repeated": np.arange(15) % 5, "expanded": np.full(15, 7)}.get(layout, np.arange(15))
    for dtype in ("float32", "bfloat16"):
        array = columns.reshape(3, 5).astype(dtype_of(dtype))
        native = adapter.put(array, mode="eager", device="cpu")
        size = array.itemsize

        view = adapter.view(native, layout)

        assert adapter.get(view).tobytes() == array.tobytes()
        steps, begin = memory_of(view)
        assert steps == tuple(step * size for step in STEPS[layout])
        if layout in {"strided", "offset", "wider"}:
            assert (begin % 16 == size) == (layout == "offset")
        assert adapter.get(native).tobytes() == array.tobytes()


@pytest.mark.parametrize("name", ["numpy", "torch"])
def test_labels_of_one_axis_are_views_too(adapter):
    """Class indices lie apart, behind an address, backwards or all at one place."""
    labels = adapter.put(np.array([3, 3, 3]), mode="eager", device="cpu")

    steps = {layout: memory_of(adapter.view(labels, layout))[0] for layout in adapter.layouts if layout != "transposed"}

    known = {"strided": (16,), "offset": (8,), "wider": (8,), "reversed": (-8,), "repeated": (0,), "expanded": (0,)}
    assert steps == {layout: known[layout] for layout in steps}


def memory_of(native):
    """Return the steps of an array of numpy or torch, in bytes, and the address where it begins."""
    if isinstance(native, np.ndarray):
        return native.strides, native.ctypes.data
    return tuple(step * native.element_size() for step in native.stride()), native.data_ptr()


@pytest.mark.parametrize("name", ["numpy", "torch"])
def test_an_array_is_filled_where_it_lies(adapter):
    """Other numbers come to the same address, bit for bit."""
    for dtype in ("float32", "bfloat16", "int64"):
        array = np.arange(6).reshape(2, 3).astype(dtype_of(dtype))
        native = adapter.put(array, mode="eager", device="cpu")
        before = memory_of(native)

        adapter.fill(native, array[::-1] + array.dtype.type(1))

        assert memory_of(native) == before
        assert adapter.get(native).tobytes() == (array[::-1] + array.dtype.type(1)).tobytes()


@pytest.mark.parametrize("name", ["jax", "tensorflow"])
def test_what_a_framework_leaves_to_nobody_is_refused(adapter):
    """Arrays without a layout, arrays that never change and threads that are fixed are told in words."""
    native = adapter.put(np.ones((2, 3), np.float32), mode="eager", device="cpu")

    with pytest.raises(NotSupported, match="layout"):
        adapter.view(native, "strided")
    with pytest.raises(NotSupported, match="cannot be changed"):
        adapter.fill(native, np.zeros((2, 3), np.float32))
    with pytest.raises(NotSupported, match="threads"):
        adapter.threads(2)
