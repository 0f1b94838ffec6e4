"""The interface of a database: one connection, and statements of the same text for every kind."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, ClassVar

from harness.store.location import Location

Row = tuple[Any, ...]

VERSION = 6  # of the schema: an older store is migrated, a newer one refused
TABLES = ("runs", "environments", "cases", "targets", "texts", "results", "not_run")  # of every version


class StoreError(ValueError):
    """A store that cannot be read, or a run that is not in it."""


class Unfit(StoreError):  # noqa: N818 - said of a value
    """A value that a store does not take, such as a text where a number is expected, or results of no run."""


class Database(ABC):
    """An open database. `?` stands for a parameter; a statement outside of `transaction` commits by itself.

    Every method raises StoreError where the database does not answer, Unfit where it refuses a value.
    """

    types: ClassVar[Mapping[str, str]]  # how this kind of database spells the types and the table options of the schema
    refused: ClassVar[tuple[type[Exception], ...]]  # what its driver raises for a value
    failed: ClassVar[type[Exception]]  # and for all else

    def __init__(self, location: Location) -> None:
        self.location = location

    @abstractmethod
    def version(self) -> int:
        """Return the version of the schema, 0 where there is nothing. Raises Foreign for another program's tables."""

    @abstractmethod
    def set_version(self, version: int) -> None:
        """Write down the version of the schema."""

    @abstractmethod
    def copy(self) -> None:
        """Go on with a copy of all there is, which may be migrated, and leave the store as it is."""

    @abstractmethod
    def seal(self) -> None:
        """Let nothing be written from now on."""

    @abstractmethod
    def back_up(self, version: int) -> None:
        """Keep a copy of what is about to be migrated from a version, where that is this program's to do."""

    @abstractmethod
    def transaction(self) -> AbstractContextManager[None]:
        """Commit all that is done inside together, or nothing of it; one writer at a time, others wait."""

    @abstractmethod
    def execute(self, sql: str, parameters: Sequence[object] = ()) -> None:
        """Do what returns no rows."""

    @abstractmethod
    def executemany(self, sql: str, rows: Iterable[Sequence[object]]) -> None:
        """Do it with each row's parameters."""

    @abstractmethod
    def rows(self, sql: str, parameters: Sequence[object] = ()) -> Iterator[Row]:
        """Yield the rows of a query."""

    @contextmanager
    def _named(self) -> Iterator[None]:
        """Say in the house's words what goes wrong."""
        try:
            yield
        except self.refused as error:
            raise unfit(self.location, error) from error
        except self.failed as error:
            raise broken(self.location, error) from error

    @abstractmethod
    def compact(self) -> None:
        """Give back the room of what was removed."""

    @abstractmethod
    def close(self) -> None:
        """Close the connection; what is not committed is gone."""


def known(database: Database) -> int:
    """Return the version of the schema where this program reads it. Raises StoreError where it does not."""
    version = database.version()
    if not 0 <= version <= VERSION:
        raise no_store(database.location, f"version {version}, this program reads 1 to {VERSION}")
    return version


def absent(location: Location) -> StoreError:
    """Return the error of a store that is to be read and is not there."""
    return StoreError(
        f"store {location} is not there, expected the results of a run; try: xentbench run{location.option}"
    )


def no_store(location: Location, why: object) -> StoreError:
    """Return the error of a location that holds no store, or cannot be reached."""
    return StoreError(f"store is {location} ({_one_line(why)}), expected a results store; name another with --store")


def broken(location: Location, why: object) -> StoreError:
    """Return the error of an open store that does not answer any more."""
    return StoreError(
        f"store is {location} ({_one_line(why)}), expected one that can be read and written; what was committed is kept"
    )


def unfit(location: Location, why: object) -> Unfit:
    """Return the error of a value that the database refuses."""
    return Unfit(f"a value for {location} is not as expected ({_one_line(why)}), expected one of the column's type")


def _one_line(why: object) -> str:
    return " ".join(str(why).split())
