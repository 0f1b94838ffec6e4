"""The figures of a large run: every command is measured, and a large run is as large as one asks."""

from pathlib import Path

import pytest

from harness.store import Store
from tests.bench import volume
from tests.made import many_answers


def test_commands_are_measured(tmp_path):
    """Each command's memory, time and size are positive; JSON Lines say less than CSV, which repeats what they name."""
    pytest.importorskip("pyarrow", reason="try: pip install 'xentbench[parquet]'")

    found = {command: figures for command, *figures in volume.volumes(tmp_path, volume.ROOT, 870)}

    assert {"export --format jsonl", "import of run", "import of parquet", "report", "compare"} <= found.keys()
    assert all(min(figures) > 0 for figures in found.values())
    assert found["export --format jsonl"][2] < found["export --format csv"][2] / 2
    for form in ("run", "parquet"):
        with Store(tmp_path / f"{form}.sqlite", make=False) as store:
            assert sum(1 for _ in store.results(store.run().uid)) == 870


def test_a_command_that_fails_is_named(tmp_path):
    """A command that ends otherwise than it should is no figure."""
    with pytest.raises(SystemExit, match=r"xentbench status --store none.sqlite ended with 2, expected one of"):
        volume.spent(("xentbench", "status", "--store", "none.sqlite"), tmp_path, volume.ROOT)


def test_answers_are_as_many_as_asked(tmp_path):
    """Whole questions are made, each put to every target, and the same ones again for another day."""
    for day in (1, 2):
        many_answers.fill(Path(tmp_path, "made.sqlite"), 300, day)

    with Store(tmp_path / "made.sqlite") as store:
        first, second = (list(store.results(run.uid)) for run in store.runs())
    assert len(first) == 300 // many_answers.TARGETS * many_answers.TARGETS
    assert first == second
