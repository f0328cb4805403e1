"""What Alembic runs: one write transaction around all steps."""

from __future__ import annotations

from alembic import context
from sqlalchemy import text

from bridge.store.database import Database
from bridge.store.tables import metadata

database: Database = context.config.attributes["database"]

with database.write() as connection:
    if not database.sqlite:  # Two processes may start at once; the second finds nothing left to do.
        connection.execute(text("SELECT pg_advisory_xact_lock(7250311)"))
    context.configure(connection=connection, target_metadata=metadata, render_as_batch=database.sqlite)
    with context.begin_transaction():
        context.run_migrations()
