"""Duels and tournaments as JSON: the pairing and every raw stamp, so that statistics can be computed anew when read."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from harness.timing.duel import decision
from harness.timing.duel.decision import Rule, Verdict
from harness.timing.duel.pairing import Measured
from harness.timing.duel.waves import Duel, Measurements, Rounds

VERSION = 1
COUNTS = ("calls", "minor_faults", "major_faults", "preemptions")


def write(path: Path, kind: str, facts: Mapping[str, Any]) -> None:
    """Write a record; facts are plain values, blocks packed by `pack`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"version": VERSION, "kind": kind, **facts}, separators=(",", ":")) + "\n")


def read(path: Path) -> dict[str, Any]:
    """Read a record. Raises ValueError for another version."""
    recorded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if recorded.get("version") != VERSION:
        raise ValueError(f"record {path} is version {recorded.get('version')}, expected {VERSION}")
    return recorded


def pack(workers: Sequence[Sequence[Measured]]) -> dict[str, Any]:
    """Pack the blocks of a side: stamps as float32, counts as lists, both (workers, rounds)."""
    stamps = np.array([[one.seconds for one in blocks] for blocks in workers], "<f4")
    counts = {name: [[getattr(one, name) for one in blocks] for blocks in workers] for name in COUNTS}
    return {"shape": list(stamps.shape), "stamps": base64.b64encode(stamps.tobytes()).decode(), **counts}


def unpack(side: Mapping[str, Any]) -> Measurements:
    """Unpack what `pack` packed."""
    stamps = np.frombuffer(base64.b64decode(side["stamps"]), "<f4").reshape(side["shape"])
    return tuple(
        tuple(
            Measured(tuple(map(float, stamps[worker, turn])), *(side[name][worker][turn] for name in COUNTS))
            for turn in range(side["shape"][1])
        )
        for worker in range(side["shape"][0])
    )


def plain(duel: Duel, rule: Rule) -> dict[str, Any]:
    """Return a duel in plain values."""
    return {
        "rule": asdict(rule),
        "verdict": asdict(duel.verdict),
        "waves": [{"a": pack(wave.a), "b": pack(wave.b)} for wave in duel.waves],
    }


def duel(recorded: Mapping[str, Any]) -> tuple[Duel, Rule]:
    """Return a recorded duel, its verdict computed anew."""
    given: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in recorded["rule"].items()
    }
    rule = Rule(**given)
    waves = tuple(Rounds(unpack(wave["a"]), unpack(wave["b"])) for wave in recorded["waves"])
    verdict: Verdict | None = decision.decide([wave.wave for wave in waves], rule)
    assert verdict is not None
    return Duel(verdict, waves), rule
