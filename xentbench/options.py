"""The `--store` option, one for every command."""

from __future__ import annotations

from typing import Annotated

import typer

from harness.store import Location

STORE = Location.of("build/results.sqlite")
FORMS = "FILE|URL"
WHERE = "where results are kept: a file, or postgresql://user@host/database"

StoreLocation = Annotated[Location, typer.Option("--store", parser=Location.of, metavar=FORMS, help=WHERE)]
