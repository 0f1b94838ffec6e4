"""Small command lines of `xentbench`, and a way to run one in this process."""

from typer.testing import CliRunner

import xentbench

TINY = ("run", "--on", "numpy,jax:jit,torch:eager", "--op", "logsumexp", "--dtype", "float32")
NUMPY = ("run", "--on", "numpy", "--op", "logsumexp", "--dtype", "float32")
FEW = ("--on", "numpy", "--dtype", "float32", "--op", "softmax,log_softmax", "-q", "-p", "no:cacheprovider")


def invoke(*arguments):
    """Run a command in this process."""
    return CliRunner().invoke(xentbench.app, [str(argument) for argument in arguments])
