"""Arrays as files: written once, mapped into memory by every worker of this machine."""

import math
from pathlib import Path

import numpy as np
import pytest

from harness.model import Inputs
from harness.timing.duel import arrays

INPUTS = Inputs(np.ones((4, 5), "f4"), None, np.ones((4, 5), "f4"))


@pytest.fixture
def shared():
    """Return a folder of arrays."""
    found = arrays.SharedArrays()
    yield found
    found.close()


def test_arrays_are_drawn_and_written_once(shared):
    """A name's arrays are drawn when first met; workers of this machine read the very files."""
    drawn = []

    def draw():
        drawn.append(1)
        return INPUTS

    first, second = shared.put("n", draw), shared.put("n", draw)

    assert first is second
    assert len(drawn) == 1
    assert first["labels"] is None
    assert np.fromfile(first["logits"][0], "f4").tolist() == [1.0] * 20
    shared.forget("n")
    assert not Path(first["logits"][0]).exists()
    shared.put("n", draw)
    assert len(drawn) == 2


def test_scalar_arrays(tmp_path):
    """The incoming gradient of a mean has no axes, and is read all the same."""
    path = tmp_path / "upstream"
    np.array(0.5, "f4").tofile(path)

    assert arrays.mapped((str(path), "float32", ()), arrays.Received()).shape == ()
    assert math.isclose(arrays.mapped((str(path), "float32", ()), arrays.Received()), 0.5)


def test_bfloat16_arrays(tmp_path):
    """bfloat16, which numpy does not name, is read bit for bit."""
    path = tmp_path / "logits"
    np.array([[0x3F80, 0xC000]], "u2").tofile(path)

    assert arrays.mapped((str(path), "bfloat16", (1, 2)), arrays.Received()).astype("f4").tolist() == [[1.0, -2.0]]


def test_what_another_machine_sent_is_in_no_folder(tmp_path, monkeypatch):
    """Arrays that came in pieces are read as they were; no path that was told is written to, and no file is left."""
    monkeypatch.setattr(arrays.tempfile, "tempdir", str(tmp_path))
    received, elsewhere = arrays.Received(), tmp_path / "elsewhere" / "logits"
    numbers = np.arange(6, dtype="f4").reshape(2, 3)
    for piece in (numbers.tobytes()[:9], numbers.tobytes()[9:]):
        received.append(str(elsewhere), piece)
    received.append("scalar", np.array(0.5, "f4").tobytes())

    given = {"logits": (str(elsewhere), "float32", (2, 3)), "labels": None, "upstream": ("scalar", "float32", ())}
    for _ in range(2):
        read = arrays.inputs(given, received)
        assert read.logits.tolist() == numbers.tolist()
        assert (read.labels, float(read.upstream)) == (None, 0.5)
        del read
    received.close()
    assert list(tmp_path.iterdir()) == []
