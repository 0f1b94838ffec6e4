"""What is TensorFlow's alone: sessions, placeholders, XLA, retracing, devices. What all share: test_adapter.py."""

import contextlib
import importlib
import logging
import os
import subprocess
import sys
import types
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest

from harness import adapters
from harness.adapters import fenced, state
from harness.model import Inputs, Op, Target, Unsupported

pytest.importorskip("tensorflow", reason="tensorflow is not installed")
ours = pytest.importorskip("harness.adapters.tensorflow", reason="keras, which comes with tensorflow, is not installed")
tf = ours.tf

ROOT = Path(__file__).parents[3]
LOGITS = np.array([[1, 2, 3], [0, 0, 0]], np.float32)


@pytest.fixture(scope="module")
def adapter():
    """Return one adapter for the file: what it compiles is shared."""
    return ours.Adapter()


def test_eagerness_that_a_call_leaves_on_is_off_again(adapter):  # noqa: ARG001 - which watches it
    """A call that lets every tf.function run eagerly is told of, and they are compiled as before."""
    state.changed()

    fenced(lambda: tf.config.run_functions_eagerly(True))

    assert state.changed() == ("whether tf.function runs eagerly",)
    assert not tf.config.functions_run_eagerly()


@pytest.fixture
def gpus(monkeypatch):
    """Make TensorFlow see two GPUs, and return the list of those told to take memory as they need it."""
    grown = []
    fakes = [types.SimpleNamespace(name=f"fake:{index}") for index in range(2)]
    monkeypatch.setattr(tf.config, "get_visible_devices", lambda kind: fakes if kind == "GPU" else [])
    monkeypatch.setattr(tf.config.experimental, "set_memory_growth", lambda gpu, on: on and grown.append(gpu.name))
    return grown


@pytest.fixture
def scopes(monkeypatch):
    """Return the list of devices that `tf.device` was asked for."""
    asked = []

    @contextlib.contextmanager
    def device(name):
        asked.append(name)
        yield

    monkeypatch.setattr(tf, "device", device)
    return asked


def implementation(adapter, name):
    """Find an implementation by the name that a report shows."""
    (found,) = (one for one in adapter.implementations() if one.name == name)
    return found


def ask(adapter, name, mode, op, quantity="value", *, labels=None, upstream=None):
    """Ask one question about LOGITS."""
    inputs = Inputs(LOGITS, labels, np.ones((2, 3), np.float32) if upstream is None else upstream)
    got = adapter.ask(op, quantity, inputs, Target(implementation(adapter, name), mode))
    if isinstance(got, Unsupported):
        raise adapters.NotSupported(got.reason)
    return got


@pytest.mark.parametrize(
    "name",
    [
        "tf.nn.softmax",
        "tf.nn.log_softmax",
        "tf.nn.softmax_cross_entropy_with_logits",
        "tf.nn.sparse_softmax_cross_entropy_with_logits",
        "tf.nn.sigmoid_cross_entropy_with_logits",
        "tf.compat.v1.nn.softmax_cross_entropy_with_logits",
        "tf.compat.v1.nn.softmax_cross_entropy_with_logits_v2",
        "tf.compat.v1.losses.softmax_cross_entropy",
        "tf.compat.v2.nn.softmax",
        "tf.compat.v2.nn.log_softmax",
        "tf.compat.v2.nn.softmax_cross_entropy_with_logits",
        "tf.compat.v2.nn.sparse_softmax_cross_entropy_with_logits",
        "tf.compat.v2.nn.sigmoid_cross_entropy_with_logits",
    ],
)
def test_a_function_of_the_published_questions_has_a_row(adapter, name):
    """Every TensorFlow function that the four published pages name is asked, as a fused one."""
    assert implementation(adapter, name).kind == "fused"


def test_two_spellings_of_one_function_share_what_is_compiled(adapter):
    """`tf.nn.softmax` and `tf.compat.v2.nn.softmax` are one object, `tf.compat.v1.nn.softmax` another."""
    name, v1, v2 = (
        adapter.offer(implementation(adapter, name)).identity
        for name in ("tf.nn.softmax", "tf.compat.v1.nn.softmax", "tf.compat.v2.nn.softmax")
    )

    assert name == v2
    assert name != v1


@pytest.mark.parametrize(
    "name",
    [
        "tf.compat.v1.nn.softmax_cross_entropy_with_logits",
        "tf.compat.v1.nn.softmax_cross_entropy_with_logits(dim=-1)",
        "tf.compat.v1.losses.softmax_cross_entropy",
    ],
)
def test_a_stopped_labels_gradient_is_refused(adapter, name):
    """The TF 1 losses that document no gradient for the labels are not asked for it."""
    with pytest.raises(adapters.NotSupported, match="the labels gradient is stopped"):
        ask(adapter, name, "eager", Op("dense_xent"), "grad_labels", labels=np.eye(2, 3, dtype=np.float32))


@pytest.mark.parametrize(
    "name",
    [
        "tf.nn.softmax_cross_entropy_with_logits",
        "tf.compat.v1.losses.softmax_cross_entropy",
        "-tf.reduce_sum(labels * tf.nn.log_softmax(logits))",
    ],
)
def test_an_unknown_reduction_is_refused_while_building(adapter, name):
    """A reduction that no row has is refused with the choices, before anything is traced."""
    with pytest.raises(adapters.NotSupported, match=r"'none'.*'mean'"):
        ask(adapter, name, "function", Op.of("dense_xent", reduction="median"), labels=np.eye(2, 3, dtype=np.float32))


def test_tf1_losses_take_the_mean_by_their_own_reduction(adapter):
    """The mean of `tf.compat.v1.losses` is that over the rows, as `tf.reduce_mean` of the fused function gives."""
    names = ("tf.compat.v1.losses.sparse_softmax_cross_entropy", "tf.nn.sparse_softmax_cross_entropy_with_logits")
    op = Op.of("sparse_xent", reduction="mean")
    given = {"labels": np.array([2, 0]), "upstream": np.array(1, np.float32)}
    own, users = (ask(adapter, name, "eager", op, **given) for name in names)

    assert own.shape == ()
    np.testing.assert_allclose(own, users, rtol=1e-6)


def test_a_session_runs_a_graph_over_placeholders(adapter):
    """The session's function sees placeholders of a free number of rows, outside eager execution."""
    seen = []

    def function(logits):
        seen.append((tf.executing_eagerly(), logits.op.type, logits.shape.as_list()))
        return tf.nn.softmax(logits)

    adapter.forward(function, "session")(adapter.put(LOGITS, mode="session", device="cpu"))

    assert seen == [(False, "Placeholder", [None, 3])]


def test_a_session_builds_a_graph_for_each_dtype_and_class_count_only(adapter):
    """Another number of rows uses the same graph; another dtype or class count gets its own, once."""
    graphs = []

    def function(logits):
        graphs.append((logits.dtype.name, logits.shape[1]))
        return tf.nn.softmax(logits)

    run = adapter.forward(function, "session")
    for rows, classes, dtype in [
        (2, 3, "f4"),
        (5, 3, "f4"),
        (2, 3, "f8"),
        (2, 4, "f4"),
        (2, 3, ml_dtypes.bfloat16),
    ] * 2:
        got = adapter.get(run(adapter.put(np.zeros((rows, classes), dtype), mode="session", device="cpu")))
        assert (got.shape, got.dtype) == ((rows, classes), np.dtype(dtype))

    assert graphs == [("float32", 3), ("float64", 3), ("float32", 4), ("bfloat16", 3)]


def test_a_session_takes_a_scalar_upstream(adapter):
    """A mean's incoming gradient is a scalar, and so is its placeholder."""
    op = Op.of("sparse_xent", reduction="mean")
    name = "tf.nn.sparse_softmax_cross_entropy_with_logits"
    got = [
        ask(adapter, name, mode, op, "grad_logits", labels=np.array([2, 0]), upstream=np.array(2, np.float32))
        for mode in ("eager", "session")
    ]

    np.testing.assert_allclose(got[0][1], [-2 / 3, 1 / 3, 1 / 3], rtol=1e-6)
    np.testing.assert_allclose(got[0], got[1], rtol=1e-6)


def test_what_a_session_is_fed_is_a_copy(adapter):
    """Writing to the array afterwards does not change the question."""
    array = LOGITS.copy()
    feed = adapter.put(array, mode="session", device="cpu")
    array[:] = 7

    np.testing.assert_array_equal(adapter.get(feed), LOGITS)


def test_a_session_has_the_threads_of_the_rest(adapter, monkeypatch):
    """A session reads no `tf.config`, so it is told the threads."""
    configs = []
    session = tf.compat.v1.Session
    monkeypatch.setattr(tf.config.threading, "get_intra_op_parallelism_threads", lambda: 3)
    monkeypatch.setattr(tf.config.threading, "get_inter_op_parallelism_threads", lambda: 2)
    monkeypatch.setattr(tf.compat.v1, "Session", lambda graph, config: configs.append(config) or session(graph=graph))
    adapter.forward(tf.nn.softmax, "session")(adapter.put(LOGITS, mode="session", device="cpu"))

    (config,) = configs
    assert (config.intra_op_parallelism_threads, config.inter_op_parallelism_threads) == (3, 2)
    assert config.gpu_options.allow_growth


def test_xla_compiles(adapter):
    """Mode xla gives an XLA program, where mode function has none to show."""

    def function(logits):
        return tf.nn.softmax(logits)

    array = adapter.put(LOGITS, mode="xla", device="cpu")
    compiled, plain = (adapter.forward(function, mode) for mode in ("xla", "function"))

    assert "HloModule" in compiled.experimental_get_compiler_ir(array)()
    with pytest.raises(ValueError, match="jit_compile"):
        plain.experimental_get_compiler_ir(array)


def test_a_function_knows_its_shapes_and_warns_of_no_retracing(adapter):
    """Each shape is traced as a static one, and no number of them makes TensorFlow warn."""
    shapes, records = [], []
    handler = logging.Handler()
    handler.emit = records.append

    def function(logits):
        shapes.append(logits.shape.as_list())
        return tf.nn.softmax(logits)

    run = adapter.forward(function, "function")
    tf.get_logger().addHandler(handler)
    try:
        for rows in range(1, 9):
            run(adapter.put(np.zeros((rows, 3), np.float32), mode="function", device="cpu"))
    finally:
        tf.get_logger().removeHandler(handler)

    assert shapes == [[rows, 3] for rows in range(1, 9)]
    assert not records


@pytest.mark.parametrize("mode", ours.Adapter.modes)
def test_a_missing_gradient_is_a_clear_error(adapter, mode):
    """A function without a gradient says which argument has none, in every mode alike."""
    backward = adapter.backward(tf.stop_gradient, mode, 0)
    array = adapter.put(LOGITS, mode=mode, device="cpu")

    with pytest.raises(ValueError, match="gradient with respect to argument 0 is None"):
        backward(array, array)


def test_an_unknown_mode_is_refused_with_the_choices(adapter):
    """A mode of another framework is answered with the list of ours."""
    with pytest.raises(ValueError, match="'jit', expected one of eager, function, xla, session"):
        adapter.forward(tf.nn.softmax, "jit")


def test_gpus_are_devices_that_take_memory_as_they_need_it(gpus):
    """Each visible GPU is a device, none of which TensorFlow may fill at once."""
    assert ours.Adapter().devices() == ("cpu", "cuda:0", "cuda:1")
    assert gpus == ["fake:0", "fake:1"]


@pytest.mark.parametrize(("device", "native"), [("cpu", "/CPU:0"), ("cuda:0", "/GPU:0"), ("cuda:12", "/GPU:12")])
def test_an_array_is_put_on_its_device(adapter, scopes, device, native):
    """A tensor is made under TensorFlow's name of the device; a session's feed carries that name."""
    adapter.put(LOGITS, mode="eager", device=device)

    assert scopes == [native]
    assert adapter.put(LOGITS, mode="session", device=device).device == native


@pytest.mark.parametrize("device", ["gpu", "cuda", "cuda:", "cuda:x", "mps:0"])
def test_an_unknown_device_is_refused(device):
    """A device that TensorFlow has not here is named with what is expected."""
    with pytest.raises(ValueError, match=r"expected 'cpu' or 'cuda:<index>'"):
        ours.placed(device)


@pytest.mark.usefixtures("gpus")
@pytest.mark.parametrize("mode", ["eager", "function", "xla"])
def test_work_follows_its_arrays_where_there_are_gpus(scopes, monkeypatch, mode):
    """TensorFlow would move an op of a cpu target to the GPU; it is run where its first array lies."""
    monkeypatch.setattr(tf, "function", lambda function, **_: function)
    run = ours.Adapter().forward(lambda array: array.device, mode)

    assert run(types.SimpleNamespace(device="/CPU:0")) == "/CPU:0"
    assert scopes == ["/CPU:0"]


def test_a_session_graph_lies_on_the_device_of_its_feeds(adapter):
    """The graph of a feed for the second GPU is built for that device; without one it runs on the CPU."""
    seen = []

    def function(logits):
        seen.append(logits.device)
        return tf.nn.softmax(logits)

    run = adapter.forward(function, "session")
    for device in ("cpu", "cuda:1", "cpu"):
        run(adapter.put(LOGITS, mode="session", device=device))

    assert seen == ["/device:CPU:0", "/device:GPU:1"]


def test_wait_waits_for_gpus_and_only_for_them(gpus, monkeypatch):
    """With a GPU its stream is waited for; without one there is nothing to wait for."""
    waited = []
    monkeypatch.setattr(tf.test.experimental, "sync_devices", lambda: waited.append(len(gpus)))
    ours.Adapter().wait(None)
    assert waited == [2]

    monkeypatch.setattr(tf.config, "get_visible_devices", lambda _: [])
    ours.Adapter().wait(None)
    assert waited == [2]


@pytest.mark.parametrize(("variable", "threads"), [("3", [3, 3]), ("4,2", [4, 4]), ("", [])])
def test_threads_are_those_of_openmp(monkeypatch, variable, threads):
    """OMP_NUM_THREADS, of a list its first, sets both of TensorFlow's pools."""
    told = []
    monkeypatch.setenv("OMP_NUM_THREADS", variable)
    monkeypatch.setattr(tf.config.threading, "set_intra_op_parallelism_threads", told.append)
    monkeypatch.setattr(tf.config.threading, "set_inter_op_parallelism_threads", told.append)
    ours.Adapter()

    assert told == threads


def test_an_adapter_is_made_also_where_tensorflow_is_already_at_work(adapter, monkeypatch):
    """TensorFlow fixes its threads at its first op and refuses later changes; the adapter records what they are."""
    adapter.put(LOGITS, mode="eager", device="cpu")
    before = adapter.environment("cpu")["intra_op_threads"]
    monkeypatch.setenv("OMP_NUM_THREADS", "63")

    assert ours.Adapter().environment("cpu")["intra_op_threads"] == before


def test_the_environment_names_what_an_answer_on_a_gpu_depends_on(gpus, monkeypatch):
    """A GPU's name and libraries are added to the versions, threads and variables."""
    monkeypatch.setenv("XLA_FLAGS", "--xla_cpu_enable_fast_math=false")
    monkeypatch.setattr(tf.config.experimental, "get_device_details", lambda gpu: {"device_name": f"a {gpu.name}"})
    monkeypatch.setattr(tf.sysconfig, "get_build_info", lambda: {"cuda_version": "12.5", "cudnn_version": "9"})
    adapter = ours.Adapter()
    cpu, gpu = adapter.environment("cpu"), adapter.environment("cuda:1")

    assert len(gpus) == 2
    assert cpu["tensorflow"] == tf.__version__
    assert cpu["XLA_FLAGS"] == "--xla_cpu_enable_fast_math=false"
    assert {key: gpu[key] for key in gpu.keys() - cpu.keys()} == {
        "device": "a fake:1",
        "cuda": "12.5",
        "cudnn": "9",
        "tf32": str(tf.config.experimental.tensor_float_32_execution_enabled()),
    }


def test_held_output_is_written_after_all_where_the_import_fails(capfd):
    """What a library printed before it failed to load is the explanation, so it is kept; otherwise it is dropped."""
    with ours.stderr_kept():
        os.write(2, b"oneDNN is on\n")

    def load():
        with ours.stderr_kept():
            os.write(2, b"no such instruction\n")
            raise ImportError

    with pytest.raises(ImportError):
        load()

    assert capfd.readouterr().err == "no such instruction\n"


def test_package_that_is_left_out_is_there_again_afterwards(monkeypatch):
    """Inside it cannot be imported, as though it were not installed; what is loaded already stays what it is."""
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)

    with ours.left_out("colorsys"), pytest.raises(ImportError):
        importlib.import_module("colorsys")

    assert importlib.import_module("colorsys").ONE_THIRD
    with ours.left_out("colorsys"):
        assert importlib.import_module("colorsys").ONE_THIRD


def test_tensorflow_loads_without_jax():
    """A process that asks TensorFlow does not load another framework, though TensorFlow Lite would."""
    words = "import sys, harness.adapters.tensorflow; print([name for name in sys.modules if name.startswith('jax')])"

    ended = subprocess.run([sys.executable, "-c", words], cwd=ROOT, capture_output=True, text=True, check=True)

    assert ended.stdout == "[]\n"
