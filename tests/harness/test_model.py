"""What a case's family says of where its inputs come from."""

import pytest

from harness.model import Case, Op, Source


@pytest.mark.parametrize(
    ("family", "source"),
    [
        ("normal", Source("family", "normal")),
        ("magnitude/30", Source("sweep", "magnitude", "30")),
        ("magnitude/0.001", Source("sweep", "magnitude", "0.001")),
        ("published/so-softmax-4", Source("published", "so-softmax-4")),
        ("options/normal_large", Source("options", "normal_large")),
        ("speed", Source("speed", "speed")),
        ("of somebody else", Source("family", "of somebody else")),
        ("", Source("family", "")),
    ],
    ids=str,
)
def test_source_of_a_family(family, source):
    """A family's text says how its inputs are made, and comes back to the letter, so that ids stay."""
    case = Case(Op.of("softmax"), "value", family, "float32", 2, 3)

    assert case.source == source
    assert str(case.source) == family
    assert str(case) == f"softmax-value-{family}-float32-2x3"
