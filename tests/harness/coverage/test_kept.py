"""The maps that ship: written and read again, and whole."""

import pytest

from harness.coverage.kept import STATES, Map, grouped, kept
from harness.coverage.table import table

MADE = Map(
    "toy",
    {"toy": "1.0"},
    {"toy.softmax": ("asked", "softmax"), "toy.nn": ("not walked", "gone"), "toy.gumbel": ("not asked", "a draw")},
    {"toy": ("add", "exp")},
)


def test_map_is_read_as_it_was_written(tmp_path):
    """Nothing is lost between the two, and a surface without a file has none."""
    MADE.write(tmp_path)

    assert Map.read("toy", tmp_path) == MADE
    assert Map.read("tory", tmp_path) is None


def test_map_counts_and_names_what_was_walked():
    """A namespace that is not there is none of the names."""
    assert MADE.count == 4
    assert {"toy.softmax", "toy.exp"} <= MADE.names
    assert MADE.of("asked") == {"toy.softmax": "softmax"}
    assert grouped(["b.x", "a.b.y", "b.a"]) == {"b": ("a", "x"), "a.b": ("y",)}


@pytest.mark.parametrize("name", list(table().surfaces))
def test_every_surface_has_a_map_without_news(name):
    """What ships was walked, knows its versions, and says something of every name in one of the known states."""
    one = kept()[name]

    assert one.versions
    assert one.of("asked", "same")
    assert one.of("new", "beyond") == {}
    assert {state for state, _ in one.entries.values()} <= set(STATES)
    assert all(text for _, text in one.entries.values())
