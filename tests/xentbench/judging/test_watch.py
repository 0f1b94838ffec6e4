"""Watching a file: a change is seen, and what is gone is waited for."""

from xentbench.judging import watch


def test_changes(tmp_path):
    """The file is taken at once, and then once a change; while it is gone, as editors do it, nothing is."""
    file = tmp_path / "kernel.py"
    file.write_text("one")
    steps = iter([lambda: None, file.unlink, lambda: file.write_text("another"), lambda: None, lambda: None])
    seen = []
    slept = []

    def sleep(seconds):
        slept.append(seconds)
        next(steps)()

    for _ in watch.changes(file, sleep):
        seen.append(len(slept))
        if len(seen) == 2:
            break

    assert seen == [0, 3]
