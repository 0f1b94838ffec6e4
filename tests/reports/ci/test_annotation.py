"""Annotations: at most ten commands, each on a line of its own."""

import pytest

from harness.model import Crashed
from reports.ci import annotation
from tests.made.records import HOSTILE, missing, recorded, result, score


def bad(count):
    """Make new deviations."""
    return [result(score(9.0), f"f{k}", judgement="deviates", reason=f"why {k}") for k in range(count)]


@pytest.mark.parametrize(("count", "lines"), [(0, 0), (1, 1), (10, 10), (11, 10), (5000, 10)])
def test_at_most_ten(count, lines):
    """Ten are shown; of more, nine and how many there are."""
    found = annotation.commands(recorded(*bad(count), result(), not_run=[missing()]))

    assert len(found) == lines
    assert (f"and {count - 9} more; the report has them all" in "".join(found)) is (count > 10)


def test_command():
    """A command names target and case in its title and the reason in its message."""
    (line,) = annotation.commands(recorded(*bad(1)))

    assert line == "::error title=torch.softmax@eager softmax-value-f0-float32-4x8::why 0"


def test_death_comes_first():
    """A crash is an error whether it was judged or not, before any deviation."""
    dead = result(Crashed("SIGKILL"), "dead", judgement="unjudged")

    first, _ = annotation.commands(recorded(*bad(1), dead))
    assert first.endswith("dead-float32-4x8::crashed: no answer")


@pytest.mark.parametrize("text", [HOSTILE, "a\n::error::b\r\n", "100%: a, b", "x" * 10_000])
def test_hostile_text_ends_no_command(text):
    """Line ends, colons and commas of a name are escaped."""
    line = annotation.error(text, text)

    assert len(line.splitlines()) == 1
    assert len(line) < 5000
    title = line.removeprefix("::error title=").partition("::")[0]
    assert not set(title) & set(":,\r\n")


def test_escapes_are_the_toolkits():
    """`%`, CR and LF are escaped in a message, `:` and `,` in a title too."""
    assert annotation.error("a:b,c%", "d:e,f%\r\n") == "::error title=a%3Ab%2Cc%25::d:e,f%25%0D%0A"
