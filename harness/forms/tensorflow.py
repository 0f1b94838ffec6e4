"""Compositions of TensorFlow's functions, and calls of them that have no dotted name of their own."""

from harness.forms.form import (
    CANCELS,
    EPSILON,
    NEGATIVE,
    POSITIVE,
    PROBABILITIES,
    SATURATED,
    TILT,
    UNDERFLOW,
    UNSHIFTED,
    Form,
    losses,
    of_logits,
)

PRODUCT = "tf.matmul(hidden, weight, transpose_b=True)"
ONE_HOT = "tf.one_hot(labels, tf.shape(weight)[0], dtype=hidden.dtype)"

STOPPED = "the labels gradient is stopped, its documentation says"

FORMS = (
    Form(  # names the axis as TF 1.4 and older did
        "softmax",
        "fused",
        "tf.compat.v1.nn.softmax(logits, dim=-1)",
        "tf.compat.v1.nn.softmax(logits, dim=axis)",
        options={"axis": -1},
    ),
    Form(
        "softmax",
        "naive",
        "tf.exp(logits) / tf.reduce_sum(tf.exp(logits))",
        "tf.exp(logits) / tf.reduce_sum(tf.exp(logits), axis=-1, keepdims=True)",
        note=UNSHIFTED,
    ),
    Form("log_softmax", "naive", "tf.math.log(tf.nn.softmax(logits))", note=UNDERFLOW),
    Form(
        "logsumexp",
        "naive",
        "tf.math.log(tf.reduce_sum(tf.exp(logits)))",
        "tf.math.log(tf.reduce_sum(tf.exp(logits), axis=-1))",
        note=UNSHIFTED,
    ),
    Form("log_sigmoid", "naive", "tf.math.log(tf.math.sigmoid(logits))", note=UNDERFLOW),
    Form(  # int32 is the other integer that it documents, whatever the labels were before
        "sparse_xent",
        "fused",
        "tf.nn.sparse_softmax_cross_entropy_with_logits(tf.cast(labels, tf.int32), logits)",
        "tf.nn.sparse_softmax_cross_entropy_with_logits(labels=tf.cast(labels, tf.int32), logits=logits)",
        options={"axis": -1, "rank": 2, "label_dtype": "int64"},
        reduces=True,
        last_axis=True,
    ),
    of_logits(
        PRODUCT,
        "tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)",
        "tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)",
        little=False,
    ),
    of_logits(
        PRODUCT,
        "keras.losses.sparse_categorical_crossentropy(labels, logits)",
        "keras.losses.sparse_categorical_crossentropy(labels, logits, from_logits=True)",
        little=False,
    ),
    *(
        of_logits(PRODUCT, f"{loss}(tf.one_hot(labels), logits)", f"{loss}({ONE_HOT}, logits{given})")
        for loss, given in (
            ("tf.nn.softmax_cross_entropy_with_logits", ""),
            ("keras.losses.categorical_crossentropy", ", from_logits=True"),
        )
    ),
    of_logits(
        PRODUCT,
        "tf.nn.softmax_cross_entropy_with_logits(labels, logits)",
        "tf.nn.softmax_cross_entropy_with_logits(labels, logits)",
        little=False,
        soft=True,
    ),
    of_logits(
        PRODUCT,
        "keras.losses.categorical_crossentropy(labels, logits)",
        "keras.losses.categorical_crossentropy(labels, logits, from_logits=True)",
        soft=True,
    ),
    Form(  # names the axis as TF 1.4 and older did
        "dense_xent",
        "fused",
        "tf.compat.v1.nn.softmax_cross_entropy_with_logits(dim=-1)",
        "tf.compat.v1.nn.softmax_cross_entropy_with_logits(labels=labels, logits=logits, dim=axis)",
        options={"axis": -1, "label_dtype": ""},
        reduces=True,
        refuses={"grad_labels": STOPPED},
    ),
    losses(
        "sparse_xent",
        "composed",
        "tf.math.reduce_logsumexp(logits) - logits[label]",
        "tf.math.reduce_logsumexp(logits, axis=-1) - tf.gather(logits, labels, batch_dims=1)",
        note=CANCELS,
    ),
    losses(
        "sparse_xent",
        "composed",
        "-tf.reduce_sum(tf.one_hot(labels) * tf.nn.log_softmax(logits))",
        "-tf.reduce_sum(tf.one_hot(labels, logits.shape[-1], dtype=logits.dtype) * tf.nn.log_softmax(logits), axis=-1)",
    ),
    losses(
        "dense_xent",
        "composed",
        "-tf.reduce_sum(labels * tf.nn.log_softmax(logits))",
        "-tf.reduce_sum(labels * tf.nn.log_softmax(logits), axis=-1)",
    ),
    losses(
        "dense_xent",
        "naive",
        "-tf.reduce_sum(labels * tf.math.log(tf.nn.softmax(logits)))",
        "-tf.reduce_sum(labels * tf.math.log(tf.nn.softmax(logits)), axis=-1)",
        note=UNDERFLOW,
    ),
    losses(
        "dense_xent",
        "naive",
        "-tf.reduce_sum(labels * tf.math.log(tf.nn.softmax(logits) + 1e-7))",
        "-tf.reduce_sum(labels * tf.math.log(tf.nn.softmax(logits) + 1e-7), axis=-1)",
        note=EPSILON,
    ),
    losses(
        "dense_xent",
        "misuse",
        "tf.nn.softmax_cross_entropy_with_logits(tf.nn.softmax(logits))",
        "tf.nn.softmax_cross_entropy_with_logits(labels=labels, logits=tf.nn.softmax(logits))",
        note=PROBABILITIES,
    ),
    losses(
        "dense_xent",
        "misuse",
        "-tf.reduce_sum(labels * tf.math.log(logits))",
        "-tf.reduce_sum(labels * tf.math.log(logits), axis=-1)",
        note=NEGATIVE,
    ),
    Form(
        "sigmoid_xent",
        "naive",
        "-labels * log(sigmoid) - (1 - labels) * log(1 - sigmoid)",
        "-labels * tf.math.log(positive := tf.math.sigmoid(logits)) - (1 - labels) * tf.math.log(1 - positive)",
        note=SATURATED,
    ),
    Form(
        "sigmoid_xent",
        "misuse",
        "-labels * log(sigmoid)",
        "-labels * tf.math.log(tf.math.sigmoid(logits))",
        note=POSITIVE,
    ),
    Form(
        "dense_prob_xent",
        "composed",
        "-tf.reduce_sum(tf.math.xlogy(labels, probabilities))",
        "-tf.reduce_sum(tf.math.xlogy(labels, probabilities), axis=-1)",
    ),
    Form(
        "binary_prob_xent",
        "composed",
        "-tf.math.xlogy(labels, probabilities) - tf.math.xlog1py(1 - labels, -probabilities)",
    ),
    Form(
        "poly_xent",
        "composed",
        "-sum(labels * tf.nn.log_softmax(logits)) + epsilon * sum(labels * (1 - tf.nn.softmax(logits)))",
        "-tf.reduce_sum(labels * tf.nn.log_softmax(logits), axis=-1) "
        "+ epsilon * tf.reduce_sum(labels * (1 - tf.nn.softmax(logits)), axis=-1)",
        options=TILT,
    ),
    Form("entropy", "fused", "tf.compat.v1.distributions.Categorical(logits=logits).entropy()"),
    Form("bernoulli_entropy", "fused", "tf.compat.v1.distributions.Bernoulli(logits=logits).entropy()"),
)
