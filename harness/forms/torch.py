"""Compositions of torch's functions."""

from harness.forms.form import (
    CANCELS,
    EPSILON,
    FOCUS,
    NEGATIVE,
    POSITIVE,
    PROBABILITIES,
    PRODUCTS,
    ROUNDED,
    SATURATED,
    TILT,
    UNDERFLOW,
    UNSHIFTED,
    Form,
    losses,
)

# A policy, method or format that is named is asked in what it is named for, and of no check; by options of a call.
ACCURATE = ("confident_states", "hidden_mixed_scale", "hidden_normal", "reduction", "bias")
CHUNKS = {
    "": (),
    "batch_chunk_size=3": (),
    "batch_chunk_size=3, acc_policy='accurate'": ACCURATE,
    "chunking_method='aspect_ratio'": ("confident_states", "hidden_mixed_scale", "reduction"),
    "batch_chunk_size=3, acc_dtype=torch.float32": ("confident_states", "hidden_mixed_scale", "reduction"),
    "batch_chunk_size=3, acc_policy='balanced', acc_dtype=torch.float32": ("confident_states", "hidden_mixed_scale"),
}
FORMS = (
    Form(
        "softmax",
        "naive",
        "torch.exp(logits) / torch.exp(logits).sum()",
        "(exponentials := torch.exp(logits)) / exponentials.sum(dim=-1, keepdim=True)",
        note=UNSHIFTED,
    ),
    Form(
        "log_softmax",
        "composed",
        "logits - torch.logsumexp(logits)",
        "logits - torch.logsumexp(logits, dim=-1, keepdim=True)",
    ),
    Form(
        "log_softmax",
        "naive",
        "torch.log(torch.softmax(logits))",
        "torch.log(torch.softmax(logits, dim=-1))",
        note=UNDERFLOW,
    ),
    Form(
        "logsumexp",
        "naive",
        "torch.log(torch.exp(logits).sum())",
        "torch.log(torch.exp(logits).sum(dim=-1))",
        note=UNSHIFTED,
    ),
    Form("sigmoid", "naive", "1 / (1 + torch.exp(-logits))"),
    Form("log_sigmoid", "composed", "-torch.nn.functional.softplus(-logits)"),
    Form("log_sigmoid", "naive", "torch.log(torch.sigmoid(logits))", note=UNDERFLOW),
    Form(
        "sparse_xent",
        "composed",
        "torch.nn.functional.nll_loss(torch.log_softmax(logits), labels)",
        "torch.nn.functional.nll_loss(torch.log_softmax(logits, dim=-1), labels, reduction=reduction)",
        options={"reduction": "none"},
    ),
    losses(
        "sparse_xent",
        "composed",
        "torch.logsumexp(logits) - logits[labels]",
        "torch.logsumexp(logits, dim=-1) - logits.gather(-1, labels[:, None])[:, 0]",
        note=CANCELS,
    ),
    losses(
        "sparse_xent",
        "naive",
        "-torch.log(torch.softmax(logits))[labels]",
        "-torch.log(torch.softmax(logits, dim=-1)).gather(-1, labels[:, None])[:, 0]",
        note=UNDERFLOW,
    ),
    # Fused: one call of a public function, whose documentation shows the option.
    *(
        Form(
            "linear_xent",
            "fused",
            f"torch.nn.functional.linear_cross_entropy(options=torch.nn.LinearCrossEntropyOptions({chosen}))",
            "torch.nn.functional.linear_cross_entropy(hidden, weight, labels, linear_bias=bias, reduction=reduction, "
            f"options=torch.nn.LinearCrossEntropyOptions({chosen}))",
            options={"reduction": "none"},
            needs=f"torch.nn.LinearCrossEntropyOptions({chosen})",
            only=only,
            dtypes=("float16", "bfloat16", "float32") if "float32" in chosen else (),
        )
        # Chunks of 3 rows, of which no shape is a multiple; a policy that is named leaves acc_dtype at the inputs' own.
        # acc_dtype is that, or float32 of 16 bits; a method that is named says how many rows a chunk has, 4 of 8 here.
        for chosen, only in CHUNKS.items()
    ),
    Form(
        "linear_xent",
        "composed",
        "torch.nn.functional.cross_entropy(torch.nn.functional.linear(hidden, weight), labels)",
        "torch.nn.functional.cross_entropy(torch.nn.functional.linear(hidden, weight, bias), labels, "
        "reduction=reduction)",
        options={"reduction": "none"},
    ),
    *(
        Form(
            "linear_xent",
            "composed",
            shown.format("torch.nn.functional.linear(hidden, weight)"),
            text.format("torch.nn.functional.linear(hidden, weight, bias)"),
            options={"reduction": "none"},
            only=PRODUCTS,
        )
        for shown, text in (
            (
                "torch.nn.functional.nll_loss(torch.log_softmax({}), labels)",
                "torch.nn.functional.nll_loss(torch.log_softmax({}, dim=-1), labels, reduction=reduction)",
            ),
            (
                "torch.nn.functional.cross_entropy({}, torch.eye(classes)[labels])",
                "torch.nn.functional.cross_entropy({}, torch.eye(len(weight)).to(hidden)[labels], reduction=reduction)",
            ),
        )
    ),
    losses(
        "linear_xent",
        "composed",
        "torch.logsumexp(torch.matmul(hidden, weight.T)) - torch.matmul(hidden, weight.T)[labels]",
        "torch.logsumexp(logits := torch.matmul(hidden, weight.T), dim=-1) - logits.gather(-1, labels[:, None])[:, 0]",
        note=CANCELS,
    ),
    Form(
        "linear_dense_xent",
        "composed",
        "torch.nn.functional.cross_entropy(torch.nn.functional.linear(hidden, weight), labels)",
        "torch.nn.functional.cross_entropy(torch.nn.functional.linear(hidden, weight, bias), labels, "
        "reduction=reduction)",
        options={"reduction": "none"},
    ),
    losses(
        "dense_xent",
        "composed",
        "-sum(labels * torch.log_softmax(logits))",
        "-(labels * torch.log_softmax(logits, dim=-1)).sum(dim=-1)",
    ),
    losses(
        "dense_xent",
        "naive",
        "-sum(labels * torch.log(torch.softmax(logits)))",
        "-(labels * torch.log(torch.softmax(logits, dim=-1))).sum(dim=-1)",
        note=UNDERFLOW,
    ),
    losses(
        "dense_xent",
        "naive",
        "-sum(labels * torch.log(torch.softmax(logits) + 1e-7))",
        "-(labels * torch.log(torch.softmax(logits, dim=-1) + 1e-7)).sum(dim=-1)",
        note=EPSILON,
    ),
    *(
        Form(
            op,
            "misuse",
            "torch.nn.functional.cross_entropy(torch.softmax(logits), labels)",
            "torch.nn.functional.cross_entropy(torch.softmax(logits, dim=-1), labels, reduction=reduction)",
            note=PROBABILITIES,
            options={"reduction": "none"},
        )
        for op in ("dense_xent", "sparse_xent")
    ),
    losses(
        "dense_xent",
        "misuse",
        "-sum(labels * torch.log(logits))",
        "-(labels * torch.log(logits)).sum(dim=-1)",
        note=NEGATIVE,
    ),
    Form(
        "sigmoid_xent",
        "composed",
        "-labels * logsigmoid(logits) - (1 - labels) * logsigmoid(-logits)",
        "-labels * torch.nn.functional.logsigmoid(logits) - (1 - labels) * torch.nn.functional.logsigmoid(-logits)",
    ),
    # Naive and not composed: the clamp is documented, the loss of the logit is the composition's.
    Form(
        "sigmoid_xent",
        "naive",
        "torch.nn.functional.binary_cross_entropy(torch.sigmoid(logits), labels)",
        'torch.nn.functional.binary_cross_entropy(torch.sigmoid(logits), labels, reduction="none")',
        note="Once the sigmoid has rounded to 1 (logits above 17 in float32), torch clamps log(1 - 1) to -100.",
    ),
    Form(
        "sigmoid_xent",
        "naive",
        "-labels * torch.log(torch.sigmoid(logits)) - (1 - labels) * torch.log(1 - torch.sigmoid(logits))",
        "-labels * torch.log(positive := torch.sigmoid(logits)) - (1 - labels) * torch.log(1 - positive)",
        note=SATURATED,
    ),
    Form("sigmoid_xent", "misuse", "-labels * torch.log(torch.sigmoid(logits))", note=POSITIVE),
    Form(
        "sparse_prob_xent",
        "composed",
        "torch.nn.functional.nll_loss(torch.log(probabilities), labels)",
        'torch.nn.functional.nll_loss(torch.log(probabilities), labels, reduction="none")',
    ),
    Form(
        "dense_prob_xent",
        "composed",
        "-sum(labels * torch.log(probabilities))",
        "-(labels * torch.log(probabilities)).sum(dim=-1)",
    ),
    Form(
        "dense_prob_xent",
        "composed",
        "-torch.special.xlogy(labels, probabilities).sum()",
        "-torch.special.xlogy(labels, probabilities).sum(dim=-1)",
    ),
    Form(
        "binary_prob_xent",
        "naive",
        "-labels * torch.log(probabilities) - (1 - labels) * torch.log(1 - probabilities)",
        note=ROUNDED,
    ),
    losses(
        "sparse_xent",
        "composed",
        "-torch.distributions.Categorical(logits=logits).log_prob(labels)",
        note="Takes logsumexp from the logits before it picks one: a common offset costs digits.",
    ),
    losses(
        "sigmoid_xent",
        "composed",
        "-torch.distributions.Bernoulli(logits=logits, validate_args=False).log_prob(labels)",
    ),
    Form("entropy", "fused", "torch.distributions.Categorical(logits=logits).entropy()"),
    Form(
        "entropy",
        "composed",
        "torch.special.entr(torch.softmax(logits)).sum()",
        "torch.special.entr(torch.softmax(logits, dim=-1)).sum(dim=-1)",
    ),
    Form(
        "kl_div",
        "composed",
        "torch.special.xlogy(labels, labels) - labels * log_probabilities",
    ),
    Form(
        "focal_xent",
        "composed",
        "-sum(labels * (1 - torch.softmax(logits))**gamma * torch.log_softmax(logits))",
        "-(labels * alpha * (1 - torch.softmax(logits, dim=-1))**gamma "
        "* torch.log_softmax(logits, dim=-1)).sum(dim=-1)",
        options=FOCUS,
    ),
    Form(
        "poly_xent",
        "composed",
        "-sum(labels * torch.log_softmax(logits)) + epsilon * sum(labels * (1 - torch.softmax(logits)))",
        "-(labels * torch.log_softmax(logits, dim=-1)).sum(dim=-1) "
        "+ epsilon * (labels * (1 - torch.softmax(logits, dim=-1))).sum(dim=-1)",
        options=TILT,
    ),
    Form(
        "sigmoid_focal_xent",
        "composed",
        "(1 - p_t)**gamma * torch.nn.functional.binary_cross_entropy_with_logits(logits, labels)",
        "(1 - (p := torch.sigmoid(logits)) * labels - (1 - p) * (1 - labels))**gamma "
        "* (1 if alpha == 1 else alpha * labels + (1 - alpha) * (1 - labels)) "
        '* torch.nn.functional.binary_cross_entropy_with_logits(logits, labels, reduction="none")',
        note=ROUNDED,
        options=FOCUS,
    ),
    Form(
        "bernoulli_entropy",
        "fused",
        "torch.distributions.Bernoulli(logits=logits).entropy()",
    ),
    Form(
        "bernoulli_entropy",
        "composed",
        "torch.sigmoid(logits) * softplus(-logits) + torch.sigmoid(-logits) * softplus(logits)",
        "torch.sigmoid(logits) * torch.nn.functional.softplus(-logits) "
        "+ torch.sigmoid(-logits) * torch.nn.functional.softplus(logits)",
    ),
    Form(  # weights of ones and zeros make logits of inputs, and products with them round nothing
        "adaptive_xent",
        "fused",
        "torch.nn.AdaptiveLogSoftmaxWithLoss",
        "-torch.func.functional_call("
        "torch.nn.AdaptiveLogSoftmaxWithLoss(n := logits.shape[-1], n, [n // 2], div_value=1.0), "
        '{"head.weight": torch.cat([(one := torch.eye(n).to(logits))[: n // 2], 0 * one[:1]]), '
        '"tail.0.0.weight": one, "tail.0.1.weight": one[n // 2 :]}, (logits, labels)).output',
    ),
)
