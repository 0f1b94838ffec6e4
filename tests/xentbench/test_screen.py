"""What is said where nothing can be done: usage errors, streams that lack a sign, readers that leave."""

import os
import re
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from itertools import product
from pathlib import Path

import pytest
import typer

from harness.store import Location, Store, StoreError
from tests.conftest import ROOT
from tests.made.front_door import invoke
from tests.made.records import HOSTILE, result, run, score, timing
from xentbench import options, screen

EXPLAINED = "softmax-value-normal-float32-4x8@torch.softmax@eager"
VECTOR = "softmax-value-normal_small-f16-n5-00"


@pytest.mark.parametrize("arguments", [("export",), ("report",), ("table",), ("run", "--resume")], ids=lambda a: a[0])
def test_store_that_is_not_there(tmp_path, arguments):
    """Without a store there is nothing to read or to go on with: code 2, what to try, and no file is made."""
    store = tmp_path / "none" / "results.sqlite"

    ended = invoke(*arguments, "--store", store)

    assert ended.exit_code == 2
    assert (
        ended.stderr
        == f"error: store {store} is not there, expected the results of a run; try: xentbench run --store {store}\n"
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["export", "report", "table"])
def test_run_that_is_not_there(tiny, tmp_path, monkeypatch, command):
    """A run that no store holds is an error, code 2, that lists those it holds."""
    monkeypatch.chdir(tmp_path)
    with Store(tiny[1]) as store:
        (uid, *_) = (run.uid for run in store.runs())

    ended = invoke(command, "--run", "1999", "--store", tiny[1])

    assert ended.exit_code == 2
    assert ended.stderr.startswith("error: run is '1999', expected `latest` or one of the runs in ")
    assert uid in ended.stderr


@pytest.mark.parametrize("command", ["run", "export", "report"])
def test_file_that_is_no_store(tmp_path, command):
    """Another program's file is refused, code 2, and stays as it is."""
    file = tmp_path / "thesis.txt"
    file.write_text("all that I wrote\n" * 100)

    ended = invoke(command, "--store", file, *(("--on", "numpy") if command == "run" else ()))

    assert ended.exit_code == 2
    assert "expected a results store; name another with --store" in ended.stderr
    assert file.read_text() == "all that I wrote\n" * 100


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("list", "x"), "what is 'x', expected one of ops, options, implementations, families, targets"),
        (("list", "ops,families"), "what is 'ops,families', expected one of"),
        (("list", "targets", "--on", "tourch"), "--on is 'tourch', expected one of"),
        (("export", "--format", "xml"), "--format is 'xml', expected one of jsonl, csv"),
        (("export", "--format", "jsonl,csv"), "--format is 'jsonl,csv', expected one of jsonl, csv"),
    ],
)
def test_wrong_word_lists_the_choices(arguments, message):
    """What is misspelt elsewhere is a usage error that lists the choices, too."""
    ended = invoke(*arguments)

    assert ended.exit_code == 2
    assert ended.stderr.startswith(f"error: {message}")


STORED = ("status", "compare", "table", "export", "export --format csv", f"explain {EXPLAINED}", "report", "dashboard")
ALONE = ("--help", "run --help", "list ops", "list families", "list targets --on numpy", f"golden show {VECTOR}")


@pytest.fixture(scope="module")
def pair(folder):
    """Return a store of two runs, the later one worse and slower, and with names that no small encoding has."""
    path = folder / "pair.sqlite"
    with Store(path) as store:
        for uid, times in (("20260101T", 1.0), ("20260102T", 2.0)):
            store.join(run(uid, int(times)))
            store.append(
                uid, [result(score(times)), result(timing(*[times * 1e-5] * 9), "speed"), result(score(times), HOSTILE)]
            )
    return path


@pytest.mark.parametrize(
    ("command", "encoding"), [("compare", "utf-8"), *product((*STORED, *ALONE), ("cp1252", "ascii"))]
)
def test_encoding_that_lacks_a_sign(shell, pair, command, encoding):
    """What an encoding cannot print is printed as another sign, and is no traceback."""
    talking = type(shell)(shell.folder, {"PYTHONIOENCODING": encoding})
    stored = ("--store", pair) if command in STORED else ()

    process = talking.start(*command.split(), *stored, text=False)
    out, err = process.communicate()

    assert err == b""
    assert process.returncode == (1 if command in {"compare", "status"} else 0)
    assert out.decode(encoding)
    if command == "compare":
        assert out.decode(encoding).startswith(f"# 20260101T {'→' if encoding == 'utf-8' else '->'} 20260102T")


@pytest.mark.parametrize(("command", "lines"), [("export", 1), *((command, 0) for command in (*STORED, *ALONE))])
def test_reader_that_leaves_is_no_error(shell, pair, command, lines):
    """A command whose reader leaves (`| head`) ends without a word, and with the exit code that it has otherwise."""
    process = shell.start(*command.split(), *(("--store", pair) if command in STORED else ()))
    for _ in range(lines):
        process.stdout.readline()
    process.stdout.close()

    assert process.stderr.read() == ""
    assert process.wait() == (1 if command in {"compare", "status"} else 0)
    process.stderr.close()


@pytest.mark.parametrize(
    "command", ["table", "export", "export --format run", f"explain {EXPLAINED}", "compare", "compare --json"]
)
def test_output_file(pair, tmp_path, command):
    """`--output` writes to a file what would go to standard output, and nothing to that."""
    said = invoke(*command.split(), "--store", pair)
    written = invoke(*command.split(), "--store", pair, "--output", tmp_path / "new" / "file")

    assert written.exit_code == said.exit_code
    assert (written.stdout, (tmp_path / "new" / "file").read_bytes()) == ("", said.stdout_bytes)


def test_output_that_cannot_be_written(pair, tmp_path):
    """A file that cannot be written is a usage error."""
    ended = invoke("table", "--store", pair, "--output", tmp_path)

    assert ended.exit_code == 2
    assert ended.stderr == f"error: --output is {tmp_path} (Is a directory), expected a file that can be written\n"


FULL = Path("/dev/full")  # Linux's device that is always full


@pytest.mark.skipif(not FULL.exists(), reason="there is no device that is always full")
@pytest.mark.parametrize("command", [*STORED, *ALONE])
def test_full_disk_is_the_machinery(shell, pair, command):
    """An output that takes nothing more is one line and code 4, and never the code of a deviation."""
    with FULL.open("w") as full:
        ended = shell(*command.split(), *(("--store", pair) if command in STORED else ()), stdout=full)

    assert ended.returncode == 4
    assert re.fullmatch(r"error: output cannot be written \(No space left on device\), .*\n", ended.stderr)


@pytest.mark.skipif(os.name != "posix", reason="a shell closes no stream there")
def test_closed_output_is_a_usage_error(pair):
    """An output that is closed is one line and code 2; without a standard error the code is all there is."""
    script = "import os, sys; os.close(int(sys.argv[1])); os.execv(sys.executable, [sys.executable, *sys.argv[2:]])"
    command = ["-m", "xentbench", "status", "--store", str(pair)]
    ended = {
        stream: subprocess.run(
            [sys.executable, "-c", script, stream, *command],
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )
        for stream in "12"
    }

    assert ended["1"].returncode == 2
    assert ended["1"].stderr.startswith("error: standard output is closed, expected one that can be written")
    assert ended["2"].returncode == 1
    assert "not safe to take" in ended["2"].stdout


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (StoreError("store is x (gone), expected one"), "error: store is x (gone), expected one\n"),
        (
            OSError(28, "No space left on device", "g.npz"),
            "error: file is g.npz (No space left on device), expected one",
        ),
        (OSError(28, "No space left on device"), "error: output cannot be written (No space left on device)"),
        (KeyError("bug"), "error: Traceback (most recent call last):"),
    ],
)
def test_what_breaks_is_no_deviation(capfd, monkeypatch, error, said):
    """Whatever breaks under a command is code 4, in one line where it was foreseen; a command's own code is kept."""
    monkeypatch.setattr(screen, "_drop_output", lambda: None)

    def broken():
        raise error

    assert screen.guarded(broken) == 4
    assert capfd.readouterr().err.startswith(said)
    assert screen.guarded(lambda: sys.exit(1)) == 1
    assert screen.guarded(lambda: None) == 0


@pytest.mark.parametrize("command", ["run", "report", "dashboard", "compare"])
def test_report_that_cannot_be_written(pair, tmp_path, command):
    """A folder that takes no report is refused before anything is asked."""
    (tmp_path / "file").write_text("")
    store = tmp_path / "new.sqlite" if command == "run" else pair

    ended = invoke(command, "--report", tmp_path / "file" / "report", "--store", store)

    assert ended.exit_code == 2
    assert ended.stderr == (
        f"error: --report is {tmp_path}/file/report (Not a directory), expected a folder that can be written\n"
    )
    assert not (tmp_path / "new.sqlite").exists()


@pytest.mark.parametrize(
    ("make", "what"), [(Path.mkdir, "a folder"), (Path.touch, "an empty file")], ids=["folder", "empty"]
)
def test_folder_and_empty_file_are_named(pair, tmp_path, make, what):
    """A folder and an empty file are said to be that, as a store, as a run and as what is imported."""
    path = tmp_path / "some"
    make(path)

    for arguments in (
        ("status", "--store", path),
        ("compare", path, "--store", pair),
        ("import", path, "--store", pair),
    ):
        ended = invoke(*arguments)
        assert ended.exit_code == 2
        assert re.match(rf"error: (store|file) is {re.escape(str(path))} \({what}\), expected ", ended.stderr)


def without_rights():
    """Return a command prefix under which root, too, may write only where a file's mode lets it."""
    if os.name != "posix":
        pytest.skip("modes of files keep nobody from writing there")
    if os.geteuid():
        return []
    if not shutil.which("setpriv"):
        pytest.skip("root may write everywhere, and there is no setpriv to take that right away; try: another user")
    return ["setpriv", "--bounding-set=-dac_override", "--inh-caps=-dac_override"]


def test_store_that_may_only_be_read(pair, tmp_path):
    """Every reading command reads a store in a folder that it may not write to, and leaves it as it is."""
    prefix, kept = without_rights(), tmp_path / "kept"
    kept.mkdir()
    store, older = kept / "results.sqlite", kept / "older.sqlite"
    shutil.copy(pair, store)
    with closing(sqlite3.connect(older)) as db:
        db.executescript((ROOT / "tests" / "made" / "stores" / "version-2.sql").read_text(encoding="utf-8"))
    before = {path.name: path.read_bytes() for path in kept.iterdir()}
    for path, mode in ((store, 0o444), (older, 0o444), (kept, 0o555)):
        path.chmod(mode)

    asked = [(command, store) for command in STORED]
    asked += [(command, older) for command in ("table", "export", "report")]
    ended = {}
    for command, path in asked:
        report = ("--report", tmp_path / "report") if command in {"report", "dashboard"} else ()
        ended[command, path.name] = subprocess.run(
            [*prefix, sys.executable, "-m", "xentbench", *command.split(), "--store", path, *report],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )
    kept.chmod(0o755)

    assert {name: one.stderr for name, one in ended.items() if one.stderr} == {}
    assert {one.returncode for one in ended.values()} == {0, 1}
    assert {path.name: path.read_bytes() for path in kept.iterdir()} == before


def test_command_that_is_printed_goes_on_from_here(tmp_path):
    """A printed command names the store it needs; none where it is the one that is taken anyway."""
    assert options.carried(options.STORE) == ""
    assert options.carried(Location.of(f"{tmp_path}/a b.sqlite"), "x") == f" --store '{tmp_path}/a b.sqlite' --run x"


@pytest.mark.parametrize("speak", [screen.say, screen.warn])
@pytest.mark.parametrize(
    ("words", "printed"),
    [
        ("a\x1b[31mb\x07c\x9bf", r"a\x1b[31mb\x07c\x9bf"),
        ("name\n::error::injected", r"name\n::error::injected"),
        ("name\r\n\x85\u2028::x", r"name\r\n\x85\u2028::x"),
        ("\u202egnp.exe \ud800", r"\u202egnp.exe \ud800"),
        ("::error::injected", ": :error::injected"),
        ("  ::set-output name=a::b", "    : :set-output name=a::b"),
        ("a ##[error]b", "a # # [error]b"),
        ("softmax@eager: 3 ≤ 4, tests/test_x.py::test_y", "softmax@eager: 3 ≤ 4, tests/test_x.py::test_y"),
    ],
)
def test_a_line_is_one_line_and_no_command(capsys, speak, words, printed):
    """What is printed moves no cursor, rings no bell, ends no line early and tells CI nothing; nor is it hidden."""
    speak(words)

    assert "".join(capsys.readouterr()) == f"{printed}\n"


def test_every_exit_code_has_one_name():
    """Exit codes are those that the README promises."""
    assert {code.name: code.value for code in screen.Exit} == {
        "CONFORMS": 0,
        "DEVIATES": 1,
        "USAGE": 2,
        "NOTHING_RAN": 3,
        "MACHINERY": 4,
        "INTERRUPTED": 130,
    }


@pytest.mark.parametrize(("cause", "code"), [(EOFError("marshal data too short"), 4), (KeyboardInterrupt(), 130)])
def test_what_typer_aborts_is_no_deviation(cause, code, capsys):
    """Bytecode that is cut short and Ctrl-C, which typer ends with 1, have their own codes."""
    app = typer.Typer()

    @app.command()
    def command():
        raise cause

    assert screen.guarded(lambda: app([])) == code
    assert ("error: a file ended early (marshal data too short)" in capsys.readouterr().err) == (code == 4)
