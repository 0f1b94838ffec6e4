"""What calls change in their process: seen, put back and told; and that the judge's arithmetic is sound afterwards."""

import builtins
import ctypes
import math
import platform
import shutil
import signal
import subprocess
import sys
import threading

import numpy as np
import pytest

from harness.adapters import fenced, state
from harness.model import Failed

GLIBC = sys.platform == "linux" and platform.machine() == "x86_64" and platform.libc_ver()[0] == "glibc"
of_glibc = pytest.mark.skipif(not GLIBC, reason="the numbers of the rounding directions are those of x86-64")
DOWN, UP, ZERO = 0x400, 0x800, 0xC00


@pytest.fixture(autouse=True)
def nothing_changed():
    """Begin and end with nothing told."""
    state.changed()
    yield
    assert state.MODE() == ""
    assert state.changed() == ()


@pytest.fixture(scope="module")
def fast_math(tmp_path_factory):
    """Return a library that flushes subnormals from being loaded on, as kernels that are linked with -ffast-math do."""
    folder, compiler = tmp_path_factory.mktemp("fast"), shutil.which("gcc")
    if compiler is None:
        pytest.skip("no gcc is installed, so there is no library linked with -ffast-math")
    (folder / "fast.c").write_text("int answer(void) { return 42; }\n", encoding="utf-8")
    library = folder / "fast.so"
    subprocess.run(
        [compiler, "-shared", "-fPIC", "-ffast-math", "-o", library, folder / "fast.c"], check=True, capture_output=True
    )
    code = f"import ctypes; ctypes.CDLL({str(library)!r}); a = 5e-324; print(a * 1.0 == 0.0)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    if said.strip() != "True":
        pytest.skip("this gcc does not link what sets the mode (13 and later do not)")
    return library


def rounded(direction):
    """Set a rounding direction."""
    ctypes.PyDLL(None).fesetround(direction)


@of_glibc
@pytest.mark.parametrize(
    ("direction", "words"),
    [(UP, "rounded up"), (DOWN, "rounded down or towards zero"), (ZERO, "rounded down or towards zero")],
)
def test_rounding_is_seen_and_put_back(direction, words):
    """A direction that a call leaves behind is told, and no longer holds for who measures."""
    fenced(lambda: rounded(direction))

    assert state.changed() == (f"the floating-point mode (results are {words})",)
    assert (1.0 / float("3"), 1.0 / float("10")) == (state.THIRD, state.TENTH)


def test_flushing_is_seen_and_put_back(fast_math):
    """Of a library that flushes subnormals it is told; a float32 and a float64 subnormal are then read as they are."""
    fenced(lambda: ctypes.CDLL(str(fast_math)) and None)

    if not state.seen():  # a library that this process has loaded before sets no mode again
        pytest.skip("the library was loaded already")
    assert state.changed() == ("the floating-point mode (subnormals are zero)",)
    assert float("5e-324") * 1.0 > 0
    assert np.float64(np.array([1e-45], np.float32)[0]) == 2.0**-149


@of_glibc
def test_traps_are_seen_and_put_back():
    """A trap that would end the process at the next 0/0 is told and taken away."""
    fenced(lambda: ctypes.PyDLL(None).feenableexcept(0x1D))

    assert state.changed() == ("the floating-point mode (exceptions of arithmetic end the process)",)
    with np.errstate(all="ignore"):
        assert np.isnan(np.zeros(3) / np.zeros(3)).all()


@of_glibc
def test_measured_by_the_usual_arithmetic():
    """Who asks in a mode of their own is answered by the default one, and keeps theirs."""
    try:
        rounded(UP)
        with state.plain():
            assert state.MODE() == ""
        assert state.MODE() == "results are rounded up"
    finally:
        state.MODE.restore()
    with np.errstate(divide="raise"), state.plain():
        assert np.geterr()["divide"] == "warn"


def test_what_cannot_be_put_back_stops_the_judge(monkeypatch):
    """Where the C library offers no way, nothing is measured in the other mode."""
    monkeypatch.setattr(state.FloatingPoint, "__call__", lambda _: "subnormals are zero")

    with pytest.raises(state.NotRestored, match=r"mode is changed \(subnormals are zero\), expected one"):
        state.MODE.restore()


@pytest.mark.parametrize(
    ("change", "what", "read"),
    [
        (lambda: np.seterr(all="raise"), "numpy's handling of errors", np.geterr),
        (lambda: np.seterrcall(print), "numpy's call on errors", np.geterrcall),
        (lambda: sys.setrecursionlimit(150), "the recursion limit", sys.getrecursionlimit),
        (lambda: signal.alarm(100), "a timer", lambda: signal.getitimer(signal.ITIMER_REAL)[0]),
        (lambda: signal.signal(signal.SIGALRM, print), "what is done on a signal", state.handlers),
        (lambda: setattr(np, "abs", np.negative), "functions of numpy (abs)", lambda: np.abs),
        (lambda: setattr(math, "isnan", bool), "functions of math (isnan)", lambda: math.isnan),
        (lambda: setattr(builtins, "max", min), "functions of builtins (max)", lambda: max),
        (lambda: delattr(np, "log"), "functions of numpy (log)", lambda: np.log),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_change_is_told_and_undone(change, what, read):
    """What a whole process shares is as it was behind a call, and what the call did with it is known."""
    before = read()

    fenced(change)

    assert state.changed() == (what,)
    assert read() == before


def test_more_room_is_no_change():
    """A recursion limit that is raised harms nobody: it stays, and is not told."""
    before = sys.getrecursionlimit()
    try:
        fenced(lambda: sys.setrecursionlimit(before + 1000))

        assert sys.getrecursionlimit() == before + 1000
        assert state.changed() == ()
    finally:
        sys.setrecursionlimit(before)


def test_what_is_loaded_late_is_no_change(monkeypatch):
    """A name that is new in a module replaces nothing."""
    fenced(lambda: monkeypatch.setattr(np, "loaded_late", 1, raising=False))

    assert state.changed() == ()


def test_change_is_seen_where_the_call_raises():
    """A call that fails has its changes undone too."""

    def fails():
        np.seterr(all="raise")
        raise RuntimeError("no kernel")

    assert fenced(fails) == Failed("raised", "no kernel", "RuntimeError")
    assert state.changed() == ("numpy's handling of errors",)


def test_what_surrounds_a_call_is_kept():
    """Who asks under a handling of errors of their own finds it as it was, and it is no change."""
    with np.errstate(divide="raise"):
        fenced(lambda: None)
        assert np.geterr()["divide"] == "raise"
    assert state.changed() == ()


def test_in_another_thread_nothing_breaks():
    """A thread may not set handlers: a call that is made in one is fenced as far as one may."""
    found = []
    thread = threading.Thread(target=lambda: found.append(fenced(lambda: sys.setrecursionlimit(900))))
    thread.start()
    thread.join()

    assert found == [None]
    assert state.changed() == ("the recursion limit",)


def test_a_file_may_set_what_its_functions_need():
    """Of a file that is read, what the judge's own work depends on is put back, and nothing else."""
    limit = sys.getrecursionlimit()
    try:
        with state.kept(ours=True):
            sys.setrecursionlimit(limit + 7)
            np.seterr(all="raise")
        assert sys.getrecursionlimit() == limit + 7
        assert state.changed() == ("numpy's handling of errors",)
    finally:
        sys.setrecursionlimit(limit)
