"""The textbook in numpy: shifted algorithms in the array's own dtype, a control to hold the frameworks against."""

from harness.forms.form import FOCUS, TILT, Form

SHIFTED = "logits - logits.max(axis=axis, keepdims=True)"  # so that exp cannot overflow
LOG_SOFTMAX = f"(less := {SHIFTED}) - np.log(np.exp(less).sum(axis=axis, keepdims=True))"
LAST = LOG_SOFTMAX.replace("axis=axis", "axis=-1")
LOG_SIGMOID = "np.minimum(logits, 0) - np.log1p(np.exp(-np.abs(logits)))"
NEGATED = LOG_SIGMOID.replace("(logits", "(-logits")
# A number, or a pattern over the classes; the weight of the positive term is 1 where it is.
POS_WEIGHT = "np.resize(np.array(str(pos_weight).split(), float), logits.shape[1]).astype(logits.dtype)"
ALONG = {"axis": -1}


def of(name: str) -> str:
    """Return a number in the dtype of the logits: bfloat16 is none of numpy's own, and Python's would widen it."""
    return f"logits.dtype.type({name})"


FORMS = (
    Form(
        "softmax",
        "control",
        "np.exp(logits - max) / sum",
        f"(exponentials := np.exp({SHIFTED})) / exponentials.sum(axis=axis, keepdims=True)",
        options=ALONG,
    ),
    Form("log_softmax", "control", "logits - max - np.log(np.exp(logits - max).sum())", LOG_SOFTMAX, options=ALONG),
    Form(
        "logsumexp",
        "control",
        "max + np.log(np.exp(logits - max).sum())",
        f"logits.max(axis=axis) + np.log(np.exp({SHIFTED}).sum(axis=axis))",
        options=ALONG,
    ),
    Form(  # exp of what is not positive cannot overflow
        "sigmoid",
        "control",
        "1 / (1 + np.exp(-logits)), mirrored below 0",
        "np.where(logits < 0, decayed := np.exp(-np.abs(logits)), 1) / (1 + decayed)",
    ),
    Form("log_sigmoid", "control", "np.minimum(logits, 0) - np.log1p(np.exp(-abs(logits)))", LOG_SIGMOID),
    Form(
        "sparse_xent",
        "control",
        "-(the textbook log_softmax)[labels]",
        f"-np.take_along_axis({LOG_SOFTMAX}, np.expand_dims(labels, axis), axis=axis).squeeze(axis)",
        options=ALONG,
        reduces=True,
    ),
    Form(
        "dense_xent",
        "control",
        "-sum(labels * the textbook log_softmax)",
        f"-(labels * ({LOG_SOFTMAX})).sum(axis=axis)",
        options=ALONG,
        reduces=True,
    ),
    Form(
        "linear_xent",
        "control",
        "-(the textbook log_softmax of np.matmul(hidden, weight.T))[labels]",
        "-np.take_along_axis((less := (logits := np.matmul(hidden, weight.T).astype(hidden.dtype))"
        " - logits.max(axis=-1, keepdims=True))"
        " - np.log(np.exp(less).sum(axis=-1, keepdims=True)), labels[:, None], axis=-1)[:, 0]",
        reduces=True,
    ),
    Form(
        "linear_dense_xent",
        "control",
        "-sum(labels * the textbook log_softmax of np.matmul(hidden, weight.T))",
        "-(labels * ((less := (logits := np.matmul(hidden, weight.T).astype(hidden.dtype))"
        " - logits.max(axis=-1, keepdims=True))"
        " - np.log(np.exp(less).sum(axis=-1, keepdims=True)))).sum(axis=-1)",
        reduces=True,
    ),
    Form(
        "sigmoid_xent",
        "control",
        "(1 - labels) * logits - (1 + (pos_weight - 1) * labels) * log_sigmoid",
        f"(1 - labels) * logits - (1 + ({POS_WEIGHT} - 1) * labels) * ({LOG_SIGMOID})",
        options={"pos_weight": 1.0},
    ),
    Form(
        "sparse_prob_xent",
        "control",
        "-np.log(probabilities)[labels]",
        "-np.log(np.take_along_axis(probabilities, labels[:, None], axis=-1)[:, 0])",
    ),
    Form(
        "dense_prob_xent",
        "control",
        "-sum(labels * np.log(probabilities))",
        "-(labels * np.log(probabilities)).sum(axis=-1)",
    ),
    Form(
        "binary_prob_xent",
        "control",
        "-labels * np.log(probabilities) - (1 - labels) * np.log1p(-probabilities)",
    ),
    Form(
        "entropy",
        "control",
        "-sum(probabilities * the textbook log_softmax)",
        f"-(np.exp(logs := {LOG_SOFTMAX}) * logs).sum(axis=axis)",
        options=ALONG,
    ),
    Form("kl_div", "control", "labels * (np.log(labels) - log_probabilities)"),
    Form(
        "bernoulli_entropy",
        "control",
        "np.log1p(e) + np.abs(logits) * e / (1 + e), e = np.exp(-np.abs(logits))",
        "np.log1p(e := np.exp(-np.abs(logits))) + np.abs(logits) * e / (1 + e)",
    ),
    Form(
        "sigmoid_focal_xent",
        "control",
        "(labels * (1 - p) + (1 - labels) * p)**gamma * the textbook loss",
        f"(1 if alpha == 1 else {of('alpha')} * labels + {of('(1 - alpha)')} * (1 - labels)) * "
        f"(labels * np.exp(no := {NEGATED}) + (1 - labels) * np.exp(yes := {LOG_SIGMOID}))**{of('gamma')} "
        "* (-labels * yes - (1 - labels) * no)",
        options=FOCUS,
    ),
    Form(
        "focal_xent",
        "control",
        "-sum(labels * (1 - p)**gamma * the textbook log_softmax)",
        f"-(labels * {of('alpha')} * (-np.expm1(logs := {LAST}))**{of('gamma')} * logs).sum(axis=-1)",
        options=FOCUS,
    ),
    Form(
        "poly_xent",
        "control",
        "sum(labels * (epsilon * (1 - p) - the textbook log_softmax))",
        f"(labels * ({of('epsilon')} * -np.expm1(logs := {LAST}) - logs)).sum(axis=-1)",
        options=TILT,
    ),
    Form(
        "generalized_prob_xent",
        "control",
        "(1 - probabilities[labels]**0.5) / 0.5",
        "(1 - np.take_along_axis(probabilities, labels[:, None], axis=-1)[:, 0]"
        "**(q := probabilities.dtype.type(0.5))) / q",
    ),
)
