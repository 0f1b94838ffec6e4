"""The committed table: which names are looked at, and whether each that is not asked has its reason."""

import pytest

from harness.coverage.table import Table, table


@pytest.fixture
def toy(tmp_path):
    """Return a table of one surface and two reasons."""
    path = tmp_path / "table.toml"
    path.write_text(
        'filter = ["softmax", "^entr$"]\n'
        '[surfaces.toy]\nadapter = "numpy"\nnamespaces = ["np"]\npackages = ["numpy"]\n'
        'environment = { KIND = "toy" }\n'
        '[[reasons]]\nnames = ["gumbel_*"]\nwhy = "a draw"\n'
        '[[reasons]]\nnames = ["np.special.*"]\nwhy = "special"\n'
    )
    return Table.read(path)


@pytest.mark.parametrize(
    ("name", "looked_at"),
    [("np.softmax", True), ("np.LogSoftmax", True), ("softmax.exp", False), ("np.entr", True), ("np.central", False)],
)
def test_filter_goes_by_the_last_part_of_a_name(toy, name, looked_at):
    """The case of letters does not matter, and neither does where a function is."""
    assert toy.looks_at(name) is looked_at


def test_reason_is_of_a_last_part_or_of_a_whole_name(toy):
    """A pattern with a dot fits whole names, one without fits the last part; else there is none."""
    assert toy.reason("np.gumbel_softmax") == "a draw"
    assert toy.reason("np.special.softmax") == "special"
    assert toy.reason("np.softmax") == ""


def test_surface_is_read_with_what_its_process_needs(toy):
    """Packages, namespaces and the environment; another name is refused with the choices."""
    assert toy.surface("toy").environment == (("KIND", "toy"),)
    with pytest.raises(ValueError, match="expected"):
        toy.surface("tory")


def test_every_reason_says_something():
    """A row of the table that ships has names and a reason, and no name stands there twice."""
    patterns = [pattern for pattern, _ in table().reasons]

    assert all(why for _, why in table().reasons)
    assert len(patterns) == len(set(patterns))
