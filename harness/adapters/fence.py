"""The one fence around a framework's call: what goes wrong inside comes back as an outcome."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TypeVar

from harness.model import Failed, Unsupported

T = TypeVar("T")
LONGEST = 300  # characters of a message


class NotSupported(Exception):  # noqa: N818 - an answer, not an error
    """The framework does not offer what was asked; raised while building a function, never while tracing it."""


class NotInstalled(Exception):  # noqa: N818 - a state, not an error
    """The framework cannot be imported here."""


def fenced(call: Callable[[], T]) -> T | Unsupported | Failed:
    """Return what a call into a framework returns, or what became of it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # frameworks deprecate and advise; that is no outcome
            return call()
    except (NotSupported, NotInstalled) as refusal:
        return Unsupported(str(refusal))
    except Exception as error:  # noqa: BLE001 - the one place: whatever a framework raises is an answer of its own
        first = next((line.strip() for line in str(error).splitlines() if line.strip()), "no message")
        return Failed("raised", first[:LONGEST], type(error).__name__)
