"""A program that answers questions: started, asked through its pipes, and started again where it has died."""

from __future__ import annotations

import contextlib
import itertools
import subprocess
import threading
import weakref
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Final

from harness.adapters import NotInstalled, NotSupported
from harness.adapters.deaths import how_it_died
from harness.engines.processes.frames import DTYPES, VERSION, Broken, Ended, Message, read
from harness.engines.processes.offer import Offer
from harness.model import Array
from harness.spelling import printable

START_SECONDS: Final = 60.0  # for an offer to come
END_SECONDS: Final = 10.0  # for a program to end whose output has ended
LONGEST: Final = 300  # signs of a reason
UNTIMED: Final = "a program's calls are not timed: their time would be that of the pipe"


class Refused(Exception):  # noqa: N818 - as the program says it
    """The program answered `failed`."""


class Died(Exception):  # noqa: N818 - what became of it
    """The program ended with a question in hand."""


class Running:
    """One program. It ends with this object, and with this process: its standard input ends then, and so must it."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        """Keep the command; nothing is started yet."""
        self.command = list(command)
        self.mode = ""  # that questions are put in
        self._environment = environment
        self._alive: list[subprocess.Popen[bytes]] = []  # one, or none
        weakref.finalize(self, kill, self._alive)
        self._numbers = itertools.count(1)
        self._death = ""

    @cached_property
    def offer(self) -> Offer:
        """What the program offers. Raises NotInstalled, with what it said instead, where there is no offer."""
        with self._first_words():
            return Offer.of(self._started())

    def ask(self, lines: Sequence[tuple[str, str]], arrays: Mapping[str, Array]) -> dict[str, Array]:
        """Put a question and return the arrays of its answer.

        Raises NotSupported where it is not offered, Refused where it failed, Died where the program has, and Broken for
        what is no answer; the program is started anew for the next question then.
        """
        if other := [array.dtype.name for array in arrays.values() if array.dtype.name not in DTYPES]:
            raise NotSupported(f"the process protocol has no {other[0]}")
        if not self._alive:
            with self._first_words():
                self._started()
        number = next(self._numbers)
        got = self._exchange(Message("ask", number, tuple(lines), dict(arrays)))
        why = printable(" ".join(got.every("why")) or "it gives no reason")[:LONGEST]
        if got.number != number or got.kind not in {"answer", "unsupported", "failed"}:
            self.end()
            expected = f"expected 'answer {number}', 'unsupported {number}' or 'failed {number}'"
            raise Broken(f"the program answered '{printable(got.kind[:LONGEST])} {got.number}', {expected}")
        if got.kind == "unsupported":
            raise NotSupported(why)
        if got.kind == "failed":
            raise Refused(why)
        return got.arrays

    def death(self) -> str:
        """Return how the program has died since this was asked last; nothing where it has not."""
        death, self._death = self._death, ""
        return death

    def end(self) -> None:
        """Kill the program, where it runs."""
        kill(self._alive)

    def _started(self) -> Message:
        """Start the program and return its offer. Raises Broken, Died, NotInstalled and OSError."""
        popen = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=self._environment)
        self._alive.append(popen)
        silent = threading.Event()

        def give_up() -> None:
            silent.set()
            popen.kill()

        waiting = threading.Timer(START_SECONDS, give_up)
        waiting.start()
        try:
            got = self._exchange(Message("hello", VERSION))
        except Died as death:
            if silent.is_set():
                raise Broken(f"it gives no offer within {START_SECONDS:g} s") from death
            raise
        finally:
            waiting.cancel()
        if got.kind != "offer":
            raise Broken(f"its first words are '{printable(got.kind[:LONGEST])} {got.number}', expected an offer")
        if got.number != VERSION:
            raise Broken(f"it speaks version {got.number} of the protocol, expected {VERSION}")
        return got

    @contextlib.contextmanager
    def _first_words(self) -> Iterator[None]:
        """Turn whatever keeps a program from starting into NotInstalled."""
        try:
            yield
        except (Broken, Died, OSError) as error:
            self.end()
            raise NotInstalled(f"{self.command[0]} does not answer as docs/protocol.md says: {error}") from error

    def _exchange(self, message: Message) -> Message:
        """Write a message and read the next. Raises Died where the program has, Broken for what is no message."""
        (popen,) = self._alive
        assert popen.stdin is not None
        assert popen.stdout is not None
        try:
            popen.stdin.write(message.bytes)
            popen.stdin.flush()
            return read(popen.stdout)
        except (Ended, BrokenPipeError) as error:
            raise Died(self._how_it_ended()) from error
        except BaseException:  # what stands in the pipe now is of no use to anybody
            self.end()
            raise

    def _how_it_ended(self) -> str:
        """Wait for the end of a program whose pipe has ended, and say how it came."""
        (popen,) = self._alive
        with contextlib.suppress(subprocess.TimeoutExpired):
            popen.wait(END_SECONDS)
        self.end()
        self._death = f"the program ended ({how_it_died(popen.returncode)})"
        return self._death


def kill(alive: list[subprocess.Popen[bytes]]) -> None:
    """Kill the programs of a list, and empty it."""
    while alive:
        popen = alive.pop()
        popen.kill()
        with contextlib.suppress(BrokenPipeError):  # what was not written to it never will be
            popen.communicate()
