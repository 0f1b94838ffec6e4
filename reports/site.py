"""Write the report: its pages in one file, and the file in its place."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from harness.history import levels
from harness.history.news import Accepts, judged, nothing
from reports import block, colour, layout, lean, pages, vendor
from reports.material import Material

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from harness.model import Recorded
    from harness.store import Store


@dataclass(frozen=True)
class Page:
    """One page as it stands in the file."""

    name: str
    title: str
    nav: str
    html: str
    late: list[str]
    data: Any
    libraries: tuple[str, ...]


class Words(TypedDict, total=False):
    """What a report says of a run that the run does not: see `Material`."""

    descriptions: Mapping[str, str]
    published: Mapping[str, str]
    before: Sequence[Recorded]
    accepts: Accepts


def gathered(store: Store, uid: str, **words: Unpack[Words]) -> Material:
    """Return a run as pages read it. Raises StoreError where there is no such run."""
    run = lean.read(store, uid, words.get("before", ()), words.get("descriptions", ()))
    results = judged(run, words.get("accepts", nothing))
    material = Material(run.run, results, run.environments, run.not_run, **words, store=store.location.text)
    places = sorted(block.detailed(material.told, material.descriptions))
    earlier = levels.past(store, run.run.uid, [material.told[place] for place in places])
    return replace(material, history=dict(zip(places, earlier, strict=True)))


def write(store: Store, uid: str, directory: Path, **words: Unpack[Words]) -> Path:
    """Write a run's report to `directory`/index.html and return its path; until it is whole an older one stands.

    words: as `gathered` takes them. Raises StoreError where there is no such run.
    """
    material = gathered(store, uid, **words)
    directory.mkdir(parents=True, exist_ok=True)
    page, new = directory / "index.html", directory / f".index.html.{os.getpid()}"
    try:
        with new.open("w", encoding="utf-8") as to:
            to.writelines(pieces(material))
        new.replace(page)
    finally:
        new.unlink(missing_ok=True)
    return page


def render(material: Material) -> str:
    """Return the whole file as HTML."""
    return "".join(pieces(material))


def pieces(material: Material) -> Iterator[str]:
    """Yield the file piece by piece."""
    written = [page for module in pages.load() if (page := _page(module, material)).html]
    facts = block.facts(material) | {
        "pages": {page.name: page.data for page in written if page.data is not None},
        "late": {page.name: page.late for page in written if page.late},
    }
    libraries = list(dict.fromkeys(name for page in written for name in page.libraries))
    return layout.pieces_of_page(
        "page.html.j2",
        layout.scripts([page.name for page in written]),
        map(vendor.source, libraries),
        run=material.run,
        pages=written,
        absent=[
            pages.address(module) for module in pages.load() if pages.address(module) not in {p.name for p in written}
        ],
        style=layout.styles() + colour.css(),
        block=block.packed(facts),
        packed={name: vendor.pack(name) for name in libraries},
    )


def _page(module: Any, material: Material) -> Page:
    name = pages.address(module)
    html, late = layout.without_late(module.render(material))
    data = module.data(material) if html and hasattr(module, "data") else None
    return Page(name, module.TITLE, module.NAV, html, late, data, getattr(module, "LIBRARIES", ()))
