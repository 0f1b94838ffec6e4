"""The fairness card: what it says of a figure."""

import pytest

from harness.model import Case, Op
from harness.timing.duel import fairness
from harness.timing.duel.fairness import Peak
from harness.timing.duel.order import Preparation
from harness.timing.duel.pairing import Measured
from harness.timing.traffic import Bandwidth

BLOCKS = [Measured((1e-3, 1e-3), 2, 8, 0, 1), Measured((1e-3, 1e-3), 2, 0, 4, 0)]
CASE = Case(Op.of("softmax"), "value", "speed", "float32", 64, 1000)
PREPARED = {
    "first_seconds": 0.25,
    "seconds": 5e-4,
    "overhead_seconds": 4e-7,
    "copies": 10,
    "bytes": 256_000,
    "cache_bytes": 32 << 20,
    "synchronised": "every call waited for",
}
LIMIT = Bandwidth(copy=20e9, read=15e9)
SURROUNDINGS = {"threads": "1", "allocator": "glibc malloc", "device_allocator": "the framework's own", "isa": "avx2"}


def card(device="cpu", limit=LIMIT, peak=None, **prepared):
    """Fill in a card."""
    return fairness.card(
        CASE,
        device,
        environment={"x64": "False", "device": "H200"},
        surroundings=SURROUNDINGS,
        preparation=Preparation(**PREPARED | prepared),
        blocks=BLOCKS,
        dispatch_seconds=2e-6,
        limit=limit,
        peak=peak,
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


@pytest.mark.parametrize(
    ("prepared", "words", "cached"),
    [
        ({}, "10 buffers of 250 KiB in turn, within the last-level cache of 32 MiB", True),
        (
            {"copies": 1, "bytes": 1 << 29, "cache_bytes": 480 << 20},
            "one buffer of 512 MiB, beyond the last-level cache of 480 MiB",
            False,
        ),
        ({"cache_bytes": 0}, "10 buffers of 250 KiB in turn; the size of the last-level cache is not known", False),
    ],
)
def test_cache(prepared, words, cached):
    """How many buffers take turns is said, and whether a cache holds them all: then memory is no limit."""
    found = card(**prepared)

    assert (found.lines["cache"], found.cached) == (words, cached)


def test_limit():
    """A softmax of 256 kB moves 512 kB: 25.6 us at 20 GB/s, a twentieth of 500 us; in a cache it may be less."""
    found = card()

    assert found.floor_seconds == pytest.approx(25.6e-6)
    assert found.of_limit == found.plain["of_limit"] == pytest.approx(0.0512)
    assert found.lines["limit"] == ("19.5 times the floor of 25.6 us (copy 20 GB/s, read 15 GB/s); a cache may beat it")
    assert "a cache" not in card(cache_bytes=0).lines["limit"]


def test_what_was_not_measured():
    """Without a limit or a peak the card says so, and claims no fraction."""
    found = card(limit=None)

    assert (found.floor_seconds, found.of_limit) == (None, None)
    assert (found.lines["limit"], found.lines["memory"]) == ("not measured", "not measured")


def test_peak():
    """The peak of memory is said in sizes of the logits."""
    assert card(peak=Peak(192 << 20, 64 << 20)).lines["memory"] == "3 times the logits, which were 64 MiB"


def test_device():
    """On a device the wait, the allocator and what computes are the device's."""
    on_cpu, on_device = card(), card("cuda:0", synchronised="device events around a stamp")

    assert (on_cpu.synchronised, on_device.synchronised) == ("every call waited for", "device events around a stamp")
    assert (on_device.allocator, on_device.isa) == ("the framework's own", "H200")
    assert (on_cpu.allocator, on_cpu.isa) == ("glibc malloc", "avx2")


def test_settings_hold_no_measurement():
    """What is stored as an environment is the same from run to run, and from case to case."""
    assert not {"minor_faults", "seconds", "cache", "dtype"} & card().settings.keys()
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
