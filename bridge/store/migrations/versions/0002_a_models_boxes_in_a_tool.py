"""What became of a model's boxes in a tool: where they stand, what was offered, how it was judged."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "standing",
        sa.Column("source_id", _ID, nullable=False),
        sa.Column("image_id", _ID, nullable=False),
        sa.Column("looked", sa.Boolean(), nullable=False),
        sa.Column("boxes", sa.Integer(), nullable=False),
        sa.Column("doc", sa.LargeBinary(), nullable=False),
        _belongs("standing", "source"),
        _belongs("standing", "image"),
        sa.PrimaryKeyConstraint("source_id", "image_id", name=op.f("pk_standing")),
    )
    op.create_index(op.f("ix_standing_image_id"), "standing", ["image_id"])
    op.create_table(
        "offer",
        sa.Column("source_id", _ID, nullable=False),
        sa.Column("image_id", _ID, nullable=False),
        sa.Column("checkpoint_id", sa.String(length=40), nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.Column("looked", sa.Boolean(), nullable=False),
        sa.Column("doc", sa.LargeBinary(), nullable=False),
        _belongs("offer", "image"),
        _belongs("offer", "checkpoint"),
        sa.PrimaryKeyConstraint("source_id", "image_id", "checkpoint_id", name=op.f("pk_offer")),
    )
    op.create_index(op.f("ix_offer_image_id"), "offer", ["image_id"])
    op.create_table(
        "judgement",
        sa.Column("image_id", _ID, nullable=False),
        sa.Column("revision_id", _ID, nullable=False),
        sa.Column("checkpoint_id", sa.String(length=40), nullable=True),
        _belongs("judgement", "image"),
        _belongs("judgement", "checkpoint"),
        sa.PrimaryKeyConstraint("image_id", name=op.f("pk_judgement")),
    )
    op.create_table(
        "judged",
        sa.Column("image_id", _ID, nullable=False),
        sa.Column("label_id", _ID, nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in _VERDICTS),
        _belongs("judged", "judgement", "image_id"),
        _belongs("judged", "label"),
        sa.PrimaryKeyConstraint("image_id", "label_id", name=op.f("pk_judged")),
    )


_VERDICTS = ("kept", "moved", "relabelled", "deleted", "added")


def _belongs(table: str, other: str, key: str = "id") -> sa.ForeignKeyConstraint:
    column = key if key != "id" else f"{other}_id"
    return sa.ForeignKeyConstraint([column], [f"{other}.{key}"], name=op.f(f"fk_{table}_{column}"), ondelete="CASCADE")


def downgrade() -> None:
    """Take back."""
    for table in ("judged", "judgement", "offer", "standing"):
        op.drop_table(table)
