"""The sheet of a case: what the answer was in the runs before."""

from harness.store import Store
from reports import site
from tests.made.front_door import carried
from tests.made.records import WORST, result, run, score


def levels(store, uid, directory):
    """Return the history that a run's report carries, answer by answer."""
    page = site.write(store, uid, directory).read_text("utf-8")
    return carried(page)["details"]["history"]


def test_a_changed_answer_has_its_levels(tmp_path):
    """An answer that changed is told as it was and as it is, with the run from which; a first run has no past."""
    with Store(tmp_path / "results.sqlite") as store:
        for day, ulp in ((1, 1.5), (2, 1.5), (3, 9.0)):
            made = run(f"2026010{day}T000000-aaa", day)
            store.begin(made)
            store.append(made.uid, [result(score(ulp, worst=WORST))])
            store.finish(made.uid)

        assert levels(store, "20260101T000000-aaa", tmp_path) == [[]]
        assert levels(store, "latest", tmp_path) == [
            [
                ["20260101T000000-aaa", "2026-01-01T00:00:00+00:00", 2, "conforms", 1.5],
                ["20260103T000000-aaa", "2026-01-03T00:00:00+00:00", 1, "conforms", 9],
            ]
        ]
