"""Every setting, read once from LABELBRIDGE_… variables and passed in."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, get_type_hints

from bridge.errors import UsageError

PREFIX = "LABELBRIDGE_"


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings with their defaults; LABELBRIDGE_DATABASE_URL sets database_url, and so on."""

    # Folder of the store, blobs, logs and keys.
    data: Path = Path("labelbridge-data")
    # SQLAlchemy URL; empty = SQLite in the data folder. postgresql+psycopg://user@host/name for PostgreSQL.
    database_url: str = ""
    # Broker URL (redis://… or redis+socket://…); empty = `labelbridge up` starts one of its own.
    redis_url: str = ""
    # Broker URL that nodes elsewhere are told; empty = the same. 0.0.0.0 in it is the address where they found us.
    node_redis_url: str = ""
    # Address on which `labelbridge up` opens pages and broker to the local network; empty = to this machine alone.
    listen: str = ""
    # Key that seals credentials at rest; empty = a 0600 file (secret.key) in the data folder.
    secret_key: str = ""
    # Address and port of the web server.
    host: str = "127.0.0.1"
    port: int = 8765
    # How others reach the web server (for links and Label Studio's webhooks); empty = http://host:port.
    public_url: str = ""
    # Where the command line and the workers find a bridge, and the token they show it.
    server: str = ""
    token: str = ""
    # Name of this machine among the nodes; empty = its host name.
    node: str = ""
    # Folder for a worker's picture cache, work folders and outbox; empty = "node" in the data folder.
    node_dir: str = ""
    # darknet's program; empty = `darknet` on PATH.
    darknet: str = ""
    # Seconds a job's lease lasts without a heartbeat, and seconds between heartbeats.
    lease_seconds: float = 30.0
    heartbeat_seconds: float = 5.0
    # Seconds between two looks at the due jobs (the sender), and after which a sent job nobody took is sent again.
    sweep_seconds: float = 0.5
    resend_seconds: float = 30.0
    # Seconds between two looks at shared VoTT projects, for network shares that tell no changes; 0 = never.
    watch_seconds: float = 30.0
    # Language of the command line ("" = from LANG) and level of the logs.
    lang: str = ""
    log_level: str = "info"
    # Comma list of hosts (host or host:port) whose picture URLs may be fetched; a connected tool's host always may.
    fetch_hosts: str = ""
    # Security token of VoTT 2 that opens a project's encrypted connections: its key, or the path of a file with it.
    vott_token: str = ""
    # Largest picture in megapixels, and largest project file in megabytes, that is read.
    max_megapixels: int = 200
    max_file_megabytes: int = 512
    # Seconds that a validator from a package or the plugin folder may take before it is ended.
    validator_seconds: float = 60.0
    # Threads of the web server.
    web_threads: int = 32
    # Private folder for the embedded broker's socket (at most 90 characters); empty = a fresh one.
    run_dir: str = ""

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None, **overrides: Any) -> Settings:
        """Settings from the environment; overrides that are not None win; raises UsageError on a wrong type."""
        environ = os.environ if environ is None else environ
        values = {name: v for name, v in overrides.items() if v is not None}
        for name, kind in get_type_hints(cls).items():
            text = environ.get(PREFIX + name.upper())
            if name not in values and text:
                values[name] = _convert(name, kind, text)
        return cls(**values)

    def environment(self) -> dict[str, str]:
        """The variables that make from_env give these settings again (for child processes)."""
        return {
            PREFIX + f.name.upper(): str(getattr(self, f.name))
            for f in fields(self)
            if getattr(self, f.name) != f.default
        }

    def database(self) -> str:
        """The SQLAlchemy URL of the store."""
        return self.database_url or f"sqlite:///{self.data.absolute() / 'store.sqlite3'}"

    def url(self) -> str:
        """How others reach the web server."""
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")


def _convert(name: str, kind: type, text: str) -> Any:
    try:
        return kind(text)
    except ValueError:
        raise UsageError("setting-wrong", setting=PREFIX + name.upper(), wanted=kind.__name__, found=text) from None
