"""Wrong dense_xent kernels, each with one mistake."""

import torch
from kinds import kind
from parts import backward_by_hand, covered, dense_loss, less_maximum, same, through, wide

from harness.adapters import implements

BUFFERS = {}


@implements("dense_xent", framework="torch")
@kind("wrong denominator")
def dense_xent_labels_normalised(logits, labels):
    """Labels divided by their sum, unasked: nobody sees it while they are distributions."""
    return dense_loss(logits, labels / labels.sum(-1, keepdim=True))


@implements("dense_xent", framework="torch")
@kind("wrong denominator")
def dense_xent_gradient_without_label_sum(logits, labels):
    """p - z for the gradient, whatever the labels add up to."""
    change = torch.softmax(logits.detach(), -1) - labels.detach()
    return backward_by_hand(lambda x: dense_loss(x, labels), logits, lambda upstream: upstream.unsqueeze(-1) * change)


@implements("dense_xent", framework="torch")
@kind("wrong denominator")
def dense_xent_mean_over_classes(logits, labels):
    """The mean over the classes in place of the sum, as an elementwise loss is reduced."""
    return dense_loss(logits, labels) / logits.shape[-1]


@implements("dense_xent", framework="torch")
@kind("rare element")
def dense_xent_one_hot_shortcut(logits, labels):
    """Where all rows are one-hot, a shortcut to the sparse loss, which counts from 1; short rows do not take it."""
    hot = labels.detach()
    one_hot = bool(((hot == 1).sum(-1) == 1).all() and ((hot != 0).sum(-1) == 1).all())
    if not one_hot or logits.shape[-1] < 16:
        return dense_loss(logits, labels)
    return dense_loss(logits, labels.roll(1, -1))


@implements("dense_xent", framework="torch")
@kind("label type")
def dense_xent_labels_in_bfloat16(logits, labels):
    """Labels kept in bfloat16: enough for one-hot ones."""
    return dense_loss(logits, labels + (labels.bfloat16().to(labels.dtype) - labels).detach())


@implements("dense_xent", framework="torch")
@kind("label type")
def dense_xent_labels_made_hard(logits, labels):
    """The largest label taken for the class: right for one-hot ones."""
    hard = torch.nn.functional.one_hot(labels.detach().argmax(-1), labels.shape[-1]).to(labels.dtype)
    return dense_loss(logits, labels + (hard - labels).detach())


@implements("dense_xent", framework="torch")
@kind("epsilon")
def dense_xent_epsilon(logits, labels):
    """-sum(labels * log(p + 1e-7)): Keras's epsilon, copied far beyond Keras."""
    return -(wide(labels) * (torch.softmax(wide(logits), -1) + 1e-7).log()).sum(-1).to(logits.dtype)


@implements("dense_xent", framework="torch")
@kind("clamp")
def dense_xent_clamped_logits(logits, labels):
    """Logits held within +-50 beforehand."""
    return dense_loss(logits.clamp(-50, 50), labels)


@implements("dense_xent", framework="torch")
@kind("in-place change")
def dense_xent_terms_in_labels(logits, labels):
    """The terms formed in the labels' own memory."""
    losses = dense_loss(logits, labels.clone())
    with torch.no_grad():
        labels.detach().mul_(torch.log_softmax(logits.detach(), -1).nan_to_num())
    return losses


@implements("dense_xent", framework="torch")
@kind("all zeros")
def dense_xent_no_label_gradient(logits, labels):
    """No gradient for the labels: teachers that are trained too learn nothing."""
    return dense_loss(logits, through(labels, torch.zeros_like))


@implements("dense_xent", framework="torch")
@kind("stale gradient")
def dense_xent_gradient_kept(logits, labels):
    """The gradient kept with the logits it belongs to: another incoming gradient is answered with the last one's."""

    def last(gradient):
        known, kept = BUFFERS.get("gradient", (None, None))
        if not same(known, logits):
            kept = gradient.clone()
            BUFFERS["gradient"] = (logits.detach().clone(), kept)
        return kept

    return dense_loss(through(logits, last), labels)


@implements("dense_xent", framework="torch")
@kind("accumulation type")
def dense_xent_terms_in_float16(logits, labels):
    """Terms rounded to float16 before they are added."""
    x = less_maximum(wide(logits))
    terms = wide(labels) * (x.exp().sum(-1, keepdim=True).log() - x)
    return terms.half().float().sum(-1).to(logits.dtype)


@implements("dense_xent", framework="torch")
@kind("vector tail")
def dense_xent_tail_not_summed(logits, labels):
    """A vector loop over the classes that leaves the last n mod 16 terms out of the loss."""
    x, n = logits, logits.shape[-1]
    kept = torch.arange(n, device=x.device) < covered(n, 16)
    return dense_loss(x, labels * kept)


@implements("dense_xent", framework="torch")
@kind("derivative")
def dense_xent_half_the_mixed_derivative(logits, labels):
    """Either gradient is right; that of the logits takes half of the labels for constants."""
    kept = labels.detach()
    return dense_loss(logits, 0.5 * (labels + kept)) + dense_loss(logits.detach(), 0.5 * (labels - kept))
