"""The figure of large goldens: all rows are drawn and certified, in parts."""

import sys

from tests.bench import large


def test_all_rows_are_certified(monkeypatch, capsys):
    """Rows that are drawn in several parts, the last one shorter, are all counted and certified."""
    monkeypatch.setattr(large, "AT_ONCE", 300)
    monkeypatch.setattr(sys, "argv", ["bench_large", "7", "100"])

    large.main()

    assert [len(inputs.logits) for inputs in large.drawn(7, 100)] == [3, 3, 1]
    assert capsys.readouterr().out.startswith("7 rows of 100 classes: 700 elements within 2**-")
