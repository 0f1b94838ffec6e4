"""Which public functions are asked, which do what an asked one does, and why the others are not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.coverage.kept import STATES, Map, State, kept, release
from reports import layout
from reports.material import Material, place

if TYPE_CHECKING:
    from collections.abc import Mapping

TITLE = "What is asked of the frameworks, and what is not"
NAV = "Coverage"
PLACE = 94


@dataclass(frozen=True)
class Named:
    """A public name, with where the answers of what it stands for begin; nowhere where there are none."""

    name: str
    at: str


@dataclass(frozen=True)
class Surface:
    """One map. counts: of the states that occur. said: of each state what is said of names, and of which."""

    name: str
    framework: str
    versions: str
    differs: str  # what of it the run was made with, where that is another version
    names: int
    counts: tuple[tuple[State, str, int], ...]
    said: tuple[tuple[State, tuple[tuple[str, tuple[Named, ...]], ...]], ...]


def render(material: Material) -> str:
    """Return the page's HTML; nothing for a run that asked somebody's own functions alone."""
    frameworks = {result.target.implementation.framework for result in material.judged if not material.file(result)}
    maps = [one for one in kept().values() if framework(one) in frameworks]
    if not maps:
        return ""
    found = [surface(one, material) for one in sorted(maps, key=lambda one: ("_on_" in one.name, one.name))]
    states = [
        (state, meaning) for state, meaning in STATES.items() if any(one[0] == state for s in found for one in s.counts)
    ]
    return layout.fill("pages/coverage/page.html.j2", surfaces=found, states=states)


def framework(one: Map) -> str:
    """Name the framework whose answers a map points to: of Keras on another, that one."""
    return one.name.rpartition("_on_")[2] or one.name


def surface(one: Map, material: Material) -> Surface:
    """Gather a map's names by state and reason, each with its answers in this run."""
    answers = _answers(framework(one), material)
    counts = tuple((state, meaning, len(one.of(state))) for state, meaning in STATES.items() if one.of(state))
    groups: dict[State, dict[str, list[Named]]] = {}
    for state in STATES:
        for name, said in one.of(state).items():
            at = "" if state in {"not asked", "not walked"} else _at(name, said, answers)
            groups.setdefault(state, {}).setdefault(said or "nothing", []).append(Named(name, at))
    return Surface(
        one.name.replace("_", " "),
        framework(one),
        ", ".join(f"{package} {version}" for package, version in one.versions.items()),
        _differs(one, material),
        one.count,
        counts,
        tuple((state, tuple((said, tuple(names)) for said, names in group.items())) for state, group in groups.items()),
    )


def _answers(name: str, material: Material) -> Mapping[str, str]:
    """Return where the first answer of each function of a framework is told, by its name."""
    found: dict[str, str] = {}
    for result in [*material.answers, *material.options]:
        implementation = result.target.implementation
        if implementation.framework == name and implementation.name not in found:
            found[implementation.name] = place(result)
    return found


def _at(name: str, said: str, answers: Mapping[str, str]) -> str:
    """Return where the answers of a name are or, where it is not asked itself, those of the row it is said to be."""
    row = name if name in answers else max((one for one in answers if said.startswith(one)), key=len, default="")
    return answers.get(row, "")


def _differs(one: Map, material: Material) -> str:
    """Return the versions of the run that are not the map's."""
    facts = [of for of in material.environments.values() if of.get("framework") == framework(one)]
    others = {
        f"{package} {of[package]}"
        for of in facts
        for package, version in one.versions.items()
        if release(of.get(package, version)) != version
    }
    return ", ".join(sorted(others))
