"""Compositions of MLX's functions."""

from harness.forms.form import CANCELS, PROBABILITIES, ROUNDED, SATURATED, UNDERFLOW, UNSHIFTED, Form, losses

FORMS = (
    Form(
        "softmax",
        "fused",
        "mx.softmax(logits, precise=True)",
        "mx.softmax(logits, axis=axis, precise=True)",
        options={"axis": -1},
    ),
    Form(
        "softmax",
        "naive",
        "mx.exp(logits) / mx.exp(logits).sum()",
        "(exponentials := mx.exp(logits)) / exponentials.sum(axis=-1, keepdims=True)",
        note=UNSHIFTED,
    ),
    Form(
        "log_softmax",
        "composed",
        "logits - mx.logsumexp(logits)",
        "logits - mx.logsumexp(logits, axis=-1, keepdims=True)",
    ),
    Form(
        "log_softmax",
        "naive",
        "mx.log(mx.softmax(logits))",
        "mx.log(mx.softmax(logits, axis=-1))",
        note=UNDERFLOW,
    ),
    Form("log_sigmoid", "naive", "mx.log(mx.sigmoid(logits))", note=UNDERFLOW),
    Form(
        "sparse_xent",
        "composed",
        "nn.losses.nll_loss(nn.log_softmax(logits), labels)",
        "nn.losses.nll_loss(nn.log_softmax(logits, axis=-1), labels, reduction=reduction)",
        options={"reduction": "none"},
    ),
    losses(
        "sparse_xent",
        "composed",
        "mx.logsumexp(logits) - logits[labels]",
        "mx.logsumexp(logits, axis=-1) - mx.take_along_axis(logits, labels[:, None], axis=-1)[:, 0]",
        note=CANCELS,
    ),
    losses(
        "sparse_xent",
        "naive",
        "-mx.log(mx.softmax(logits))[labels]",
        "-mx.log(mx.take_along_axis(mx.softmax(logits, axis=-1), labels[:, None], axis=-1)[:, 0])",
        note=UNDERFLOW,
    ),
    losses(
        "dense_xent",
        "composed",
        "-sum(labels * nn.log_softmax(logits))",
        "-(labels * nn.log_softmax(logits, axis=-1)).sum(axis=-1)",
    ),
    Form(
        "sparse_xent",
        "misuse",
        "nn.losses.cross_entropy(mx.softmax(logits), labels)",
        "nn.losses.cross_entropy(mx.softmax(logits, axis=-1), labels, reduction=reduction)",
        note=PROBABILITIES,
        options={"reduction": "none"},
    ),
    losses(
        "sigmoid_xent",
        "composed",
        "-labels * nn.log_sigmoid(logits) - (1 - labels) * nn.log_sigmoid(-logits)",
    ),
    Form(
        "sigmoid_xent",
        "naive",
        "nn.losses.binary_cross_entropy(mx.sigmoid(logits), labels, with_logits=False)",
        'nn.losses.binary_cross_entropy(mx.sigmoid(logits), labels, with_logits=False, reduction="none")',
        note="Once the sigmoid has rounded to 1 (logits above 17 in float32), log(1 - 1) is clipped to -100.",
    ),
    losses(
        "sigmoid_xent",
        "naive",
        "-labels * mx.log(mx.sigmoid(logits)) - (1 - labels) * mx.log(1 - mx.sigmoid(logits))",
        "-labels * mx.log(positive := mx.sigmoid(logits)) - (1 - labels) * mx.log(1 - positive)",
        note=SATURATED,
    ),
    Form(
        "linear_xent",
        "composed",
        "nn.losses.cross_entropy(mx.matmul(hidden, weight.T), labels)",
        "nn.losses.cross_entropy(mx.matmul(hidden, weight.T) if bias is None else mx.addmm(bias, hidden, weight.T), "
        "labels, reduction=reduction)",
        options={"reduction": "none"},
    ),
    Form(
        "linear_dense_xent",
        "composed",
        "nn.losses.cross_entropy(mx.matmul(hidden, weight.T), labels)",
        "nn.losses.cross_entropy(mx.matmul(hidden, weight.T) if bias is None else mx.addmm(bias, hidden, weight.T), "
        "labels, reduction=reduction)",
        options={"reduction": "none"},
    ),
    Form(
        "binary_prob_xent",
        "fused",
        "nn.losses.binary_cross_entropy(probabilities, labels, with_logits=False)",
        'nn.losses.binary_cross_entropy(probabilities, labels, with_logits=False, reduction="none")',
        note=ROUNDED,
    ),
    Form(
        "sparse_prob_xent",
        "composed",
        "nn.losses.nll_loss(mx.log(probabilities), labels)",
        'nn.losses.nll_loss(mx.log(probabilities), labels, reduction="none")',
    ),
    Form(
        "entropy",
        "composed",
        "-sum(mx.softmax(logits) * nn.log_softmax(logits))",
        "-(mx.softmax(logits, axis=-1) * nn.log_softmax(logits, axis=-1)).sum(axis=-1)",
    ),
    Form(
        "kl_div",
        "composed",
        "labels * (mx.log(labels) - log_probabilities)",
    ),
)
