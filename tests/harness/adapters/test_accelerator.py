"""What adapters tell of devices: their frameworks' own functions are made up, because no device is here."""

import contextlib
import importlib
from types import SimpleNamespace

import numpy as np
import pytest

from harness.adapters import NotInstalled, NotSupported, accelerator, load


def loaded(name):
    """Return an adapter's module, or skip the test."""
    try:
        load(name)
    except NotInstalled as missing:
        pytest.skip(str(missing))
    return importlib.import_module(f"harness.adapters.{name}")


def test_what_is_not_offered():
    """A device of which nothing more is known has no clock, no known cache, and replays nothing."""

    class Plain(accelerator.Accelerator):
        copy = reset = in_use = peak = None

    plain = Plain()

    assert (plain.cache_bytes(), plain.clock(), plain.replayed(len, [])) == (0, None, None)


def test_numpy_has_no_device():
    """An adapter without devices refuses to speak of one."""
    with pytest.raises(NotSupported, match="numpy offers nothing of cuda:0"):
        load("numpy").accelerator("cuda:0")


@pytest.fixture
def cuda(monkeypatch):
    """Return torch's device, where torch.cuda writes down what it is asked."""
    torch = loaded("torch").torch
    log = []

    class Event:
        count = 0

        def __init__(self, *, enable_timing):
            assert enable_timing
            Event.count += 1
            self.at = Event.count

        def record(self, stream):
            log.append(("record", self.at, stream))

        def synchronize(self):
            log.append(("synchronize", self.at))

        def elapsed_time(self, later):
            return 2.5 * (later.at - self.at)

    class Stream:
        def wait_stream(self, other):
            log.append(("wait", other))

    class Graph:
        def replay(self):
            log.append("replay")

    @contextlib.contextmanager
    def entered(what):
        log.append(("enter", type(what).__name__))
        yield
        log.append(("leave", type(what).__name__))

    made_up = {
        "Event": Event,
        "Stream": Stream,
        "CUDAGraph": Graph,
        "graph": entered,
        "stream": entered,
        "device": lambda _device: contextlib.nullcontext(),
        "current_stream": lambda _device=None: Stream(),
        "get_device_properties": lambda device: SimpleNamespace(L2_cache_size=50_000_000 + device.index),
        "reset_peak_memory_stats": lambda device: log.append(("reset", device.index)),
        "memory_allocated": lambda device: 10 + device.index,
        "max_memory_allocated": lambda device: 70 + device.index,
    }
    for name, value in made_up.items():
        monkeypatch.setattr(torch.cuda, name, value)
    return load("torch").accelerator("cuda:1"), log


def test_torch_reads_the_device_s_clock(cuda):
    """Marks are events in the device's stream; the later one is waited for, and milliseconds become seconds."""
    device, log = cuda
    clock = device.clock()
    earlier, later = clock.mark(), clock.mark()

    assert clock.seconds(earlier, later) == pytest.approx(2.5e-3)
    assert [entry[0] for entry in log] == ["record", "record", "synchronize"]
    assert log[-1] == ("synchronize", later.at)


def test_torch_tells_cache_and_memory(cuda):
    """The L2's size and the allocator's statistics are those of the device that was asked about."""
    device, log = cuda
    device.reset()

    assert (device.cache_bytes(), device.in_use(), device.peak()) == (50_000_001, 11, 71)
    assert log == [("reset", 1)]


def test_torch_records_calls_after_a_warm_up(cuda):
    """Every call is made once aside, and then once in the graph, each with its own arrays; a replay starts them all."""
    device, log = cuda
    replay = device.replayed(log.append, [("a",), ("b",)])
    calls = [entry for entry in log if not (isinstance(entry, tuple) and entry[0] == "wait")]

    assert calls == [
        *(("enter", "Stream"), "a", "b", ("leave", "Stream")),
        *(("enter", "Graph"), "a", "b", ("leave", "Graph")),
    ]
    replay()
    assert log[-1] == "replay"


def test_torch_copies():
    """A copy is another array with the same numbers."""
    torch = loaded("torch").torch
    array = torch.arange(4)
    copy = load("torch").accelerator("cuda:0").copy(array)

    assert copy.data_ptr() != array.data_ptr()
    assert copy.tolist() == [0, 1, 2, 3]


def test_jax():
    """jax tells of its allocator, copies, and has neither events nor replay."""
    ours = loaded("jax")
    told = {"bytes_in_use": 7, "peak_bytes_in_use": 9}
    device = ours.Cuda(SimpleNamespace(memory_stats=lambda: told))
    device.reset()
    array = ours.jax.numpy.arange(4)

    assert (device.in_use(), device.peak(), device.clock()) == (7, 9, None)
    assert device.replayed(len, []) is None
    assert device.copy(array).unsafe_buffer_pointer() != array.unsafe_buffer_pointer()
    with pytest.raises(NotSupported, match="offers no memory statistics"):
        ours.Cuda(SimpleNamespace(memory_stats=lambda: None)).peak()


def test_tensorflow(monkeypatch):
    """TensorFlow tells of its allocator under its own name of the device, and copies where tf.identity would not."""
    ours = loaded("tensorflow")
    reset = []
    told = {"GPU:1": {"current": 7, "peak": 9}}
    monkeypatch.setattr(ours.tf.config.experimental, "reset_memory_stats", reset.append)
    monkeypatch.setattr(ours.tf.config.experimental, "get_memory_info", told.get)
    device = load("tensorflow").accelerator("cuda:1")
    device.reset()
    array = ours.tf.constant(np.arange(4.0))
    copy = device.copy(array)

    assert reset == ["GPU:1"]
    assert (device.in_use(), device.peak(), device.clock()) == (7, 9, None)
    assert copy.numpy().tolist() == array.numpy().tolist()
    assert np.from_dlpack(copy).ctypes.data != np.from_dlpack(array).ctypes.data
