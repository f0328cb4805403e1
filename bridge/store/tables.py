"""The tables; every change of them is a migration (a test compares the two)."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.types import TypeDecorator

# Names of constraints, so that migrations can speak of them on both databases.
metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite numbers rows by itself only in a column of type INTEGER.
Id = BigInteger().with_variant(Integer(), "sqlite")


class Json(TypeDecorator[Any]):
    """A small JSON value kept as text."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> str | None:
        """To text."""
        return None if value is None else msgspec.json.encode(value).decode()

    def process_result_value(self, value: str | None, dialect: Any) -> Any:
        """From text."""
        return None if value is None else msgspec.json.decode(value)


def _project(**rest: Any) -> Column[str]:
    return Column("project", String(80), ForeignKey("project.id", ondelete="CASCADE"), nullable=False, **rest)


def _image(**rest: Any) -> Column[int]:
    return Column("image_id", Id, ForeignKey("image.id", ondelete="CASCADE"), nullable=False, **rest)


project = Table(
    "project",
    metadata,
    Column("id", String(80), primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("created", String(32), nullable=False),
    Column("published", String(40)),  # the checkpoint that pre-labels
)

label = Table(
    "label",
    metadata,
    Column("id", Id, primary_key=True),
    _project(),
    Column("name", Text, nullable=False),
    Column("color", String(16)),
    Column("position", Integer, nullable=False),
    Column("merged_into", Id),  # read as that label since; old revisions keep the id they were written with
    UniqueConstraint("project", "name"),
)

source = Table(
    "source",
    metadata,
    Column("id", Id, primary_key=True),
    _project(),
    Column("name", Text, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("place", Text, nullable=False),
    Column("options", Json, nullable=False),
    Column("sealed", LargeBinary),  # credentials, encrypted
    Column("cursor", Text),
    Column("heads_rule", String(32)),
    UniqueConstraint("project", "name"),
)

image = Table(
    "image",
    metadata,
    Column("id", Id, primary_key=True),
    _project(),
    Column("name", Text, nullable=False),
    Column("folded", Text, nullable=False),  # NFC, for comparing
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("sha256", String(64), index=True),
    Column("orientation", Integer, nullable=False),
    Column("path", Text),
    Column("file_size", BigInteger),
    Column("mtime_ns", BigInteger),
    UniqueConstraint("project", "folded"),
    Index(None, "project", "id"),  # pages of a list
)

# What decoding a picture showed, by its bytes: the same bytes are never decoded twice, in whichever project.
learned = Table(
    "learned",
    metadata,
    Column("kind", String(32), primary_key=True),
    Column("sha256", String(64), primary_key=True),
    Column("found", LargeBinary, nullable=False),
)

# What one tool last said of one picture: its own id, and the content it held when we last read it.
source_item = Table(
    "source_item",
    metadata,
    Column("source_id", Id, ForeignKey("source.id", ondelete="CASCADE"), primary_key=True),
    Column("image_id", Id, ForeignKey("image.id", ondelete="CASCADE"), primary_key=True),
    Column("item", Text),
    Column("content_hash", String(64)),
    Column("revision_id", Id),
    Column("extra", LargeBinary),
    Column("gone", Boolean, nullable=False),
    Column("open", Integer, nullable=False),  # boxes of a model among a person's that nobody has judged yet
    Index(None, "source_id", "item"),
)

# What a tool held of a picture before we wrote into its files: a tool that still has it in memory writes it back.
overwritten = Table(
    "overwritten",
    metadata,
    Column("id", Id, primary_key=True),
    Column("source_id", Id, ForeignKey("source.id", ondelete="CASCADE"), nullable=False),
    _image(index=True),
    Column("content_hash", String(64)),
    Column("revision_id", Id),
    Column("at", Float, nullable=False),
    Column("returns", Integer, nullable=False),  # how often the tool came back to it
    Index(None, "source_id", "image_id"),
)

revision = Table(
    "revision",
    metadata,
    Column("id", Id, primary_key=True),
    _image(index=True),
    Column("parent_id", Id),
    Column("at", String(32), nullable=False),
    Column("author", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("boxes", Integer, nullable=False),
    Column("content_hash", String(64), nullable=False),
    Column("doc", LargeBinary, nullable=False),
)

head = Table(
    "head",
    metadata,
    Column("image_id", Id, ForeignKey("image.id", ondelete="CASCADE"), primary_key=True),
    Column("revision_id", Id, ForeignKey("revision.id", ondelete="CASCADE"), primary_key=True, index=True),
)

revision_label = Table(
    "revision_label",
    metadata,
    Column("revision_id", Id, ForeignKey("revision.id", ondelete="CASCADE"), primary_key=True),
    Column("label_id", Id, ForeignKey("label.id", ondelete="CASCADE"), primary_key=True),
    Column("n", Integer, nullable=False),
    Index(None, "label_id", "revision_id", "n"),  # boxes by label without touching the table
)

finding = Table(
    "finding",
    metadata,
    Column("id", Id, primary_key=True),
    _project(index=True),
    Column("image_id", Id, ForeignKey("image.id", ondelete="CASCADE"), index=True),
    Column("origin", String(16), nullable=False),  # import or check
    Column("rule", String(64), nullable=False),
    Column("severity", String(16), nullable=False),
    Column("region", Integer),
    Column("fix", String(32)),
    Column("fields", Json, nullable=False),
    Index(None, "project", "rule", "severity"),
)

dataset_version = Table(
    "dataset_version",
    metadata,
    Column("id", String(64), primary_key=True),
    _project(index=True),
    Column("labels", Json, nullable=False),
    Column("seed", Integer, nullable=False),
    Column("fraction", Float, nullable=False),
    Column("created", String(32), nullable=False),
)

dataset_member = Table(
    "dataset_member",
    metadata,
    Column("version", String(64), ForeignKey("dataset_version.id", ondelete="CASCADE"), primary_key=True),
    Column("image_id", Id, ForeignKey("image.id", ondelete="CASCADE"), primary_key=True),
    Column("name", Text, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("revision_id", Id, nullable=False),
    Column("content_hash", String(64), nullable=False),
    Column("part", String(8), nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("orientation", Integer, nullable=False),
)

job = Table(
    "job",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("project", String(80), ForeignKey("project.id", ondelete="CASCADE")),
    Column("kind", String(32), nullable=False),
    Column("queue", String(120), nullable=False),
    Column("payload", Json, nullable=False),
    Column("state", String(16), nullable=False),
    Column("due", Float, nullable=False),
    Column("sent", Float),  # when it was last given to the broker
    Column("attempts", Integer, nullable=False),
    Column("holder", Text),
    Column("lease_number", Integer, nullable=False),
    Column("lease_until", Float),
    Column("cause", Text, nullable=False),
    Column("cancel_wanted", Boolean, nullable=False),
    Column("progress", Json, nullable=False),
    Column("failure", Json),
    Column("created", String(32), nullable=False),
    Index(None, "state", "due"),
)

node = Table(
    "node",
    metadata,
    Column("name", String(120), primary_key=True),
    Column("gpus", Json, nullable=False),
    Column("engine", Json, nullable=False),
    Column("queues", Json, nullable=False),
    Column("disk_free", BigInteger),
    Column("draining", Boolean, nullable=False),
    Column("seen", Float, nullable=False),
)

run = Table(
    "run",
    metadata,
    Column("id", String(40), primary_key=True),
    _project(index=True),
    Column("version", String(64), ForeignKey("dataset_version.id"), nullable=False),
    Column("job_id", String(40), ForeignKey("job.id"), nullable=False, unique=True),
    Column("recipe", Json, nullable=False),
    Column("created", String(32), nullable=False),
    Column("node", String(120)),
    Column("started", String(32)),
    Column("ended", String(32)),
    Column("iteration", Integer, nullable=False),
    Column("transcript", String(64)),  # blob of the raw output
    Column("report", String(64)),  # blob of the rendered file
)

event = Table(
    "event",
    metadata,
    Column("run_id", String(40), ForeignKey("run.id", ondelete="CASCADE"), primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("at", Float, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("fields", Json, nullable=False),
)

checkpoint = Table(
    "checkpoint",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("run_id", String(40), ForeignKey("run.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("iteration", Integer, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("blob", String(64), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("created", String(32), nullable=False),
    Column("detections", String(64)),  # blob of the held-out part's detections
    Column("detector", Json),  # how they were made
    UniqueConstraint("run_id", "blob"),
)

scores = Table(
    "scores",
    metadata,
    Column("checkpoint_id", String(40), ForeignKey("checkpoint.id", ondelete="CASCADE"), primary_key=True),
    Column("protocol", String(32), primary_key=True),
    Column("map", Float, nullable=False),
    Column("doc", Json, nullable=False),
)

prediction = Table(
    "prediction",
    metadata,
    Column("checkpoint_id", String(40), ForeignKey("checkpoint.id", ondelete="CASCADE"), primary_key=True),
    Column("image_id", Id, ForeignKey("image.id", ondelete="CASCADE"), primary_key=True),
    Column("at", String(32), nullable=False),
    Column("doc", LargeBinary, nullable=False),
)

delivery = Table(
    "delivery",
    metadata,
    Column("id", Id, primary_key=True),
    Column("direction", String(4), nullable=False),
    Column("kind", String(40), nullable=False),
    Column("project", String(80), ForeignKey("project.id", ondelete="CASCADE")),
    Column("key", String(200), nullable=False),
    Column("body", Json, nullable=False),
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("outcome", Json, nullable=False),
    Column("at", String(32), nullable=False),
    UniqueConstraint("direction", "key"),
    Index(None, "state"),
)

token = Table(
    "token",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("name", Text, nullable=False),
    Column("role", String(16), nullable=False),  # admin, node, read, login
    Column("digest", String(64), nullable=False, unique=True),
    Column("created", String(32), nullable=False),
    Column("expires", Float),
    Column("revoked", Boolean, nullable=False),
)

ledger = Table(
    "ledger",
    metadata,
    Column("id", Id, primary_key=True),
    Column("at", String(32), nullable=False),
    Column("who", Text, nullable=False),
    Column("what", String(64), nullable=False),
    Column("project", String(80)),
    Column("fields", Json, nullable=False),
)

# ---------------------------------------------------------------- what became of a model's boxes in a tool

# A model's boxes that stand in a tool's file, untouched, as we last read it there.
standing = Table(
    "standing",
    metadata,
    Column("source_id", Id, ForeignKey("source.id", ondelete="CASCADE"), primary_key=True),
    _image(primary_key=True, index=True),
    Column("looked", Boolean, nullable=False),  # somebody has seen the picture there since
    Column("boxes", Integer, nullable=False),
    Column("doc", LargeBinary, nullable=False),
)

# A model's boxes as they were put before a person. They outlive the connection: what he made of them stays true.
offer = Table(
    "offer",
    metadata,
    Column("source_id", Id, primary_key=True),
    _image(primary_key=True, index=True),
    Column("checkpoint_id", String(40), ForeignKey("checkpoint.id", ondelete="CASCADE"), primary_key=True),
    Column("at", String(32), nullable=False),
    Column("looked", Boolean, nullable=False),
    Column("doc", LargeBinary, nullable=False),
)

# What a picture's present labels make of the boxes it was offered; computed anew when either has changed.
judgement = Table(
    "judgement",
    metadata,
    Column("image_id", Id, ForeignKey("image.id", ondelete="CASCADE"), primary_key=True),
    Column("revision_id", Id, nullable=False),  # the present one then; 0 = none
    Column("checkpoint_id", String(40), ForeignKey("checkpoint.id", ondelete="CASCADE")),  # None: not judged
)

judged = Table(
    "judged",
    metadata,
    Column("image_id", Id, ForeignKey("judgement.image_id", ondelete="CASCADE"), primary_key=True),
    Column("label_id", Id, ForeignKey("label.id", ondelete="CASCADE"), primary_key=True),
    *(Column(name, Integer, nullable=False) for name in ("kept", "moved", "relabelled", "deleted", "added")),
)
