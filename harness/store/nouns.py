"""Cases and targets as plain values, for JSON and for the columns of tables, and back."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from harness.model import Case, Implementation, Op, Param, Target
from harness.store.hints import Malformed, shown
from harness.store.typed import made, read

Fields = dict[str, Any]

JSON = json.JSONDecoder(parse_int=lru_cache(maxsize=4096)(int))  # a number that many results share is held once
CASE_COLUMNS = ("op", "params", "quantity", "family", "dtype", "rows", "classes", "seed", "check")
UID = re.compile(r"(?!latest)[A-Za-z0-9][A-Za-z0-9._-]{0,79}", re.ASCII)  # of a run, told from other ways to name one
TARGET_COLUMNS = ("framework", "op", "name", "kind", "mode", "device")


def case_fields(case: Case) -> Fields:
    """Return a case's fields by name, its op as a name and options."""
    return vars(case) | {"op": case.op.name, "options": case.op.options}


def case_of(fields: Any) -> Case:
    """Return the case of such fields. Raises Malformed."""
    drawn = _copy("case", fields, "op", "options")
    drawn["op"] = _op(drawn["op"], drawn.pop("options"))
    return made(Case, drawn)


def _op(name: Any, options: Any) -> Op:
    if name.__class__ is str and options.__class__ is dict and not options:
        return _plain(name)
    return Op(read(str, "op", name), tuple(sorted(read(Mapping[str, Param], "options", options).items())))


def target_fields(target: Target) -> Fields:
    """Return the fields of a target and of its implementation by name."""
    return vars(target.implementation) | {"mode": target.mode, "device": target.device}


def target_of(fields: Any) -> Target:
    """Return the target of such fields. Raises Malformed."""
    named = _copy("target", fields, "mode", "device")
    if all(value.__class__ is str for value in named.values()):
        return _target(tuple(named.items()))
    return _target.__wrapped__(tuple(named.items()))  # which says what is no text


@lru_cache(maxsize=1024)
def _plain(name: str) -> Op:
    return Op(read(str, "op", name))


@lru_cache(maxsize=1024)  # thousands of results share one
def _target(items: tuple[tuple[str, Any], ...]) -> Target:
    named = dict(items)
    asked = {name: named.pop(name) for name in ("mode", "device")}
    return made(Target, asked | {"implementation": made(Implementation, named)})


def _copy(what: str, fields: Any, *needed: str) -> Fields:
    if not isinstance(fields, Mapping) or not all(name in fields for name in needed):
        raise Malformed(f"{what} is {shown(fields)}, expected its fields by name")
    return dict(fields)


def case_row(case: Case) -> tuple[Any, ...]:
    """Return a case's values in CASE_COLUMNS; `params` are its op's options as JSON."""
    fields = case_fields(case) | {"params": json.dumps(case.op.options)}
    return tuple(fields[name] for name in CASE_COLUMNS)


def case_of_row(*row: Any) -> Case:
    """Return the case of values in CASE_COLUMNS. Raises Malformed."""
    fields = dict(zip(CASE_COLUMNS, row, strict=True))
    return case_of(fields | {"options": json_of(fields.pop("params"))})


def target_row(target: Target) -> tuple[Any, ...]:
    """Return a target's values in TARGET_COLUMNS."""
    return tuple(target_fields(target).values())


def target_of_row(*row: Any) -> Target:
    """Return the target of values in TARGET_COLUMNS. Raises Malformed."""
    return target_of(dict(zip(TARGET_COLUMNS, row, strict=True)))


def json_of(text: Any) -> Any:
    """Read JSON that was stored. Raises Malformed for what is none, or nested without an end."""
    try:
        return JSON.decode(text)
    except (TypeError, ValueError, RecursionError) as error:
        raise Malformed(f"{shown(text)} is no JSON ({error})") from error


def quoted(columns: tuple[str, ...], table: str = "") -> str:
    """Return columns for a statement, of a table; some of their names are words of SQL.

    Note: without its table a name in double quotes that is no column's is a text to SQLite, and no error.
    """
    return ", ".join(f'{table and table + "."}"{name}"' for name in columns)
