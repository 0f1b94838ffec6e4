"""Results as they are stored: in a SQLite file, or in PostgreSQL by its URL; the same queries, the same results."""

from harness.store.database import VERSION, StoreError, Unfit
from harness.store.location import Location
from harness.store.outcomes import NAMES, OUTCOMES, figure, pack, unpack
from harness.store.store import Store

__all__ = [
    "NAMES",
    "OUTCOMES",
    "VERSION",
    "Location",
    "Store",
    "StoreError",
    "Unfit",
    "figure",
    "pack",
    "unpack",
]
