"""Pyramids of ROIs' images, and the chore that makes one."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

CHANGES = """
CREATE TABLE pyramids (
    image_sha256 text PRIMARY KEY REFERENCES images,
    object_key text NOT NULL,
    sha256 text NOT NULL,
    bytes bigint NOT NULL,
    tile_px int NOT NULL,
    overlap_px int NOT NULL,
    width_px int NOT NULL,
    height_px int NOT NULL,
    levels int NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

ALTER TABLE chores DROP CONSTRAINT chores_kind_check;
ALTER TABLE chores ADD CONSTRAINT chores_kind_check CHECK (kind IN ('ingest', 'overlay', 'compare', 'pyramid'));
"""


def upgrade() -> None:
    """Makes them."""
    op.execute(CHANGES)
