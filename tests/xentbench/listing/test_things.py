"""`xentbench list`: everything by the name it is asked by."""

import pytest

from harness.ops import ASKED
from suites.questions import cases
from tests.made.front_door import invoke


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("ops",), [*map(str, ASKED), "value, grad_logits"]),
        (("options",), ["label_smoothing", "reduction=mean_valid", "their sum over the number of those"]),
        (("families",), list(cases.ROW_FAMILIES)),
        (("implementations", "--on", "numpy"), ["-(the textbook log_softmax)[labels]", "control", "eager", "softmax"]),
        (("targets", "--on", "numpy"), ["np.exp(logits - max) / sum", "cpu", "device"]),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_lists(arguments, named):
    """A list names everything as it is written, square brackets included."""
    ended = invoke("list", *arguments)

    assert ended.exit_code == 0
    assert all(name in ended.stdout for name in named)


def test_list_leaves_out_what_is_not_installed(shell):
    """A framework that cannot be imported is named with the reason beside the list, which is made all the same."""
    ended = shell("list", "targets", "--on", "numpy,absent,trouble")

    assert ended.returncode == 0
    assert "trouble.right" in ended.stdout
    assert ended.stderr.startswith("not listed: absent cannot be imported (No module named 'no_such_framework'); try: ")
    assert ended.stderr.endswith("[absent]'\n")
