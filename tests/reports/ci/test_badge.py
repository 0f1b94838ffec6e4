"""The badge: the endpoint's JSON, red for what is new."""

import io
import json

import pytest

from reports.ci import badge
from tests.made.records import missing, recorded, result, score


def written(*results, **fields):
    """Return a run's badge."""
    to = io.BytesIO()
    badge.write(recorded(*results, **fields), to)
    return json.loads(to.getvalue())


@pytest.mark.parametrize(
    ("results", "not_run", "message", "colour"),
    [
        ([result()], [], "1 conforms", "brightgreen"),
        ([result()], [missing()], "no new deviation in what ran", "orange"),
        ([], [], "nothing was judged", "lightgrey"),
    ],
)
def test_badge(results, not_run, message, colour):
    """A badge has the schema's version, a label, a message and a colour."""
    assert written(*results, not_run=not_run) == {
        "schemaVersion": 1,
        "label": "xentbench",
        "message": message,
        "color": colour,
    }


def test_red_badge_is_an_error():
    """A new deviation is an error, whose colour nothing overrides."""
    found = written(result(score(9.0), judgement="deviates"))

    assert (found["message"], found["color"], found["isError"]) == ("1 new deviation", "red", True)
