"""A framework that takes its time, and notes in the file $SLOW_LOG which process it was asked in."""

import os
import time
from pathlib import Path

import numpy as np

from harness.adapters import Catalogue, numpy

catalogue = Catalogue("slow")


@catalogue.form("sigmoid", "slow.sigmoid", "control")
def build():
    """Build a sigmoid of half a second."""

    def sigmoid(logits):
        with Path(os.environ["SLOW_LOG"]).open("a", encoding="utf-8") as file:
            file.write(f"{os.getpid()}\n")
        time.sleep(0.5)
        return 1 / (1 + np.exp(-logits))

    return sigmoid


class Adapter(numpy.Adapter):
    """numpy, slowed down."""

    catalogue = catalogue
