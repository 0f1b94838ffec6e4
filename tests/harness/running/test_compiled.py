"""What frameworks compile is kept by what it depends on, where it can be."""

import os
import subprocess
import sys

import pytest

from harness.adapters import numpy
from harness.running import compiled, host


class Fake(numpy.Adapter):
    """A framework that compiles by the files of a package, and says where it keeps that."""

    def __init__(self, version="1.0"):
        """Take the version that the environment tells."""
        super().__init__()
        self.version, self.folder = version, None

    def environment(self, device):
        """Tell the version."""
        return {"fake": self.version, "device": device}

    def keep_compiled(self, folder):
        """Take note of the folder."""
        self.folder = folder


def kept(tmp_path, version="1.0"):
    """Return the folder that a version keeps its programs in."""
    adapter = Fake(version)
    compiled.keep(tmp_path, adapter)
    return adapter.folder


def test_each_version_has_a_folder_of_its_own(tmp_path):
    """The same one again, another for another version."""
    assert kept(tmp_path) == kept(tmp_path)
    assert kept(tmp_path).is_dir()
    assert kept(tmp_path) != kept(tmp_path, "1.1")
    assert kept(tmp_path).parent == tmp_path / "compiled" / "numpy"


def test_a_build_of_the_same_version_has_another(tmp_path, monkeypatch):
    """What compiles is a file; a new one is another compiler, whatever it calls itself."""
    package = tmp_path / "fakelib"
    package.mkdir()
    library = package / "compiler.so"
    (package / "__init__.py").write_text("")
    library.write_bytes(b"one")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(Fake, "compiler", ("fakelib", "*.so"))
    before = kept(tmp_path)

    library.write_bytes(b"two two")

    assert kept(tmp_path) != before


def test_another_processor_has_another(tmp_path, monkeypatch):
    """Machine code is a processor's own."""
    before = kept(tmp_path)
    monkeypatch.setattr(host, "instructions", lambda: "fpu")
    assert kept(tmp_path) != before


def test_what_cannot_be_kept_is_compiled_anew(tmp_path):
    """A file where the folder should be, as on a medium that may only be read: nothing is kept, and nothing fails."""
    (tmp_path / "compiled").write_text("")
    assert kept(tmp_path) is None


class Trusting(Fake):
    """A framework that takes whatever lies in the place of a program."""

    programs = "*.program"
    trusts_programs = True


@pytest.fixture
def sealed(tmp_path):
    """Return the programs of a run that kept two and came to its end."""
    programs = compiled.keep(tmp_path, Trusting())
    for name in ("a", "b"):
        (programs.folder / f"{name}.program").write_text(name)
    assert programs.told == "2 programs compiled anew; 0 that earlier runs compiled were there to be taken"
    programs.seal()
    return programs


def left(tmp_path):
    """Return the programs that another run finds, by name."""
    return sorted(path.name for path in compiled.keep(tmp_path, Trusting()).folder.glob("*.program"))


def test_sealed_programs_are_there_for_the_next_run(tmp_path, sealed):  # noqa: ARG001 - it is there
    """What a run has kept is as it was, and the next one says how much it needed not to compile."""
    assert left(tmp_path) == ["a.program", "b.program"]
    told = compiled.keep(tmp_path, Trusting()).told
    assert told == "0 programs compiled anew; 2 that earlier runs compiled were there to be taken"


@pytest.mark.parametrize("content", ["", "x", "aa"], ids=["empty", "changed", "longer"])
def test_a_damaged_program_is_not_taken(tmp_path, sealed, content):
    """It is removed before the framework looks, which would take it for a program."""
    (sealed.folder / "a.program").write_text(content)
    assert left(tmp_path) == ["b.program"]


def test_a_program_of_a_process_that_was_killed_is_not_taken(tmp_path, sealed):
    """Nobody knows whether it is whole."""
    (sealed.folder / "c.program").write_text("c")
    assert left(tmp_path) == ["a.program", "b.program"]


@pytest.mark.parametrize("content", [b"", b"[1]", b"\xff", b'{"a.program": 1}'])
def test_without_seals_nothing_is_taken(tmp_path, sealed, content):
    """Damaged seals are none."""
    (sealed.folder / compiled.SEALS).write_bytes(content)
    assert left(tmp_path) == []


def test_a_framework_that_sees_damage_itself_is_left_its_files(tmp_path):
    """Its folder is its own: nothing is removed, and nothing written."""
    folder = kept(tmp_path)
    (folder / "a.program").write_text("a")
    compiled.keep(tmp_path, Fake()).seal()
    assert [path.name for path in folder.iterdir()] == ["a.program"]


ASK_TENSORFLOW = """
import sys
from pathlib import Path

import numpy as np

from harness.adapters import frameworks
from harness.model import Inputs, Op, Target
from harness.running import compiled

adapter = frameworks.load("tensorflow")
programs = compiled.keep(Path(sys.argv[1]), adapter)
implementation = next(one for one in adapter.implementations() if (one.op, one.name) == ("softmax", "tf.nn.softmax"))
x = np.arange(12, dtype=np.float32).reshape(3, 4)
got = adapter.ask(Op("softmax"), "value", Inputs(x, None, x), Target(implementation, "xla", "cpu"))
programs.seal()
print(got.tobytes().hex(), adapter.environment("cpu")["TF_XLA_FLAGS"], programs.told, sep="|")
"""


@pytest.mark.parametrize("damage", [None, b"", b"no program"], ids=["whole", "empty", "no_program"])
def test_tensorflow_compiles_nothing_twice(tmp_path, damage):
    """A program of XLA is taken from the folder in another process, or compiled anew where it is damaged: same bits."""
    pytest.importorskip("tensorflow")

    def ask():
        command = [sys.executable, "-c", ASK_TENSORFLOW, str(tmp_path)]
        environment = {name: value for name, value in os.environ.items() if name != "TF_XLA_FLAGS"}
        ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        return ended.stdout.strip().split("|")

    bits, flags, told = ask()
    assert (flags, told[:10]) == ("unset", "1 programs")  # where programs are kept is no part of what answers depend on
    (program,) = tmp_path.glob("compiled/tensorflow/*/xla_compile_cache__*.pb")
    if damage is not None:
        program.write_bytes(damage)

    assert ask() == [
        bits,
        "unset",
        told if damage is not None else told.replace("1 pro", "0 pro").replace("; 0", "; 1"),
    ]


def test_jax_compiles_nothing_twice(tmp_path):
    """A program that is there already is taken from the folder, a damaged one compiled anew: the same bits."""
    jax = pytest.importorskip("jax")
    from harness.adapters.jax import Adapter  # noqa: PLC0415 - where jax is installed

    names = ("jax_compilation_cache_dir", "jax_persistent_cache_min_compile_time_secs")
    before = {name: getattr(jax.config, name) for name in (*names, "jax_persistent_cache_min_entry_size_bytes")}
    try:
        compiled.keep(tmp_path, Adapter())
        x = jax.numpy.arange(12.0).reshape(3, 4)
        first = jax.jit(lambda x: jax.nn.softmax(x) + 0.25)(x)
        programs = sorted(tmp_path.glob("compiled/jax/*/jit_*"))
        again = jax.jit(lambda x: jax.nn.softmax(x) + 0.25)(x)
        for program in programs:
            if program.name.endswith("-cache"):
                program.write_bytes(b"no program")
        with pytest.warns(UserWarning, match="persistent compilation cache"):  # which processes of a run let pass
            anew = jax.jit(lambda x: jax.nn.softmax(x) + 0.25)(x)
    finally:
        for name, value in before.items():
            jax.config.update(name, value)
        jax._src.compilation_cache.reset_cache()
    assert programs
    assert sorted(tmp_path.glob("compiled/jax/*/jit_*")) == programs
    assert (first == again).all()
    assert (first == anew).all()
