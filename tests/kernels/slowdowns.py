"""Slowdowns on purpose, to judge the duel by: the framework's function, and then so much of its time again.

What is added is measured in each call, so that it is a constant share of it however busy the machine is. The plain
functions read the clock as the slowed ones do: nothing but the share differs.
"""

import time

import torch

from harness.adapters import implements

SHARES = (0, 2, 5, 10)  # per cent
OPS = {
    "sparse_xent": lambda logits, labels: torch.nn.functional.cross_entropy(logits, labels, reduction="none"),
    "log_softmax": lambda logits, axis=-1: torch.log_softmax(logits, axis),
    "softmax": lambda logits, axis=-1: torch.softmax(logits, axis),
}


def slowed(function, share, clock=time.perf_counter):
    """Return a function that takes `share` per cent longer."""

    def run(*arrays):
        started = clock()
        answer = function(*arrays)
        ended = clock()
        until = ended + share / 100 * (ended - started)
        while clock() < until:
            pass
        return answer

    return run


def name(op, share):
    """Return the name of a slowed function."""
    return f"{op}_slower_by_{share}"


for op, function in OPS.items():
    for share in SHARES:
        planted = slowed(function, share)
        planted.__name__ = name(op, share)
        implements(op, framework="torch")(planted)
