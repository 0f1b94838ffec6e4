"""The speed of memory: that all of it is swept, by whom, and what is counted."""

import threading
import time

import pytest

from harness.running import host
from harness.timing import bandwidth

KIB, MIB = 1 << 10, 1 << 20


@pytest.fixture
def caches(tmp_path, monkeypatch):
    """Return how to make up the sizes of caches."""
    monkeypatch.setattr(bandwidth, "CACHES", tmp_path)

    def of(**sizes):
        for name, size in sizes.items():
            (tmp_path / name).mkdir()
            (tmp_path / name / "size").write_text(f"{size}\n")

    return of


def test_last_level_is_the_largest(caches):
    """The largest of the caches that the system tells of is the last."""
    caches(index0="48K", index2="2048K", index3="32768K")

    assert bandwidth.last_level_bytes() == 32 * MIB


def test_system_that_does_not_tell(caches):
    """Where no cache is known, its size is 0, and enough is swept for any."""
    caches()

    assert bandwidth.last_level_bytes() == 0
    assert bandwidth.swept_bytes() == min(bandwidth.BYTES, host.memory_bytes() // bandwidth.SHARE)


def test_more_than_the_cache_is_swept_but_not_all_memory(caches, monkeypatch):
    """Twice the last-level cache is swept, unless that is too much of the machine's memory."""
    caches(index3=f"{1024 * 1024}K")
    monkeypatch.setattr(host, "memory_bytes", lambda: 1 << 40)
    assert bandwidth.swept_bytes() == 2 << 30

    monkeypatch.setattr(host, "memory_bytes", lambda: 8 << 30)
    assert bandwidth.swept_bytes() == 512 * MIB


@pytest.mark.parametrize("threads", [1, 2])
def test_every_thread_sweeps_memory_of_its_own(threads, monkeypatch):
    """All bytes are copied and read, in equal parts, by as many threads as there are to be; both ways count."""
    swept = {}

    def kernel_seconds(_pool, arrays, kernel):
        swept[kernel] = [array.nbytes for array in arrays]
        return 0.5

    monkeypatch.setattr(bandwidth, "_seconds", kernel_seconds)
    found = bandwidth.of_memory(threads, MIB)

    assert list(swept.values()) == [[MIB // threads] * threads] * 2
    assert (found.copy, found.read) == (2 * MIB, 2 * MIB)


def test_measured():
    """A real measurement lies between what any machine does and what none does, in bytes a second."""
    found = bandwidth.of_memory(2, 8 * MIB)

    assert 1e8 < found.copy < 1e13
    assert 1e8 < found.read < 1e13


def test_pre_empted_threads_do_not_slow_it(monkeypatch):
    """A thread is timed by its own processor time: what it sleeps is not counted. The slowest of a sweep counts."""
    spent = iter([0.0, 2.0, 10.0, 11.0] * bandwidth.SWEEPS)
    lock = threading.Lock()

    def thread_time():
        with lock:
            return next(spent)

    monkeypatch.setattr(time, "thread_time", thread_time)

    with bandwidth.ThreadPoolExecutor(1) as pool:
        assert bandwidth._seconds(pool, [None], lambda _: None) == 1.0


def test_device_counts_both_ways(monkeypatch):
    """A device's copy of 100 bytes in 4 s moves 50 bytes a second; a first copy, which may compile, is left out."""
    copies = []
    clock = iter(range(0, 1000, 4))
    monkeypatch.setattr(time, "perf_counter", lambda: float(next(clock)))
    found = bandwidth.of_device(lambda: copies.append(1), 100)

    assert (found.copy, found.read) == (50.0, 50.0)
    assert len(copies) == 1 + bandwidth.SWEEPS
