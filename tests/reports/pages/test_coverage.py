"""The coverage page: counts a surface, each name with the answers of what it stands for, reasons for the others."""

from dataclasses import replace

import pytest

from harness.coverage.kept import Map, kept
from harness.model import Implementation, Target
from reports.material import Material
from reports.pages import coverage
from tests.made.records import result, run

TORCH = Target(Implementation("torch", "sigmoid", "torch.sigmoid", "fused"), "eager")


def material(*results, **environments):
    """Return a run of these results."""
    return Material(run(), results, environments, ())


def test_surface_counts_and_links():
    """A name leads to its own answers, one that is the same to those of its row, and one without answers nowhere."""
    entries = {
        "torch.sigmoid": ("asked", "sigmoid"),
        "torch.special.expit": ("same", "torch.sigmoid, by its trace"),
        "torch.softmax": ("asked", "softmax"),
        "torch.hardsigmoid": ("not asked", "another function"),
        "flax.nnx": ("not walked", "No module named 'flax'"),
    }
    found = coverage.surface(
        Map("torch", {"torch": "9.9"}, entries, {"torch": ("add",)}), material(result(target=TORCH))
    )
    said = {state: dict(groups) for state, groups in found.said}
    at = {one.name: one.at for groups in said.values() for names in groups.values() for one in names}

    assert (found.names, [(state, n) for state, _, n in found.counts]) == (
        5,
        [("asked", 2), ("same", 1), ("not asked", 1), ("not walked", 1)],
    )
    assert at["torch.sigmoid"].startswith("#")
    assert at["torch.special.expit"] == at["torch.sigmoid"]
    assert at["torch.softmax"] == at["torch.hardsigmoid"] == ""
    assert [*said["asked"]] == ["sigmoid", "softmax"]
    assert [*said["same"]] == ["torch.sigmoid, by its trace"]
    assert [*said["not asked"], *said["not walked"]] == ["another function", "No module named 'flax'"]


def test_page_is_of_the_frameworks_that_were_asked():
    """A run of torch shows torch and Keras on torch; one of somebody's own functions, or of numpy, shows nothing."""
    page = coverage.render(material(result(target=TORCH)))

    assert "keras on torch" in page
    assert "keras on jax" not in page
    own = replace(result(target=TORCH), environment="own")
    assert coverage.render(material(own, own={"framework": "torch", "file": "kernel.py"})) == ""
    numpy = Target(Implementation("numpy", "sigmoid", "np.sigmoid", "control"), "eager")
    assert coverage.render(material(result(target=numpy))) == ""


@pytest.mark.parametrize("version", ["same", "9.9.9"])
def test_another_version_is_told(version):
    """A map of other versions than the run's says so, and one of the same does not."""
    shipped = kept()["torch"]
    facts = {"framework": "torch", "torch": f"{shipped.versions['torch']}+cpu" if version == "same" else version}
    found = coverage.surface(shipped, material(result(target=TORCH), made=facts))

    assert found.differs == ("" if version == "same" else "torch 9.9.9")
