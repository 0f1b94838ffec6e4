"""Put the sections into one page, and the page into its place."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from reports import (
    block,
    claims,
    colour,
    findings,
    layout,
    matrix,
    missing,
    policies,
    published,
    semantics,
    speed,
    verdict,
)
from reports.material import Material

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from harness.store import Store

SECTIONS = (verdict, findings, matrix, claims, policies, semantics, published, speed, missing)  # top to bottom


def write(
    store: Store,
    uid: str,
    directory: Path,
    *,
    descriptions: Mapping[str, str] | None = None,
    published: Mapping[str, str] | None = None,
) -> Path:
    """Write a run's page to `directory`/index.html and return its path; until it is whole an older page stands.

    `descriptions` explains families and metrics by name; `published` quotes the digits of the published examples by id.
    Raises StoreError where there is no such run.
    """
    run = store.run(uid)
    material = Material(
        run,
        list(store.results(run.uid)),
        store.environments(),
        store.not_run(run.uid),
        descriptions or {},
        published or {},
    )
    directory.mkdir(parents=True, exist_ok=True)
    page, new = directory / "index.html", directory / f".index.html.{os.getpid()}"
    try:
        new.write_text(render(material), "utf-8")
        new.replace(page)
    finally:
        new.unlink(missing_ok=True)
    return page


def render(material: Material) -> str:
    """Return the whole page as HTML."""
    sections = [(module.__name__.rpartition(".")[2], module.TITLE, module.render(material)) for module in SECTIONS]
    return layout.fill(
        "page.html.j2",
        run=material.run,
        sections=[section for section in sections if section[2]],
        style=layout.static(layout.STYLES) + colour.css(),
        script=layout.static(layout.SCRIPTS),
        block=block.encode(material),
    )
