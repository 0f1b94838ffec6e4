"""Names as users write them: what is off is answered with the choices, and with the one that was probably meant."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from typing import Final

ALIKE: Final = 0.6  # of 1, difflib's own measure, from which two spellings are taken for one name
# What other libraries and people call our names; the first one that may be chosen is meant.
ALIASES: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("half", "fp16", "f16"), ("float16",)),
    "bf16": ("bfloat16",),
    **dict.fromkeys(("single", "float", "fp32", "f32"), ("float32",)),
    **dict.fromkeys(("double", "fp64", "f64"), ("float64",)),
    "pytorch": ("torch",),
    **dict.fromkeys(("tf", "keras"), ("tensorflow",)),
    **dict.fromkeys(("jnp", "optax", "flax", "xla"), ("jax", "xla")),
    "np": ("numpy",),
    **dict.fromkeys(("gpu", "nvidia"), ("cuda",)),
    **dict.fromkeys(("compiled", "inductor", "dynamo"), ("compile", "jit", "xla")),
    "jitted": ("jit", "compile", "xla"),
    "graph": ("function", "session"),
    **dict.fromkeys(("cross_entropy", "crossentropy", "ce", "nll", "nll_loss"), ("sparse_xent",)),
    **dict.fromkeys(("softmax_cross_entropy", "soft_xent"), ("dense_xent",)),
    **dict.fromkeys(("bce", "binary_cross_entropy", "sigmoid_cross_entropy"), ("sigmoid_xent",)),
    **dict.fromkeys(("lse", "log_sum_exp"), ("logsumexp",)),
    **dict.fromkeys(("forward", "loss", "output"), ("value",)),
    **dict.fromkeys(("backward", "grad", "gradient"), ("grad_logits",)),
    **dict.fromkeys(("fast", "small"), ("quick",)),
    **dict.fromkeys(("default", "normal", "medium"), ("standard",)),
    **dict.fromkeys(("all", "everything", "large"), ("full",)),
}


def meant(name: str, known: Collection[str]) -> str:
    """Return the known name that another spelling stands for: an alias, or the one most alike; empty where none is."""
    folded = name.strip().casefold()
    for likely in (folded, *ALIASES.get(folded, ())):
        if likely in known:
            return likely
    return next(iter(difflib.get_close_matches(folded, known, n=1, cutoff=ALIKE)), "")


def try_instead(name: str) -> str:
    """Return the end of an error message that offers a name; nothing of none."""
    return f"; did you mean {name}?" if name else ""


def choice(what: str, name: str, known: Collection[str]) -> str:
    """Return a name that is known. Raises ValueError, with the choices, for one that is not."""
    if name not in known:
        raise ValueError(f"{what} is {name!r}, expected one of {', '.join(known)}{try_instead(meant(name, known))}")
    return name


def pieces(text: str) -> tuple[str, ...]:
    """Read a comma-separated list, blanks and a last comma forgiven; `all` is nothing in particular."""
    found = tuple(filter(None, (piece.strip() for piece in text.split(","))))
    return () if found == ("all",) else found


def choices(what: str, text: str, known: Collection[str]) -> tuple[str, ...]:
    """Read a comma-separated list of known names, none for all of them. Raises ValueError for one that is not known."""
    return tuple(choice(what, name, known) for name in pieces(text))


def printable(text: str) -> str:
    """Return a text on one line, every sign of it to be seen: control signs, line breaks and half signs are escaped."""
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode("ascii") for sign in text)
