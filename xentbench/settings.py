"""`[tool.xentbench]`: options that a project writes down once, in its pyproject.toml.

The command line goes before the environment, and the environment before the file. Which options may stand there, each
option says itself: those that have an environment variable, under the rest of its name.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.spelling import meant, try_instead

PREFIX = "XENTBENCH_"
TABLE = "tool.xentbench"
LISTS = ("on", "op", "dtype")  # written as a list of names, or as on the command line
FILES = ("store", "report", "known")  # of which a relative path is meant from the file's own folder
KEYS: Mapping[str, type] = {
    **dict.fromkeys(("store", "report", "on", "op", "dtype", "preset", "device", "fail-on", "min-effect"), str),
    "size": float,
    "known": list,
}
WANTED = {str: "a string", float: "a number", list: "a list of files"}


@dataclass(frozen=True)
class Settings:
    """What one file says, by the name of the option."""

    file: Path | None = None
    values: Mapping[str, Any] = field(default_factory=dict)

    def of_command(self, parameters: Iterable[Any]) -> dict[str, Any]:
        """Return what the file says of a command's parameters, by the parameter's name."""
        keys = {parameter.name: key(parameter) for parameter in parameters}
        return {name: self.values[each] for name, each in keys.items() if each in self.values}


def key(parameter: Any) -> str:
    """Return the name that a parameter of a command has in the file, or nothing."""
    variable = str(getattr(parameter, "envvar", None) or "")
    return variable.removeprefix(PREFIX).lower().replace("_", "-") if variable.startswith(PREFIX) else ""


def read(folder: Path) -> Settings:
    """Return the settings of the nearest pyproject.toml that has any, from a folder upwards.

    Raises ValueError, with file and key, for a key that there is not and for a value of another type.
    """
    for parent in (folder, *folder.parents):
        file = parent / "pyproject.toml"
        try:
            text = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            continue
        if TABLE in text:
            try:
                table = tomllib.loads(text).get("tool", {}).get("xentbench")
            except tomllib.TOMLDecodeError as error:
                raise ValueError(f"{file} is no TOML ({error}), expected what pip reads too") from error
            if table is not None:
                return Settings(file, _checked(table, file, "" if parent == folder else parent))
    return Settings()


def _checked(table: Mapping[str, Any], file: Path, base: Path | str) -> dict[str, Any]:
    found = {}
    for name, value in table.items():
        if name not in KEYS:
            likely = try_instead(meant(name, KEYS))
            raise ValueError(f"[{TABLE}] of {file} has {name!r}, expected one of {', '.join(KEYS)}{likely}")
        found[name] = _value(name, value, file, base)
    return found


def _value(name: str, value: Any, file: Path, base: Path | str) -> Any:
    kind = KEYS[name]
    names = isinstance(value, list) and all(isinstance(each, str) for each in value)
    if name in LISTS and names:
        return ",".join(value)
    right = names if kind is list else type(value) in {float, int} if kind is float else isinstance(value, str)
    if not right:
        expected = WANTED[kind] + (" or a list of strings" if name in LISTS else "")
        raise ValueError(f"{name} in [{TABLE}] of {file} is {value!r}, expected {expected}")
    if name in FILES:
        return [_path(each, base) for each in value] if kind is list else _path(value, base)
    return value


def _path(text: str, base: Path | str) -> str:
    """Return a path as it is meant from the working directory; a database's URL as it is."""
    return text if "://" in text else str(Path(base, text))
