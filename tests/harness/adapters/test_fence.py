"""What a framework's call comes to: its answer, a refusal, or a failure with the type of what was raised."""

import warnings

import pytest

from harness.adapters import NotInstalled, NotSupported, fenced
from harness.model import Failed, Unsupported


def raising(error):
    """Return a call that raises."""

    def call():
        raise error

    return call


def test_an_answer_comes_through():
    """Whatever is returned, also nothing, is the answer."""
    assert fenced(lambda: [1]) == [1]
    assert fenced(lambda: None) is None


@pytest.mark.parametrize("refusal", [NotSupported("no mask"), NotInstalled("no mask")])
def test_a_refusal_is_no_failure(refusal):
    """What a framework does not offer, or is not here for, is unsupported."""
    assert fenced(raising(refusal)) == Unsupported("no mask")


class UnreadableError(Exception):
    """An exception whose text raises."""

    def __str__(self):
        """Raise."""
        raise ZeroDivisionError


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (SystemExit(3), Failed("raised", "3", "SystemExit")),
        (SystemExit(), Failed("raised", "no message", "SystemExit")),
        (GeneratorExit(), Failed("raised", "no message", "GeneratorExit")),
        (UnreadableError(), Failed("raised", "its text cannot be read: ZeroDivisionError", "UnreadableError")),
        (ValueError("\x1b]0;t\x07 a\ud800"), Failed("raised", r"\x1b]0;t\x07 a\ud800", "ValueError")),
    ],
    ids=["exit", "silent-exit", "no-exception", "unreadable", "control-signs"],
)
def test_whatever_is_raised_is_a_failure(error, expected):
    """Who asks for the end of the program has failed like any other, and what is said can be printed and stored."""
    assert fenced(raising(error)) == expected


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ValueError("no kernel"), Failed("raised", "no kernel", "ValueError")),
        (RuntimeError("\n  first\nat line 7"), Failed("raised", "first", "RuntimeError")),
        (KeyError(), Failed("raised", "no message", "KeyError")),
        (ValueError("x" * 1000), Failed("raised", "x" * 300, "ValueError")),
    ],
    ids=["message", "lines", "silent", "long"],
)
def test_a_failure_is_its_type_and_its_first_line(error, expected):
    """Long and many-lined messages are cut; the type stands apart and in front of the reason."""
    found = fenced(raising(error))

    assert found == expected
    assert found.reason == f"{expected.error}: {expected.message}"


def test_an_interrupt_is_no_answer():
    """Who stops the program is obeyed."""
    with pytest.raises(KeyboardInterrupt):
        fenced(raising(KeyboardInterrupt()))


def test_advice_is_no_outcome():
    """A warning inside is not raised, and warnings outside are as they were."""
    before = list(warnings.filters)

    assert fenced(lambda: warnings.warn("deprecated", stacklevel=1)) is None
    assert warnings.filters == before
