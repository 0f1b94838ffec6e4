"""The nouns: what is asked, who answers, what came back. Frozen, no behaviour beyond their names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

if TYPE_CHECKING:
    import numpy as np

Array: TypeAlias = "np.ndarray[Any, np.dtype[Any]]"  # a text: who reads the store needs no numpy
Param = bool | int | float | str
Quantity = Literal["value", "grad_logits", "grad_labels", "grad_hidden", "grad_weight", "grad_bias"]
Kind = Literal["fused", "composed", "naive", "misuse", "control"]
BudgetClass = Literal["S", "U", "N", "P", "C", "E"]
BUDGET_CLASSES: tuple[BudgetClass, ...] = ("P", "C", "S", "E", "N", "U")  # tightest first
SourceKind = Literal["family", "sweep", "linear", "options", "published", "corpus", "speed"]
# What a mode makes anew for every function, shape and dtype, the costliest last. nothing: the kernels are there.
# primitives: each primitive is compiled. graph: a graph of kernels that are there. usual: a program, as the framework's
# users always run one. program: one in about a tenth of a second. slowly: one in about a second. export: a model, which
# is written and loaded.
Compiles = Literal["nothing", "primitives", "graph", "usual", "program", "slowly", "export"]
Judgement = Literal["conforms", "known", "deviates", "unjudged"]

QUANTITIES: tuple[Quantity, ...] = get_args(Quantity)
KINDS: Mapping[Kind, str] = {
    "fused": "one public function, asked as its documentation shows; it promises a stable answer and is judged by it",
    "composed": "correct mathematics put together from stable public functions, as people write it",
    "naive": "correct mathematics, unstable in floating point",
    "misuse": "another function than the one meant",
    "control": "the textbook algorithm in numpy, for scale",
}


@dataclass(frozen=True)
class Format:
    """A binary floating-point format: `precision` bits with the hidden one, normal exponents `emin` to `emax`.

    infinite: whether it has infinities; else what would be its largest number is a nan, as is what overflows.
    """

    name: str
    precision: int
    emin: int
    emax: int
    infinite: bool = True

    @property
    def unit(self) -> float:
        """Unit roundoff, 2**-precision."""
        return 2.0**-self.precision


# IEEE 754-2019 table 3.5; bfloat16 as in Intel's "BFLOAT16 - Hardware Numerics Definition", 2018; of 8 bits those of
# Micikevicius et al., "FP8 Formats for Deep Learning", 2022, which jax, torch and TensorFlow share through ml_dtypes.
FORMATS: Mapping[str, Format] = {
    f.name: f
    for f in (
        Format("float16", 11, -14, 15),
        Format("bfloat16", 8, -126, 127),
        Format("float32", 24, -126, 127),
        Format("float64", 53, -1022, 1023),
        Format("float8_e4m3fn", 4, -6, 8, infinite=False),
        Format("float8_e5m2", 3, -14, 15),
    )
}
EIGHTS = ("float8_e4m3fn", "float8_e5m2")  # asked of functions that take them
DTYPES = tuple(name for name in FORMATS if name not in EIGHTS)  # asked everywhere; goldens are certified for each


@dataclass(frozen=True)
class Op:
    """One mathematical function with every choice fixed, such as `sigmoid_xent(pos_weight=3.0)`."""

    name: str
    params: tuple[tuple[str, Param], ...] = ()

    @classmethod
    def of(cls, name: str, **params: Param) -> Op:
        """Make an Op with its params in one canonical order."""
        return cls(name, tuple(sorted(params.items())))

    @property
    def options(self) -> dict[str, Param]:
        """The params as keyword arguments."""
        return dict(self.params)

    def __str__(self) -> str:
        """Print as a call; this text is the id."""
        return self.name + (f"({','.join(f'{k}={v}' for k, v in self.params)})" if self.params else "")


@dataclass(frozen=True)
class Source:
    """Where the inputs of a case come from; its text is the case's `family`.

    kind: `family`, drawn by the function of that name; `sweep`, the same times a size; `linear`, hidden states and a
    weight of so many features as the size says; `options`, drawn for an op with options; `published`, somebody's
    example of that name; `corpus`, the row of a corpus with that digest; `speed`, plain normal logits to be timed, or
    those of so many features.
    """

    kind: SourceKind
    name: str
    size: str = ""

    @classmethod
    def of(cls, family: str) -> Source:
        """Read the text; any other than of these kinds is a plain family's name."""
        beginning, _, rest = family.partition("/")
        match beginning:
            case "published" | "options" | "corpus":
                return cls(beginning, rest)
            case "linear":
                return cls("linear", *rest.split("/", 1))
            case "speed":
                return cls("speed", beginning, rest)
        return cls("sweep", beginning, rest) if rest else cls("family", family)

    def __str__(self) -> str:
        """Print the text that a case's id holds."""
        match self.kind:
            case "published" | "options" | "corpus":
                return f"{self.kind}/{self.name}"
            case "linear":
                return f"{self.kind}/{self.name}/{self.size}"
        return f"{self.name}/{self.size}" if self.size else self.name


_source = lru_cache(maxsize=1024)(Source.of)  # reports ask it of every answer


@dataclass(frozen=True)
class Case:
    """One question. Small and picklable: the inputs are drawn from `family`, `dtype`, the shape and `seed`.

    check: the claim an answer is held to, such as `law.shift`; empty for the plain one, its distance from the truth.
    """

    op: Op
    quantity: Quantity
    family: str
    dtype: str
    rows: int
    classes: int
    seed: int = 0
    check: str = ""

    @property
    def source(self) -> Source:
        """The family, read."""
        return _source(self.family)

    def __str__(self) -> str:
        """Print the stable id."""
        seed = f"-seed{self.seed}" if self.seed else ""
        check = f"{self.check}:" if self.check else ""
        return f"{check}{self.op}-{self.quantity}-{self.family}-{self.dtype}-{self.rows}x{self.classes}{seed}"


@dataclass(frozen=True, eq=False)
class Inputs:
    """The arrays of a case, already rounded to its dtype.

    logits: (rows, classes); of a linear op the hidden states, (rows, features). labels: (rows,) int64 class indices for
    ops that take these, else (rows, classes) in the case's dtype, or None. upstream: the incoming gradient, shaped like
    the op's value. direction: of a directional derivative, shaped like the logits; laws alone ask for those. weight:
    (classes, features), which makes logits of hidden states, and bias: (classes,), or None, which is added to these.
    """

    logits: Array
    labels: Array | None
    upstream: Array
    direction: Array | None = None
    weight: Array | None = None
    bias: Array | None = None

    def like(self, quantity: str) -> Array:
        """Return the array that an answer is shaped like: the value like upstream, a gradient like what it is of."""
        found = {"value": self.upstream, "grad_weight": self.weight, "grad_bias": self.bias}.get(quantity, self.logits)
        assert found is not None
        return found


@dataclass(frozen=True, eq=False)
class Golden:
    """Exact answers as unevaluated sums: (hi + lo) * 2**exponent, each certified to `radius`, relative.

    hi is (hi + lo) rounded to nearest. exponent is None where every value lies well inside float64 (then 0).
    An element with hi == 0 is exactly zero.
    """

    hi: Array
    lo: Array
    exponent: Array | None
    radius: float


@dataclass(frozen=True)
class Implementation:
    """What a user calls: a row of every report. `name` is the dotted public name, or the composition as written."""

    framework: str
    op: str
    name: str
    kind: Kind


@dataclass(frozen=True)
class Target:
    """Who answers: an implementation, run in a mode on a device."""

    implementation: Implementation
    mode: str
    device: str = "cpu"

    def __str__(self) -> str:
        """Print `name@mode`, and the device where it is not the cpu."""
        return f"{self.implementation.name}@{self.mode}" + ("" if self.device == "cpu" else f":{self.device}")


@dataclass(frozen=True, slots=True)  # a store has hundreds of thousands
class Worst:
    """The element furthest from the truth, for a person to look at and to run again."""

    index: tuple[int, ...]  # in the output array
    logits: str  # the row: hex floats apart by blanks, or, where long, how to draw it
    label: str  # class index, or the row of labels in hex; empty where the op has none
    upstream: str  # the row's incoming gradient in hex; empty for values
    exact: str  # decimal, as many digits as are certified, at most 30
    expected: str  # the exact value correctly rounded, hex
    got: str  # what came back, hex (or nan, inf)
    ulp: float


@dataclass(frozen=True, slots=True)  # a store has hundreds of thousands
class Score:
    """How far an answer lies from the truth. Infinite where a finite question got nan."""

    elements: int
    max_ulp: float
    mean_ulp: float
    bias_ulp: float  # mean of the signed error; a systematic lean shows here first
    over_bound: Mapping[BudgetClass, float]  # worst error / bound, one a budget class that applies
    budget_class: BudgetClass | None  # the tightest class met
    verdicts: Mapping[str, int] = field(default_factory=dict)  # elements that are no plain distance: nan, flushed, ...
    worst: Worst | None = None
    bits: str = ""  # digest of the answer's bits (harness/scoring/bits.py); empty where an older program stored it
    swept: str = ""  # of a line of numbers, what harness/scoring/swept.py packs


@dataclass(frozen=True, slots=True)  # a store has hundreds of thousands
class Checked:
    """How an answer stands to a claim: a law, another answer of the same function, or the rule for a special value.

    over: the largest difference over what the claim allows; 0 where all is as claimed, at most 1 where within a derived
    allowance, inf where a rule without an allowance is broken. policy: the answer in a few words where neither
    mathematics nor documentation fixes it; never a deviation by itself.
    """

    elements: int
    over: float
    policy: str = ""
    detail: str = ""  # what was held against what, and where it is furthest off
    worst: Worst | None = None


@dataclass(frozen=True)
class Settled:
    """What a duel found of a timing beside that of an earlier run: both timed in turn, in fresh processes, at once.

    run: the earlier one's uid. times: this timing over the earlier one, with its interval. workers: processes a side.
    """

    run: str
    times: float
    low: float
    high: float
    workers: int


@dataclass(frozen=True)
class Timing:
    """Raw samples; statistics are computed when read. Each sample is the mean of `calls` calls, device waited for."""

    seconds: tuple[float, ...]
    calls: int
    first_call_seconds: float  # compile time included
    workers: int = 1  # processes that the samples are of, equally many of each, one process's behind the other's
    cache: str = ""  # how many buffers took turns, and whether a cache holds them
    cached: bool = False  # a cache holds all of them: memory is no limit then
    copy_bytes_per_second: float | None = None  # of memory, measured in the same run (harness/timing/traffic.py)
    read_bytes_per_second: float | None = None
    dispatch_seconds: float | None = None  # the same target on the smallest op
    overhead_seconds: float | None = None  # the harness's own, in each call
    minor_faults: float | None = None  # page faults a call
    major_faults: float | None = None
    preempted: float | None = None  # share of samples
    peak_bytes: int | None = None  # of memory beyond the inputs, with logits of `peak_logits_bytes`
    peak_logits_bytes: int | None = None
    settled: tuple[Settled, ...] = ()  # at most one an earlier run


@dataclass(frozen=True)
class Unsupported:
    """The framework does not offer this, and says so."""

    reason: str


@dataclass(frozen=True)
class Failed:
    """The framework's call raised, or gave an array of another dtype or shape than the question's."""

    kind: Literal["raised", "dtype", "shape"]
    message: str
    error: str = ""  # the type of what was raised

    @property
    def reason(self) -> str:
        """All of it in one line."""
        return f"{self.error}: {self.message}" if self.error else self.message


@dataclass(frozen=True)
class Crashed:
    """The process died with this question in hand."""

    reason: str


@dataclass(frozen=True)
class TimedOut:
    """No answer within the time allowed; the process was stopped."""

    seconds: float


Outcome = Score | Checked | Timing | Unsupported | Failed | Crashed | TimedOut


@dataclass(frozen=True, slots=True)  # a store has hundreds of thousands
class Result:
    """One line of the store."""

    case: Case
    target: Target
    outcome: Outcome
    judgement: Judgement
    reason: str = ""  # why a deviation is a known one, or what deviates
    environment: str = ""  # key of the environment the answer depends on
    content: str = ""  # SHA-256 of op, quantity and inputs: history follows it through renames


@dataclass(frozen=True)
class NotRun:
    """A framework or device that was asked for and is not there; never a pass."""

    framework: str
    mode: str
    device: str
    reason: str  # ends with what to try


@dataclass(frozen=True)
class Run:
    """One use of the harness: everything stored under one id.

    shards: the parts of a run that is asked in parts, each `i/n` once it is done, and `0/n` since one was begun.
    notes: what its processes said of how it was asked, as what was taken from a cache; no fact that answers depend on.
    """

    uid: str
    started: str  # UTC, ISO 8601
    finished: str | None
    command: str
    preset: str
    host: Mapping[str, str]
    shards: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Recorded:
    """A run with all that was stored of it. environments: facts by key; those that its results name, or more."""

    run: Run
    environments: Mapping[str, Mapping[str, str]]
    not_run: Sequence[NotRun]
    results: Sequence[Result]
