"""What frameworks compile is kept by what it depends on, where it can be."""

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


def test_jax_compiles_nothing_twice(tmp_path):
    """A program that is there already is taken from the folder, and answers the same bits."""
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
    finally:
        for name, value in before.items():
            jax.config.update(name, value)
        jax._src.compilation_cache.reset_cache()
    assert programs
    assert sorted(tmp_path.glob("compiled/jax/*/jit_*")) == programs
    assert (first == again).all()
