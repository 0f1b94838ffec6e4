"""Which run is gone on with: one's own, of the same options, that has not come to its end."""

from dataclasses import replace

import pytest

from harness.model import Run
from harness.running.resume import of_same

HERE = Run("new", "2026-01-02T00:00:00+00:00", None, "xentbench run --on torch --resume", "quick", {"cores": "2"})
OWN = replace(HERE, uid="own", command="xentbench run --on torch")


def test_own_run_is_gone_on_with():
    """The machine and the options decide, in whatever order these stand and from wherever the program is started."""
    other = replace(OWN, uid="other", command="/bin/xentbench --on torch run")

    assert of_same([OWN], HERE) is OWN
    assert of_same([other], HERE) is other


def test_the_last_to_come_is_taken_whatever_its_clock_said():
    """A clock that was set back, or a run of the future, changes nothing."""
    future = replace(OWN, uid="future", started="2999-01-01T00:00:00+00:00")

    assert of_same([future, OWN], HERE) is OWN


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(replace(OWN, finished="2026-01-02T00:10:00+00:00"), id="finished"),
        pytest.param(replace(OWN, command="xentbench run --on jax"), id="other-options"),
        pytest.param(replace(OWN, command="xentbench run --on torch --preset full", preset="full"), id="other-preset"),
        pytest.param(replace(OWN, host={"cores": "4"}), id="another-machine"),
    ],
)
def test_what_is_not_ones_own_is_left_alone(other):
    """A run that is complete, of something else or of somebody else is named and not added to."""
    with pytest.raises(ValueError, match="expected an unfinished run of these options, begun on this machine") as error:
        of_same([other], HERE)

    named = "none is unfinished; try: without --resume" if other.finished else f"own: {other.command}; try: --run-uid"
    assert named in str(error.value)
