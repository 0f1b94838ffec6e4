"""A worker's orders, carried out in this process; devices are made up."""

from dataclasses import replace

import numpy as np
import pytest

from harness import adapters
from harness.adapters import Catalogue, NotInstalled, NotSupported
from harness.adapters.accelerator import Accelerator
from harness.model import Case, Implementation, Op, Target
from harness.timing.duel import worker
from harness.timing.duel.order import Order, Preparation
from harness.timing.duel.worker import Orders
from harness.timing.traffic import Bandwidth
from tests.made.gauge import MadeUp

FILE = """
import numpy as np
from harness.adapters import implements

@implements("softmax", framework="numpy")
def rows(logits, axis):
    e = np.exp(logits - logits.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)
"""


@pytest.fixture
def order(tmp_path):
    """Return an order to prepare a softmax of a file."""
    (tmp_path / "kernel.py").write_text(FILE)
    arrays = {}
    for name in ("logits", "upstream"):
        path = tmp_path / name
        np.arange(20, dtype="f4").reshape(4, 5).tofile(path)
        arrays[name] = (str(path), "float32", (4, 5))
    target = Target(Implementation("numpy", "softmax", "rows", "fused"), adapters.load("numpy").modes[0])
    case = Case(Op("softmax"), "value", "speed", "float32", 4, 5)
    return Order(case, target, str(tmp_path / "kernel.py"), arrays | {"labels": None}, outgrow_bytes=800)


def test_load_and_block(order):
    """A prepared call is timed in the stamps asked for, with copies of its arrays that together outgrow the cache."""
    orders = Orders()
    prepared = orders.load("k", order)
    stamps, minor, major, preempted = orders.block("k", 2, 5, 3)

    assert prepared.bytes == 80
    assert prepared.copies == 11
    assert prepared.cache_bytes >= 0
    assert prepared.synchronised == "every call waited for"
    assert prepared.first_seconds > 0
    assert 0 < prepared.overhead_seconds < prepared.seconds
    assert len(stamps) == 5
    assert min(stamps) > 0
    assert min(minor, major, preempted) >= 0


def test_arrays_are_shared_until_unloaded(order):
    """Two calls on the same inputs share their arrays; nothing is kept of what was dropped."""
    orders = Orders()
    orders.load("one", order)
    orders.load("other", order)

    assert orders._calls["one"].arrays is orders._calls["other"].arrays
    orders.unload("one")
    assert len(orders._shared) == 1
    orders.unload("other")
    assert not orders._shared


def test_answer(order):
    """An answer comes back as dtype, shape and bytes."""
    name, shape, found = Orders().answer(order)

    assert (name, shape) == ("float32", (4, 5))
    assert np.frombuffer(found, "f4").reshape(shape).sum(axis=1) == pytest.approx(np.ones(4))


def test_find(order):
    """A name is found with its ops and modes; one that is nowhere is not."""
    orders = Orders()

    assert [each[:3] for each in orders.find([], order.file, "rows")] == [("numpy", "softmax", "fused")]
    assert orders.find([], order.file, "columns") == []


def test_fused_functions_once_however_many_names(monkeypatch):
    """Spellings of one function are one entrant, under the first name, in every mode."""
    catalogue = Catalogue("numpy")
    for name in ("np.first", "np.second"):
        catalogue._add("softmax", name, "fused", lambda: None, ("same",), {})
    catalogue._add("softmax", "np.third", "fused", lambda: None, ("other",), {})
    catalogue._add("softmax", "by hand", "naive", lambda: None, ("naive",), {})
    adapter = adapters.load("numpy").offering(catalogue)
    monkeypatch.setattr(worker.frameworks, "load", lambda _: adapter)

    assert [name for name, _ in Orders().fused("numpy", "", "softmax")] == ["np.first", "np.third"]


def test_environment_refuses_a_device_that_is_not_there():
    """A device that the framework does not see is refused with those that it sees."""
    with pytest.raises(ValueError, match="numpy sees cpu, expected cuda:7"):
        Orders().environment("numpy", "", "cuda:7")


def test_mode_that_is_not_there(order):
    """A mode that the framework does not have is refused with those that it has."""
    with pytest.raises(ValueError, match="mode is 'warp', expected one of"):
        Orders().load("k", replace(order, target=replace(order.target, mode="warp")))


class Gpu(MadeUp, Accelerator):
    """A device that tells of its cache; its memory is a number that calls change."""

    def __init__(self, cache):
        """Start with nothing in use."""
        super().__init__(used=0, most=0)
        self._cache = cache

    def cache_bytes(self):
        """Return what was given."""
        return self._cache

    def copy(self, native):
        """Copy."""
        return native.copy()


@pytest.mark.parametrize(("size", "outgrow", "copies"), [(100, 0, 1), (100, 99, 1), (100, 1000, 11), (1, 10**9, 64)])
def test_copies_outgrow_a_core_s_cache(size, outgrow, copies):
    """What fits the cache is copied until it does not, within reason."""
    assert worker._rotation(size, outgrow, None)[0] == copies


@pytest.mark.parametrize(
    ("cache", "outgrow", "expected"),
    [(1000, 1, (41, 1000)), (0, 1, (1024, 64 << 20)), (1000, 0, (1, 1000)), (10, 1, (1, 10))],
)
def test_copies_outgrow_a_device_s_cache_by_far(cache, outgrow, expected):
    """On a device copies take up several times its cache, as its framework tells it; else that of today's devices."""
    assert worker._rotation(100, outgrow, Gpu(cache)) == expected


@pytest.fixture
def on_a_gpu(order, monkeypatch):
    """Return a orders and its question, where numpy's arrays lie on a device that is made up."""
    gpu, orders = Gpu(1000), Orders()
    adapter = orders.adapter("numpy", order.file)
    monkeypatch.setattr(type(adapter), "accelerator", lambda _self, _device: gpu)
    monkeypatch.setattr(type(adapter), "devices", lambda _self: ("cpu", "cuda:0"))
    monkeypatch.setattr(type(adapter), "put", lambda _self, array, **_: np.array(array))
    return orders, replace(order, target=replace(order.target, device="cuda:0")), gpu


def test_load_on_a_device(on_a_gpu):
    """Without a clock of the device its queue is waited for once a stamp, and its own cache outgrown."""
    orders, order, _ = on_a_gpu
    prepared = orders.load("k", order)

    assert prepared.synchronised == "waited for once a stamp, behind a full queue"
    assert (prepared.copies, prepared.cache_bytes) == (51, 1000)
    assert min(orders.block("k", 2, 5, 0)[0]) >= 0


def test_graph_where_there_is_none(order, on_a_gpu):
    """A framework that replays no graphs says so, and is not timed without one; nor is the cpu."""
    orders, on_device, _ = on_a_gpu

    with pytest.raises(NotSupported, match="torch on cuda devices alone"):
        orders.load("k", replace(on_device, graph=True))
    with pytest.raises(NotSupported, match="try it without --graph"):
        orders.load("k", replace(order, graph=True))


def test_peak_on_a_device_is_its_allocator_s(on_a_gpu, monkeypatch):
    """What a call has in use at once is read from the allocator, beyond what was in use before it."""
    orders, order, gpu = on_a_gpu
    gpu.used = gpu.most = 500

    def call(_self):
        gpu.most = max(gpu.most, gpu.used + 300)

    monkeypatch.setattr(adapters.Prepared, "__call__", call)

    assert orders.peak(order) == 300


def test_limit_of_a_device_is_its_own_copy(on_a_gpu, monkeypatch):
    """A device's memory is measured by the framework's copy; one rate stands for both."""
    monkeypatch.setattr(worker, "COPIED_BYTES", 1 << 20)
    orders, _, _ = on_a_gpu
    found = orders.bandwidth("numpy", "cuda:0", 1)

    assert found.copy == found.read > 0


def test_limit_of_the_cpu(monkeypatch):
    """On the cpu the machine's memory is measured, by as many threads as are timed."""
    asked = []
    monkeypatch.setattr(worker.bandwidth, "of_memory", lambda threads: asked.append(threads) or Bandwidth(2.0, 1.0))

    assert Orders().bandwidth("numpy", "cpu", 3) == Bandwidth(2.0, 1.0)
    assert asked == [3]


def test_what_goes_wrong_is_an_answer(monkeypatch):
    """A refusal and an error come back in words; the worker goes on."""
    orders = Orders()

    def raises(error):
        def carry_out(*_):
            raise error

        return carry_out

    monkeypatch.setitem(worker.CARRIED_OUT_BY, "refuse", raises(NotSupported("not offered")))
    monkeypatch.setitem(worker.CARRIED_OUT_BY, "import", raises(NotInstalled("torch cannot be imported")))

    assert worker.reply(orders, "refuse") == ("unsupported", {"reason": "not offered"})
    assert worker.reply(orders, "import") == ("unsupported", {"reason": "torch cannot be imported"})
    assert worker.reply(orders, "block", "nobody", 1, 1, 0) == (
        "failed",
        {"kind": "raised", "message": "'nobody'", "error": "KeyError"},
    )
    assert worker.reply(orders, "unload", "nobody") == ("done", None)


def test_orders_and_answers_are_plain_values(order):
    """What is prepared travels as a dict, there and back."""
    state, prepared = worker.reply(Orders(), "load", "k", order.fields)

    assert state == "done"
    assert Preparation(**prepared).bytes == 80
