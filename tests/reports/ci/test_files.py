"""The files for CI: known to be writable before the run, written after it."""

import pytest

from reports.ci import files
from tests.made.records import recorded, result


def test_files_are_written(tmp_path):
    """Every form has its file, in a folder that is made; one that is not wanted has none."""
    wanted = files.wanted(**{form: tmp_path / "new" / form for form in files.WRITERS}, other=None)

    files.write(recorded(result()), wanted)

    assert {path.name for path in (tmp_path / "new").iterdir()} == {"junit", "summary", "badge"}
    assert all(path.stat().st_size for path in wanted.values())


def test_second_run_replaces(tmp_path):
    """A file of an earlier run is written anew."""
    wanted = files.wanted(badge=tmp_path / "badge.json")
    for _ in range(2):
        files.write(recorded(result()), wanted)

    assert wanted["badge"].read_text().count("\n") == 1


def test_shared_summary_is_added_to(tmp_path, monkeypatch):
    """What another command of the step wrote into GitHub's summary stays."""
    path = tmp_path / "summary.md"
    path.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(path))

    files.write(recorded(result()), files.wanted(summary=path))

    assert path.read_text(encoding="utf-8").startswith("before\n## ")


def test_file_that_cannot_be_written_is_refused_at_once(tmp_path):
    """A folder in a file's place is an error before any question is asked."""
    with pytest.raises(ValueError, match=r"--junit is .* \(Is a directory\), expected a file that can be written"):
        files.wanted(junit=tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="--badge is"):
        files.wanted(badge=tmp_path / "file" / "badge.json")
