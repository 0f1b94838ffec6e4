"""The hook: which of the changed files it judges, and the code that it ends with."""

import pytest

from xentbench.judging import hook

MARKED = b'from xentbench import implements\n\n\n@implements("softmax", framework="torch")\ndef f(x): ...\n'


@pytest.mark.parametrize(
    ("written", "is_judged"),
    [
        (MARKED, True),
        (MARKED.replace(b"@", b"@xentbench."), True),
        (b"# -*- coding: latin-1 -*-\n# caf\xe9\n" + MARKED, True),
        (b"# -*- coding: latin-1 -*-\n# caf\xe9\n", False),
        (b"# @implements(op) marks a kernel\n", False),
        (b"", False),
    ],
)
def test_marked_files_are_judged(tmp_path, written, is_judged):
    """A mark is told from a word about it, whatever the file's encoding."""
    (tmp_path / "kernel.py").write_bytes(written)

    assert hook.marked(tmp_path / "kernel.py") == is_judged


def test_file_that_is_not_there_is_refused(capfd, tmp_path):
    """It is a line of the judge's, and its code; what has no mark beside it passes."""
    (tmp_path / "plain.py").write_text("x = 1\n", encoding="utf-8")

    assert hook.main(["--preset", "smoke", str(tmp_path / "plain.py")]) == 0
    assert hook.main(["--preset", "smoke", str(tmp_path / "plain.py"), str(tmp_path / "none.py")]) == 2
    assert "none.py, expected a Python file" in capfd.readouterr().err
