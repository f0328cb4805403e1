"""Bringing a store up to date, step by step (Alembic)."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from bridge.store.database import Database


def config(database: Database) -> Config:
    """Alembic's configuration for a store; there is no ini file."""
    found = Config()
    found.set_main_option("script_location", str(Path(__file__).parent))
    found.attributes["database"] = database
    return found


def migrate(database: Database) -> tuple[str | None, str | None]:
    """Apply all missing steps; gives the revision before and after. Safe to repeat, and for two at once."""
    before = present(database)
    if before != newest():
        command.upgrade(config(database), "head")
    return before, present(database)


def present(database: Database) -> str | None:
    """The step the store is at."""
    with database.engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def newest() -> str | None:
    """The newest step there is."""
    return ScriptDirectory(str(Path(__file__).parent)).get_current_head()
