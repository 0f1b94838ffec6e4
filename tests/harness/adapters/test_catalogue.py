"""Rows of a catalogue: each found by op and name, so that none hides another."""

import pytest

from harness.adapters import Catalogue


def test_two_rows_of_one_name_are_refused():
    """A row is found by op and name, so a second of the same name would hide the first."""
    catalogue = Catalogue("planted")
    catalogue.form("softmax", "exp / sum", "naive")(lambda: None)

    with pytest.raises(ValueError, match="registered twice"):
        catalogue.form("softmax", "exp / sum", "naive")(lambda: None)
