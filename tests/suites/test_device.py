"""Tournaments and duels on a GPU that is made up: its arrays are numpy's, its clock and its memory are pretended."""

import json
import os

import pytest

from tests.conftest import ROOT, Shell

ADAPTER = """
import time
import numpy as np
from harness.adapters.accelerator import Accelerator
from harness.adapters import Catalogue, numpy

def sigmoid(x):
    return 1 / (1 + np.exp(-x))


catalogue = Catalogue("pretend")
catalogue.form("sigmoid", "pretend.sigmoid", "fused")(lambda: sigmoid)
catalogue.form("sigmoid", "pretend.slower", "fused")(lambda: lambda x: [sigmoid(x) for _ in range(4)][0])


class Gpu(Accelerator):
    def copy(self, native): return native.copy()
    def reset(self): pass
    def in_use(self): return 1000
    def peak(self): return 1000 + (64 << 20)
    def cache_bytes(self): return 1 << 16
    def clock(self): return self
    def mark(self): return time.perf_counter()
    def seconds(self, earlier, later): return later - earlier

    def replayed(self, function, many):
        def replay():
            for arrays in many:
                function(*arrays)
        return replay


class Adapter(numpy.Adapter):
    catalogue = catalogue
    def devices(self): return ("cpu", "cuda:0", "cuda:1")
    def environment(self, device): return super().environment(device) | {"device": "Pretend 9000"}
    def accelerator(self, device): return Gpu()
    def put(self, array, *, mode, device): return np.array(array)
"""


@pytest.fixture(scope="module")
def gpu(tmp_path_factory):
    """Return a shell whose Python finds the framework with the GPU."""
    folder = tmp_path_factory.mktemp("gpu")
    (folder / "pretend_gpu.py").write_text(ADAPTER)
    package = folder / "pretend-1.0.dist-info"
    package.mkdir()
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: pretend\nVersion: 1.0\n")
    (package / "entry_points.txt").write_text("[xentbench.adapters]\npretend = pretend_gpu\n")
    return Shell(folder, {"PYTHONPATH": os.pathsep.join([str(ROOT), str(folder)])})


@pytest.fixture(scope="module")
def ranked(gpu):
    """Return a tournament on the first device, with graphs."""
    ended = gpu(
        *("tournament", "--on", "pretend", "--op", "sigmoid", "--case", "64x100,value", "--device", "cuda"),
        *("--workers", "2", "--seconds", "2", "--store", gpu.folder / "speed.sqlite", "--graph", "--json"),
    )
    assert ended.returncode == 0, ended.stderr
    (case,) = json.loads(ended.stdout)
    return {rank["name"]: rank for rank in case["ranks"]}


def test_first_device_is_meant(ranked):
    """`--device cuda` is the first of them, and stands in every target's name."""
    assert list(ranked) == ["pretend.sigmoid@eager:cuda:0", "pretend.slower@eager:cuda:0"]
    assert 2 < ranked["pretend.slower@eager:cuda:0"]["times"] < 8


def test_card_is_the_device_s(ranked):
    """Clock, graph, cache, allocator, memory and processor on the card are those of the device."""
    card = ranked["pretend.sigmoid@eager:cuda:0"]["card"]

    # 12 copies of 25 600 bytes are the first number that is more than four times 64 KiB, and one over.
    assert card["synchronised"] == "device events around a stamp, 12 calls replayed as one graph"
    assert card["cache"] == "12 buffers of 25 KiB in turn, beyond the last-level cache of 64 KiB"
    assert card["isa"] == "Pretend 9000"
    assert card["allocator"] == "the framework's own XLA_PYTHON_CLIENT_PREALLOCATE=false"
    assert card["peak"] == {"bytes": 64 << 20, "logits_bytes": card["peak"]["logits_bytes"]}
    assert card["limit"]["copy"] == card["limit"]["read"] > 0
    assert not card["cached"]


def test_duel_on_the_second_device(gpu):
    """A duel runs on the device that its targets name."""
    ended = gpu(
        *("duel", "pretend.sigmoid@eager:cuda:1", "pretend.slower@eager:cuda:1", "--case", "64x100,value"),
        *("--store", gpu.folder / "duel.sqlite", "--json"),
    )
    assert ended.returncode == 1, ended.stderr
    (case,) = json.loads(ended.stdout)

    assert case["verdict"]["answer"] == "slower"
    assert case["b"]["card"]["synchronised"] == "device events around a stamp"


def test_device_that_is_not_there(gpu):
    """Where no framework sees the device, nothing is played, and that is said."""
    ended = gpu("tournament", "--on", "pretend", "--op", "sigmoid", "--device", "cuda:7")

    assert ended.returncode == 3
    assert "no fused implementation of sigmoid was found on cuda:7" in ended.stderr
