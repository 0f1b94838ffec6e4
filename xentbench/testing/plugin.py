"""A plugin for pytest: the marker `xentbench` says what is judged, the fixture `conforms` judges it.

It is loaded wherever xentbench is installed, so it imports nothing but pytest until a test uses it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import pytest

MARKER = "xentbench(op, framework, dtype=..., **options): judge a function in this test; a list is a test each"


@dataclass(frozen=True)
class Conforms:
    """Judges a function as the test's marker says: `conforms(my_loss)`.

    op, framework: what the function is judged as; dtype: in which, of a list, or nothing. options: of
    `xentbench.assert_conforms`, such as preset and known.
    """

    op: str
    framework: str
    dtype: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)

    def __call__(self, function: Callable[..., Any], **options: Any) -> None:
        """Raise AssertionError, with the first findings, where the function does not conform."""
        __tracebackhide__ = True
        import xentbench  # noqa: PLC0415 - see above

        named = {"dtypes": [self.dtype]} if self.dtype else {}
        xentbench.assert_conforms(function, self.op, framework=self.framework, **{**named, **self.options, **options})

    def __str__(self) -> str:
        return "-".join(filter(None, (self.op, self.framework, self.dtype)))


def pytest_configure(config: pytest.Config) -> None:
    """Tell pytest of the marker."""
    config.addinivalue_line("markers", MARKER)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make a test of each op, framework and dtype that the marker lists."""
    marker = metafunc.definition.get_closest_marker("xentbench")
    if marker is None or "conforms" not in metafunc.fixturenames:
        return
    metafunc.parametrize("conforms", list(asked(*marker.args, **marker.kwargs)), ids=str)


def asked(op: Any = None, framework: Any = None, dtype: Any = "", **options: Any) -> Iterator[Conforms]:
    """Yield what a marker lists. Raises pytest.UsageError for one that lacks op or framework."""
    if not op or not framework:
        raise pytest.UsageError('marker xentbench lacks op or framework, expected (op="softmax", framework="torch")')
    ops, frameworks, dtypes = ([each] if isinstance(each, str) else list(each) for each in (op, framework, dtype))
    yield from (Conforms(*names, options) for names in product(ops, frameworks, dtypes))


@pytest.fixture
def conforms(request: pytest.FixtureRequest) -> Conforms:
    """Return what judges a function as the test's marker says."""
    raise pytest.UsageError(
        f"{request.node.name} uses the fixture conforms without its marker; "
        'try: @pytest.mark.xentbench(op="sparse_xent", framework="torch")'
    )
