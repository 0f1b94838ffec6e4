"""A badge's text, as https://shields.io/badges/endpoint-badge reads it."""

from __future__ import annotations

import json
from typing import BinaryIO

from harness.model import Recorded
from reports.ci import tally

COLOURS = {"red": "red", "orange": "orange", "green": "brightgreen", "grey": "lightgrey"}


def write(recorded: Recorded, to: BinaryIO) -> None:
    """Write the endpoint's JSON."""
    colour, sentence = tally.headline(recorded)
    fields = {"schemaVersion": 1, "label": "xentbench", "message": sentence, "color": COLOURS[colour]}
    to.write(json.dumps(fields | ({"isError": True} if colour == "red" else {})).encode() + b"\n")
