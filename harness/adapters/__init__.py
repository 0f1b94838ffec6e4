"""What it takes to ask a framework, and the names that other packages import it by."""

from harness.adapters.adapter import Adapter, Prepared
from harness.adapters.calls import CONTIGUOUS, Layout, Pass, Way, fitting, given
from harness.adapters.catalogue import Builder, Catalogue, Function, Native, Offer
from harness.adapters.fence import NotInstalled, NotSupported, fenced
from harness.adapters.frameworks import ENTRY_POINTS, load, names
from harness.adapters.judged import implements

__all__ = [
    "CONTIGUOUS",
    "ENTRY_POINTS",
    "Adapter",
    "Builder",
    "Catalogue",
    "Function",
    "Layout",
    "Native",
    "NotInstalled",
    "NotSupported",
    "Offer",
    "Pass",
    "Prepared",
    "Way",
    "fenced",
    "fitting",
    "given",
    "implements",
    "load",
    "names",
]
