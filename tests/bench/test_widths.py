"""Cost against width: what is measured is of a call, and growth is that of the wide rows."""

import pytest

from tests.bench import widths


@pytest.mark.parametrize("power", [1, 2])
def test_growth_is_the_power_of_the_width(power):
    """Times that grow with the classes, or with their square, are told so; narrow rows do not count."""
    taken = [(width, 1e-6 + 1e-9 * width**power * (width in widths.GROWS)) for width in widths.WIDTHS]

    assert widths.growth(taken) == pytest.approx(power, abs=0.05)


def test_functions_are_timed_in_every_width(monkeypatch, capsys):
    """A line a function and quantity, with a time for each width; what is a program is not timed."""
    monkeypatch.setattr(widths, "WIDTHS", (16, 17, 64))
    monkeypatch.setattr(widths, "GROWS", (16, 64))
    monkeypatch.setattr(widths, "ROUND_SECONDS", 1e-4)
    pytest.importorskip("scipy")

    widths.main(["scipy", "--op", "logsumexp", "--here"])

    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("scipy.special.logsumexp@eager value: 16:")
    assert " 17:" in line
    assert "grows as width**" in line
