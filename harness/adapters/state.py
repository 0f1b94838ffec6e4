"""What a call may change in the process that it is made in, beside its answer: seen, put back, and told.

Answers are measured in the process that gave them. A call that leaves subnormals flushed to zero behind, another
rounding, numpy's errors raised or `numpy.abs` replaced would change what is measured, of itself and of every other
function. So each call is fenced by two looks at what is known to matter here; a change is undone, and is a finding.
"""

from __future__ import annotations

import builtins
import ctypes
import math
import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from types import ModuleType
from typing import Any

import numpy as np

# Read and produced: what a mode that flushes subnormals makes zero, of float64 by Python and of float32 by numpy.
LEAST, LEAST_NORMAL, ONE, HALF, THREE, TEN = 5e-324, 2.0**-1022, 1.0, 0.5, 3.0, 10.0
TERMS = np.array([2.0**-149, 2.0**-126], np.float32), np.array([1.0, 0.5], np.float32)
PRODUCTS, EXPECTED = np.empty(2, np.float32), np.array([2.0**-149, 2.0**-127], np.float32).tobytes()
THIRD, TENTH = float.fromhex("0x1.5555555555555p-2"), float.fromhex("0x1.999999999999ap-4")  # rounded down, and up
multiply = np.multiply  # under a name that nobody replaces
RECURSION = 1000
TIMERS = ("ITIMER_REAL", "ITIMER_VIRTUAL", "ITIMER_PROF")
SIGNALS = ("SIGALRM", "SIGINT")


class NotRestored(Exception):  # noqa: N818 - a state of the machine
    """The floating-point mode is another one and cannot be put back: nothing may be measured in this process."""


@dataclass(frozen=True)
class Setting:
    """One thing that a whole process shares.

    name: what is said to be changed. read: its value. put_back: makes a value, which `read` gave, hold again.
    ours: the judge's own work depends on it, so that not even a file that is read may change it.
    """

    name: str
    read: Callable[[], Any]
    put_back: Callable[[Any], object]
    ours: bool = False


class FloatingPoint:
    """How this thread computes: the rounding direction, subnormal numbers, and traps."""

    def __init__(self) -> None:
        """Find C's fesetenv, and what the mode is to be.

        glibc's and musl's FE_DFL_ENV is the pointer -1, and either clears the bits that flush subnormals too. Elsewhere
        the mode of the moment, which is the process's first, is kept to be restored.
        """
        self._library = _library()
        self._traps: Callable[[], int] = getattr(self._library, "fegetexcept", _none)  # of glibc alone
        self._default = ctypes.c_void_p(-1) if sys.platform == "linux" else self._now()

    def __call__(self) -> str:
        """Say what is not as IEEE 754 has it by default; nothing where all is."""
        if self._traps():  # asked first: with a trap set, what follows would end the process
            return "exceptions of arithmetic end the process"
        if (
            ONE / THREE == THIRD
            and ONE / TEN == TENTH
            and LEAST * ONE != 0.0
            and LEAST_NORMAL * HALF != 0.0
            and multiply(*TERMS, PRODUCTS).tobytes() == EXPECTED
        ):
            return ""
        up, down = ONE / THREE != THIRD, ONE / TEN != TENTH
        words = ["results are rounded up" if up else "results are rounded down or towards zero"] if up or down else []
        if LEAST * ONE == 0.0 or LEAST_NORMAL * HALF == 0.0:
            words.append("subnormals are zero")
        return ", ".join(words or ["float32 subnormals are zero"])

    def restore(self, _: object = "") -> None:
        """Compute as IEEE 754 does by default again. Raises NotRestored where that cannot be done."""
        self._set(self._default)
        if still := self():
            raise NotRestored(
                f"floating-point mode is changed ({still}), expected one that can be put back; this system's C library"
                " offers no fesetenv that does"
            )

    @contextmanager
    def default(self) -> Iterator[None]:
        """Compute by the default inside, and as before afterwards. Raises NotRestored as `restore` does."""
        before = self._now() if self() else None
        if before:
            self.restore()
        try:
            yield
        finally:
            if before:
                self._set(before)

    def _now(self) -> Any:
        room = ctypes.create_string_buffer(256)  # more than any fenv_t takes
        if self._library:
            self._library.fegetenv(room)
        return room

    def _set(self, mode: Any) -> None:
        if self._library:
            self._library.fesetenv(mode)


def _none() -> int:
    """Say that no exception of arithmetic ends the process."""
    return 0


def _library() -> ctypes.PyDLL | None:
    """Return the C library of the process, by which calls keep the interpreter's lock; nothing where it lacks these."""
    try:
        library = ctypes.PyDLL("ucrtbase" if os.name == "nt" else None)
        library.fesetenv, library.fegetenv  # noqa: B018 - looked up, which raises where there is none
    except (OSError, AttributeError, TypeError):
        return None
    return library


MODE = FloatingPoint()


class Recursion:
    """The recursion limit, up to the usual one: to raise it further harms nobody, and torch.compile does."""

    def __init__(self) -> None:
        """Know none that is higher."""
        self._raised = RECURSION

    def read(self) -> int:
        """Return the limit, or the usual one where it is higher."""
        now = sys.getrecursionlimit()
        self._raised = max(self._raised, now)
        return min(now, RECURSION)

    def put_back(self, before: int) -> None:
        """Set the limit again, where it was higher than the usual one to the highest."""
        sys.setrecursionlimit(before if before < RECURSION else self._raised)


def running(timer: int) -> bool:
    """Tell whether a timer will send a signal."""
    return signal.getitimer(timer)[0] > 0


def stop(timer: int, _: object = None) -> None:
    """Let a timer send no signal."""
    signal.setitimer(timer, 0)


def handlers() -> tuple[Any, ...]:
    """Return what Python does on each signal."""
    return tuple(map(signal.getsignal, NUMBERS))


def handle(before: Sequence[Any]) -> None:
    """Let Python do again what it did; only the main thread may."""
    for number, handler in zip(NUMBERS, before, strict=True):
        with suppress(ValueError, TypeError):  # of another thread, and of a handler that C has set
            signal.signal(number, handler)


class Functions:
    """What a module's names stand for; what is new in it, as what is loaded late, is no change."""

    def __init__(self, module: ModuleType) -> None:
        """Read them for the first time."""
        self._module = module
        self._values: list[Any] = []
        self._names: dict[str, Any] = {}
        self.setting = Setting(f"functions of {module.__name__}", self._read, self._put_back, ours=True)

    def _read(self) -> dict[str, Any]:
        """Return the names; the same dictionary where none was changed, which takes a tenth of the time to tell."""
        values = list(vars(self._module).values())
        if not self._as_last(values):
            self._values, self._names = values, dict(vars(self._module))
        return self._names

    def _as_last(self, values: list[Any]) -> bool:
        try:
            return values == self._values  # which compares what is not the very same object alone
        except Exception:  # noqa: BLE001 - what stands in the place of a function may raise whatever it likes
            return False

    def _put_back(self, before: Mapping[str, Any]) -> None:
        for name, value in before.items():
            if vars(self._module).get(name) is not value:
                setattr(self._module, name, value)


LIMIT = Recursion()
NUMBERS = tuple(getattr(signal, name) for name in SIGNALS if hasattr(signal, name))
WATCHED = [
    Setting("the floating-point mode", MODE, MODE.restore, ours=True),
    Setting("numpy's handling of errors", np.geterr, lambda before: np.seterr(**before), ours=True),
    Setting("numpy's call on errors", np.geterrcall, np.seterrcall, ours=True),
    Setting("the recursion limit", LIMIT.read, LIMIT.put_back),
    *(
        Setting("a timer", partial(running, timer), partial(stop, timer), ours=True)
        for timer in (getattr(signal, name) for name in TIMERS if hasattr(signal, name))
    ),
    Setting("what is done on a signal", handlers, handle),
    *(Functions(module).setting for module in (np, math, builtins)),
]
CHANGED: dict[str, None] = {}  # since somebody last asked


def watch(*settings: Setting) -> None:
    """Look at more, such as what a framework shares."""
    known = {setting.name for setting in WATCHED}
    WATCHED.extend(setting for setting in settings if setting.name not in known)


def seen() -> tuple[str, ...]:
    """Return what calls have changed since `changed` was last asked, each once."""
    return tuple(CHANGED)


def told(what: Iterable[str]) -> str:
    """Return what was changed in a sentence."""
    return f"the call changes {'; '.join(what)}"


def changed() -> tuple[str, ...]:
    """Return what calls have changed since this was last asked, each once."""
    found = seen()
    CHANGED.clear()
    return found


@contextmanager
def kept(*, ours: bool = False) -> Iterator[None]:
    """Keep what a process shares as it is, whatever is done inside; what was changed there is told by `changed`.

    ours: keep no more than the judge's own work depends on. Raises NotRestored where the floating-point mode cannot be
    put back.
    """
    settings = [setting for setting in WATCHED if setting.ours] if ours else WATCHED
    before = [setting.read() for setting in settings]
    try:
        yield
    finally:
        for setting, value in zip(settings, before, strict=False):  # a call may have loaded what is watched too
            now = setting.read()
            if not _same(value, now):
                CHANGED[_told(setting, value, now)] = None
                setting.put_back(value)


@contextmanager
def plain() -> Iterator[None]:
    """Measure by the usual arithmetic inside, whatever who calls has set, and restore that.

    Raises NotRestored where the floating-point mode is another one and cannot be changed.
    """
    with MODE.default(), np.errstate(all="warn"):
        yield


def _same(one: Any, other: Any) -> bool:
    """Tell whether a value is as it was; of names, each by identity."""
    if one is other:
        return True
    if isinstance(one, dict):
        return all(name in other and other[name] is value for name, value in one.items())
    return bool(one == other)


def _told(setting: Setting, before: Any, now: Any) -> str:
    """Say what was changed."""
    match before, now:
        case str(), str():
            return f"{setting.name} ({now or 'back to the default'})"
        case dict(), dict() if setting.name.startswith("functions of "):
            names = [name for name, value in before.items() if now.get(name) is not value]
            return f"{setting.name} ({', '.join(names[:3])})"
    return setting.name
