"""The location of a store, a file or a PostgreSQL URL, and the folder of what belongs beside it.

A password is taken out of the URL at once, so that whatever prints a location, stores a command line or starts a worker
process shows none.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

BUILD = Path("build")  # for what lies beside a store, where the store is no file
URL = re.compile(r"\s*([a-z][a-z0-9+.-]*)://|\s*(postgres(?:ql)?):", re.IGNORECASE)
WITHIN = re.compile(r"\s([a-z][a-z0-9+.-]*)://", re.IGNORECASE)  # a URL behind something else, which no path holds
# Stricter than libpq, which takes part of a password that holds a `/` or an `@` for a host or a database, and says so.
POSTGRES = re.compile(r"(?P<begin>postgres(?:ql)?://(?:[^:@/?#\s]*))(?::(?P<password>[^@/?#\s]*))?(?P<rest>@[^@#\s]*)")
WITHOUT_USER = re.compile(r"postgres(?:ql)?://[^@#\s]*")
# An option of libpq's by which a password is given, `sslpassword` too: in a URL, or in `host=... password=...`.
PASSWORD = re.compile(r"(password\s*=\s*)('(?:[^'\\]|\\.)*'|[^\s&'\"]*)", re.IGNORECASE)


@dataclass(frozen=True)
class Location:
    """A file's path or a URL as it is printed, without its password. unreadable: a URL that is none of PostgreSQL's."""

    text: str
    password: str = field(default="", repr=False)
    unreadable: bool = False

    @classmethod
    def of(cls, location: Location | Path | str) -> Location:
        """Read a path or a URL. Raises nothing: what cannot be read is refused when it is opened."""
        if isinstance(location, Location):
            return location
        text = str(location)
        scheme = URL.match(text) or WITHIN.search(text)
        hides = PASSWORD.search(unquote(text)) is not None
        if scheme is None:
            return cls("postgresql://...", unreadable=True) if hides else cls(text)
        if not hides:
            if found := POSTGRES.fullmatch(text):
                return cls(found["begin"] + found["rest"], unquote(found["password"] or ""))
            if WITHOUT_USER.fullmatch(text):
                return cls(text)
        return cls(f"{next(filter(None, scheme.groups()))}://...", unreadable=True)

    @property
    def is_url(self) -> bool:
        """Whether this is no file."""
        return URL.match(self.text) is not None

    @property
    def folder(self) -> Path:
        """Where what lies beside the store goes: goldens, logs, records."""
        return BUILD if self.is_url else Path(self.text).parent

    @property
    def option(self) -> str:
        """What a command that is printed needs behind it to reach this store: nothing for the usual one."""
        return "" if self == RESULTS else f" --store {shlex.quote(self.text)}"

    @property
    def environment(self) -> dict[str, str]:
        """What another process needs beside the text: the variable that libpq takes a password from."""
        return {"PGPASSWORD": self.password} if self.password else {}

    def __str__(self) -> str:
        """Print what may be seen."""
        return self.text


RESULTS = Location(str(BUILD / "results.sqlite"))  # where results go unless another place is named


def without_passwords(text: str) -> str:
    """Return a text, such as a command line, with every URL in it as a location prints it, and no other password."""
    shown = re.sub(r"\b[a-z][a-z0-9+.-]*://\S*", lambda url: _shown(url[0]), text, flags=re.IGNORECASE)
    return PASSWORD.sub(r"\1...", shown)


def _shown(url: str) -> str:
    """Return a URL of a database without its password; of another kind, without what stands before an @."""
    if re.match(r"postgres(ql)?:", url, re.IGNORECASE) or PASSWORD.search(unquote(url)):
        return str(Location.of(url))
    return re.sub(r"(?<=://)[^/@\s]*@", "...@", url)
