"""What a tool's files held before we wrote into them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "overwritten",
        sa.Column("id", _ID, nullable=False),
        sa.Column("source_id", _ID, nullable=False),
        sa.Column("image_id", _ID, nullable=False),
        sa.Column("content_hash", sa.String(length=64), nullable=True),
        sa.Column("revision_id", _ID, nullable=True),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("returns", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["image_id"], ["image.id"], name=op.f("fk_overwritten_image_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["source_id"], ["source.id"], name=op.f("fk_overwritten_source_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_overwritten")),
    )
    op.create_index(op.f("ix_overwritten_image_id"), "overwritten", ["image_id"])
    op.create_index(op.f("ix_overwritten_source_id_image_id"), "overwritten", ["source_id", "image_id"])


def downgrade() -> None:
    """Take back."""
    op.drop_table("overwritten")
