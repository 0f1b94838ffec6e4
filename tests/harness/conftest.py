"""Where the tests of the store, and of what fills it, make one: in a file and in PostgreSQL."""

import pytest


@pytest.fixture
def path(tmp_path):
    """Return where a file is to be made, in a folder that is not there yet."""
    return tmp_path / "new" / "results.sqlite"


@pytest.fixture(params=["sqlite", "postgresql"])
def location(request):
    """Return where a store is to be made: a file that is not there yet, or an empty schema of a server."""
    return request.getfixturevalue("path" if request.param == "sqlite" else "database")
