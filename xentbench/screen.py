"""Exit codes, lines and data on the standard streams, and how a command ends early."""

from __future__ import annotations

import codecs
import errno
import io
import json
import os
import re
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from enum import IntEnum
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any, NoReturn, TextIO

import typer

from harness.spelling import printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

WIDTH = 120  # columns of a table where no terminal says how wide it is; rich's 80 are too few
COMMAND = re.compile(r"^\s*::|##\[")  # what GitHub's runner takes for a command, in either of its forms
# What stands for a sign that an encoding lacks; `?` stands for any other.
SIGNS = str.maketrans(
    {"→": "->", "←": "<-", "·": "*", "±": "+-", "≤": "<=", "≥": ">=", "≈": "~", "∞": "inf", "µ": "u", "…": "..."}
    | dict(zip("×–—‘’“”", "x--''\"\"", strict=True))  # noqa: RUF001 - they look like it, which is why
)
GONE = (errno.EPIPE, errno.EINVAL)  # of a pipe whose reader has left: EINVAL is what Windows says


class Exit(IntEnum):
    """Exit codes, for CI."""

    CONFORMS = 0
    DEVIATES = 1
    USAGE = 2
    NOTHING_RAN = 3
    MACHINERY = 4
    INTERRUPTED = 130  # as shells say of Ctrl-C


def version() -> str:
    """Return the version that is installed; 0 for a checkout that is not."""
    from importlib import metadata  # noqa: PLC0415 - it takes longer than help does

    try:
        return metadata.version("xentbench")
    except metadata.PackageNotFoundError:
        return "0"


def say(line: str) -> None:
    """Print a line; words in it that are not ours can be no other line, and nothing that a terminal or CI obeys."""
    sys.stdout.write(f"{harmless(line)}\n")


def warn(line: str) -> None:
    """Print a line of what went wrong and does not end the command, likewise."""
    sys.stderr.write(f"{harmless(line)}\n")


def harmless(line: str) -> str:
    """Return a line with control signs and line breaks escaped, and what would be a command to CI taken apart."""
    return COMMAND.sub(lambda found: " ".join(found[0]), printable(line))


def stop(code: Exit, message: str) -> NoReturn:
    """Print an error and leave."""
    warn(f"error: {message}")
    raise typer.Exit(code)


@contextmanager
def refusing(*also: type[Exception]) -> Iterator[None]:
    """End the command where a ValueError, or another of these, says that what a user wrote is off."""
    try:
        yield
    except (ValueError, *also) as error:  # type: ignore[misc]  # which mypy cannot tell of a starred tuple
        stop(Exit.USAGE, str(error))


@contextmanager
def ending(*machinery: type[Exception], interrupted: str = "interrupted") -> Iterator[None]:
    """End the command, with the exit code of either, by Ctrl-C or where the machinery fails."""
    try:
        yield
    except KeyboardInterrupt:
        stop(Exit.INTERRUPTED, interrupted)
    except machinery as lost:
        stop(Exit.MACHINERY, str(lost))


def guarded(command: Callable[[], object]) -> int | str | None:
    """Run a command and return its exit code; what breaks under it is none of the answers, and never code 1.

    A full disk, a store that is gone and an output that cannot be written are one line; what nobody foresaw is told in
    full.
    """
    if sys.stdout is None:
        warn("error: standard output is closed, expected one that can be written; try: > /dev/null")
        return Exit.USAGE
    code: int | str | None = Exit.CONFORMS
    try:
        try:
            command()
        except SystemExit as ended:
            code = _aborted(ended) or ended.code
        sys.stdout.flush()
    except Exception as error:  # noqa: BLE001 - else it would end as a new deviation does
        for line in f"error: {_broken(error)}".split("\n"):
            warn(line)
        code = Exit.MACHINERY
    if code == Exit.MACHINERY:
        _drop_output()
    return code


def _aborted(ended: SystemExit) -> Exit | None:
    """Return the code of what typer calls aborted, and ends with 1: Ctrl-C, or a file that ended early.

    A module's compiled bytecode that a full disk cut short is such a file, and stays cut when there is room again.
    """
    if not isinstance(aborted := ended.__context__, typer.Abort):
        return None
    if isinstance(aborted.__cause__, KeyboardInterrupt):
        return Exit.INTERRUPTED
    warn(f"error: a file ended early ({aborted.__cause__}), expected a whole one; try: remove the __pycache__ folders")
    return Exit.MACHINERY


def _broken(error: Exception) -> str:
    """Say what broke, in full where nobody foresaw it."""
    from harness.store import StoreError  # noqa: PLC0415 - what is asked for help needs no store

    match error:
        case StoreError():
            return str(error)
        case OSError(filename=None):
            return f"output cannot be written ({error.strerror or error}), expected a disk and a stream with room"
        case OSError():
            return f"file is {error.filename} ({error.strerror}), expected one that can be read and written"
    return "".join(traceback.format_exception(error))


def _drop_output() -> None:
    """Let what is still to be printed go nowhere, so that leaving does not fail once more."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.__stdout__):
        with suppress(OSError, ValueError, AttributeError):
            os.dup2(nowhere, stream.fileno())  # type: ignore[union-attr]  # which AttributeError takes care of
    os.close(nowhere)


def folder(option: str, directory: Path) -> Path:
    """Return a folder that files can be made in, or can be made itself. Raises ValueError at once for one that cannot.

    Nothing is left behind: a command that is refused for another reason makes no folder.
    """
    at = next((parent for parent in (directory, *directory.parents) if parent.exists()), Path())
    try:
        with TemporaryFile(dir=at):
            return directory
    except OSError as error:
        raise ValueError(
            f"{option} is {directory} ({error.strerror}), expected a folder that can be written"
        ) from error


def console(*, stderr: bool = False) -> Console:
    """Return a rich console; rich is imported where one is needed."""
    from rich.console import Console  # noqa: PLC0415 - most commands print lines alone

    return Console(stderr=stderr, width=None if stderr or sys.stdout.isatty() else WIDTH)


def show(table: Table) -> None:
    """Print a table, its texts as they are."""
    console().print(table, highlight=False, markup=False)


@contextmanager
def data(output: Path | None) -> Iterator[TextIO]:
    """Yield where data goes: standard output, or a file, which is UTF-8 wherever it is written.

    Raises ValueError for a file that cannot be written.
    """
    if output is None:
        yield sys.stdout
        sys.stdout.flush()
        return
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        to = output.open("w", encoding="utf-8", newline="")
    except OSError as error:
        raise ValueError(f"--output is {output} ({error.strerror}), expected a file that can be written") from error
    with to:
        yield to


def write(text: str, output: Path | None = None) -> None:
    """Write a text and a newline to standard output, or to a file. Raises ValueError as `data` does."""
    with data(output) as to:
        to.write(f"{text}\n")


def write_json(plain: Any, output: Path | None = None) -> None:
    """Write plain values as JSON; raises ValueError as `data` does."""
    write(json.dumps(plain, indent=2), output)


class Pipe(io.FileIO):
    """A stream whose reader may leave: the rest is dropped, and the command goes on to its own exit code."""

    def write(self, what: Any, /) -> int:
        """Write bytes, or nothing where nobody reads them."""
        try:
            return super().write(what)
        except OSError as error:
            if error.errno not in GONE:
                raise
            return memoryview(what).nbytes


def another_sign(error: UnicodeError) -> tuple[str, int]:
    """Return what is printed for signs that an encoding lacks, and where to go on."""
    assert isinstance(error, UnicodeEncodeError)
    replaced = error.object[error.start : error.end].translate(SIGNS)
    return replaced.encode("ascii", "replace").decode("ascii"), error.end


def prepare() -> None:
    """Let no sign that an encoding lacks, and no reader that leaves, end a command."""
    codecs.register_error("another sign", another_sign)
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - as long as the process lives
    for name, stream in (("stdout", sys.stdout), ("stderr", sys.stderr)):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="another sign")
            if not stream.isatty():
                setattr(sys, name, _pipe(stream))


def _pipe(stream: io.TextIOWrapper) -> io.TextIOWrapper:
    """Return another way to a stream, by which its reader may leave."""
    settings: Mapping[str, Any] = {
        "encoding": stream.encoding,
        "errors": stream.errors,
        "line_buffering": stream.line_buffering,
        "write_through": stream.write_through,
    }
    return io.TextIOWrapper(io.BufferedWriter(Pipe(stream.fileno(), "wb", closefd=False)), **settings)
