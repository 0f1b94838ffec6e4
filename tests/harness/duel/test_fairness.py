"""The fairness card: what it says of a figure."""

import pytest

from harness.duel import fairness
from harness.duel.pairing import Measured

BLOCKS = [Measured((1e-3, 1e-3), 2, 8, 0, 1), Measured((1e-3, 1e-3), 2, 0, 4, 0)]
HELD = {"first_seconds": 0.25, "seconds": 5e-4, "overhead_seconds": 4e-7, "copies": 10, "bytes": 256_000}
SURROUNDINGS = {"threads": "1", "allocator": "glibc malloc", "device_allocator": "the framework's own", "isa": "avx2"}


def card(device="cpu", **held):
    """Fill in a card."""
    return fairness.card(
        dtype="float32",
        device=device,
        environment={"x64": "False", "device": "H200"},
        surroundings=SURROUNDINGS,
        held=HELD | held,
        blocks=BLOCKS,
        dispatch_seconds=2e-6,
    )


def test_counts_are_a_call_s():
    """Faults are a call's, pre-emptions a share of blocks."""
    found = card()

    assert (found.minor_faults, found.major_faults, found.preempted) == (1.0, 0.5, 0.5)


def test_lines():
    """Every figure is said with its unit, and that the first call is not in it."""
    lines = card().lines

    assert lines["first call"] == "250 ms, not in the figure"
    assert lines["dispatch"] == "2 us, the smallest op"
    assert lines["overhead"] == "400 ns, in the figure"
    assert lines["page faults"] == "1 minor, 0.5 major a call"
    assert lines["cache"] == "10 buffers of 250 KiB in turn"
    assert card(copies=1, bytes=1 << 29).lines["cache"] == "one buffer of 512 MiB"


def test_device():
    """On a device the wait, the allocator and what computes are the device's."""
    on_cpu, on_device = card(), card("cuda:0")

    assert on_cpu.synchronised == "every call waited for"
    assert on_device.synchronised == "waited for once a stamp, behind a full queue"
    assert (on_device.allocator, on_device.isa) == ("the framework's own", "H200")
    assert (on_cpu.allocator, on_cpu.isa) == ("glibc malloc", "avx2")


def test_settings_hold_no_measurement():
    """What is stored as an environment is the same from run to run."""
    assert "minor_faults" not in card().settings
    assert all(isinstance(value, str) for value in card().settings.values())


def test_surroundings(monkeypatch):
    """Threads and allocator are read from what the process was started with."""
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.setenv("MALLOC_MMAP_MAX_", "0")
    found = fairness.surroundings()

    assert found["threads"] == "3"
    assert found["allocator"].endswith("MALLOC_MMAP_MAX_=0")


@pytest.mark.parametrize(
    ("seconds", "text"), [(2.0, "2 s"), (1.5e-3, "1.5 ms"), (41.26e-6, "41.3 us"), (4e-7, "400 ns")]
)
def test_spoken(seconds, text):
    """Seconds are written with the unit that fits."""
    assert fairness.spoken(seconds) == text


def test_device_cache_is_larger():
    """On a device, inputs are to outgrow its cache, not a core's."""
    assert fairness.cache_bytes("cuda:0") > fairness.cache_bytes("cpu") > 0
