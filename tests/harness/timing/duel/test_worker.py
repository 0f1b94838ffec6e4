"""A worker's orders, carried out in this process; devices are made up."""

import math

import numpy as np
import pytest

from harness import adapters
from harness.adapters import Catalogue, NotInstalled, NotSupported
from harness.adapters.accelerator import Accelerator
from harness.timing.duel import worker
from harness.timing.duel.worker import Bench
from harness.timing.traffic import Limit
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
def told(tmp_path):
    """Return a question of a softmax of a file, as a gateway tells it."""
    (tmp_path / "kernel.py").write_text(FILE)
    arrays = {}
    for name in ("logits", "upstream"):
        path = tmp_path / name
        np.arange(20, dtype="f4").reshape(4, 5).tofile(path)
        arrays[name] = (str(path), "float32", (4, 5))
    return {
        "framework": "numpy",
        "file": str(tmp_path / "kernel.py"),
        "name": "rows",
        "mode": adapters.load("numpy").modes[0],
        "device": "cpu",
        "op": "softmax",
        "options": {},
        "quantity": "value",
        "arrays": arrays | {"labels": None},
        "outgrow_bytes": 800,
        "graph": False,
    }


def test_hold_and_block(told):
    """A held call is timed in the stamps asked for, with copies of its arrays that together outgrow the cache."""
    bench = Bench()
    held = bench.hold("k", told)
    stamps, minor, major, preempted = bench.block("k", 2, 5, 3)

    assert held["bytes"] == 80
    assert held["copies"] == 11
    assert held["cache_bytes"] >= 0
    assert held["synchronised"] == "every call waited for"
    assert held["first_seconds"] > 0
    assert 0 < held["overhead_seconds"] < held["seconds"]
    assert len(stamps) == 5
    assert min(stamps) > 0
    assert min(minor, major, preempted) >= 0


def test_arrays_are_shared_until_dropped(told):
    """Two calls on the same inputs share their arrays; nothing is kept of what was dropped."""
    bench = Bench()
    bench.hold("one", told)
    bench.hold("other", told)

    assert bench._held["one"].arrays is bench._held["other"].arrays
    bench.drop("one")
    assert len(bench._shared) == 1
    bench.drop("other")
    assert not bench._shared


def test_answer(told):
    """An answer comes back as dtype, shape and bytes."""
    name, shape, found = Bench().answer(told)

    assert (name, shape) == ("float32", (4, 5))
    assert np.frombuffer(found, "f4").reshape(shape).sum(axis=1) == pytest.approx(np.ones(4))


def test_find(told):
    """A name is found with its ops and modes; one that is nowhere is not."""
    bench = Bench()

    assert [each[:3] for each in bench.find([], told["file"], "rows")] == [("numpy", "softmax", "fused")]
    assert bench.find([], told["file"], "columns") == []


def test_fused_functions_once_however_many_names(monkeypatch):
    """Spellings of one function are one entrant, under the first name, in every mode."""
    catalogue = Catalogue("numpy")
    for name in ("np.first", "np.second"):
        catalogue._add("softmax", name, "fused", lambda: None, ("same",), {})
    catalogue._add("softmax", "np.third", "fused", lambda: None, ("other",), {})
    catalogue._add("softmax", "by hand", "naive", lambda: None, ("naive",), {})
    adapter = adapters.load("numpy").offering(catalogue)
    monkeypatch.setattr(worker.adapters, "load", lambda _: adapter)

    assert [name for name, _ in Bench().fused("numpy", "", "softmax")] == ["np.first", "np.third"]


def test_environment_refuses_a_device_that_is_not_there():
    """A device that the framework does not see is refused with those that it sees."""
    with pytest.raises(ValueError, match="numpy sees cpu, expected cuda:7"):
        Bench().environment("numpy", "", "cuda:7")


def test_mode_that_is_not_there(told):
    """A mode that the framework does not have is refused with those that it has."""
    with pytest.raises(ValueError, match="mode is 'warp', expected one of"):
        Bench().hold("k", told | {"mode": "warp"})


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
    ("told", "outgrow", "expected"),
    [(1000, 1, (41, 1000)), (0, 1, (1024, 64 << 20)), (1000, 0, (1, 1000)), (10, 1, (1, 10))],
)
def test_copies_outgrow_a_device_s_cache_by_far(told, outgrow, expected):
    """On a device copies take up several times its cache, as its framework tells it; else that of today's devices."""
    assert worker._rotation(100, outgrow, Gpu(told)) == expected


@pytest.fixture
def on_a_gpu(told, monkeypatch):
    """Return a bench and its question, where numpy's arrays lie on a device that is made up."""
    gpu, bench = Gpu(1000), Bench()
    adapter = bench._adapter("numpy", told["file"])
    monkeypatch.setattr(type(adapter), "accelerator", lambda _self, _device: gpu)
    monkeypatch.setattr(type(adapter), "devices", lambda _self: ("cpu", "cuda:0"))
    monkeypatch.setattr(type(adapter), "put", lambda _self, array, **_: np.array(array))
    return bench, told | {"device": "cuda:0"}, gpu


def test_hold_on_a_device(on_a_gpu):
    """Without a clock of the device its queue is waited for once a stamp, and its own cache outgrown."""
    bench, told, _ = on_a_gpu
    held = bench.hold("k", told)

    assert held["synchronised"] == "waited for once a stamp, behind a full queue"
    assert (held["copies"], held["cache_bytes"]) == (51, 1000)
    assert min(bench.block("k", 2, 5, 0)[0]) >= 0


def test_graph_where_there_is_none(told, on_a_gpu):
    """A framework that replays no graphs says so, and is not timed without one; nor is the cpu."""
    bench, on_device, _ = on_a_gpu

    with pytest.raises(NotSupported, match="torch on cuda devices alone"):
        bench.hold("k", on_device | {"graph": True})
    with pytest.raises(NotSupported, match="try it without --graph"):
        bench.hold("k", told | {"graph": True})


def test_peak_on_a_device_is_its_allocator_s(on_a_gpu, monkeypatch):
    """What a call has in use at once is read from the allocator, beyond what was in use before it."""
    bench, told, gpu = on_a_gpu
    gpu.used = gpu.most = 500

    def call(_self):
        gpu.most = max(gpu.most, gpu.used + 300)

    monkeypatch.setattr(adapters.Prepared, "__call__", call)

    assert bench.peak(told) == 300


def test_limit_of_a_device_is_its_own_copy(on_a_gpu, monkeypatch):
    """A device's memory is measured by the framework's copy; one rate stands for both."""
    monkeypatch.setattr(worker, "COPIED_BYTES", 1 << 20)
    bench, _, _ = on_a_gpu
    found = bench.limit("numpy", "cuda:0", 1)

    assert found["copy"] == found["read"] > 0


def test_limit_of_the_cpu(monkeypatch):
    """On the cpu the machine's memory is measured, by as many threads as are timed."""
    asked = []
    monkeypatch.setattr(worker.bandwidth, "of_memory", lambda threads: asked.append(threads) or Limit(2.0, 1.0))

    assert Bench().limit("numpy", "cpu", 3) == {"copy": 2.0, "read": 1.0}
    assert asked == [3]


def test_what_goes_wrong_is_an_answer():
    """A refusal and an error come back in words; the worker goes on."""
    bench = Bench()
    bench.refuse = lambda: (_ for _ in ()).throw(NotSupported("not offered"))

    assert worker._carried_out(bench, "refuse", []) == ("unsupported", "not offered")
    bench.import_it = lambda: (_ for _ in ()).throw(NotInstalled("torch cannot be imported"))
    assert worker._carried_out(bench, "import_it", []) == ("unsupported", "torch cannot be imported")
    assert worker._carried_out(bench, "block", ["nobody", 1, 1, 0]) == ("failed", "KeyError: 'nobody'")
    assert worker._carried_out(bench, "drop", ["nobody"]) == ("done", None)


def test_scalar_arrays(tmp_path):
    """The incoming gradient of a mean has no axes, and is read all the same."""
    path = tmp_path / "upstream"
    np.array(0.5, "f4").tofile(path)

    assert worker._array((str(path), "float32", ())).shape == ()
    assert math.isclose(worker._array((str(path), "float32", ())), 0.5)


def test_bfloat16_arrays(tmp_path):
    """bfloat16, which numpy does not name, is read bit for bit."""
    path = tmp_path / "logits"
    np.array([[0x3F80, 0xC000]], "u2").tofile(path)

    assert worker._array((str(path), "bfloat16", (1, 2))).astype("f4").tolist() == [[1.0, -2.0]]
