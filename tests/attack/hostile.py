"""Files that are off, by mutation of one that is right: is each refused in one line, or harmless once it is taken?

A seed gives the same files. Values of other types, of odd sizes and depths are put where others are expected, and bytes
are cut, flipped and repeated; what packs them is ours, so that the mutated values are what is read.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import random
import sqlite3
import traceback
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.files import runfile
from harness.store import Store, StoreError
from tests.attack.tally import Tally
from tests.made.front_door import invoke
from tests.made.records import ENVIRONMENT, EVERY, contents, missing, recorded, run
from xentbench import Exit

FILES = 250
# Every command that reads a store, as it is typed behind --store.
READING = (
    ("status",),
    ("compare", "latest~1", "latest"),
    ("compare", "--json"),
    ("table",),
    *(("export", "--format", form) for form in ("jsonl", "csv", "summary", "junit", "badge")),
    ("report", "--report", "{folder}/report"),
    ("dashboard", "--report", "{folder}/report"),
    ("prune", "--keep", "1"),
)
DATA = ("csv", "junit", "json")  # in which any sign may stand, as each form has it
ANSWERED = (0, 1, 3, 4)  # exit codes that are no usage error; 4: a run with a crash in it

ODD: tuple[Any, ...] = (
    *(None, True, False, 0, -1, -3, 1, 7, 2**31, 2**63 - 1, -(2**63), 2**63, 10**40),
    *(0.0, -0.0, 0.5, -1.5, 5e-324, 1.7976931348623157e308, 8.99e307, "inf", "-inf", "nan", float("inf"), float("nan")),
    *("", " ", "Z", "latest", "latest~1", "9999-12-31T23:59:59+00:00", "zzzz", "0001-01-01T00:00:00+00:00", "1e400"),
    *(
        "\n::error::broken",
        "\x1b]0;title\x07",
        "<script>alert(1)</script>",
        "![x](http://x) | `*_#",
        "\u202e\ud800",
        "\0",
    ),
    *(
        "a" * 10_000,
        "{}",
        "[]",
        [],
        {},
        [1],
        [None],
        ["a"],
        {"a": 1},
        {"S": 0.5},
        {"name": 1},
        [[[[]]]],
        {"": {"": {}}},
    ),
)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of every value in plain values."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*path, key))


def changed(value: Any, rng: random.Random) -> tuple[Any, str]:
    """Put an odd value somewhere into plain values, take one away, or double one; return what was done."""
    whole = json.loads(json.dumps(value))
    at = rng.choice([place for place in places(whole) if place])
    parent = whole
    for key in at[:-1]:
        parent = parent[key]
    match rng.choice(("odd", "odd", "odd", "gone", "deep", "more")):
        case "odd":
            parent[at[-1]] = odd = rng.choice(ODD)
            return whole, f"{at} = {odd!r:.60}"
        case "gone":
            del parent[at[-1]]
            return whole, f"{at} is gone"
        case "deep":
            parent[at[-1]] = deep = []
            for _ in range(rng.choice((3, 200))):
                deep.append([])
                deep = deep[0]
            return whole, f"{at} is deep"
    if isinstance(parent, dict):
        parent["more"] = parent[at[-1]]
    else:
        parent.append(parent[at[-1]])
    return whole, f"{at} twice"


def line(value: Any) -> bytes:
    """Write a line of a run file, half characters and numbers that strict JSON lacks included."""
    return json.dumps(value).encode() + b"\n"


def run_file(whole: bytes, rng: random.Random) -> tuple[bytes, str]:
    """Return a mutated run file, and what was done."""
    lines = gzip.decompress(whole).splitlines(keepends=True)
    at = rng.randrange(len(lines))
    match rng.choice(
        ("value", "value", "value", "value", "line", "bytes", "twice", "order", "nested", "long", "packed")
    ):
        case "value":
            found, done = changed(json.loads(lines[at]), rng)
            lines[at] = line(found)
        case "line":
            lines[at], done = line(rng.choice(ODD)), f"line {at} is another"
        case "bytes":
            content = bytearray(lines[at])
            content[rng.randrange(len(content))] = rng.randrange(256)
            lines[at], done = bytes(content), f"a byte of line {at}"
        case "twice":
            lines.insert(at, lines[at])
            lines[-1], done = line({"end": len([one for one in lines if b'"case"' in one])}), f"line {at} twice"
        case "order":
            rng.shuffle(lines)
            done = "shuffled"
        case "nested":
            lines[at], done = b"[" * 100_000 + b"]" * 100_000 + b"\n", f"line {at} is deep"
        case "long":
            lines[at], done = line({"text": "a", "is": "b" * (1 << 25)}), f"line {at} is long"
        case _:
            return _bytes(whole, rng)
    return gzip.compress(b"".join(lines), 1, mtime=0), done


def _bytes(whole: bytes, rng: random.Random) -> tuple[bytes, str]:
    """Cut a file, or change bytes of it."""
    content = bytearray(whole)
    if rng.random() < 0.5:
        size = rng.randrange(len(content))
        return bytes(content[:size]), f"cut at {size}"
    for _ in range(rng.choice((1, 8, 64))):
        content[rng.randrange(len(content))] = rng.randrange(256)
    return bytes(content), "bytes changed"


def store_file(path: Path, rng: random.Random) -> str:
    """Mutate a store where it lies, by what SQLite takes or byte by byte; return what was done."""
    if rng.random() < 0.25:
        content, done = _bytes(path.read_bytes(), rng)
        path.write_bytes(content)
        return done
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("PRAGMA foreign_keys = OFF")
        tables = [name for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        table = rng.choice(tables)
        columns = [row[1] for row in db.execute(f"PRAGMA table_info({table})")]
        column = rng.choice(columns)
        values = [value for value in ODD if not isinstance(value, list | dict | bool | None)]
        odd: Any = rng.choice(values)
        match rng.choice(("value", "value", "value", "json", "json", "delete", "column", "version", "table", "view")):
            case "json":
                table, column = rng.choice(
                    (("results", "facts"), ("runs", "host"), ("environments", "facts"), ("cases", "params"))
                )
                (text,) = rng.choice(db.execute(f"SELECT {column} FROM {table}").fetchall())
                found, done = changed({"a": json.loads(text)}, rng)
                db.execute(f"UPDATE {table} SET {column} = ? WHERE {column} = ?", (json.dumps(found.get("a")), text))
                return f"{table}.{column}: {done}"
            case "delete":
                statement, values = f"DELETE FROM {table}", ()
            case "column":
                statement, values = f'ALTER TABLE {table} RENAME COLUMN "{column}" TO odd', ()
            case "version":
                statement, values = f"PRAGMA user_version = {rng.choice((-1, 0, 1, 2, 3, 4, 6, 2**31 - 1))}", ()
            case "table":
                statement, values = f"ALTER TABLE {table} RENAME TO odd", ()
            case "view":
                statement, values = f"CREATE VIEW odd AS SELECT * FROM {table}", ()
            case _:
                statement, values = f'UPDATE {table} SET "{column}" = ?', (odd,)
        try:
            db.execute(statement, values)
        except (sqlite3.Error, OverflowError, UnicodeError):
            return "nothing"
        return f"{statement} {values!r:.80}"


def attack(at_most: int, folder: Path, seed: int = 14) -> Tally:
    """Import mutated files into a store, and use it; a refusal is a line that leaves nothing behind."""
    tally, rng = Tally(), random.Random(seed)  # noqa: S311 - files, not secrets
    good = everything(folder)
    for number in range(min(FILES, at_most)):
        path = folder / ("hostile.sqlite" if number % 3 == 0 else "hostile.jsonl.gz")
        if number % 3 == 0:
            path.write_bytes((folder / "good.sqlite").read_bytes())
            made = f"{number}: {store_file(path, rng)}"
        else:
            content, done = run_file(good.read_bytes(), rng)
            path.write_bytes(content)
            made = f"{number}: {done}"
        tally.attempts += 1
        one(folder, path, made, tally)
        for left in folder.glob("hostile*"):
            left.unlink()
    return tally


def everything(folder: Path) -> Path:
    """Write a run with every outcome, as a file, as a store, and twice under other ids; return the file."""
    key = hashlib.sha256(json.dumps(dict(sorted(ENVIRONMENT.items()))).encode()).hexdigest()[:16]
    results = [replace(result, environment=key) for result in EVERY]
    for name in ("good", "other1", "other2"):
        whole = recorded(*results, run=run(name), environments={key: ENVIRONMENT}, not_run=[missing()])
        with (folder / f"{name}.jsonl.gz").open("wb") as to:
            runfile.write(whole, to)
    command("import", folder / "good.jsonl.gz", "--store", folder / "good.sqlite")
    return folder / "good.jsonl.gz"


def one(folder: Path, path: Path, made: str, tally: Tally) -> None:
    """Import one file beside two good runs, and use the store."""
    store, others = folder / "hostile-target.sqlite", [folder / f"other{k}.jsonl.gz" for k in (1, 2)]
    command("import", *others, "--store", store)
    before = held(store)
    code, said = command("import", path, "--store", store)
    judged(tally, made, "import", code, said, (0, 2))
    judged(tally, made, "compare FILE", *command("compare", path, others[0], "--store", store), (*ANSWERED, 2))
    if code and held(store) != before:
        tally.wrong("lost", f"{made}: a refused file left something behind")
    if not code:
        for words in READING:
            filled = [word.format(folder=folder) for word in words]
            judged(tally, made, " ".join(words), *command(*filled, "--store", store), ANSWERED)


def judged(tally: Tally, made: str, what: str, code: int, said: str, expected: tuple[int, ...]) -> None:
    """Count what is wrong with how a command ended: a traceback, a refusal, a sign that steers a terminal or a log."""
    tally.planned += 1
    tally.read(said, f"{made}: {what}")
    if code not in expected:
        tally.wrong("lost", f"{made}: {what}: exit code {code}: {said[-200:]!r}")
    if not any(form in what for form in DATA) and (set(said) & set("\x1b\x07\r") or "\n::error::broken" in said):
        tally.wrong("accused", f"{made}: {what}: words that are not ours reach the terminal: {said[-200:]!r}")


def command(*words: object) -> tuple[int, str]:
    """Run a command in this process, as `xentbench.screen.guarded` does; return its exit code and all it said."""
    ended = invoke(*words)
    said = ended.output + (ended.stderr if ended.stderr not in ended.output else "")
    match ended.exception:
        case None | SystemExit():
            return ended.exit_code, said
        case StoreError() | OSError() as error:
            return Exit.MACHINERY, f"{said}error: {error}\n"
    return Exit.MACHINERY, said + "".join(traceback.format_exception(ended.exception))


def held(path: Path) -> object:
    """Return all that a store holds."""
    with Store(path, make=False) as store:
        return contents(store)
