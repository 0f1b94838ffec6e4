"""The figures of a large run: every command is measured, and a large run is as large as one asks."""

import tracemalloc
from pathlib import Path

import pytest

from harness.history.compare import compare
from harness.store import Store
from harness.store.reading import never
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


@pytest.mark.parametrize(("compared", "most"), [(False, 420), (True, 470)])
def test_an_answer_takes_little_memory(tmp_path, compared, most):
    """What a report holds of an answer whose worst element it does not show, and a comparison of any, in bytes."""
    many_answers.fill(tmp_path / "made.sqlite", 8700)

    with Store(tmp_path / "made.sqlite") as store:
        uid = store.run().uid
        tracemalloc.start()
        try:
            results = store.by_target(uid, store.results(uid, never, compared=compared, by_case=True))
            held, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()

    assert held / len(results) < most


def test_what_two_runs_have_in_common_is_held_once(tmp_path):
    """A second run that answered alike takes a fifth of the first at most, its comparison included."""
    for day in (1, 2):
        many_answers.fill(tmp_path / "made.sqlite", 8700, day)

    with Store(tmp_path / "made.sqlite") as store:
        uids = [run.uid for run in store.runs()]
        tracemalloc.start()
        try:
            first = store.recorded(uids[0], never)
            alone, _ = tracemalloc.get_traced_memory()
            found = compare(first, store.recorded(uids[1], never, first.results))
            both, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()

    assert len(found.steady) == len(first.results)
    assert both < 1.2 * alone
