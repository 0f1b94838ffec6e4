"""Compositions of scikit-learn's functions."""

from harness.forms.form import losses

CLIPPED = "Probabilities are clipped to [eps, 1 - eps] of their dtype: no loss exceeds 15.9 in float32, none is 0."

FORMS = (
    losses(
        "sparse_xent",
        "naive",
        "sklearn.metrics.log_loss(labels, sklearn.utils.extmath.softmax(logits))",
        "np.array([sklearn.metrics.log_loss([label], row[None], labels=np.arange(len(row))) "
        "for label, row in zip(labels, sklearn.utils.extmath.softmax(logits))], logits.dtype)",
        note=CLIPPED,
    ),
)
