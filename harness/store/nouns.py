"""Cases and targets as plain values, for JSON and for the columns of tables, and back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from harness.model import Case, Implementation, Op, Target

Fields = dict[str, Any]

CASE_COLUMNS = ("op", "params", "quantity", "family", "dtype", "rows", "classes", "seed", "check")
TARGET_COLUMNS = ("framework", "op", "name", "kind", "mode", "device")


def case_fields(case: Case) -> Fields:
    """Return a case's fields by name, its op as a name and options."""
    return vars(case) | {"op": case.op.name, "options": case.op.options}


def case_of(fields: Mapping[str, Any]) -> Case:
    """Return the case of such fields."""
    drawn = dict(fields)
    return Case(op=Op.of(drawn.pop("op"), **drawn.pop("options")), **drawn)


def target_fields(target: Target) -> Fields:
    """Return the fields of a target and of its implementation by name."""
    return vars(target.implementation) | {"mode": target.mode, "device": target.device}


def target_of(fields: Mapping[str, Any]) -> Target:
    """Return the target of such fields."""
    named = dict(fields)
    mode, device = named.pop("mode"), named.pop("device")
    return Target(Implementation(**named), mode, device)


def case_row(case: Case) -> tuple[Any, ...]:
    """Return a case's values in CASE_COLUMNS; `params` are its op's options as JSON."""
    fields = case_fields(case) | {"params": json.dumps(case.op.options)}
    return tuple(fields[name] for name in CASE_COLUMNS)


def case_of_row(*row: Any) -> Case:
    """Return the case of values in CASE_COLUMNS."""
    fields = dict(zip(CASE_COLUMNS, row, strict=True))
    return case_of(fields | {"options": json.loads(fields.pop("params"))})


def target_row(target: Target) -> tuple[Any, ...]:
    """Return a target's values in TARGET_COLUMNS."""
    return tuple(target_fields(target).values())


def target_of_row(*row: Any) -> Target:
    """Return the target of values in TARGET_COLUMNS."""
    return target_of(dict(zip(TARGET_COLUMNS, row, strict=True)))


def quoted(columns: tuple[str, ...]) -> str:
    """Return columns for a statement; some of their names are words of SQL."""
    return ", ".join(f'"{name}"' for name in columns)
