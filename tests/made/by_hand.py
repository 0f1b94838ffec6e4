"""Losses with options by their definitions in mpmath, loss by loss and class by class; nothing of `reference` in it."""

from itertools import product

import mpmath
import numpy as np

DIGITS = 60
STEP = mpmath.mpf(10) ** -20  # central differences are then right to 40 digits


def numbers(array):
    """Return an array of mpmath numbers."""
    flat = [mpmath.mpf(float(x)) for x in np.asarray(array).astype(np.float64).ravel()]
    return np.array([*flat, None], object)[:-1].reshape(np.shape(array))


def pattern(asked, name, index):
    """Return a pattern's number at an index; 1 where the option is not asked."""
    words = str(asked.get(name, 1)).split()
    return mpmath.mpf(float(words[index % len(words)]))


def softplus(x):
    """Return log(1 + e**x)."""
    return mpmath.log1p(mpmath.exp(x))


def rows_of(op, logits):
    """Yield (index without the class axis, the row's logits)."""
    axis = op.options.get("axis", -1) % logits.ndim
    for index in product(*(range(n) for i, n in enumerate(logits.shape) if i != axis)):
        yield index, [logits[(*index[:axis], j, *index[axis:])] for j in range(logits.shape[axis])]


def log_sum(row, kept):
    """Return the logsumexp of the classes that are kept."""
    return mpmath.log(mpmath.fsum(mpmath.exp(x) for x, keep in zip(row, kept, strict=True) if keep))


def value(op, logits, labels):
    """Return an op's value, in the shape a framework gives it."""
    asked = op.options
    axis = asked.get("axis", -1)
    kept = [pattern(asked, "mask", j) != 0 for j in range(logits.shape[axis])]
    if "scale" in asked:
        logits = logits * mpmath.mpf(asked["scale"])
    if "added_mask" in asked:
        words = asked["added_mask"].split()
        kept = [float(words[j % len(words)]) == 0 for j in range(logits.shape[axis])]
    if op.name in {"softmax", "log_softmax"}:
        out = np.empty(logits.shape, object)
        at = axis % logits.ndim
        for index, row in rows_of(op, logits):
            lse = log_sum(row, kept)
            for j, x in enumerate(row):
                answer = (mpmath.exp(x - lse) if op.name == "softmax" else x - lse) if kept[j] else mpmath.mpf(0)
                out[(*index[:at], j, *index[at:])] = answer
        return out
    if op.name == "sigmoid_xent":
        return reduced_elements(asked, logits, labels)
    shape = np.moveaxis(logits, axis, -1).shape[:-1]
    out = np.empty(shape, object)
    for n, (index, given) in enumerate(rows_of(op, logits)):
        cap = asked.get("softcap")
        row = [cap * mpmath.tanh(x / cap) for x in given] if cap else given
        lse = log_sum(row, kept)
        if op.name == "logsumexp":
            factors = [pattern(asked, "term_weight", j) for j in range(len(row))]
            weighed = mpmath.fsum(b * mpmath.exp(x) for b, x in zip(factors, row, strict=True))
            out[index] = mpmath.log(weighed) if "term_weight" in asked else lse
            continue
        negative = [lse - x for x in row]
        label = labels[index] if op.name == "sparse_xent" else np.moveaxis(labels, axis, -1)[index]
        out[index] = pattern(asked, "sample_weight", n) * loss(op, asked, negative, label, kept)
        if op.name == "dense_xent" or int(label) != asked.get("ignore_index"):
            out[index] += asked.get("z_loss", 0) * lse**2
    return reduced(asked, out, labels) if op.name != "logsumexp" else out


def loss(op, asked, negative, label, kept):
    """Return a row's loss from its negative log-probabilities."""
    smooth = mpmath.mpf(asked.get("label_smoothing", 0))
    total = mpmath.mpf(0)
    if op.name == "sparse_xent" and int(label) == asked.get("ignore_index"):
        return total
    for c, nll in enumerate(negative):
        given = mpmath.mpf(int(label) == c) if op.name == "sparse_xent" else label[c]
        share = (1 - smooth) * given + smooth / len(negative)
        if kept[c]:
            total += pattern(asked, "class_weight", c) * share * nll
    return total


def reduced(asked, losses, labels):
    """Reduce the losses of rows."""
    count = losses.size
    samples = [pattern(asked, "sample_weight", n) for n in range(count)]
    reduction = asked.get("reduction", "none")
    if reduction == "none":
        return losses
    total = mpmath.fsum(losses.ravel())
    if reduction in {"mean_valid", "mean_classweight"}:
        valid = [int(k) for k in labels.ravel() if int(k) != asked.get("ignore_index")]
        weights = [pattern(asked, "class_weight", k) for k in valid]
        return np.array(total / (len(valid) if reduction == "mean_valid" else mpmath.fsum(weights)), object)
    below = {
        "sum": 1,
        "mean": count,
        "mean_sampleweight": mpmath.fsum(samples),
        "mean_nonzero": sum(weight != 0 for weight in samples),
    }
    return np.array(total / below[reduction], object)


def reduced_elements(asked, logits, labels):
    """Return the losses of a sigmoid, reduced."""
    smooth = mpmath.mpf(asked.get("label_smoothing", 0))
    out = np.empty(logits.shape, object)
    for n, c in np.ndindex(logits.shape):
        x, z = logits[n, c], (1 - smooth) * labels[n, c] + smooth / 2
        both = pattern(asked, "pos_weight", c) * z * softplus(-x) + (1 - z) * softplus(x)
        out[n, c] = pattern(asked, "class_weight", c) * pattern(asked, "sample_weight", n) * both
    samples = [pattern(asked, "sample_weight", n) for n, _ in np.ndindex(logits.shape)]
    below = {
        "sum": 1,
        "mean": out.size,
        "mean_sampleweight": mpmath.fsum(samples),
        "mean_nonzero": sum(weight != 0 for weight in samples),
    }
    match asked.get("reduction", "none"):
        case "none":
            return out
        case "mean_axis":
            return np.array([mpmath.fsum(row) / len(row) for row in out], object)
        case reduction:
            return np.array(mpmath.fsum(out.ravel()) / below[reduction], object)


def answer(op, quantity, inputs):
    """Return the value, or the gradient by central differences of (incoming gradient) * value."""
    with mpmath.workdps(DIGITS):
        logits = numbers(inputs.logits)
        labels = inputs.labels if inputs.labels is None or op.name == "sparse_xent" else numbers(inputs.labels)
        if quantity == "value":
            return value(op, logits, labels)
        upstream = numbers(inputs.upstream)
        moved = logits if quantity == "grad_logits" else labels

        def total():
            return mpmath.fsum(np.asarray(upstream * value(op, logits, labels), object).ravel())

        gradient = np.empty(moved.shape, object)
        for index in np.ndindex(moved.shape):
            middle = moved[index]
            sides = []
            for step in (STEP, -STEP):
                moved[index] = middle + step
                sides.append(total())
            moved[index] = middle
            gradient[index] = (sides[0] - sides[1]) / (2 * STEP)
        return gradient
