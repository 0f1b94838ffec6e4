"""What is timed: targets as written on the command line, their cases, their accuracy and their cards."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

import ml_dtypes
import numpy as np

from harness.adapters import frameworks
from harness.forms import IMPORTS
from harness.model import DTYPES, QUANTITIES, Case, Implementation, Op, Quantity, Target
from harness.ops import OPS
from harness.running import arguments
from harness.scoring import metrics
from harness.spelling import choice, meant, try_instead
from harness.timing.duel import fairness, pairing
from harness.timing.duel.fairness import Card, Peak
from harness.timing.duel.gateways import Loaded, Refused, Worker, Workers
from harness.timing.duel.order import Order, Preparation
from harness.timing.duel.pairing import Measured
from harness.timing.duel.site import Site
from harness.timing.traffic import Bandwidth
from reference.golden import Audited
from suites.judging import ask
from suites.questions import cases

ROOTS = {root: framework for framework, modules in IMPORTS.items() for root in modules}
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
        spoken = [name for name in (ROOTS.get(root, root) for root in roots) if name in frameworks.names()]
        return list(dict.fromkeys([*spoken, *frameworks.names()]))


@dataclass(frozen=True)
class WantedCase:
    """What `--case` asks for; empty where it says nothing."""

    op: str = ""
    shape: tuple[int, int] = SHAPE
    dtype: str = "float32"
    quantities: tuple[Quantity, ...] = TIMED
    features: int = 0  # of a linear op's hidden states; 0 for as many as a run times

    @classmethod
    def read(cls, text: str) -> WantedCase:
        """Read `op,ROWSxCLASSES,dtype,quantity`, each at will, in any order. Raises ValueError for anything else.

        Of linear ops the shape may be ROWSxFEATURESxCLASSES.
        """
        found = cls()
        for token in filter(None, (piece.strip() for piece in text.split(","))):
            if shape := re.fullmatch(r"(\d+)x(?:([1-9]\d*)x)?(\d+)", token):
                found = replace(found, shape=(int(shape[1]), int(shape[3])), features=int(shape[2] or 0))
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
                    + try_instead(meant(token, (*OPS, *DTYPES, *QUANTITIES)))
                )
        if min(found.shape) < 1:
            raise ValueError(f"shape is {found.shape[0]}x{found.shape[1]}, expected at least 1x1")
        return found

    def cases(self, op: str) -> list[Case]:
        """Return the cases of an op."""
        usual = OPS[op].forward_and_backward
        quantities = usual if self.quantities == TIMED else self.quantities
        source = cases.speed_source(op, self.features)
        return [Case(Op.of(op), quantity, source, self.dtype, *self.shape) for quantity in quantities]


@dataclass(frozen=True)
class Candidate:
    """A target that was found, where it runs, and the first worker there, which is asked all but the time."""

    target: Target
    file: str
    site: Site
    worker: Worker
    environment: dict[str, str]
    surroundings: dict[str, str]
    graph: bool = False  # replay a recording of the calls

    @property
    def framework(self) -> str:
        """The framework's name."""
        return self.target.implementation.framework

    @property
    def where(self) -> tuple[str, str, str]:
        """What the order `environment` takes."""
        return self.framework, self.file, self.target.device

    def order(self, workers: Workers, case: Case, *, alone: bool = False) -> Order:
        """Return the order to prepare a case. alone: with one copy of the arrays, whatever the cache."""
        found = order(workers, case, self.target, self.file)
        return replace(found, outgrow_bytes=0) if alone else replace(found, graph=self.graph)


def order(workers: Workers, case: Case, target: Target, file: str = "") -> Order:
    """Return the order to prepare a case, with as many copies of its arrays as outgrow the cache."""
    arrays = workers.arrays.put(arrays_name(case), lambda: cases.inputs(case))
    return Order(case, target, file, arrays, fairness.cache_bytes(target.device))


def arrays_name(case: Case) -> str:
    """Return the name of a case's arrays, which its quantities share."""
    return f"{case.op.name}-{case.dtype}-{case.rows}x{case.classes}"


def find(worker: Worker, written: Written) -> list[Target]:
    """Return the targets of a name, one an op that it implements. Raises ValueError where there is none."""
    answers = worker.ask("find", written.frameworks, written.file, written.name)
    if not answers:
        where = written.file or "any framework found"
        raise ValueError(f"target is {written.name!r}, expected a name in {where}; try: xentbench list targets")
    modes = answers[0][3]
    if written.mode:
        choice(f"mode of {written.name}", written.mode, modes)
    mode = written.mode or modes[0]
    return [
        Target(Implementation(framework, op, written.name, kind), mode, written.device)
        for framework, op, kind, _ in answers
    ]


def same_op(a: Sequence[Target], b: Sequence[Target], wanted: str) -> tuple[Target, Target]:
    """Choose the op that both answer: the one wanted, else the first. Raises ValueError where there is none."""
    others = {target.implementation.op: target for target in reversed(b)}
    both = {op: (target, others[op]) for target in a if (op := target.implementation.op) in others}
    if wanted:
        both = {op: pair for op, pair in both.items() if op == wanted}
    for op in OPS:
        if op in both:
            return both[op]
    ops = [", ".join(target.implementation.op for target in side) for side in (a, b)]
    raise ValueError(
        f"ops are {ops[0]} and {ops[1]}, expected one of both{f': {wanted}' if wanted else ''}; name others"
    )


def candidate(worker: Worker, site: Site, target: Target, file: str) -> Candidate:
    """Ask a worker what a target runs in. Raises Refused for a device that its framework does not see."""
    environment = worker.ask("environment", target.implementation.framework, file, target.device)
    return Candidate(target, file, site, worker, environment, worker.ask("surroundings"))


@dataclass(frozen=True)
class Accuracy:
    """How far a candidate's answer lies from the truth: on the inputs timed, or on fewer rows of the same kind."""

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


def accuracy(workers: Workers, candidate: Candidate, case: Case, certify: Audited) -> Accuracy:
    """Score an answer that the candidate's own process computed; of large inputs, on fewer rows."""
    scored = replace(case, rows=min(case.rows, max(1, SCORED_ELEMENTS // case.classes)))
    order = candidate.order(workers, scored)
    candidate.worker.upload(order.arrays)
    try:
        name, shape, found = candidate.worker.ask("answer", order.fields)
    except Refused as refusal:
        return Accuracy(str(scored), math.inf, "", str(refusal))
    got = np.frombuffer(found, np.dtype(getattr(ml_dtypes, name, name))).reshape(shape)
    distance = metrics.against(ask.asked(scored, certify).ruler, got)
    return Accuracy(str(scored), distance.max_ulp, distance.budget_class or "")


def smallest(workers: Workers, candidate: Candidate, case: Case) -> Order:
    """Return the order to prepare the smallest case of a kind: its time is that of the way to the kernel and back."""
    rows, classes = SMALLEST
    return candidate.order(workers, replace(case, rows=rows, classes=classes), alone=True)


def dispatch_seconds(loaded: Loaded) -> float:
    """Time a smallest case, and let go of it."""
    blocks = pairing.blocks(loaded.seconds)
    seconds = median(float(np.exp(loaded.block(blocks).log_seconds)) for _ in range(DISPATCH_BLOCKS))
    loaded.unload()
    return seconds


def bandwidth(worker: Worker, framework: str, device: str, threads: int) -> Bandwidth | None:
    """Measure the memory of the machine, or of the device, by as many threads as are timed; None where it fails."""
    try:
        return Bandwidth(**worker.ask("bandwidth", framework, device, threads))
    except Refused:
        return None


def card(
    candidate: Candidate,
    case: Case,
    preparation: Preparation,
    blocks: Iterable[Measured],
    dispatch: float | None,
    memory: Bandwidth | None,
    peak: Peak | None,
) -> Card:
    """Fill in the fairness card."""
    return fairness.card(
        case,
        candidate.target.device,
        environment=candidate.environment,
        surroundings=candidate.surroundings,
        preparation=preparation,
        blocks=blocks,
        dispatch_seconds=dispatch,
        limit=memory,
        peak=peak,
    )
