"""Every tier of the reference, the witness, the bounds and the limits answer the same ops and quantities."""

import pytest

from harness.ops import OPS
from reference import bounds, limits
from reference.arbiter import integers, points, rows, settle
from reference.fast import points as fast_points
from reference.fast import rows as fast_rows

# A linear op has no formulas in tables: its logits are made first, and each tier's rows answer these.
EVERY = {(record.name, quantity) for record in OPS.values() for quantity in record.quantities if not record.linear}
IN_EVERY_TIER = {(name, quantity) for name, quantity in EVERY if not OPS[name].apart}
BY_POINT = {(name, quantity) for name, quantity in IN_EVERY_TIER if OPS[name].elementwise}


@pytest.mark.parametrize(
    ("tables", "expected"),
    [
        pytest.param((rows.BY_ROW, points.BY_POINT, settle.APART), EVERY, id="arbiter"),
        pytest.param((integers.BY_ROW,), IN_EVERY_TIER - BY_POINT, id="arbiter in integers"),
        pytest.param((fast_rows.BY_ROW, fast_points.BY_POINT), IN_EVERY_TIER, id="fast"),
        pytest.param((bounds.FORMULAS,), EVERY, id="bounds"),
        pytest.param((limits.AT_TOP, limits.AT_POINT), IN_EVERY_TIER, id="limits"),
    ],
)
def test_tables_hold_every_question(tables, expected):
    """A table lacks no question that an op's record asks, has none beside, and no question stands in two of a tier.

    Ops that are asked apart are answered by the arbiter alone.
    """
    keys = [key for table in tables for key in table]

    assert sorted(keys) == sorted(expected)


def test_witness_holds_every_question():
    """The second witness answers what the tiers answer."""
    witness = pytest.importorskip("reference.witness")

    assert sorted([*witness.ROWS, *witness.POINTS, *witness.WITH_OPTIONS]) == sorted(EVERY)
