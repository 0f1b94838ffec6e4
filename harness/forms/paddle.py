"""Compositions of Paddle's functions."""

from harness.forms.form import CANCELS, PROBABILITIES, SATURATED, UNDERFLOW, Form, losses

FORMS = (
    Form(
        "log_softmax",
        "composed",
        "logits - paddle.logsumexp(logits)",
        "logits - paddle.logsumexp(logits, axis=-1, keepdim=True)",
    ),
    Form(
        "log_softmax",
        "naive",
        "paddle.log(F.softmax(logits))",
        "paddle.log(F.softmax(logits, axis=-1))",
        note=UNDERFLOW,
    ),
    Form("log_sigmoid", "naive", "paddle.log(F.sigmoid(logits))", note=UNDERFLOW),
    Form(
        "sparse_xent",
        "composed",
        "F.nll_loss(F.log_softmax(logits), labels)",
        "F.nll_loss(F.log_softmax(logits, axis=-1), labels, reduction=reduction)",
        options={"reduction": "none"},
    ),
    losses(
        "sparse_xent",
        "composed",
        "paddle.logsumexp(logits) - logits[labels]",
        "paddle.logsumexp(logits, axis=-1) - paddle.take_along_axis(logits, labels[:, None], axis=-1)[:, 0]",
        note=CANCELS,
    ),
    Form(
        "sparse_xent",
        "naive",
        "F.cross_entropy(F.softmax(logits), labels, use_softmax=False)",
        "F.cross_entropy(F.softmax(logits, axis=-1), labels, use_softmax=False, reduction=reduction)",
        note=UNDERFLOW,
        options={"reduction": "none"},
    ),
    Form(
        "sparse_xent",
        "misuse",
        "F.cross_entropy(F.softmax(logits), labels)",
        "F.cross_entropy(F.softmax(logits, axis=-1), labels, reduction=reduction)",
        note=PROBABILITIES,
        options={"reduction": "none"},
    ),
    losses(
        "dense_xent",
        "composed",
        "-sum(labels * F.log_softmax(logits))",
        "-(labels * F.log_softmax(logits, axis=-1)).sum(axis=-1)",
    ),
    losses(
        "sigmoid_xent",
        "composed",
        "-labels * F.log_sigmoid(logits) - (1 - labels) * F.log_sigmoid(-logits)",
    ),
    Form(
        "sigmoid_xent",
        "naive",
        "F.binary_cross_entropy(F.sigmoid(logits), labels)",
        'F.binary_cross_entropy(F.sigmoid(logits), labels, reduction="none")',
        note=SATURATED,
    ),
    Form(
        "linear_xent",
        "composed",
        "F.cross_entropy(F.linear(hidden, weight), labels)",
        "F.cross_entropy(F.linear(hidden, weight.t(), bias), labels, reduction=reduction)",
        options={"reduction": "none"},
    ),
    Form(
        "linear_dense_xent",
        "composed",
        "F.cross_entropy(F.linear(hidden, weight), labels, soft_label=True)",
        "F.cross_entropy(F.linear(hidden, weight.t(), bias), labels, soft_label=True, reduction=reduction)",
        options={"reduction": "none"},
    ),
    Form(
        "sparse_prob_xent",
        "fused",
        "F.cross_entropy(probabilities, labels, use_softmax=False)",
        'F.cross_entropy(probabilities, labels, use_softmax=False, reduction="none")',
    ),
    Form(
        "dense_prob_xent",
        "fused",
        "F.cross_entropy(probabilities, labels, use_softmax=False, soft_label=True)",
        'F.cross_entropy(probabilities, labels, use_softmax=False, soft_label=True, reduction="none")[:, 0]',
    ),
    Form(
        "entropy",
        "composed",
        "-sum(F.softmax(logits) * F.log_softmax(logits))",
        "-(F.softmax(logits, axis=-1) * F.log_softmax(logits, axis=-1)).sum(axis=-1)",
    ),
)
