"""Long texts in a temporary file: each comes back by its key, whichever is asked for."""

import pytest

from harness.files import texts
from harness.files.texts import Texts


def test_texts_come_back(monkeypatch):
    """More texts than are kept at hand come back in any order, with any signs, and the last of one key counts."""
    monkeypatch.setattr(texts, "AT_HAND", 10)
    with Texts() as kept:
        for number in range(5):
            kept.add(str(number), f"\u221e row {number}")
        kept.add("3", "another")

        assert [kept[key] for key in "40123"] == [
            "\u221e row 4",
            "\u221e row 0",
            "\u221e row 1",
            "\u221e row 2",
            "another",
        ]
        assert (list(kept), len(kept), kept.characters) == (list("01234"), 5, 42)
        with pytest.raises(KeyError):
            kept["5"]
