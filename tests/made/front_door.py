"""Small command lines of `xentbench`, and a way to run one in this process; what a page that one writes carries."""

import base64
import gzip
import json
import re

from typer.testing import CliRunner

import xentbench

TINY = ("run", "--on", "numpy,jax:jit,torch:eager", "--op", "logsumexp", "--dtype", "float32")
NUMPY = ("run", "--on", "numpy", "--op", "logsumexp", "--dtype", "float32")
FEW = ("--on", "numpy", "--dtype", "float32", "--op", "softmax,log_softmax", "-q", "-p", "no:cacheprovider")


def invoke(*arguments):
    """Run a command in this process."""
    return CliRunner().invoke(xentbench.app, [str(argument) for argument in arguments])


BLOCK = re.compile(r'id="block">([^<]*)')


def carried(page):
    """Return the data that a page's scripts read."""
    return json.loads(gzip.decompress(base64.b64decode(BLOCK.search(page)[1])))
