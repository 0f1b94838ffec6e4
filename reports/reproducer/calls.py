"""The line of code behind each implementation's name, for scripts that run without the harness.

A dotted public name is called as its framework documents it. A composition's name leaves axes out, as people write it
in a sentence; FORMS has each in full. logits: (1, classes); labels: (1,) indices or (1, classes).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from harness.ops import OPS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.model import Op

DOTTED = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+")
NONE = "tf.compat.v1.losses.Reduction.NONE"
BCE = "torch.nn.functional.binary_cross_entropy"

_SUMS = {
    "-sum(labels * {log_softmax})": "-(labels * {log_softmax_}).sum(-1)",
    "-sum(labels * {log}({softmax}))": "-(labels * {log}({softmax_})).sum(-1)",
    "-sum(labels * {log}({softmax} + 1e-7))": "-(labels * {log}({softmax_} + 1e-7)).sum(-1)",
    "-sum(labels * {log}(logits))": "-(labels * {log}(logits)).sum(-1)",
}
_WORDS = {
    "torch": {
        "log": "torch.log",
        "softmax": "torch.softmax(logits)",
        "softmax_": "torch.softmax(logits, dim=-1)",
        "log_softmax": "torch.log_softmax(logits)",
        "log_softmax_": "torch.log_softmax(logits, dim=-1)",
    },
    "jax": {
        "log": "jnp.log",
        "softmax": "jax.nn.softmax(logits)",
        "softmax_": "jax.nn.softmax(logits)",
        "log_softmax": "jax.nn.log_softmax(logits)",
        "log_softmax_": "jax.nn.log_softmax(logits)",
    },
}

_TORCH = {
    "torch.exp(logits) / torch.exp(logits).sum()": "torch.exp(logits) / torch.exp(logits).sum(dim=-1, keepdim=True)",
    "logits - torch.logsumexp(logits)": "logits - torch.logsumexp(logits, dim=-1, keepdim=True)",
    "torch.log(torch.softmax(logits))": "torch.log(torch.softmax(logits, dim=-1))",
    "torch.log(torch.exp(logits).sum())": "torch.log(torch.exp(logits).sum(dim=-1))",
    "torch.nn.functional.nll_loss(torch.log_softmax(logits), labels)": (
        'torch.nn.functional.nll_loss(torch.log_softmax(logits, dim=-1), labels, reduction="none")'
    ),
    "torch.logsumexp(logits) - logits[labels]": (
        "torch.logsumexp(logits, dim=-1) - logits.gather(-1, labels[:, None])[:, 0]"
    ),
    "-torch.log(torch.softmax(logits))[labels]": (
        "-torch.log(torch.softmax(logits, dim=-1)).gather(-1, labels[:, None])[:, 0]"
    ),
    "torch.nn.functional.cross_entropy(torch.softmax(logits), labels)": (
        'torch.nn.functional.cross_entropy(torch.softmax(logits, dim=-1), labels, reduction="none")'
    ),
    "-labels * logsigmoid(logits) - (1 - labels) * logsigmoid(-logits)": (
        "-labels * torch.nn.functional.logsigmoid(logits) - (1 - labels) * torch.nn.functional.logsigmoid(-logits)"
    ),
    f"{BCE}(torch.sigmoid(logits), labels)": f'{BCE}(torch.sigmoid(logits), labels, reduction="none")',
}
_JAX = {
    "jnp.exp(logits) / jnp.exp(logits).sum()": "jnp.exp(logits) / jnp.exp(logits).sum(axis=-1, keepdims=True)",
    "logits - jax.nn.logsumexp(logits)": "logits - jax.nn.logsumexp(logits, axis=-1, keepdims=True)",
    "jnp.log(jnp.exp(logits).sum())": "jnp.log(jnp.exp(logits).sum(axis=-1))",
    "-jax.nn.log_softmax(logits)[labels]": (
        "-jnp.take_along_axis(jax.nn.log_softmax(logits), labels[:, None], axis=-1)[:, 0]"
    ),
    "jax.nn.logsumexp(logits) - logits[labels]": (
        "jax.nn.logsumexp(logits, axis=-1) - jnp.take_along_axis(logits, labels[:, None], axis=-1)[:, 0]"
    ),
    "optax.softmax_cross_entropy(logits, jax.nn.one_hot(labels))": (
        "optax.softmax_cross_entropy(logits, jax.nn.one_hot(labels, logits.shape[-1], dtype=logits.dtype))"
    ),
    "optax.softmax_cross_entropy(logits, optax.smooth_labels(labels))": (
        "optax.softmax_cross_entropy(logits, optax.smooth_labels(labels, 0.0))"
    ),
    "-jnp.log(jax.nn.softmax(logits))[labels]": (
        "-jnp.take_along_axis(jnp.log(jax.nn.softmax(logits)), labels[:, None], axis=-1)[:, 0]"
    ),
}
_TENSORFLOW = {
    "tf.exp(logits) / tf.reduce_sum(tf.exp(logits))": (
        "tf.exp(logits) / tf.reduce_sum(tf.exp(logits), axis=-1, keepdims=True)"
    ),
    "tf.math.log(tf.reduce_sum(tf.exp(logits)))": "tf.math.log(tf.reduce_sum(tf.exp(logits), axis=-1))",
    "tf.nn.sparse_softmax_cross_entropy_with_logits(tf.cast(labels, tf.int32), logits)": (
        "tf.nn.sparse_softmax_cross_entropy_with_logits(labels=tf.cast(labels, tf.int32), logits=logits)"
    ),
    "tf.compat.v1.nn.softmax_cross_entropy_with_logits(dim=-1)": (
        "tf.compat.v1.nn.softmax_cross_entropy_with_logits(labels=labels, logits=logits, dim=-1)"
    ),
    "tf.math.reduce_logsumexp(logits) - logits[label]": (
        "tf.math.reduce_logsumexp(logits, axis=-1) - tf.gather(logits, labels, batch_dims=1)"
    ),
    "-tf.reduce_sum(tf.one_hot(labels) * tf.nn.log_softmax(logits))": (
        "-tf.reduce_sum(tf.one_hot(labels, logits.shape[-1], dtype=logits.dtype) * tf.nn.log_softmax(logits), axis=-1)"
    ),
    **{
        f"-tf.reduce_sum(labels * {log})": f"-tf.reduce_sum(labels * {log}, axis=-1)"
        for log in (
            *("tf.nn.log_softmax(logits)", "tf.math.log(tf.nn.softmax(logits))"),
            *("tf.math.log(tf.nn.softmax(logits) + 1e-7)", "tf.math.log(logits)"),
        )
    },
    "tf.nn.softmax_cross_entropy_with_logits(tf.nn.softmax(logits))": (
        "tf.nn.softmax_cross_entropy_with_logits(labels=labels, logits=tf.nn.softmax(logits))"
    ),
    "-labels * log(sigmoid) - (1 - labels) * log(1 - sigmoid)": (
        "-labels * tf.math.log(tf.math.sigmoid(logits)) - (1 - labels) * tf.math.log(1 - tf.math.sigmoid(logits))"
    ),
    "-labels * log(sigmoid)": "-labels * tf.math.log(tf.math.sigmoid(logits))",
}
_LESS = "(logits - logits.max(axis=-1, keepdims=True))"
_LOG_SOFTMAX = f"{_LESS} - np.log(np.exp({_LESS}).sum(axis=-1, keepdims=True))"
_LOG_SIGMOID = "np.minimum(logits, 0) - np.log1p(np.exp(-np.abs(logits)))"
_NUMPY = {
    "np.exp(logits - max) / sum": f"np.exp({_LESS}) / np.exp({_LESS}).sum(axis=-1, keepdims=True)",
    "logits - max - np.log(np.exp(logits - max).sum())": _LOG_SOFTMAX,
    "max + np.log(np.exp(logits - max).sum())": f"logits.max(axis=-1) + np.log(np.exp({_LESS}).sum(axis=-1))",
    "1 / (1 + np.exp(-logits)), mirrored below 0": (
        "np.where(logits < 0, np.exp(-np.abs(logits)), 1) / (1 + np.exp(-np.abs(logits)))"
    ),
    "np.minimum(logits, 0) - np.log1p(np.exp(-abs(logits)))": _LOG_SIGMOID,
    "-(the textbook log_softmax)[labels]": f"-np.take_along_axis({_LOG_SOFTMAX}, labels[:, None], axis=-1)[:, 0]",
    "-sum(labels * the textbook log_softmax)": f"-(labels * ({_LOG_SOFTMAX})).sum(axis=-1)",
    "(1 - labels) * logits - (1 + (pos_weight - 1) * labels) * log_sigmoid": (
        f"(1 - labels) * logits - (1 + logits.dtype.type({{pos_weight}} - 1) * labels) * ({_LOG_SIGMOID})"
    ),
}
FORMS: Mapping[str, Mapping[str, str]] = {
    "torch": _TORCH | {k.format(**_WORDS["torch"]): v.format(**_WORDS["torch"]) for k, v in _SUMS.items()},
    "jax": _JAX | {k.format(**_WORDS["jax"]): v.format(**_WORDS["jax"]) for k, v in _SUMS.items()},
    "tensorflow": _TENSORFLOW,
    "numpy": _NUMPY,
}


def written(op: Op) -> bool:
    """Tell whether calls with these options are written here."""
    return set(op.options) <= {"reduction", "pos_weight"} and op.options.get("reduction", "none") in {"none", "mean"}


def call(framework: str, name: str, op: Op) -> str | None:
    """Return the expression that calls an implementation; None for a name that is neither dotted, known nor Python."""
    each = _each(framework, name, op)
    return _mean(framework, each) if each and op.options.get("reduction") == "mean" else each


def _mean(framework: str, each: str) -> str:
    """Reduce as the framework does itself or, where it has no such option, as users do."""
    own = each.replace('reduction="none"', 'reduction="mean"').replace(
        NONE, NONE.replace("NONE", "SUM_OVER_BATCH_SIZE")
    )
    if own != each:
        return own
    return f"tf.reduce_mean({each})" if framework == "tensorflow" else f"({each}).mean()"


def _each(framework: str, name: str, op: Op) -> str | None:
    if DOTTED.fullmatch(name):
        return _public(framework, name, op)
    known = FORMS.get(framework, {}).get(name)
    if known is not None:
        return known.replace("{pos_weight}", str(op.options.get("pos_weight", 1.0)))
    try:
        compile(name, "name", "eval")
    except (SyntaxError, ValueError):
        return None
    return name


def _public(framework: str, name: str, op: Op) -> str:
    record = OPS[op.name]
    if record.labels == "none":
        whole = record.elementwise or (framework == "tensorflow" and op.name != "logsumexp")
        return f"{name}(logits)" if whole else f"{name}(logits, {'dim' if framework == 'torch' else 'axis'}=-1)"
    if framework == "torch":
        weight = f", pos_weight=logits.new_full((), {op.options['pos_weight']})" if "pos_weight" in op.options else ""
        return f'{name}(logits, labels, reduction="none"{weight})'
    if framework != "tensorflow":
        return f"{name}(logits, labels)"
    if name.startswith("tf.compat.v1.losses."):
        return f"{name}(labels, logits, reduction={NONE})"
    if name.startswith("keras.losses.") and name.rpartition(".")[2][0].isupper():
        return f'{name}(from_logits=True, reduction="none", dtype=logits.dtype.name)(labels, logits)'
    if name.startswith(("keras.", "tf.keras.")):
        return f"{name}(labels, logits, from_logits=True)"
    weight = f", pos_weight={op.options.get('pos_weight', 1.0)}" if ".weighted_" in name else ""
    return f"{name}(labels=labels, logits=logits{weight})"
