"""Everything one process works with: settings, store, blobs and plugins."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from bridge.errors import MissingPartError, NotFoundError
from bridge.registry import Registry
from bridge.settings import Settings
from bridge.store import migrations
from bridge.store.blobs import Blobs
from bridge.store.database import Database, make_folder


@dataclass(frozen=True, slots=True)
class Workspace:
    """The store and what stands beside it."""

    settings: Settings
    db: Database
    blobs: Blobs
    registry: Registry

    def close(self) -> None:
        """Let go of all connections."""
        self.db.dispose()


def open_workspace(settings: Settings, create: bool = False) -> Workspace:
    """Open the data folder; only with create is a missing one made and the store brought up to date.

    Raises NotFoundError data-missing, or MissingPartError store-old when `labelbridge migrate` is due.
    """
    # Not where we happen to be: a web server looks for relative paths elsewhere.
    settings = replace(settings, data=settings.data.absolute())
    data = settings.data
    if not data.is_dir():
        if not create:
            raise NotFoundError("data-missing", path=str(data))
        make_folder(data)
        data.chmod(0o700)
    db = Database(settings.database())
    if create:
        migrations.migrate(db)
    elif settings.database_url == "" and not Path(db.engine.url.database or "").is_file():
        raise NotFoundError("data-missing", path=str(data))
    elif migrations.present(db) != migrations.newest():
        raise MissingPartError("store-old", found=migrations.present(db) or "-", wanted=migrations.newest())
    return Workspace(settings, db, Blobs(data / "blobs"), Registry(data / "plugins"))
