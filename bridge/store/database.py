"""The connection to SQLite or PostgreSQL: short write transactions, one at a time on SQLite."""

from __future__ import annotations

import random
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import OperationalError

from bridge.errors import MissingPartError, UnreachableError

_WAIT_SECONDS = 20.0


def now() -> str:
    """The present time as the store writes it (UTC, microseconds)."""
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


class Database:
    """One store; read() and write() give a connection inside a transaction."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.sqlite = url.startswith("sqlite")
        self._lock = threading.Lock()
        self.engine = _sqlite_engine(url) if self.sqlite else create_engine(url, pool_pre_ping=True)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that only reads and sees one state of the store."""
        with _named_errors(self.url), self.engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that writes; keep it short and do no I/O inside. On SQLite writers queue up."""
        if not self.sqlite:
            with _named_errors(self.url), self.engine.connect() as connection, connection.begin():
                yield connection
            return
        # The lock makes threads of this process fair; SQLite's own lock keeps other processes out.
        with self._lock, _named_errors(self.url), self.engine.connect() as connection:
            connection = connection.execution_options(write=True)
            with connection.begin():
                yield connection

    def dispose(self) -> None:
        """Close all connections (needed after a fork)."""
        self.engine.dispose()


@contextmanager
def _named_errors(url: str) -> Iterator[None]:
    try:
        yield
    except OperationalError as error:
        reason = str(error.orig)
        if "disk is full" in reason or "disk I/O" in reason:
            raise MissingPartError("disk-full", path=make_url(url).database or "", reason=reason) from error
        if "no such table" in reason or "unable to open" in reason:
            raise MissingPartError("store-unusable", url=_plain(url), reason=reason) from error
        if isinstance(error.orig, sqlite3.Error) and "locked" not in reason:
            raise
        raise UnreachableError("store-unreachable", url=_plain(url), reason=reason) from error


def _plain(url: str) -> str:
    return make_url(url).render_as_string(hide_password=True)


def _sqlite_engine(url: str) -> Engine:
    engine = create_engine(url, connect_args={"check_same_thread": False, "timeout": 0})
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _prepare(connection: sqlite3.Connection, _record: Any) -> None:
    # pysqlite would begin only before the first write; we begin ourselves, so that reads are one state too.
    connection.isolation_level = None
    # FULL: a webhook that was answered must survive a power cut.
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "cache_size=-65536",
        "mmap_size=268435456",
    ):
        _patiently(lambda pragma=pragma: connection.execute(f"PRAGMA {pragma}"))  # type: ignore[misc]


def _begin(connection: Connection) -> None:
    # A deferred transaction that writes after reading fails at once when another wrote meanwhile.
    words = "BEGIN IMMEDIATE" if connection.get_execution_options().get("write") else "BEGIN"
    _patiently(lambda: connection.exec_driver_sql(words))


def _patiently(act: Callable[[], Any]) -> None:
    """Try until the database is free: even short steps, since SQLite's own waiting grows to 100 ms and starves."""
    deadline = time.monotonic() + _WAIT_SECONDS
    while True:
        try:
            act()
            return
        except (sqlite3.OperationalError, OperationalError) as error:
            if ("locked" not in str(error) and "busy" not in str(error)) or time.monotonic() > deadline:
                raise
        time.sleep(random.uniform(0.001, 0.004))


def make_folder(path: Path) -> None:
    """Make a folder, with a named error when the disk or its rights forbid it."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MissingPartError("folder-unwritable", path=str(path), reason=error.strerror or str(error)) from None
