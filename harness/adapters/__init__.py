"""What it takes to ask a framework, and the names that other packages import it by."""

from harness.adapters.adapter import LAYOUTS, Adapter, Layout, Pass, Prepared, fitting
from harness.adapters.catalogue import Builder, Catalogue, Function, Native, Offer
from harness.adapters.fence import NotInstalled, NotSupported, fenced
from harness.adapters.frameworks import ENTRY_POINTS, load, names
from harness.adapters.judged import implements

__all__ = [
    "ENTRY_POINTS",
    "LAYOUTS",
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
    "fenced",
    "fitting",
    "implements",
    "load",
    "names",
]
