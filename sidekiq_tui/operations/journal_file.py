"""The SQLite file of the journal: private from its first byte, made to last, of one schema (operations-safety 13.1)."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Final

from sidekiq_tui.operations.errors import CannotBeKept
from sidekiq_tui.operations.private_files import open_private, private_folder

NAME: Final = "journal.db"
SCHEMA: Final = 2

_BUSY: Final = 5.0
"""Seconds to wait for another sqtui's transaction."""
_NETWORK: Final = frozenset(
    ("9p", "afs", "ceph", "cifs", "fuse.sshfs", "glusterfs", "lustre", "ncpfs", "nfs", "nfs4", "smb3", "smbfs")
)
_MOUNTS: Final = Path("/proc/self/mounts")
# What an operation is still to do has a table of its own: of a million jobs it is 16 MB, which SQLite would read and
# compare again with each batch that touches the operation's row.
_REST: Final = "CREATE TABLE rest (op TEXT PRIMARY KEY, targets BLOB NOT NULL)"
_TABLES: Final = f"""
CREATE TABLE op (
  id TEXT PRIMARY KEY, server TEXT NOT NULL, mark TEXT NOT NULL, kind TEXT NOT NULL, words TEXT NOT NULL,
  who TEXT NOT NULL, plan TEXT NOT NULL, parameters TEXT NOT NULL, count INTEGER NOT NULL, at REAL NOT NULL,
  ended REAL, state TEXT NOT NULL, generation INTEGER NOT NULL, tally TEXT NOT NULL, undo TEXT NOT NULL, undone TEXT,
  pid INTEGER NOT NULL, started INTEGER NOT NULL, host TEXT NOT NULL, touched REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX op_at ON op (server, at);
CREATE TABLE batch (
  op TEXT NOT NULL, number INTEGER NOT NULL, bid TEXT NOT NULL, n INTEGER NOT NULL, blob BLOB, results TEXT,
  UNIQUE (op, number)
);
{_REST};
CREATE TABLE head (one INTEGER PRIMARY KEY CHECK (one = 1), n INTEGER NOT NULL, hash TEXT NOT NULL);
"""


class JournalError(CannotBeKept):
    """The journal cannot be opened, read or written: no room, no right, or not ours."""

    title = "Journal"


def open_journal(folder: Path) -> sqlite3.Connection:
    """The journal of a folder, made if it is not there. Raises `JournalError`."""
    path = folder / NAME
    try:
        private_folder(folder)
        # Before SQLite opens it, so that what SQLite puts beside it is private, too.
        os.close(open_private(path, os.O_RDWR | os.O_CREAT))
        connection = sqlite3.connect(path, timeout=_BUSY, isolation_level=None, check_same_thread=False)
    except (OSError, sqlite3.Error) as error:
        raise unkept(error, folder) from error
    try:
        mode = "DELETE" if on_network(folder) else "WAL"
        for pragma in (f"journal_mode={mode}", "synchronous=FULL", "secure_delete=ON", "foreign_keys=OFF"):
            connection.execute(f"PRAGMA {pragma}")
        _migrate(connection, folder)
    except sqlite3.Error as error:
        connection.close()
        raise unkept(error, folder) from error
    except BaseException:
        connection.close()
        raise
    return connection


def open_to_read(folder: Path) -> sqlite3.Connection | None:
    """A second view of the journal; None when there is none yet. Raises `JournalError`."""
    path = folder / NAME
    if not path.exists():
        return None
    try:
        connection = _viewed(path)
        if _version(connection) in range(1, SCHEMA):
            connection.close()
            open_journal(folder).close()
            connection = _viewed(path)
        if _version(connection) != SCHEMA:
            connection.close()
            return None
    except (OSError, sqlite3.Error) as error:
        raise unkept(error, folder) from error
    return connection


def _viewed(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=_BUSY)


def _version(connection: sqlite3.Connection) -> int:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)


def unkept(error: Exception, folder: Path) -> JournalError:
    """The error in words for a person."""
    text = str(error)
    if "full" in text or "disk I/O" in text:
        return JournalError("No room for the undo copy on this machine", hint=f"see {folder}")
    if "locked" in text:
        return JournalError("The journal is held by another process", hint="try again")
    reason = error.strerror if isinstance(error, OSError) and error.strerror else text
    return JournalError(f"The journal cannot be used: {reason}", hint=f"see {folder}")


def on_network(folder: Path, mounts: Path = _MOUNTS) -> bool:
    """Whether the folder lies on a network's file system, whose locks WAL must not trust."""
    try:
        table = mounts.read_text("utf-8", "surrogateescape")
        where = str(folder.resolve())
    except OSError:
        return False
    longest, kind = "", ""
    for line in table.splitlines():
        fields = line.split(" ")
        if len(fields) > 2:
            point = fields[1].replace("\\040", " ")
            inside = where == point or where.startswith(point.rstrip("/") + "/")
            if inside and len(point) >= len(longest):
                longest, kind = point, fields[2]
    return kind in _NETWORK


def _migrate(connection: sqlite3.Connection, folder: Path) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        version = _version(connection)
        if version > SCHEMA:
            raise JournalError("The journal was written by a newer sqtui", hint=f"use that one, or move {folder} away")
        if version == 0:
            for statement in _TABLES.split(";"):
                connection.execute(statement)
        elif version == 1:
            connection.execute(_REST)
            connection.execute("INSERT INTO rest SELECT id, rest FROM op WHERE rest IS NOT NULL")
            connection.execute("UPDATE op SET rest=NULL")
        if version < SCHEMA:
            connection.execute(f"PRAGMA user_version={SCHEMA}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
