"""Who is asked what: the questions of one process, in order, after all filters."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Self

from harness.adapters import frameworks
from harness.adapters.adapter import Adapter
from harness.model import DTYPES, EIGHTS, FORMATS, Case, NotRun, Target
from harness.ops import APART, OPS
from harness.options import OPTIONS, RARE, SHOWN
from harness.running import arguments, host
from harness.spelling import choice, choices, pieces
from suites.questions import cases, families, linear, options, presets
from suites.questions.presets import Preset

# What a user writes of all this, by the name of the option, here and of pytest.
WRITTEN = ("preset", "on", "op", "dtype", "device", "shard", "family")

# What inputs come from: a family, or what other people published.
FAMILIES = (*families.FAMILIES, *linear.FAMILIES, "published", "corpus")

Item = tuple[Adapter, Case, Target]


@dataclass(frozen=True)
class Wanted:
    """What a user asked for. Empty tuples mean all."""

    preset: Preset
    pairs: tuple[tuple[str, str], ...] = ()  # (framework, mode); mode "" means all of that framework
    ops: tuple[str, ...] = ()
    dtypes: tuple[str, ...] = ()
    device: str = ""  # cpu, cuda (every one), cuda:1; "" means every device found
    shard: tuple[int, int] = (1, 1)  # the first of one part
    families: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        *,
        preset: str = "quick",
        on: str = "",
        op: str = "",
        dtype: str = "",
        device: str = "",
        shard: str = "",
        family: str = "",
    ) -> Self:
        """Read what a user wrote. Raises ValueError, with the choices, for what is off."""
        chosen = presets.PRESETS[choice("--preset", preset, presets.PRESETS)]
        return cls(
            # A dtype that is named is asked all.
            replace(chosen, families_of_all=(), long_gradients=DTYPES) if pieces(dtype) else chosen,
            arguments.pairs(on),
            choices("--op", op, tuple(OPS)),
            choices("--dtype", dtype, tuple(FORMATS)),
            arguments.device(device),
            arguments.shard(shard),
            choices("--family", family, FAMILIES),
        )

    @property
    def arguments(self) -> list[str]:
        """The command line that asks for the same."""
        on = ",".join(f"{framework}:{mode}" if mode else framework for framework, mode in self.pairs)
        shard = "/".join(map(str, self.shard))
        ops, dtypes, drawn = (",".join(names) for names in (self.ops, self.dtypes, self.families))
        written = (self.preset.name, on, ops, dtypes, self.device, shard, drawn)
        return [word for name, text in zip(WRITTEN, written, strict=True) for word in (f"--{name}", text or "all")]

    @property
    def frameworks(self) -> tuple[str, ...]:
        """Frameworks that are asked: those named, else all there is an adapter of."""
        return tuple(dict.fromkeys(framework for framework, _ in self.pairs)) or frameworks.names()

    def modes(self, adapter: Adapter) -> tuple[str, ...]:
        """Return the adapter's modes that are wanted."""
        name = adapter.catalogue.framework
        if not self.pairs:
            return adapter.modes
        return tuple(mode for mode in adapter.modes if (name, mode) in self.pairs or (name, "") in self.pairs)

    def devices(self, adapter: Adapter) -> tuple[str, ...]:
        """Return the devices found that are wanted."""
        found = adapter.devices()
        return tuple(name for name in found if self.device in {"", name, name.split(":")[0]})

    def takes(self, case: Case) -> bool:
        """Tell whether a case passes the filters."""
        named = (not self.ops or case.op.name in self.ops) and (not self.dtypes or case.dtype in self.dtypes)
        of_family = not self.families or case.source.name in self.families or case.source.kind in self.families
        return named and of_family and in_shard(case, *self.shard)


def in_shard(case: Case, part: int, parts: int) -> bool:
    """Tell whether a case falls into a part: by a hash of its id, so that each machine finds the same, and no other.

    Whole cases, because all targets of one share its inputs and its golden.
    """
    return int.from_bytes(hashlib.sha256(str(case).encode()).digest()[:8]) % parts == part - 1


def wanted_cases(wanted: Wanted) -> list[Case]:
    """Return the cases of the preset that pass the filters."""
    return [case for case in cases.cases(wanted.preset) if wanted.takes(case)]


def option_cases(wanted: Wanted) -> list[Case]:
    """Return the cases of options that pass the filters."""
    preset = wanted.preset
    every = (*options.cases(preset.option_dtypes, preset.layout_dtypes), *linear.option_cases(preset.option_dtypes))
    return list(filter(wanted.takes, every))


def targets(adapter: Adapter, wanted: Wanted) -> list[Target]:
    """Return every implementation in every mode on every device that is wanted."""
    return [
        Target(implementation, mode, device)
        for device in wanted.devices(adapter)
        for mode in wanted.modes(adapter)
        for implementation in adapter.implementations()
        if not wanted.ops or implementation.op in wanted.ops
    ]


def questions(adapters: Sequence[Adapter], wanted: Wanted, asks: Callable[[Case], bool]) -> Iterator[Item]:
    """Yield (adapter, case, target), case by case, so that inputs, golden and budget are made once for all targets."""
    every = [(adapter, target) for adapter in adapters for target in targets(adapter, wanted)]
    for case in filter(asks, wanted_cases(wanted)):
        for adapter, target in every:
            if not adapter.asked(case):
                continue
            asked = target.implementation
            if case.dtype in EIGHTS and case.dtype not in adapter.eights:
                continue
            if asked.op != case.op.name or not adapter.offer(asked).takes(case.source.name, *case.op.options):
                continue
            if case.op in APART and not adapter.takes(asked, case.op):
                continue
            if wanted.preset.asks(case, adapter.compiles(target.mode), asked.kind):
                yield adapter, case, target


def option_questions(adapters: Sequence[Adapter], wanted: Wanted) -> Iterator[Item]:
    """Yield the options, case by case: all for fused functions; for others those that they are there to show.

    Then the parameters of somebody's own functions that are no option: each is said once to be not judged.
    """
    every = [(adapter, target) for adapter in adapters for target in targets(adapter, wanted)]
    for case in option_cases(wanted):
        suite, shown = options.suite(case), case.op.options.keys() - SHOWN - {"reduction"}
        for adapter, target in every:
            asked = target.implementation
            if asked.op != case.op.name or not wanted.preset.checks(suite, case, adapter.compiles(target.mode)):
                continue
            if not (adapter.offer(asked).takes(*case.op.options) and adapter.asked(case)):
                continue
            spared = asked.kind != "fused" or case.op.options.keys() & RARE
            if not spared or (shown and adapter.takes(asked, case.op)):
                yield adapter, case, target
    for adapter, target in every:
        for name in (
            adapter.parameters(target.implementation) - OPTIONS.keys() if target.mode == adapter.plainest else ()
        ):
            case = options.of_parameter(target.implementation.op, name)
            if wanted.takes(case):
                yield adapter, case, target


def speed_questions(adapters: Sequence[Adapter], wanted: Wanted) -> Iterator[Item]:
    """Yield what is timed: fused functions, each once however many names it has, in every wanted mode."""
    for case in filter(wanted.takes, cases.speed_cases(wanted.preset, host.memory_bytes())):
        seen = set()
        for adapter in adapters:
            for target in targets(adapter, wanted):
                timed = target.implementation
                offer = adapter.offer(timed)
                once = offer.identity if wanted.preset.speed_all else adapter
                if adapter.untimed or not (offer.takes() and adapter.asked(case)):
                    continue
                if timed.op != case.op.name or timed.kind != "fused" or (once, target.mode, target.device) in seen:
                    continue
                seen.add((once, target.mode, target.device))
                yield adapter, case, target


def missing_devices(adapter: Adapter, wanted: Wanted) -> list[NotRun]:
    """Say which wanted device this framework does not see."""
    if wanted.devices(adapter):
        return []
    name = adapter.catalogue.framework
    seen = ", ".join(adapter.devices())
    build = f"pip install '{adapter.with_cuda}'" if adapter.with_cuda else "--device cpu"
    reason = f"{name} sees {seen}, expected {wanted.device}; try: {build}"
    return [NotRun(name, "", wanted.device, reason)]
