"""How stamps are taken; devices, their queues and their clocks are made up."""

import itertools

import pytest

from harness.adapters import NotSupported
from harness.timing.duel import stamps
from harness.timing.duel.stamps import Call


class Queue:
    """A device that only queues calls, until it is waited for."""

    def __init__(self):
        """Start with an empty queue."""
        self.log = []

    def call(self, array):
        """Queue a call."""
        self.log.append(array)
        return array

    def wait(self, native):
        """Wait for a call."""
        self.log.append(f"wait {native}")


@pytest.mark.parametrize(
    ("each", "calls", "expected"),
    [
        (True, 2, ["a", "wait a", "b", "wait b", "a", "wait a", "b", "wait b"]),
        (True, 1, ["a", "wait a", "b", "wait b"]),
        (False, 2, ["a", "b", "wait b", "a", "b", "wait b"]),
    ],
)
def test_waits(each, calls, expected):
    """On the cpu every call is waited for; on a device the last of a stamp, behind a full queue. Buffers take turns."""
    queue = Queue()
    arrays = (("a",), ("b",))
    call = Call(queue.call, arrays, queue.wait, each, itertools.cycle(arrays))
    times = call.times(calls, 2)

    assert queue.log == expected
    assert times == sorted(times)
    assert len(times) == 3


class Gpu:
    """A device with a clock: a call takes `each` seconds there, whatever the host does; marks are the times of it."""

    def __init__(self, each=1e-6):
        """Start at an odd time, with nothing queued."""
        self.each, self.now, self.log = each, 0.3, []

    def call(self, array):
        """Queue a call."""
        self.now += self.each
        self.log.append(array)

    def wait(self, native):
        """Refuse: a clock of the device's needs no wait of the host's."""
        raise AssertionError(native)

    def mark(self):
        """Mark the queue."""
        self.log.append("mark")
        return self.now

    def seconds(self, earlier, later):
        """Read two marks."""
        self.log.append("read")
        return later - earlier

    def replayed(self, function, many):
        """Record calls."""

        def replay():
            self.log.append("replay")
            for arrays in many:
                function(*arrays)

        return replay


def on_gpu(gpu, **facts):
    """Return a call with two buffers on a device."""
    arrays = (("a",), ("b",))
    return Call(gpu.call, arrays, gpu.wait, False, itertools.cycle(arrays), clock=gpu, **facts)


def test_marks_stand_between_stamps():
    """Marks go into the queue around each stamp, and are read when all has been started."""
    gpu = Gpu()
    times = on_gpu(gpu).times(2, 2)

    assert gpu.log == ["mark", "a", "b", "mark", "a", "b", "mark", "read", "read", "read", "read"]
    assert times == pytest.approx([0, 2e-6, 4e-6])


def test_short_stamps_are_lengthened_for_a_coarse_clock():
    """A stamp of two calls of 3 us is measured over 200 us of them, 67 calls, and given as of two calls."""
    gpu = Gpu(3e-6)
    times = on_gpu(gpu, seconds=3e-6).times(2, 3)

    assert gpu.log.count("a") + gpu.log.count("b") == 3 * 67
    assert times == pytest.approx([0, 6e-6, 12e-6, 18e-6])


def test_long_calls_are_not_repeated():
    """Where a call takes long, a stamp is of the calls that were asked for."""
    gpu = Gpu(1e-3)
    on_gpu(gpu, seconds=1e-3).times(1, 3)

    assert gpu.log.count("a") + gpu.log.count("b") == 3


def test_replay():
    """A recording of the calls with both buffers is started until a stamp is long enough; a time is of a call."""
    gpu = Gpu(3e-6)
    call = on_gpu(gpu, seconds=3e-6)
    call.replay(gpu)
    times = call.times(1, 2)

    assert gpu.log.count("replay") == 2 * 34
    assert times == pytest.approx([0, 3e-6, 6e-6])
    assert call.synchronised == "device events around a stamp, 2 calls replayed as one graph"


def test_what_cannot_be_replayed():
    """A device whose framework has no graphs is refused, and so is the cpu."""
    gpu = Gpu()
    gpu.replayed = lambda _function, _many: None

    for accelerator in (gpu, None):
        with pytest.raises(NotSupported, match="try it without --graph"):
            on_gpu(gpu).replay(accelerator)


def test_words():
    """The card says how a stamp was taken."""
    gpu = Gpu()
    arrays = (("a",),)

    assert on_gpu(gpu).synchronised == "device events around a stamp"
    assert Call(gpu.call, arrays, gpu.wait, True, iter(arrays)).synchronised == "every call waited for"
    assert Call(gpu.call, arrays, gpu.wait, False, iter(arrays)).synchronised.startswith("waited for once a stamp")


def test_estimate_is_of_the_fastest_call():
    """A call is estimated from some calls, each with other buffers; it is warm afterwards."""
    gpu = Gpu(0.25)

    assert stamps.estimate(on_gpu(gpu)) == pytest.approx(0.25)
    assert gpu.log.count("b") > 0
