"""The tables of a store for every kind of database, and the migrations from older versions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from harness.store.database import VERSION, Database, absent, known
from harness.store.hints import Malformed
from harness.store.nouns import json_of
from harness.store.outcomes import figure, share, unpack

# A word in braces is a kind of database's own: `Database.types` of sqlite.py and postgres.py. The rest is SQL that both
# read: `ON CONFLICT ... DO`, row values, double-quoted names ("case", "rows", "check" and "text" are words of SQL).
# Every column that pages over all runs read, so that they need not touch the facts.
HISTORY = 'CREATE INDEX history ON results ("case", target, run, outcome, judgement, figure, share, environment)'
SCHEMA: Sequence[str] = (
    """CREATE TABLE runs (
    uid {text} PRIMARY KEY, started {text} NOT NULL, finished {text},
    command {text} NOT NULL, preset {text} NOT NULL, host {text} NOT NULL, shards {text} NOT NULL DEFAULT '',
    place {integer} NOT NULL DEFAULT 0, notes {text} NOT NULL DEFAULT ''
) {strict}""",
    "CREATE TABLE environments (key {text} PRIMARY KEY, facts {text} NOT NULL) {strict}",
    """CREATE TABLE cases (
    key {number_itself}, id {text} NOT NULL, content {text} NOT NULL, op {text} NOT NULL, params {text} NOT NULL,
    quantity {text} NOT NULL, family {text} NOT NULL, dtype {text} NOT NULL, "rows" {integer} NOT NULL,
    classes {integer} NOT NULL, seed {integer} NOT NULL, "check" {text} NOT NULL DEFAULT '', UNIQUE (id, content)
) {strict}""",
    """CREATE TABLE targets (
    key {number_itself}, framework {text} NOT NULL, op {text} NOT NULL, name {text} NOT NULL, kind {text} NOT NULL,
    mode {text} NOT NULL, device {text} NOT NULL, UNIQUE (framework, op, name, mode, device)
) {strict}""",
    'CREATE TABLE texts (key {text} PRIMARY KEY, "text" {bytes} NOT NULL) {strict_by_key}',
    """CREATE TABLE results (
    run {text} NOT NULL REFERENCES runs, "case" {integer} NOT NULL REFERENCES cases,
    target {integer} NOT NULL REFERENCES targets, environment {text} NOT NULL, outcome {text} NOT NULL,
    judgement {text} NOT NULL, reason {text} NOT NULL, facts {text} NOT NULL, figure {real},
    share {real}, PRIMARY KEY (run, "case", target)
) {strict_by_key}""",
    HISTORY,
    """CREATE TABLE not_run (
    run {text} NOT NULL REFERENCES runs, framework {text} NOT NULL, mode {text} NOT NULL, device {text} NOT NULL,
    reason {text} NOT NULL, PRIMARY KEY (run, framework, mode, device)
) {strict}""",
)

# version -> the statements that make the next one of it, spelled as those above
MIGRATIONS: Mapping[int, Sequence[str]] = {
    1: ["""ALTER TABLE cases ADD COLUMN "check" {text} NOT NULL DEFAULT ''"""],
    2: ["ALTER TABLE results ADD COLUMN figure {real}"],
    3: [
        "ALTER TABLE runs ADD COLUMN shards {text} NOT NULL DEFAULT ''",
        "ALTER TABLE results ADD COLUMN share {real}",
        "DROP INDEX history",
        HISTORY,
    ],
    4: [
        "ALTER TABLE runs ADD COLUMN place {integer} NOT NULL DEFAULT 0",
        """UPDATE runs SET place = (
        SELECT count(*) FROM runs before WHERE (before.started, before.uid) <= (runs.started, runs.uid)
        )""",
    ],
    5: ["ALTER TABLE runs ADD COLUMN notes {text} NOT NULL DEFAULT ''"],  # a line each
}
FIGURES = 4  # the first version with the columns `figure` and `share`


def prepare(database: Database, *, make: bool) -> None:
    """Make the tables where there are none, or migrate an older version's; all of it or, after a kill, nothing.

    What is to be read alone is migrated in a copy. Raises StoreError for a newer version, for another program's tables,
    and for nothing at all unless it is to be made.
    """
    version = known(database)
    if version == 0 and not make:
        raise absent(database.location)
    if version < VERSION:
        if not make:
            database.copy()
        elif version:
            database.back_up(version)
        _migrate(database)
    if not make:
        database.seal()


def _migrate(database: Database) -> None:
    with database.transaction():
        version = known(database)  # another process may have been at it until just now
        steps = [step for older in range(version, VERSION) for step in MIGRATIONS[older]] if version else SCHEMA
        for statement in steps:
            database.execute(statement.format_map(database.types))
        if 0 < version < FIGURES:
            _add_figures(database)
        database.set_version(VERSION)


def _add_figures(database: Database) -> None:
    """Fill in the figures of results that were stored without, a run at a time."""
    for (uid,) in list(database.rows("SELECT uid FROM runs")):
        rows = database.rows('SELECT outcome, facts, "case", target FROM results WHERE run = ?', (uid,))
        filled = []
        for name, facts, *key in rows:
            try:
                outcome = unpack(name, json_of(facts), defaultdict(str))
            except Malformed:
                continue  # reading says so, and prune removes it
            filled.append((figure(outcome), share(outcome), uid, *key))
        sql = 'UPDATE results SET figure = ?, share = ? WHERE (run, "case", target) = (?, ?, ?)'
        database.executemany(sql, filled)
