"""What a worker is asked to prepare, and what it says of it: plain values, which travel between processes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from harness.model import Case, Target
from harness.store import nouns

Arrays = dict[str, tuple[str, str, tuple[int, ...]] | None]  # part: path, dtype, shape


@dataclass(frozen=True)
class Order:
    """A call to prepare: a case asked of a target, with its arrays in files."""

    case: Case
    target: Target
    file: str  # whose function it is; empty for a framework's own
    arrays: Arrays
    outgrow_bytes: int  # the cache that copies of the arrays are to outgrow
    graph: bool = False  # replay a recording of the calls, where the framework can

    @property
    def fields(self) -> dict[str, Any]:
        """The order in plain values."""
        return vars(self) | {"case": nouns.case_fields(self.case), "target": nouns.target_fields(self.target)}

    @classmethod
    def of(cls, fields: dict[str, Any]) -> Order:
        """Return the order of such fields."""
        return cls(**fields | {"case": nouns.case_of(fields["case"]), "target": nouns.target_of(fields["target"])})


@dataclass(frozen=True)
class Preparation:
    """What a worker says of a call that it has prepared. Seconds are a call's; the first one compiles and traces."""

    first_seconds: float
    seconds: float
    overhead_seconds: float  # of the loop around it, and its wait
    copies: int  # of the arrays, which take turns
    bytes: int  # of one copy
    cache_bytes: int  # of the last-level cache; 0 where nobody tells
    synchronised: str  # how a stamp is taken, in words
