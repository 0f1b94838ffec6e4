"""How much a run asks: presets, and what each spares a mode that compiles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import get_args

from harness.history import ratio
from harness.model import DTYPES, EIGHTS, FORMATS, Case, Compiles
from harness.ops import APART
from reference.bounds.heights import LONG
from suites.questions.swept.lines import LINES

Shape = tuple[int, int]  # rows, classes


@dataclass(frozen=True)
class Preset:
    """How much to ask. A mode that compiles for every shape can be asked less than one that does not."""

    name: str
    seeds: tuple[int, ...]
    long_dtypes: tuple[str, ...]  # dtypes of the long rows
    sweep_dtypes: tuple[str, ...]  # dtypes of the sweep over magnitudes
    sweep_kinds: tuple[str, ...]  # and kinds that it is asked of
    sparing: Mapping[Compiles, tuple[tuple[str, ...], tuple[str, ...]]]  # (dtypes, kinds) asked of such modes
    short_only: frozenset[Compiles]  # modes that are spared the long rows
    speed_shapes: tuple[Shape, ...]
    speed_ops: tuple[str, ...]  # timed by a run that names no op; none for all
    speed_seconds: float  # of all timed blocks together; at least one round of each is always played
    speed_processes: int  # processes a framework
    option_dtypes: tuple[str, ...]
    layout_dtypes: tuple[str, ...]  # dtypes of options that change no arithmetic
    spared: Mapping[str, frozenset[Compiles]]  # suite or one check -> modes that it leaves out
    speed_all: bool  # time every fused function, not only the first of each op
    checks_every_dtype: bool  # else those that a check names
    linear_more: bool  # the larger shapes of linear ops
    linear_compiled: tuple[str, ...]  # families of linear ops that modes are asked which compile each shape; none: all
    families_of_all: tuple[str, ...] = ()  # asked in other dtypes than float32 too, where not all are
    long_gradients: tuple[str, ...] = DTYPES  # dtypes of the gradients of long rows
    exhaustive: bool = False  # ask every number of float16, too
    corpus: bool = False  # ask the worst rows that ship; a user's own are asked by every preset
    line_dtypes: tuple[str, ...] = ()  # dtypes of which functions of one number are asked every number

    def asks(self, case: Case, compiles: Compiles, kind: str) -> bool:
        """Tell whether a case is asked of a kind of implementation in a mode that compiles so."""
        dtypes, kinds = self.sparing.get(compiles, (tuple(FORMATS), ()))
        kept = not self.linear_compiled or (case.source.name in self.linear_compiled and not case.op.params)
        if case.source.kind == "linear" and compiles in EACH_SHAPE | EXPORTED and not kept:
            return False
        drawn = case.source.kind in {"family", "sweep", "linear"} and not case.check
        if drawn and self.families_of_all and case.dtype != "float32" and case.source.name not in self.families_of_all:
            return False
        if case.source.name in LINES and compiles == "slowly" and kind != "fused":
            return False
        if case.source.kind == "sweep" and self.sweep_kinds and kind not in self.sweep_kinds:
            return False
        if case.dtype in EIGHTS and kind != "fused":
            return False
        if case.op in APART and compiles in self.spared.get("options", ()):
            return False
        if case.dtype not in dtypes or (kinds and kind not in kinds):
            return False
        if case.classes >= LONG and case.quantity != "value" and case.dtype not in self.long_gradients:
            return False
        return not (compiles in self.short_only and case.classes >= LONG)

    def checks(self, suite: str, case: Case, compiles: Compiles) -> bool:
        """Tell whether a check of a suite is asked of a mode that compiles so."""
        spared = self.spared.get(case.check, self.spared.get(suite, ()))
        return compiles not in spared and self.asks(case, compiles, "fused")


EVERY_KIND: tuple[str, ...] = ()
PROMISING = ("fused", "control")  # what promises a stable answer, and the textbook, for scale
SLOW: frozenset[Compiles] = frozenset({"slowly"})
WHOLE: frozenset[Compiles] = frozenset({"graph", "program", "slowly"})  # a function at once, and not always
EACH_SHAPE: frozenset[Compiles] = WHOLE | {"primitives"}
EXPORTED: frozenset[Compiles] = frozenset({"export"})  # is asked options: an exporter may lose one
# Bad class indices, which modes are known to treat differently.
LABEL_CHECKS = ("special.label_too_large", "special.label_negative", "special.label_minus_100")
COMMON = ("float32", "bfloat16")  # what most training runs in
QUICK = Preset(
    "quick",
    seeds=(0,),
    long_dtypes=COMMON,
    sweep_dtypes=("float32",),
    sweep_kinds=PROMISING,
    # A compilation costs 0.1 s (XLA) to 0.8 s (inductor) for every function, shape and dtype; eager jax
    # compiles every primitive. TF's graphs mostly run the kernels that eager TF runs.
    sparing={
        "slowly": (COMMON, ("fused",)),
        "program": (COMMON, ("fused",)),
        "graph": (COMMON, EVERY_KIND),
        "primitives": (("float32",), EVERY_KIND),
        "export": (("float32",), ("fused",)),
    },
    short_only=frozenset({"slowly", "program", "primitives", "export"}),
    speed_shapes=((64, 1000), (512, 8192)),
    speed_ops=("softmax", "sparse_xent"),  # each op is compiled, by every mode that compiles, for minutes
    speed_seconds=60.0,
    speed_processes=2,
    option_dtypes=COMMON,
    layout_dtypes=("float32",),
    # Checks ask in many shapes, each one a compilation.
    spared={
        **dict.fromkeys(("special", "law", "invariance"), EACH_SHAPE | EXPORTED),
        "options": EACH_SHAPE,
        **dict.fromkeys(LABEL_CHECKS, SLOW | {"graph"}),
        **dict.fromkeys(("layouts", "narrow options"), EACH_SHAPE | EXPORTED | {"usual"}),
        "invariance.modes": frozenset(),  # asks nothing that is not compiled for the plain questions
        "invariance.path": frozenset(),  # as above
        "invariance.compiled": SLOW,  # once a function
    },
    speed_all=False,
    checks_every_dtype=False,
    linear_more=False,
    linear_compiled=("hidden_normal",),
)
# For one's own tests: a few seconds. What only other dtypes than float32 get wrong shows in the families named.
SMOKE = replace(
    QUICK,
    name="smoke",
    long_dtypes=("float32",),
    option_dtypes=("float32",),
    long_gradients=("float32",),
    spared={**QUICK.spared, "invariance.checkpointed": frozenset(get_args(Compiles))},  # its import takes a second
    families_of_all=("normal", "offset", "confident", "all_equal", "hidden_normal", "confident_states"),
)
PRESETS: Mapping[str, Preset] = {
    preset.name: preset
    for preset in (
        SMOKE,
        QUICK,
        Preset(
            "standard",
            seeds=(0, 1),
            long_dtypes=DTYPES,
            sweep_dtypes=("float16", "bfloat16", "float32"),
            sweep_kinds=PROMISING,
            sparing={"slowly": (DTYPES, ("fused", "composed"))},
            short_only=SLOW | EXPORTED,
            speed_shapes=((8, 10), (64, 1000), (512, 8192), (4096, 32_768)),
            speed_ops=(),
            speed_seconds=600.0,
            speed_processes=ratio.FEW,  # as many as it takes for two runs to be compared
            option_dtypes=DTYPES,
            layout_dtypes=("float32",),
            spared={
                **dict.fromkeys(("layouts", "law", "invariance"), SLOW | EXPORTED),
                "invariance.modes": frozenset(),
                "invariance.path": frozenset(),
                "invariance.compiled": frozenset(),
            },
            speed_all=True,
            checks_every_dtype=True,
            linear_more=True,
            linear_compiled=(),
            line_dtypes=("float16", "bfloat16"),
            corpus=True,
        ),
        Preset(
            "full",
            seeds=(0, 1, 2, 3),
            long_dtypes=DTYPES,
            sweep_dtypes=DTYPES,
            sweep_kinds=EVERY_KIND,
            sparing={},
            short_only=frozenset(),
            speed_shapes=((8, 10), (64, 1000), (512, 8192), (1024, 100_000), (4096, 32_768)),
            speed_ops=(),
            speed_seconds=1800.0,
            speed_processes=ratio.FEW,
            option_dtypes=DTYPES,
            layout_dtypes=DTYPES,
            spared={},
            speed_all=True,
            checks_every_dtype=True,
            linear_more=True,
            linear_compiled=(),
            exhaustive=True,
            line_dtypes=("float16", "bfloat16"),
            corpus=True,
        ),
    )
}
