"""What users ask of a distribution of logits: its log_prob, whose negative is a cross-entropy, and its entropy."""

from harness.forms.form import Form


def forms(distributions: str) -> tuple[Form, ...]:
    """Return the questions to the Categorical and the Bernoulli of a module, made of logits; soft labels are taken."""
    categorical, bernoulli = (f"{distributions}.{name}(logits=logits)" for name in ("Categorical", "Bernoulli"))
    return (
        Form("sparse_xent", "fused", f"-{categorical}.log_prob(labels)"),
        Form("sigmoid_xent", "fused", f"-{bernoulli}.log_prob(labels)"),
        Form("entropy", "fused", f"{categorical}.entropy()"),
        Form("bernoulli_entropy", "fused", f"{bernoulli}.entropy()"),
    )
