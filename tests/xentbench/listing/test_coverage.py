"""`xentbench coverage`: a line a surface, what is new by name, and its exit code."""

from harness.coverage.kept import Map
from tests.made.front_door import invoke
from xentbench.listing import coverage


def test_maps_that_ship_are_printed_without_a_framework():
    """Every surface has its line with counts, and nothing is new."""
    shown = invoke("coverage", "--kept")

    assert shown.exit_code == 0
    lines = shown.stdout.splitlines()
    assert [line.split()[0] for line in lines[:5]] == ["torch", "tensorflow", "jax", "keras_on_torch", "keras_on_jax"]
    assert all("public names: " in line and " asked" in line for line in lines[:5])


def test_every_name_is_printed_on_demand():
    """With --names a line says what became of each."""
    shown = invoke("coverage", "torch", "--kept", "--names")

    assert "torch.special.expit" in shown.stdout
    assert "a random draw" in shown.stdout


def test_new_function_is_code_1(monkeypatch):
    """It is printed by its name, for CI to fail on."""
    made = Map("jax", {"jax": "9"}, {"jax.nn.xent_of_tomorrow": ("new", "")})
    monkeypatch.setattr(coverage, "walked", lambda _: made)
    shown = invoke("coverage", "jax")

    assert shown.exit_code == 1
    assert "jax.nn.xent_of_tomorrow" in shown.stdout


def test_missing_framework_is_code_3(monkeypatch):
    """Nothing was walked, which is no pass; and a name that is none is code 2."""

    def missing(name):
        raise coverage.NotInstalled(f"{name} cannot be imported")

    monkeypatch.setattr(coverage, "walked", missing)

    assert invoke("coverage", "torch").exit_code == 3
    assert invoke("coverage", "torhc").exit_code == 2
