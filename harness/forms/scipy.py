"""Compositions of scipy's functions, which has no losses itself."""

from harness.forms.form import CANCELS, UNDERFLOW, Form, losses

PICKED = "np.take_along_axis({}, labels[:, None], axis=-1)[:, 0]"

FORMS = (
    Form(
        "log_softmax",
        "composed",
        "logits - scipy.special.logsumexp(logits)",
        "logits - scipy.special.logsumexp(logits, axis=-1, keepdims=True)",
    ),
    Form(
        "log_softmax",
        "naive",
        "np.log(scipy.special.softmax(logits))",
        "np.log(scipy.special.softmax(logits, axis=-1))",
        note=UNDERFLOW,
    ),
    Form("log_sigmoid", "naive", "np.log(scipy.special.expit(logits))", note=UNDERFLOW),
    losses(
        "sparse_xent",
        "composed",
        "-scipy.special.log_softmax(logits)[labels]",
        f"-{PICKED.format('scipy.special.log_softmax(logits, axis=-1)')}",
    ),
    losses(
        "sparse_xent",
        "composed",
        "scipy.special.logsumexp(logits) - logits[labels]",
        f"scipy.special.logsumexp(logits, axis=-1) - {PICKED.format('logits')}",
        note=CANCELS,
    ),
    losses(
        "sparse_xent",
        "naive",
        "-np.log(scipy.special.softmax(logits))[labels]",
        f"-np.log({PICKED.format('scipy.special.softmax(logits, axis=-1)')})",
        note=UNDERFLOW,
    ),
    losses(
        "dense_xent",
        "composed",
        "-sum(labels * scipy.special.log_softmax(logits))",
        "-(labels * scipy.special.log_softmax(logits, axis=-1)).sum(axis=-1)",
    ),
    losses(
        "dense_xent",
        "naive",
        "-scipy.special.xlogy(labels, scipy.special.softmax(logits)).sum()",
        "-scipy.special.xlogy(labels, scipy.special.softmax(logits, axis=-1)).sum(axis=-1)",
        note=UNDERFLOW,
    ),
    losses(
        "sigmoid_xent",
        "composed",
        "-labels * scipy.special.log_expit(logits) - (1 - labels) * scipy.special.log_expit(-logits)",
    ),
    losses(
        "sigmoid_xent",
        "naive",
        "-scipy.special.xlogy(labels, p) - scipy.special.xlog1py(1 - labels, -p), p = scipy.special.expit(logits)",
        "-scipy.special.xlogy(labels, p := scipy.special.expit(logits)) - scipy.special.xlog1py(1 - labels, -p)",
        note="Infinite once the sigmoid has rounded to 1, and where it underflows.",
    ),
    Form(
        "sparse_prob_xent",
        "composed",
        "-np.log(probabilities)[labels]",
        f"-np.log({PICKED.format('probabilities')})",
    ),
    Form(
        "dense_prob_xent",
        "composed",
        "-scipy.special.xlogy(labels, probabilities).sum()",
        "-scipy.special.xlogy(labels, probabilities).sum(axis=-1)",
    ),
    Form(
        "binary_prob_xent",
        "composed",
        "-scipy.special.xlogy(labels, probabilities) - scipy.special.xlog1py(1 - labels, -probabilities)",
    ),
    Form(
        "entropy",
        "composed",
        "scipy.special.entr(scipy.special.softmax(logits)).sum()",
        "scipy.special.entr(scipy.special.softmax(logits, axis=-1)).sum(axis=-1)",
    ),
    Form(
        "kl_div",
        "composed",
        "scipy.special.xlogy(labels, labels) - labels * log_probabilities",
    ),
    Form(
        "kl_div",
        "naive",
        "scipy.special.rel_entr(labels, np.exp(log_probabilities))",
        note="Rounds the probability before its logarithm is taken again.",
    ),
)
