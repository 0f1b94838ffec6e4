"""The coverage map of a surface, made in this process: what became of each public function that may be one of ours."""

from __future__ import annotations

import re
from contextlib import suppress
from importlib import import_module

from harness.adapters.adapter import Adapter
from harness.adapters.fence import NotInstalled
from harness.adapters.frameworks import load
from harness.coverage.kept import Entry, Map, grouped, release
from harness.coverage.proof import differs
from harness.coverage.table import Table, Walked, table
from harness.coverage.walk import walk
from harness.model import DTYPES

CALLED = re.compile(r"\b[a-z]\w*(?:\.\w+)+(?=\()")  # a dotted name that a composition calls


def surveyed(name: str, before: Map | None) -> Map:
    """Walk a surface, whose packages nothing in this process may have set up otherwise. Raises NotInstalled."""
    walked = table().surface(name)
    adapter = load(walked.adapter)
    versions = {}
    if walked.module:
        try:
            versions = dict(import_module(walked.module).VERSIONS)
        except ImportError as error:
            raise NotInstalled(f"{name} cannot be imported ({error}); try: pip install keras") from error
    facts = adapter.environment("cpu")
    versions |= {package: release(facts[package]) for package in walked.packages if package in facts}
    return survey(adapter, walked, table(), versions, before)


def survey(adapter: Adapter, walked: Walked, using: Table, versions: dict[str, str], before: Map | None = None) -> Map:
    """Walk the namespaces, and say of each candidate what became of it; of others, whether they were there before."""
    found = walk(adapter.catalogue.within, walked.namespaces)
    says = _Says(adapter)
    entries: dict[str, Entry] = {name: ("not walked", why) for name, why in found.missing.items()}
    others = set()
    for dotted, function in found.found.items():
        entry, candidate = says.of(dotted, function), using.looks_at(dotted)
        if entry and (candidate or entry[0] != "composed"):
            entries[dotted] = entry
        elif candidate:
            reason = using.reason(dotted)
            entries[dotted] = ("not asked", reason) if reason else ("new", says.broken.get(id(function), ""))
        elif before and dotted not in before.names:
            entries[dotted] = ("beyond", "")
        else:
            others.add(dotted)
    return Map(walked.name, versions, entries, grouped(others))


class _Says:
    """What the catalogue of an adapter says of an object."""

    def __init__(self, adapter: Adapter) -> None:
        """Gather the objects, and prove of each further spelling that it is one."""
        catalogue = adapter.catalogue
        self.broken: dict[int, str] = {}
        self._rows: dict[int, dict[str, list[str]]] = {}  # object -> row -> ops
        self._same: dict[int, str] = {}
        self._composed: dict[int, dict[str, None]] = {}
        for (op, name), offer in catalogue.offers.items():
            some = f" ({', '.join(sorted(offer.only))} alone)" if offer.only else ""
            for found in offer.identity[1:]:
                self._rows.setdefault(id(found), {}).setdefault(name, []).append(op + some)
        for form in catalogue.forms:
            for dotted in CALLED.findall(form.expression):
                if dotted.split(".")[0] in catalogue.within:
                    with suppress(AttributeError):  # of a function that this release does not have
                        self._composed.setdefault(id(catalogue.found(dotted)), {})[form.name] = None
        for spelling in catalogue.spellings.values():
            if off := differs(adapter, spelling):
                self.broken[id(spelling.found)] = f"does not do what {spelling.shown} does: {off}"
            else:
                where = "" if spelling.dtypes == DTYPES else f", in {', '.join(spelling.dtypes)}"
                self._same.setdefault(id(spelling.found), f"{spelling.shown}, by its trace{where}")

    def of(self, dotted: str, function: object) -> Entry | None:
        """Return what became of a function, or nothing."""
        key = id(function)
        if rows := self._rows.get(key):
            if dotted in rows:
                return "asked", ", ".join(rows[dotted])
            return "same", f"{next(iter(rows))}, which is this object"
        if key in self.broken:
            return None
        if same := self._same.get(key):
            return "same", same
        if composed := self._composed.get(key):
            return "composed", "; ".join(composed)
        return None
