"""One composition as a row of data, and the words for what goes wrong in many of them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from harness.model import Kind, Param
from harness.ops import OPS

UNSHIFTED = "Overflows where a logit passes the logarithm of the largest float."
UNDERFLOW = "-inf where the probability underflows."
SATURATED = "0 * -inf where the sigmoid is 0 or 1."
CANCELS = "Loses digits where the label's logit is far above the loss."
EPSILON = "1e-7 is keras.config.epsilon(), copied far beyond Keras: it caps the loss at 16.1, its gradient at nothing."
PROBABILITIES = "Hands probabilities to a function that takes logits."
NEGATIVE = "Takes logits for probabilities: nan where one is negative."
FOCUS: Mapping[str, Param] = {"gamma": 2.0, "alpha": 1.0}  # options of a focal loss, and of a poly loss
TILT: Mapping[str, Param] = {"epsilon": 2.0}
ROUNDED = "1 - p is rounded before its logarithm is taken: of a small p, all of it is lost."
POSITIVE = "Forgets that a label of 0 has a loss too."
# Of a linear op, what a form is asked in whose loss is asked of logits too: where the product tells.
PRODUCTS = ("hidden_normal", "common_direction", "cancelling_products")


@dataclass(frozen=True)
class Form:
    """One composition of an op, in its framework's words; of logits (rows, classes) where it names no axis."""

    op: str
    kind: Kind
    name: str  # as reports show it: it leaves axes out, as people do in a sentence
    full: str = (
        ""  # Python over what the op takes, the framework's modules and the options; empty where the name is that
    )
    note: str = ""  # what goes wrong
    options: Mapping[str, Param] = field(default_factory=dict)  # with defaults; one not in the text changes nothing
    reduces: bool = False  # sum and mean are taken behind the losses, as users do
    last_axis: bool = False  # of the options, `axis` may be the last alone
    refuses: Mapping[str, str] = field(default_factory=dict)  # quantities that the framework says it does not give
    needs: str = ""  # a dotted name that not every release of the framework has, or a call that not every one takes
    only: Sequence[str] = ()  # families and options that it is asked in; empty: in all, and in every check
    dtypes: Sequence[str] = ()  # that it takes, where its documentation leaves some out; empty: all

    @property
    def expression(self) -> str:
        """The call in full."""
        return self.full or self.name

    @property
    def arguments(self) -> str:
        """The arrays that it takes, as a parameter list."""
        return ", ".join((*OPS[self.op].arrays, *(("bias=None",) if self.biased else ())))

    @property
    def biased(self) -> bool:
        """Whether it takes a bias."""
        return re.search(r"\bbias\b", self.expression) is not None

    @property
    def builder(self) -> str:
        """Python text of the function's builder: it takes the options alone, so that one too many is refused at once.

        Beside the modules it needs `reduced(losses, reduction)` and `last_axis(axis, rank)`.
        """
        options = {**self.options, **({"reduction": "none"} if self.reduces else {})}
        options |= {"bias": False} if self.biased else {}
        head = ", ".join(["*"][: len(options)] + [f"{name}={default!r}" for name, default in options.items()])
        function = f"lambda {self.arguments}: {self.expression}"
        body = f"reduced({function}, reduction)" if self.reduces else f"({function})"
        return f"lambda {head}: {'last_axis(axis, rank) or ' if self.last_axis else ''}{body}"


def losses(op: str, kind: Kind, name: str, full: str = "", note: str = "", only: Sequence[str] = ()) -> Form:
    """Return the form of a loss a row, whose users sum or average themselves."""
    return Form(op, kind, name, full, note, reduces=True, only=only)


def of_logits(product: str, name: str, full: str = "", *, little: bool = True, soft: bool = False) -> Form:
    """Return a framework's loss of hidden states times a weight, with or without a bias.

    name, full: the loss of `logits`, as shown and in full; product: what makes these of `hidden` and `weight`, in
    whose place they stand. little: asked where the product tells, as its loss is asked of logits. soft: of labels that
    are probabilities.
    """
    biased = f"{product} if bias is None else {product} + bias"
    shown, in_full = (
        re.sub(r"\blogits\b", made, text) for text, made in ((name, product), (full or name, f"({biased})"))
    )
    op = "linear_dense_xent" if soft else "linear_xent"
    return losses(op, "composed", shown, in_full, only=PRODUCTS if little else ())
