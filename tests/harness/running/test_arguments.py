"""What a user writes of a run: read as meant, or refused with what would be."""

import re

import pytest

from harness import adapters
from harness.running import arguments


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("", ()),
        ("torch", (("torch", ""),)),
        ("torch,jax:jit", (("torch", ""), ("jax", "jit"))),
        (" torch , jax:jit ,", (("torch", ""), ("jax", "jit"))),
        ("jax:jit,jax:eager", (("jax", "jit"), ("jax", "eager"))),
    ],
)
def test_pairs(text, read):
    """Frameworks and modes are read in the order given, blanks and a last comma forgiven."""
    assert arguments.pairs(text) == read


@pytest.mark.parametrize("text", ["tourch", "torch,tourch", "Torch", ":eager", "torch eager"])
def test_unknown_framework_lists_the_choices(text):
    """A framework that no adapter has is an error that lists those there are."""
    with pytest.raises(
        ValueError, match=rf"^--on is '{re.escape(text.rpartition(',')[2])}', expected one of "
    ) as error:
        arguments.pairs(text)

    assert all(name in str(error.value) for name in adapters.names())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("pytorch", "; did you mean torch?"),
        ("tf", "; did you mean tensorflow?"),
        ("tensorflw:xla", "; did you mean tensorflow:xla?"),
        (
            "torch:compiled",
            "--on is 'torch:compiled', expected one of the modes eager, compile; did you mean torch:compile?",
        ),
        ("numpy:jit", "--on is 'numpy:jit', expected one of the modes eager"),
    ],
)
def test_framework_or_mode_that_was_meant(text, message):
    """A framework or a mode under another name is refused with its own, and no framework is imported for that."""
    with pytest.raises(ValueError, match=f"{re.escape(message)}$"):
        arguments.pairs(text)


@pytest.mark.parametrize(
    ("text", "read"), [("", ""), ("all", ""), ("cpu", "cpu"), ("cuda", "cuda"), ("cuda:12", "cuda:12")]
)
def test_device(text, read):
    """A device is read as written, all of them as none in particular."""
    assert arguments.device(text) == read


@pytest.mark.parametrize(("text", "likely"), [("cdua", "cuda"), ("gpu", "cuda"), ("CPU", "cpu")])
def test_device_that_is_off(text, likely):
    """A device that no framework knows is an error with the choices, and with the one that was meant."""
    with pytest.raises(ValueError, match=rf"^--device is '{text}', expected .*cuda:N; did you mean {likely}\?$"):
        arguments.device(text)


@pytest.mark.parametrize(("text", "read"), [("", (1, 1)), ("1/1", (1, 1)), ("2/4", (2, 4)), ("04/10", (4, 10))])
def test_shard(text, read):
    """A part of a whole is read; nothing is all of it."""
    assert arguments.shard(text) == read


@pytest.mark.parametrize(
    "text", ["0/4", "5/4", "0/0", "1", "1/", "/4", "-1/4", "1/4/4", "a/b", "1.0/4", "1/99999", "1/²"]
)
def test_part_of_no_whole(text):
    """What is no part of a whole is an error that says what would be."""
    with pytest.raises(ValueError, match=rf"^--shard is '{re.escape(text)}', expected i/n with i from 1 to n; try: "):
        arguments.shard(text)


@pytest.mark.parametrize("text", ["ci-7", "20260101T000000-abc", "1.2_3", "a" * 80])
def test_run_uid(text):
    """An id is taken as it is."""
    assert arguments.run_uid(text) == text


@pytest.mark.parametrize(
    "text", ["latest", "latest~1", "", "a b", "a/b", "a@b", "-x", "<script>", "a" * 81, "é", "a\n"]
)
def test_run_uid_that_would_be_mistaken(text):
    """An id that could be a path, a file's run or the latest one is refused."""
    with pytest.raises(ValueError, match=r"--run-uid is .*, expected up to 80 letters"):
        arguments.run_uid(text)


def test_interpreters_are_of_names_that_there_are(tmp_path):
    """An interpreter is read with the name whose it is; the last one counts."""
    path = tmp_path / "python"
    path.touch()

    assert arguments.interpreters([f"torch={path}", f"numpy={path}"]) == {"torch": str(path), "numpy": str(path)}


@pytest.mark.parametrize("text", ["torch", "tourch={}", "torch={}/absent", "={}", "{}"])
def test_interpreter_that_is_none_is_refused(tmp_path, text):
    """A name that no adapter has, and a file that is not there, are refused."""
    written = text.format(tmp_path)

    with pytest.raises(ValueError, match=r"^--python is '.*', expected NAME=PATH, a name as --on takes it"):
        arguments.interpreters([written])
