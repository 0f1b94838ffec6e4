"""The noxfile's own steps: two versions of a framework, from two requirements to one comparison."""

import importlib.util
import re
from pathlib import Path

import nox
import pytest

from tests.made import command_lines

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def noxfile():
    """Return the noxfile as a module."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        for variable in ("UV_FIND_LINKS", "SSL_CERT_FILE"):
            patch.setenv(variable, "")  # which reading it may set
        spec = importlib.util.spec_from_file_location("noxfile", ROOT / "noxfile.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        yield module


class Session:
    """Keeps the commands of a session instead of running them."""

    def __init__(self, folder, *posargs):
        self.posargs, self.folder, self.commands = list(posargs), folder, []
        self.bin = str(folder / "versions" / "bin")

    def create_tmp(self):
        """Return a folder."""
        return str(self.folder)

    def error(self, message):
        """End as nox does."""
        raise ValueError(message)

    def install(self, *words):
        """Keep an installation."""
        self.commands.append(("install", *words))

    def run(self, *words, **_options):
        """Keep a command."""
        self.commands.append(words)


def asked(noxfile, tmp_path, *posargs):
    """Return the commands of the session, its programs by their last name."""
    session = Session(tmp_path, *posargs)
    noxfile.versions.func(session)
    return [(Path(words[0]).name, *words[1:]) for words in session.commands]


def test_two_requirements_become_one_report(noxfile, tmp_path):
    """Each version is installed into an environment of its own and asked the same; then they are compared."""
    commands = asked(noxfile, tmp_path, "jax==0.9.2", "jax==0.10.2", "--op", "softmax", "--dtype", "float32")

    homes = [str(tmp_path / f"versions-jax-{version}") for version in ("0.9.2", "0.10.2")]
    installed = [words for words in commands if words[:3] == ("uv", "pip", "install")]
    ours = [command_lines.parse(words[1:]) for words in commands if words[0] == "xentbench"]
    assert [words[words.index("--python") + 1] for words in installed] == homes
    assert [words[-3:] for words in installed] == [
        ("-e", ".[jax,fast]", "jax==0.9.2"),
        ("-e", ".[jax,fast]", "jax==0.10.2"),
    ]
    assert [name for name, _ in ours] == ["run", "run", "compare"]
    older, newer, compare = (parameters for _, parameters in ours)
    assert re.fullmatch(r"jax-0\.9\.2-\d{8}T\d{6}", older["uid"])
    assert re.fullmatch(r"jax-0\.10\.2-\d{8}T\d{6}", newer["uid"])
    assert (older["on"], older["op"], older["dtype"]) == (newer["on"], newer["op"], newer["dtype"])
    assert (older["on"], older["op"]) == ("jax", "softmax")
    assert (compare["before"], compare["after"]) == (older["uid"], newer["uid"])
    assert compare["directory"] == newer["report"]
    assert len({str(parameters["store"]) for _, parameters in ours}) == 1


def test_versions_choose_their_own_numpy(noxfile, tmp_path):
    """A version under test is bound by no pin of its own stack; what it stands on otherwise is as CI has it."""
    asked(noxfile, tmp_path, "tensorflow-cpu==2.20.0", "tensorflow-cpu==2.21.0")

    left = {line.partition("==")[0] for line in (tmp_path / "constraints.txt").read_text().splitlines()}
    assert not left & {"jax", "jaxlib", "keras", "ml-dtypes", "numpy", "optax", "tensorflow", "tensorflow-cpu", "torch"}
    assert {"mpmath", "pytest", "typer", "rich"} <= left


@pytest.mark.parametrize(
    ("requirement", "extras", "packages"),
    [
        ("torch==2.11.0", "torch,fast", ("torch==2.11.0",)),
        ("torch==2.13.0+cpu", "torch,fast", ("torch==2.13.0+cpu",)),
        ("tensorflow==2.20.0", "fast", ("tensorflow==2.20.0",)),
        ("tensorflow_cpu==2.20.0", "tensorflow,fast", ("tensorflow_cpu==2.20.0",)),
        ("jax[cuda12]==0.9.2", "jax,fast", ("jax[cuda12]==0.9.2",)),
        ("jax==0.9.2 numpy==2.3.5", "jax,fast", ("jax==0.9.2", "numpy==2.3.5")),
        ("torch@file:///wheels/torch-2.14.0a0-cp311-linux_x86_64.whl", "torch,fast", None),
    ],
)
def test_requirement_is_installed_with_what_it_needs(noxfile, tmp_path, requirement, extras, packages):
    """A requirement is any that pip takes; others may stand beside it."""
    package = requirement.partition("=")[0].partition("@")[0].partition("[")[0]

    commands = asked(noxfile, tmp_path, requirement, package)

    first = next(words for words in commands if words[:3] == ("uv", "pip", "install"))
    assert first[first.index("-e") + 1 :] == (f".[{extras}]", *(packages or [requirement]))


@pytest.mark.parametrize(
    ("posargs", "message"),
    [
        ((), "requirements are [], expected two that differ; try: nox -s versions -- jax==0.9.2 jax==0.10.2"),
        (("jax==0.9.2", "--op", "softmax"), "requirements are ['jax==0.9.2'], expected two that differ; try: "),
        (("jax==0.9.2", "jax==0.9.2"), "requirements are ['jax==0.9.2', 'jax==0.9.2'], expected two that differ"),
        (("jax=0.9.2", "jax==0.10.2"), "requirement is 'jax=0.9.2' ("),
        (("jax==0.9.2", "jax == 0.10.2"), "requirement is 'jax == 0.10.2' ("),
        (("numpy==2.3.5", "jax==0.10.2"), "requirement is 'numpy==2.3.5', expected one with one of torch, jax, "),
        (("jax torch", "jax==0.10.2"), "requirement is 'jax torch', expected one with one of torch, jax, "),
        (("torch==2.13.0", "jax==0.10.2"), "versions are of torch and jax, expected two of one framework; try: "),
        (("../jax", "jax==0.10.2"), "requirement is '../jax' ("),
    ],
)
def test_what_is_no_pair_of_versions_is_refused(noxfile, tmp_path, posargs, message):
    """A requirement that is none, and two that cannot be compared, are refused before anything is installed."""
    session = Session(tmp_path, *posargs)

    with pytest.raises(ValueError, match=re.escape(message)):
        noxfile.versions.func(session)

    assert session.commands == []


def test_example_of_an_error_works(noxfile, tmp_path):
    """The command that an error names is one that works."""
    words = noxfile.VERSIONS.split()

    assert words[:4] == ["nox", "-s", "versions", "--"]
    assert asked(noxfile, tmp_path, *words[4:])


def test_sessions_of_workflows_are_there(noxfile):  # noqa: ARG001 - reading it registers its sessions
    """A session that a workflow or CI's script runs is one of the noxfile."""
    texts = [path.read_text("utf-8") for path in [*(ROOT / ".github/workflows").glob("*.yml"), ROOT / ".ci/run"]]
    named = {name for text in texts for names in re.findall(r"nox -s ((?:[a-z-]+ ?)+)", text) for name in names.split()}

    assert named >= {"tests", "compare", "selftest"}
    assert named <= {function.name or name for name, function in nox.registry.get().items()}
