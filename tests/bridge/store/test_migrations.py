from __future__ import annotations

from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from bridge.store import migrations
from bridge.store.database import Database
from bridge.store.tables import Json, metadata


def same_type(_context: Any, _inspected: Any, column: Any, inspected_type: Any, wanted: Any) -> bool | None:
    return False if isinstance(wanted, Json) else None


def test_the_steps_lead_to_the_tables_as_declared(database: Database) -> None:
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": same_type})
        assert compare_metadata(context, metadata) == []


def test_migrating_again_changes_nothing(database: Database) -> None:
    before, after = migrations.migrate(database)
    assert before == after == migrations.newest()
