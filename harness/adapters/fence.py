"""The one fence around a framework's call: what goes wrong inside comes back as an outcome, what it changed is told."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TypeVar

from harness.adapters import state
from harness.model import Failed, Unsupported
from harness.spelling import printable

T = TypeVar("T")
LONGEST = 300  # characters of a message
READ = 10_000  # of which the first line is looked for


class NotSupported(Exception):  # noqa: N818 - an answer, not an error
    """The framework does not offer what was asked; raised while building a function, never while tracing it."""


class NotInstalled(Exception):  # noqa: N818 - a state, not an error
    """The framework cannot be imported here."""


class NotAnArray(Exception):  # noqa: N818 - an answer, not an error
    """A judged function returned what is no array; the text says what."""


def fenced(call: Callable[[], T]) -> T | Unsupported | Failed:
    """Return what a call into a framework returns, or what became of it; Ctrl-C alone comes through.

    What the call changes in the process is put back (`state.kept`). Raises NotRestored where that cannot be done.
    """
    with state.kept():
        return caught(call)


def caught(call: Callable[[], T]) -> T | Unsupported | Failed:
    """Return what a call returns, or what became of it; what it changes in the process is changed."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # frameworks deprecate and advise; that is no outcome
            return call()
    except (NotSupported, NotInstalled) as refusal:
        return Unsupported(message(refusal))
    except NotAnArray as wrong:
        return Failed("dtype", message(wrong))
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - the one place: whatever a framework raises is an answer of its own
        return Failed("raised", message(error), printable(type(error).__name__))


def message(error: BaseException) -> str:
    """Return the first line of what an error says, in signs that can be printed and stored."""
    try:
        text = str(error)[:READ]
    except KeyboardInterrupt:
        raise
    except BaseException as worse:  # noqa: BLE001 - it is the judged function's too
        return f"its text cannot be read: {printable(type(worse).__name__)}"
    first = next((line.strip() for line in text.splitlines() if line.strip()), "no message")
    return printable(first)[:LONGEST]
