"""Who is timed, on what: targets as written on the command line, their cases, their accuracy and their cards."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

import ml_dtypes
import numpy as np

from harness import adapters
from harness.model import DTYPES, QUANTITIES, Case, Implementation, Op, Quantity, Target
from harness.ops import OPS
from harness.running import arguments
from harness.scoring import metrics
from harness.timing.duel import fairness, pairing
from harness.timing.duel.fairness import Card, Peak
from harness.timing.duel.gateways import Place, Question, Refused, Seat, Staff, Worker
from harness.timing.duel.pairing import Measured
from harness.timing.traffic import Limit
from reference.golden import Audited
from suites.judging import ask
from suites.questions import cases

ROOTS = {"tf": "tensorflow", "keras": "tensorflow", "jnp": "jax", "optax": "jax", "np": "numpy"}
SHAPE = (64, 1000)
TIMED: tuple[Quantity, ...] = ("value", "grad_logits")
SMALLEST = (1, 2)  # rows, classes of what shows the dispatch alone
SCORED_ELEMENTS = 1 << 16  # of the inputs whose answers are scored; more would take longer than the duel
DISPATCH_BLOCKS = 7


def device_of(text: str) -> str:
    """Read a device; `cuda` is the first. Raises ValueError for what no framework would know."""
    return {"": "cpu", "cuda": "cuda:0"}.get(text, arguments.device(text))


@dataclass(frozen=True)
class Written:
    """A target as written: `NAME@MODE[:DEVICE]`, or `FILE.py::FUNCTION@MODE`; no mode is the plainest."""

    name: str
    mode: str
    device: str
    file: str

    @classmethod
    def read(cls, text: str, device: str) -> Written:
        """Read a target; `device` is where it runs unless it says so. Raises ValueError for no device and no file."""
        named, _, behind = text.rpartition("@") if "@" in text else (text, "", "")
        mode, _, own = behind.partition(":")
        file, _, function = named.rpartition("::")
        if file and not Path(file).is_file():
            raise ValueError(f"target is {text!r}, expected a Python file before `::`; check the path {file}")
        where = device_of(own or device)
        return cls(function or named, mode, where, str(Path(file).resolve()) if file else "")

    @property
    def frameworks(self) -> list[str]:
        """Frameworks to look in, those that the name speaks of first, so that no other is imported for nothing."""
        roots = re.findall(r"\b([a-z]+)\.", self.name)
        spoken = [name for name in (ROOTS.get(root, root) for root in roots) if name in adapters.names()]
        return list(dict.fromkeys([*spoken, *adapters.names()]))


@dataclass(frozen=True)
class Asked:
    """What `--case` asks for; empty where it says nothing."""

    op: str = ""
    shape: tuple[int, int] = SHAPE
    dtype: str = "float32"
    quantities: tuple[Quantity, ...] = TIMED

    @classmethod
    def read(cls, text: str) -> Asked:
        """Read `op,ROWSxCLASSES,dtype,quantity`, each at will, in any order. Raises ValueError for anything else."""
        found = cls()
        for token in filter(None, (piece.strip() for piece in text.split(","))):
            if shape := re.fullmatch(r"(\d+)x(\d+)", token):
                found = replace(found, shape=(int(shape[1]), int(shape[2])))
            elif token in DTYPES:
                found = replace(found, dtype=token)
            elif token in QUANTITIES:
                before = () if found.quantities == TIMED else found.quantities
                found = replace(found, quantities=(*before, token))
            elif token in OPS:
                found = replace(found, op=token)
            else:
                raise ValueError(
                    f"--case holds {token!r}, expected an op ({', '.join(OPS)}), ROWSxCLASSES, "
                    f"a dtype ({', '.join(DTYPES)}) or a quantity ({', '.join(QUANTITIES)})"
                )
        if min(found.shape) < 1:
            raise ValueError(f"shape is {found.shape[0]}x{found.shape[1]}, expected at least 1x1")
        return found

    def cases(self, op: str) -> list[Case]:
        """Return the cases of an op."""
        return [Case(Op.of(op), quantity, cases.SPEED, self.dtype, *self.shape) for quantity in self.quantities]


@dataclass(frozen=True)
class Contestant:
    """A target that was found, the place it runs in, and the clerk: a worker that is asked all but the time."""

    target: Target
    file: str
    place: Place
    clerk: Worker
    environment: dict[str, str]
    surroundings: dict[str, str]
    graph: bool = False  # replay what the device was told once

    @property
    def orders(self) -> tuple[str, str, str]:
        """What the order `environment` takes."""
        return self.target.implementation.framework, self.file, self.target.device

    def question(self, staff: Staff, case: Case, *, alone: bool = False) -> Question:
        """Return what a worker is told of a case. alone: with one copy of the arrays, whatever the cache."""
        outgrow = 0 if alone else fairness.cache_bytes(self.target.device)
        arrays = staff.deposit.put(drawn(case), lambda: cases.inputs(case))
        return Question(case, self.target, self.file, arrays, outgrow, self.graph and not alone)


def drawn(case: Case) -> str:
    """Return the name of a case's arrays, which its quantities share."""
    return f"{case.op.name}-{case.dtype}-{case.rows}x{case.classes}"


def find(clerk: Worker, written: Written) -> list[Target]:
    """Return the targets of a name, one an op that it implements. Raises ValueError where there is none."""
    told = clerk.ask("find", written.frameworks, written.file, written.name)
    if not told:
        where = written.file or "any framework found"
        raise ValueError(f"target is {written.name!r}, expected a name in {where}; try: xentbench list targets")
    modes = told[0][3]
    if written.mode and written.mode not in modes:
        raise ValueError(f"mode of {written.name} is {written.mode!r}, expected one of {', '.join(modes)}")
    mode = written.mode or modes[0]
    return [
        Target(Implementation(framework, op, written.name, kind), mode, written.device)
        for framework, op, kind, _ in told
    ]


def same_op(a: Sequence[Target], b: Sequence[Target], wanted: str) -> tuple[Target, Target]:
    """Choose the op that both answer: the one wanted, else the first. Raises ValueError where there is none."""
    both = {
        of.implementation.op: (of, other) for of in a for other in b if of.implementation.op == other.implementation.op
    }
    if wanted:
        both = {op: pair for op, pair in both.items() if op == wanted}
    for op in OPS:
        if op in both:
            return both[op]
    ops = [", ".join(target.implementation.op for target in side) for side in (a, b)]
    raise ValueError(
        f"ops are {ops[0]} and {ops[1]}, expected one of both{f': {wanted}' if wanted else ''}; name others"
    )


def enter(clerk: Worker, place: Place, target: Target, file: str) -> Contestant:
    """Ask a clerk what a target runs in. Raises Refused for a device that its framework does not see."""
    environment = clerk.ask("environment", target.implementation.framework, file, target.device)
    return Contestant(target, file, place, clerk, environment, clerk.ask("surroundings"))


@dataclass(frozen=True)
class Accuracy:
    """How far a contestant's answer lies from the truth: on the inputs timed, or on fewer rows of the same kind."""

    case: str
    max_ulp: float
    budget_class: str
    refused: str = ""

    @property
    def words(self) -> str:
        """Accuracy in a few words."""
        if self.refused:
            return f"no answer: {self.refused}"
        return f"max {self.max_ulp:.3g} ulp, {f'class {self.budget_class}' if self.budget_class else 'no class'}"


def accuracy(staff: Staff, contestant: Contestant, case: Case, certify: Audited) -> Accuracy:
    """Score an answer that the contestant's own process computed; of large inputs, on fewer rows."""
    scored = replace(case, rows=min(case.rows, max(1, SCORED_ELEMENTS // case.classes)))
    question = contestant.question(staff, scored)
    staff.deposit.send(contestant.clerk, question.arrays)
    try:
        name, shape, found = contestant.clerk.ask("answer", question.told)
    except Refused as refusal:
        return Accuracy(str(scored), math.inf, "", str(refusal))
    got = np.frombuffer(found, np.dtype(getattr(ml_dtypes, name, name))).reshape(shape)
    asked = ask.asked(scored, certify)
    if (name, got.shape) != (case.dtype, asked.golden.hi.shape):
        wrong = f"answer is {name} {got.shape}, expected {case.dtype} {asked.golden.hi.shape}"
        return Accuracy(str(scored), math.inf, "", wrong)
    distance = metrics.against(asked.ruler, got)
    return Accuracy(str(scored), distance.max_ulp, distance.budget_class or "")


def smallest(staff: Staff, contestant: Contestant, case: Case) -> Question:
    """Return the smallest question of a case's kind: its time is that of the way to the kernel and back."""
    rows, classes = SMALLEST
    return contestant.question(staff, replace(case, rows=rows, classes=classes), alone=True)


def dispatch_seconds(seat: Seat) -> float:
    """Time a smallest question, and let go of it."""
    blocks = pairing.blocks(seat.seconds)
    found = median(float(np.exp(seat.block(blocks).log_seconds)) for _ in range(DISPATCH_BLOCKS))
    seat.leave()
    return found


def limit(worker: Worker, framework: str, device: str, threads: int) -> Limit | None:
    """Measure the memory of the machine, or of the device, by as many threads as are timed; None where it fails."""
    try:
        return Limit(**worker.ask("limit", framework, device, threads))
    except Refused:
        return None


def card(
    contestant: Contestant,
    case: Case,
    held: Mapping[str, Any],
    blocks: Iterable[Measured],
    dispatch: float | None,
    memory: Limit | None,
    peak: Peak | None,
) -> Card:
    """Fill in the fairness card."""
    return fairness.card(
        case,
        contestant.target.device,
        environment=contestant.environment,
        surroundings=contestant.surroundings,
        held=held,
        blocks=blocks,
        dispatch_seconds=dispatch,
        limit=memory,
        peak=peak,
    )
