"""The compositions that people write, a row of data each: a catalogue runs its text, a reproducer prints it.

Beside the adapters and not among them, so that reports read them without what asks a framework.
"""

from collections.abc import Mapping

from harness.forms import jax, mlx, numpy, paddle, scipy, sklearn, tensorflow, torch
from harness.forms.form import Form

# The modules of a framework's words, each as its users import it; the framework's own comes first.
IMPORTS: Mapping[str, Mapping[str, str]] = {
    "torch": {"torch": "import torch"},
    "jax": {"jax": "import jax", "jnp": "import jax.numpy as jnp", "optax": "import optax"},
    "tensorflow": {"tf": "import tensorflow as tf", "keras": "import keras"},
    "numpy": {"np": "import numpy as np"},
    "scipy": {"scipy": "import scipy.special", "np": "import numpy as np"},
    "sklearn": {"sklearn": "import sklearn.metrics, sklearn.utils.extmath", "np": "import numpy as np"},
    "mlx": {"mx": "import mlx.core as mx", "nn": "from mlx import nn", "mlx": "import mlx.core, mlx.nn"},
    "paddle": {"paddle": "import paddle", "F": "import paddle.nn.functional as F"},
}
FORMS: Mapping[str, tuple[Form, ...]] = {
    "torch": torch.FORMS,
    "jax": jax.FORMS,
    "tensorflow": tensorflow.FORMS,
    "numpy": numpy.FORMS,
    "scipy": scipy.FORMS,
    "sklearn": sklearn.FORMS,
    "mlx": mlx.FORMS,
    "paddle": paddle.FORMS,
}
