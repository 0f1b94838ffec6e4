"""Compositions of jax's and optax's functions."""

from harness.forms.form import (
    CANCELS,
    EPSILON,
    FOCUS,
    NEGATIVE,
    POSITIVE,
    PROBABILITIES,
    ROUNDED,
    SATURATED,
    UNDERFLOW,
    UNSHIFTED,
    Form,
    losses,
    of_logits,
)

PRODUCT = "jnp.matmul(hidden, weight.T)"
FORMS = (
    Form(
        "dense_xent",
        "composed",
        "optax.softmax_cross_entropy(logits, optax.smooth_labels(labels))",
        "optax.softmax_cross_entropy(logits, optax.smooth_labels(labels, label_smoothing))",
        note="Smooths the labels first: no loss of optax has the option.",
        options={"label_smoothing": 0.0},
        reduces=True,
    ),
    Form(
        "softmax",
        "naive",
        "jnp.exp(logits) / jnp.exp(logits).sum()",
        "(exponentials := jnp.exp(logits)) / exponentials.sum(axis=-1, keepdims=True)",
        note=UNSHIFTED,
    ),
    Form(
        "log_softmax",
        "composed",
        "logits - jax.nn.logsumexp(logits)",
        "logits - jax.nn.logsumexp(logits, axis=-1, keepdims=True)",
    ),
    Form("log_softmax", "naive", "jnp.log(jax.nn.softmax(logits))", note=UNDERFLOW),
    Form(
        "logsumexp", "naive", "jnp.log(jnp.exp(logits).sum())", "jnp.log(jnp.exp(logits).sum(axis=-1))", note=UNSHIFTED
    ),
    Form("sigmoid", "naive", "1 / (1 + jnp.exp(-logits))"),
    Form("log_sigmoid", "composed", "-jax.nn.softplus(-logits)"),
    Form("log_sigmoid", "naive", "jnp.log(jax.nn.sigmoid(logits))", note=UNDERFLOW),
    losses(
        "sparse_xent",
        "composed",
        "-jax.nn.log_softmax(logits)[labels]",
        "-jnp.take_along_axis(jax.nn.log_softmax(logits), labels[:, None], axis=-1)[:, 0]",
    ),
    losses(
        "sparse_xent",
        "composed",
        "jax.nn.logsumexp(logits) - logits[labels]",
        "jax.nn.logsumexp(logits, axis=-1) - jnp.take_along_axis(logits, labels[:, None], axis=-1)[:, 0]",
        note=CANCELS,
    ),
    # In the dtype of the logits: one_hot's own, float32, would promote the losses of a float16 or bfloat16 case.
    losses(
        "sparse_xent",
        "composed",
        "optax.softmax_cross_entropy(logits, jax.nn.one_hot(labels))",
        "optax.softmax_cross_entropy(logits, jax.nn.one_hot(labels, logits.shape[-1], dtype=logits.dtype))",
    ),
    losses(
        "sparse_xent",
        "naive",
        "-jnp.log(jax.nn.softmax(logits))[labels]",
        "-jnp.take_along_axis(jnp.log(jax.nn.softmax(logits)), labels[:, None], axis=-1)[:, 0]",
        note=UNDERFLOW,
    ),
    losses(
        "sparse_xent",
        "misuse",
        "optax.softmax_cross_entropy_with_integer_labels(jax.nn.softmax(logits), labels)",
        note=PROBABILITIES,
    ),
    of_logits(PRODUCT, "optax.softmax_cross_entropy_with_integer_labels(logits, labels)", little=False),
    of_logits(
        PRODUCT,
        "-jax.nn.log_softmax(logits)[labels]",
        "-jnp.take_along_axis(jax.nn.log_softmax(logits), labels[:, None], axis=-1)[:, 0]",
    ),
    *(
        of_logits(
            PRODUCT,
            f"optax.{loss}(logits, jax.nn.one_hot(labels))",
            f"optax.{loss}(logits, jax.nn.one_hot(labels, len(weight), dtype=hidden.dtype))",
        )
        for loss in ("softmax_cross_entropy", "safe_softmax_cross_entropy")
    ),
    of_logits(PRODUCT, "optax.softmax_cross_entropy(logits, labels)", little=False, soft=True),
    of_logits(PRODUCT, "optax.safe_softmax_cross_entropy(logits, labels)", soft=True),
    losses(
        "dense_xent",
        "composed",
        "-sum(labels * jax.nn.log_softmax(logits))",
        "-(labels * jax.nn.log_softmax(logits)).sum(axis=-1)",
    ),
    losses(
        "dense_xent",
        "naive",
        "-sum(labels * jnp.log(jax.nn.softmax(logits)))",
        "-(labels * jnp.log(jax.nn.softmax(logits))).sum(axis=-1)",
        note=UNDERFLOW,
    ),
    losses(
        "dense_xent",
        "naive",
        "-sum(labels * jnp.log(jax.nn.softmax(logits) + 1e-7))",
        "-(labels * jnp.log(jax.nn.softmax(logits) + 1e-7)).sum(axis=-1)",
        note=EPSILON,
    ),
    losses("dense_xent", "misuse", "optax.softmax_cross_entropy(jax.nn.softmax(logits), labels)", note=PROBABILITIES),
    losses(
        "dense_xent",
        "misuse",
        "-sum(labels * jnp.log(logits))",
        "-(labels * jnp.log(logits)).sum(axis=-1)",
        note=NEGATIVE,
    ),
    Form(
        "sigmoid_xent", "composed", "-labels * jax.nn.log_sigmoid(logits) - (1 - labels) * jax.nn.log_sigmoid(-logits)"
    ),
    Form(
        "sigmoid_xent",
        "naive",
        "-labels * jnp.log(jax.nn.sigmoid(logits)) - (1 - labels) * jnp.log(1 - jax.nn.sigmoid(logits))",
        "-labels * jnp.log(positive := jax.nn.sigmoid(logits)) - (1 - labels) * jnp.log(1 - positive)",
        note=SATURATED,
    ),
    Form("sigmoid_xent", "misuse", "-labels * jnp.log(jax.nn.sigmoid(logits))", note=POSITIVE),
    Form(
        "sparse_prob_xent",
        "composed",
        "-jnp.log(probabilities)[labels]",
        "-jnp.log(jnp.take_along_axis(probabilities, labels[:, None], axis=-1)[:, 0])",
    ),
    Form(
        "dense_prob_xent",
        "composed",
        "-jax.scipy.special.xlogy(labels, probabilities).sum()",
        "-jax.scipy.special.xlogy(labels, probabilities).sum(axis=-1)",
    ),
    Form(
        "binary_prob_xent",
        "composed",
        "-jax.scipy.special.xlogy(labels, probabilities) - jax.scipy.special.xlog1py(1 - labels, -probabilities)",
    ),
    Form(
        "binary_prob_xent",
        "naive",
        "-labels * jnp.log(probabilities) - (1 - labels) * jnp.log(1 - probabilities)",
        note=ROUNDED,
    ),
    Form(
        "entropy",
        "composed",
        "-sum(jax.nn.softmax(logits) * jax.nn.log_softmax(logits))",
        "-(jax.nn.softmax(logits) * jax.nn.log_softmax(logits)).sum(axis=-1)",
    ),
    Form(
        "kl_div",
        "composed",
        "jax.scipy.special.xlogy(labels, labels) - labels * log_probabilities",
    ),
    Form(
        "focal_xent",
        "composed",
        "-sum(labels * (1 - jax.nn.softmax(logits))**gamma * jax.nn.log_softmax(logits))",
        "-(labels * alpha * (1 - jax.nn.softmax(logits))**gamma * jax.nn.log_softmax(logits)).sum(axis=-1)",
        options=FOCUS,
    ),
    Form(
        "bernoulli_entropy",
        "composed",
        "jax.nn.sigmoid(logits) * softplus(-logits) + jax.nn.sigmoid(-logits) * softplus(logits)",
        "jax.nn.sigmoid(logits) * jax.nn.softplus(-logits) + jax.nn.sigmoid(-logits) * jax.nn.softplus(logits)",
    ),
)
