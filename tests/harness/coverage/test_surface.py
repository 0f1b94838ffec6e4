"""The map of what is installed: every public function is asked, the same as one that is, or has its reason."""

import pytest

from harness.adapters import load
from harness.adapters.catalogue import Catalogue, Spelling
from harness.adapters.fence import NotInstalled
from harness.coverage import proof
from harness.coverage.kept import Map
from harness.coverage.surface import survey
from harness.coverage.table import table
from harness.coverage.walked import walked

torch = pytest.importorskip("torch")


@pytest.mark.parametrize("name", list(table().surfaces))
def test_every_public_function_is_asked_or_has_its_reason(name):
    """Nothing of the installed versions is new, and the map that ships is theirs where it says so."""
    try:
        found = walked(name)
    except NotInstalled as missing:
        pytest.skip(str(missing))
    shipped = Map.read(name)

    assert found.of("new") == {}
    if found.versions == shipped.versions:
        renew = f"run: python -m harness.coverage {name} --write"
        absent = {one for one, (state, _) in {**found.entries, **shipped.entries}.items() if state == "not walked"}
        gone = {one for one in {**found.entries, **shipped.entries} if one.rpartition(".")[0] in absent} | absent
        assert without(found.entries, gone) == without(shipped.entries, gone), renew


def without(entries, names):
    """Return entries without those of namespaces that one of two environments lacks."""
    return {name: entry for name, entry in entries.items() if name not in names}


@pytest.fixture
def planted():
    """Return torch's adapter with a catalogue of one row and no spelling."""
    adapter = load("torch")
    catalogue = Catalogue("torch", {"torch": torch}, torch.sum, torch.mean)

    @catalogue.public("softmax", "torch.softmax")
    def over_classes(function, *, axis=-1):
        return lambda logits: function(logits, dim=axis)

    return adapter.offering(catalogue)


def spelled(adapter, build, **more):
    """Return whether a planted spelling of torch.softmax differs from it, and in what."""
    like = adapter.catalogue.offers["softmax", "torch.softmax"].build
    given = {"options": {"axis": 0}} | more
    return proof.differs(adapter, Spelling("softmax", "planted", build, build, like, "torch.softmax", **given))


@pytest.mark.parametrize(
    ("off", "where"),
    [
        (lambda *, axis=-1: lambda x: torch.exp(torch.log_softmax(x, dim=axis)), "softmax of float16"),
        (lambda *, axis=-1: lambda x: torch.softmax(x, dim=axis or -1), "softmax(axis=0,rank=3) of float16"),
        (lambda *, axis=-1: lambda x: torch.softmax(x.double(), dim=axis).to(x.dtype), "softmax of float16"),
        (
            lambda *, axis=-1: lambda x: torch.softmax(x + (0 if x.dtype != torch.float64 else 1), dim=axis),
            "softmax of float64",
        ),
        (lambda *, axis=-1: lambda x: torch.softmax(x, dim=axis).detach() * torch.ones_like(x), "softmax of float16"),
    ],
    ids=["another way", "another axis", "another precision", "another dtype alone", "no gradient"],
)
def test_planted_difference_is_seen(planted, off, where):
    """A function that goes another way is no spelling: of an option, of one dtype, of the gradient alone."""
    found = spelled(planted, off)

    assert found == where or found.startswith(where.partition(" of ")[0])


def test_spelling_is_shown_to_be_one(planted):
    """The same operation by another name has the same trace, and a default that is given is one that is not."""
    assert spelled(planted, lambda *, axis=-1: torch.nn.Softmax(axis)) == ""


def test_nothing_is_shown_where_both_refuse(planted):
    """What neither can do in any dtype shows nothing."""

    def refusing(*, axis=-1):
        raise RuntimeError(axis)

    like = planted.catalogue.offers["softmax", "torch.softmax"]
    both = Spelling("softmax", "planted", refusing, refusing, refusing, "torch.softmax", {})

    assert like
    assert proof.differs(planted, both) == "softmax is refused by both"


def test_new_function_is_told(planted):
    """A candidate that no row, spelling or reason knows is new; another name that was not there is passed by."""
    walked_now = table().surface("torch")
    before = Map("torch", {}, {}, {"torch": tuple(name for name in dir(torch) if name != "erf")})
    made = survey(planted, walked_now, table(), {}, before)

    assert made.entries["torch.softmax"] == ("asked", "softmax")
    assert made.entries["torch.log_softmax"] == ("new", "")
    assert made.entries["torch.bernoulli"][0] == "not asked"
    assert made.entries["torch.erf"] == ("beyond", "")
    assert "torch.exp" not in made.entries


def test_broken_spelling_is_told_with_where(planted):
    """A spelling that does not do what its row does is new again, with the dtype in which it was seen."""
    planted.catalogue.spelled("softmax", "torch.softmax", "torch.nn.functional.softmin", axis=0)
    made = survey(planted, table().surface("torch"), table(), {})

    state, said = made.entries["torch.nn.functional.softmin"]
    assert (state, said) == ("new", "does not do what torch.softmax does: softmax of float16")
